"""How streams are computed: named composite transforms, sources and sinks only at the edge."""
