"""The programs `bench` and `ser-bench`; their commands are the modules of `benchmark.cli.commands`."""

from benchmark.cli.process import (
    INTERRUPTED,
    end_as_on_ctrl_c,
    interrupted_in_a_line,
    missing_folder,
    prepare_streams,
)

with interrupted_in_a_line():
    import errno
    import pkgutil
    import sys
    from functools import partial
    from pathlib import Path
    from typing import Literal, NoReturn

    from cyclopts import App, CycloptsError, Group
    from cyclopts.help import DefaultFormatter
    from rich.console import Console

    from benchmark.cli import commands
    from benchmark.cli.config import apply_config
    from benchmark.cli.usage import PlainHelp, refuse_empty, refuse_fractions, sentence
    from benchmark.errors import EXIT_ENVIRONMENT, EXIT_INTERRUPTED, EXIT_REQUEST, BenchError, RequestError
    from benchmark.reporting.wrapping import terminal_columns

_FRAMED_FROM_COLUMNS = 72
_ANY_HEIGHT = 25
_IMPLIED_VALUES = {"--race": "speakers"}
_OPTIONS = Group("Options", sort_key=9)

Shell = Literal["bash", "zsh", "fish", "powershell"]


def _version() -> str:
    from benchmark.results.environment import installed_version

    return f"bench {installed_version('ser-bench') or '(not installed)'}"


def _build() -> App:
    """Register the commands, whose modules are imported when they are used."""
    app = App(
        name="bench",
        help="Which speech-emotion model to use, for your audio, on your machine, and whether to trust the answer.",
        help_flags=["--help", "-h"],
        help_format="plaintext",
        version=_version,
        version_flags=["--version"],
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for module in pkgutil.iter_modules(commands.__path__):
        app.command(f"{commands.__name__}.{module.name}:{module.name}", name=module.name)
    app.config = (refuse_empty, partial(apply_config, app), refuse_fractions)
    for flag, text in (("--help", "Show this message and exit."), ("--version", "Show the version and exit.")):
        app[flag].group, app[flag].help = _OPTIONS, text
    app.command(_show_completion, name="--show-completion", group=_OPTIONS)
    app.command(_install_completion, name="--install-completion", group=_OPTIONS)
    return app


def _show_completion(shell: Shell | None = None) -> None:
    """Print the completion script of the current shell, or of the one named."""
    print(app.generate_completion(prog_name=Path(sys.argv[0]).name, shell=shell or _current_shell()))


def _install_completion(shell: Shell | None = None) -> None:
    """Install completion for the current shell, or for the one named."""
    path = app.install_completion(shell=shell or _current_shell())
    print(f"Installed: {path}. It works in the next shell that you start.")


def _current_shell() -> Shell:
    from cyclopts.completion.detect import ShellDetectionError, detect_shell

    try:
        return detect_shell()
    except ShellDetectionError as error:
        raise RequestError("Which shell? Name it: bash, zsh, fish or powershell.") from error


app = _build()


def main() -> None:
    """Run the command line and exit with its code; an expected error is printed as one line."""
    prepare_streams()
    end_as_on_ctrl_c()
    try:
        if (problem := missing_folder()) is not None:
            _fail(problem, EXIT_ENVIRONMENT)
        sys.exit(_run(sys.argv[1:]))
    except CycloptsError as error:
        _fail(sentence(error), EXIT_REQUEST)
    except BenchError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail(INTERRUPTED, EXIT_INTERRUPTED)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            _fail(f"{str(error.filename)[:60]}… is longer than a path can be: check it.", EXIT_REQUEST)
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}:
            raise
        _fail(f"{error.filename or 'A file'} cannot be written: {error.strerror}.", EXIT_ENVIRONMENT)


def _fail(message: str, exit_code: int) -> NoReturn:
    from benchmark.cli.console import print_error

    print_error(message)
    sys.exit(exit_code)


def _with_implied_values(words: list[str]) -> list[str]:
    """Put the value that is meant after an option that may stand without one, which cyclopts does not know.

    Examples:
        >>> _with_implied_values(["run", "--race", "-m", "a"]), _with_implied_values(["run", "--race", "table"])
        (['run', '--race', 'speakers', '-m', 'a'], ['run', '--race', 'table'])
    """
    complete = []
    for word, following in zip(words, [*words[1:], None], strict=True):
        complete.append(word)
        if word in _IMPLIED_VALUES and (following is None or following.startswith("-")):
            complete.append(_IMPLIED_VALUES[word])
    return complete


def _run(words: list[str]) -> int:
    """Run one command.

    Returns:
        Its exit code; that of a wrong request, with the help on standard error, if no command is named.
    """
    columns = terminal_columns()
    # Frames leave no room for the names of options, and a pipe needs lines.
    app.help_formatter = DefaultFormatter() if (columns or 0) >= _FRAMED_FROM_COLUMNS else PlainHelp()
    words = _with_implied_values(words)
    chain, applications, rest = app.parse_commands(words)
    if not chain or chain[0] in app.help_flags:
        app.resolved_commands()  # the list of commands describes all of them
    if not rest and applications[-1].default_command is None:
        app.help_print(chain, console=Console(stderr=True))
        return EXIT_REQUEST
    # Without a height rich takes every dumb terminal for 80 columns wide.
    console = Console() if columns is None else Console(width=columns, height=_ANY_HEIGHT)
    return app(words, console=console, exit_on_error=False, print_error=False) or 0
