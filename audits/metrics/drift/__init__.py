"""How far data have moved from their reference, what chance explains of it, and what a classifier sees of it."""
