"""Ranked lists: who is shown what, how high, and how it changes."""
