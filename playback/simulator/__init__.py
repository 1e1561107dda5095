"""A small streaming service in numbers: seeded, so that the same seed and size always give the same events."""
