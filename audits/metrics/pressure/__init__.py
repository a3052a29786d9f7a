"""Pressure on people: how often and how hard customers are contacted, whether it helps them, and how choices are put to them."""
