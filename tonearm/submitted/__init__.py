"""What a cluster is given as the main file of an application."""
