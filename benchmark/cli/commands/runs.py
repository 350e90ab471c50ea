"""`bench runs`: list, show and remove finished runs."""

from typing import TYPE_CHECKING

from cyclopts import App

from benchmark.options.declare import command
from benchmark.options.report_commands import RemoveRunsRequest, ShowRunRequest
from benchmark.options.shared import JsonOptions, StoreOptions

if TYPE_CHECKING:
    from benchmark.results.runs import ListedRun

runs = App(name="runs", help="List, show or remove finished runs, which are kept in .bench or $BENCH_CACHE.")


@runs.default
@command
def ls(*, options: StoreOptions, console: JsonOptions) -> int:
    """List the finished runs, the latest first: when, on what, the best candidate of each corpus, the exit code.

    With --store those of other machines, too.
    """
    from benchmark.cli.console import print_note
    from benchmark.cli.tables import Column, print_table
    from benchmark.reporting.csv_and_json import json_document
    from benchmark.reporting.numbers import moment
    from benchmark.results.runs import describe_runs
    from benchmark.settings import Settings

    cache = Settings().cache
    _fetch_runs(options)
    listed = describe_runs(cache)
    if console.as_json:
        print(json_document({"runs": [_plain(run) for run in listed]}), end="")
        return 0
    if not listed:
        print_note(f"There is no run in {cache / 'runs'} yet: `bench run` makes one.")
        return 0
    print_table(
        ["run", "name", "when", "corpora", Column("candidates", number=True), "best", Column("exit", number=True)],
        [
            (
                run.path.stem,
                run.name or "",
                moment(run.created),
                "" if run.summary is None else ", ".join(run.summary.corpora),
                "" if run.summary is None else str(run.summary.candidates),
                _best(run),
                "" if run.summary is None else str(run.summary.exit_code),
            )
            for run in listed
        ],
        title=str(cache / "runs"),
    )
    return 0


@runs.command
@command
def show(*, options: ShowRunRequest, console: JsonOptions) -> int:
    """Show one run: its command, corpora and candidates. `bench report --run NAME` writes its reports again."""
    from benchmark.cli.tables import Column, print_table
    from benchmark.reporting.csv_and_json import json_document
    from benchmark.reporting.numbers import moment
    from benchmark.results.runs import load_run
    from benchmark.settings import Settings

    _fetch_runs(options)
    record = load_run(Settings().cache, options.run)
    if console.as_json:
        print(json_document(record.model_dump(mode="json", exclude={"corpora": {"__all__": {"clips"}}})), end="")
        return 0
    evaluated = {evaluation.candidate for evaluation in record.evaluations}
    facts = [("when", moment(record.created)), ("name", record.name or ""), ("registry", record.registry)]
    if record.request is not None:
        facts += [("command", record.request.command_line), ("folder", record.request.folder)]
    facts.append(("complete", "yes" if record.complete else "no"))
    print_table(["", "run"], facts)
    print_table(
        ["corpus", "source", Column("clips", number=True)],
        [(corpus.name, corpus.source, f"{len(corpus.clips):,}") for corpus in record.corpora],
    )
    print_table(
        ["candidate", "status", "evaluated"],
        [
            (candidate.candidate, candidate.status.value, "yes" if candidate.candidate in evaluated else "")
            for candidate in record.verifications
        ],
    )
    return 0


@runs.command
@command
def remove(*, options: RemoveRunsRequest, console: JsonOptions) -> int:
    """Delete the records of runs. Answers stay, as other runs may use them; `bench cache prune` deletes those."""
    from benchmark.cli.console import print_note
    from benchmark.reporting.csv_and_json import json_document
    from benchmark.results.runs import remove_runs
    from benchmark.settings import Settings

    removed = remove_runs(Settings().cache, options.names)
    if console.as_json:
        print(json_document({"removed": [path.stem for path in removed]}), end="")
    else:
        print_note(f"Removed: {', '.join(path.stem for path in removed)}.")
    return 0


def _fetch_runs(options: StoreOptions) -> None:
    """Copy the runs of the store, if one is named, into the cache."""
    from benchmark.api.store import open_store
    from benchmark.cli.console import ConsoleProgress
    from benchmark.settings import Settings

    with open_store(options.store, Settings(), ConsoleProgress(quiet=True), writes=False) as store:
        store.fetch_runs()


def _best(run: "ListedRun") -> str:
    from benchmark.reporting.numbers import fraction

    rows = () if run.summary is None else run.summary.best
    return ", ".join(f"{row.candidate} {fraction(row.uar)} on {row.corpus}" for row in rows)


def _plain(run: "ListedRun") -> dict[str, object]:
    summary = None if run.summary is None else run.summary.model_dump(mode="json")
    return {"run": run.path.stem, "name": run.name, "created": run.created.isoformat(), "summary": summary}
