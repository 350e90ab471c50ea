"""One command a module: the function of the module's name, or an application of several commands.

`benchmark.cli.main` registers every module here. Modules import only options at their top, so that `--help` is fast.
"""
