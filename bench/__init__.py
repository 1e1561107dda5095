"""Measurements of this project beside its peers: `python -m bench`. A benchmark is a module here with `run`."""
