"""The commands of `tonearm`, one module each: a module here with `register(app)` is a command, no other file to edit.

A command module imports heavy libraries inside its functions, so that `tonearm --help` stays fast.
"""
