"""What comparisons of groups mean."""
