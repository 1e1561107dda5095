"""What the streaming front end talks to."""
