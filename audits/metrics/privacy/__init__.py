"""What rows, or a model that learned from them, give away about people."""
