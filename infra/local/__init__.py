"""The real servers as child processes of one supervisor, for a laptop and for tests."""
