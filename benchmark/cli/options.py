"""The options that several commands share, so that each is described once."""

from pathlib import Path
from typing import Annotated

import typer

Candidates = Annotated[
    str | None,
    typer.Option(
        "--candidates",
        envvar="BENCH_CANDIDATES",
        metavar="FILE|demo",
        help="Registry of candidates. Default: candidates.yaml in this folder, else the packaged one.",
        show_default=False,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "-m",
        "--model",
        envvar="BENCH_MODEL",
        metavar="ID",
        help="Only this candidate: a name or id of the registry, any Hub id, or a local folder. Repeatable.",
        show_default=False,
    ),
]
Output = Annotated[
    Path,
    typer.Option("-o", "--output", envvar="BENCH_OUTPUT", metavar="FOLDER", help="Where the reports are written."),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs", envvar="BENCH_JOBS", metavar="N", min=1, help="Workers that compute at once; they share the cores."
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        envvar="BENCH_STRICT",
        help="Exit 1 where a status differs from the registry's `expect`, 3 where a candidate could not be reached.",
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", envvar="BENCH_JSON", help="Print the result as JSON on standard output, and nothing else."),
]
Quiet = Annotated[bool, typer.Option("--quiet", envvar="BENCH_QUIET", help="Show warnings and results only.")]
Verbose = Annotated[bool, typer.Option("--verbose", envvar="BENCH_VERBOSE", help="Show what is being done.")]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log-file",
        envvar="BENCH_LOG_FILE",
        metavar="FILE",
        help="Keep a log of what is being done in this file.",
        show_default=False,
    ),
]
Speakers = Annotated[
    list[str] | None,
    typer.Option(
        "--speaker",
        envvar="BENCH_SPEAKER",
        metavar="NAME",
        help="Only clips of this speaker, as the corpus writes it. Repeatable.",
        show_default=False,
    ),
]
Languages = Annotated[
    list[str] | None,
    typer.Option(
        "--language",
        envvar="BENCH_LANGUAGE",
        metavar="CODE",
        help="Only clips in this language, as the corpus writes it. Repeatable.",
        show_default=False,
    ),
]
OnlyLabels = Annotated[
    list[str] | None,
    typer.Option(
        "--only-label",
        envvar="BENCH_ONLY_LABEL",
        metavar="LABEL",
        help="Only clips with this label, or of this emotion. Repeatable.",
        show_default=False,
    ),
]
Sample = Annotated[
    int | None,
    typer.Option(
        "--sample",
        envvar="BENCH_SAMPLE",
        metavar="N",
        min=1,
        help="At most so many clips of each corpus, drawn so that each label keeps its share.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option("--seed", envvar="BENCH_SEED", metavar="S", help="Which sample --sample draws.")]
