"""Computations of the live pipeline: pure functions over Arrow, and named composite transforms around them."""
