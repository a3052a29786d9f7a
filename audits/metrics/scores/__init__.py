"""How good predictions are: against labels, against a baseline, or estimated without labels."""
