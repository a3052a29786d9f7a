"""What counts of images and pairs of them mean."""
