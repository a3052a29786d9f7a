"""Which columns hold personal data: by their values, by their names."""
