"""The command line: arguments in, console out."""
