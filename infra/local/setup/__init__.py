"""Set-up of the toolchain: environments, a Java runtime and jars, all below one git-ignored folder.

Started by the Makefile with nothing but Python on the machine, so that it uses the standard library only. Each part
leaves a stamp that names what it was made from; a part whose stamp still fits is not touched again.
"""
