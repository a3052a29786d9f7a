"""What could be done about a disparity: candidates, tuned on one half of the rows and told on the other."""
