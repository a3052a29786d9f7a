"""What measured candidates mean: offers, never changes."""
