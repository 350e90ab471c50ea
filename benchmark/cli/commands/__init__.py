"""One command a module: the function of the module's name, or an application of several commands.

Every module here is found and registered by `benchmark.cli.main`. At its top it imports options only, so that help is
there at once; what the command needs is imported when it runs.
"""
