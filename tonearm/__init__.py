"""The command line, `tonearm`: the only package that may import all the others."""
