"""Silver tables."""
