"""What contacts, uplift and checklists mean."""
