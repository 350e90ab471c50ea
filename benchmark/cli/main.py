"""The commands `bench` and `ser-bench`.

No room is imported at the top of a command's module, so that help is there at once.
"""

from benchmark.cli.interruption import INTERRUPTED, told_in_a_line

with told_in_a_line():
    import errno
    import signal
    import sys
    from typing import Annotated, NoReturn

    import typer

    from benchmark.cli import (
        cache,
        candidates,
        compare,
        corpus,
        discover,
        doctor,
        ensemble,
        labels,
        predict,
        publish,
        recommend,
        report,
        run,
        verify,
    )
    from benchmark.cli.console import print_error
    from benchmark.cli.streams import prepare_streams, terminal_columns
    from benchmark.errors import EXIT_ENVIRONMENT, EXIT_INTERRUPTED, BenchError

_FRAMED_FROM_COLUMNS = 72

app = typer.Typer(
    name="bench",
    help="Which speech-emotion model to use, for your audio, on your machine, and whether to trust the answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("verify")(verify.verify)
app.command("run")(run.run)
app.command("candidates")(candidates.candidates)
app.command("labels")(labels.labels)
app.command("discover")(discover.discover)
app.command("recommend")(recommend.recommend)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("ensemble")(ensemble.ensemble)
app.command("corpus")(corpus.corpus)
app.command("predict")(predict.predict)
app.command("doctor")(doctor.doctor)
app.command("publish")(publish.publish)
app.add_typer(cache.app, name="cache")


def _print_version(wanted: bool) -> None:
    if wanted:
        from benchmark.results.environment import installed_version

        typer.echo(f"bench {installed_version('ser-bench') or '(not installed)'}")
        raise typer.Exit


@app.callback()
def _bench(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Choose a speech-emotion model on evidence."""


def _end_as_on_ctrl_c(_number: int, _frame: object) -> NoReturn:
    """End on SIGTERM, which schedulers and service managers send, as on Ctrl-C: what was finished is kept and told."""
    raise KeyboardInterrupt


def _tell_interrupted() -> None:
    print_error(INTERRUPTED)


def main() -> None:
    """Run the command line and exit with its code; what a user can understand is one line, never a traceback."""
    prepare_streams()
    signal.signal(signal.SIGTERM, _end_as_on_ctrl_c)
    if (terminal_columns() or 0) < _FRAMED_FROM_COLUMNS:
        app.rich_markup_mode = None  # frames leave no room for the names of options
    try:
        app()
    except BenchError as error:
        print_error(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _tell_interrupted()
        sys.exit(EXIT_INTERRUPTED)
    except SystemExit as ended:
        # Typer turns Ctrl-C into an exit without a word; commands that end by themselves have said theirs.
        if isinstance(getattr(ended.__context__, "__cause__", None), KeyboardInterrupt):
            _tell_interrupted()
        raise
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}:
            raise
        print_error(f"{error.filename or 'A file'} cannot be written: {error.strerror}.")
        sys.exit(EXIT_ENVIRONMENT)
