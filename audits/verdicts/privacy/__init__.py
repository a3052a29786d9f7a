"""What attacks, ages and anonymity mean."""
