"""The options that several commands share, so that each is described once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.completion import complete_candidates

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
        autocompletion=complete_candidates,
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
RepairHeads = Annotated[
    bool,
    typer.Option(
        "--repair-heads/--no-repair-heads",
        envvar="BENCH_REPAIR_HEADS",
        help="Rebuild known heads that transformers has no class for, from the checkpoint's own weights.",
    ),
]
MaxDownload = Annotated[
    float | None,
    typer.Option(
        "--max-download-gb",
        envvar="BENCH_MAX_DOWNLOAD_GB",
        metavar="GB",
        min=0.0,
        help="Download at most so much in all; what is over it is skipped. Default: 5, and more after asking.",
        show_default=False,
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


class ChannelName(StrEnum):
    """What of a recording's channels is heard."""

    MIX = "mix"
    LEFT = "left"
    RIGHT = "right"
    EACH = "each"


class PresetName(StrEnum):
    """Merges of one name."""

    SENTIMENT = "sentiment"
    AROUSAL = "arousal"
    BIG4 = "big4"


Channel = Annotated[
    ChannelName | None,
    typer.Option(
        "--channel",
        envvar="BENCH_CHANNEL",
        help="What of stereo recordings is heard; `each` makes both sides of a call clips of their own. "
        "Default: as the registry says, else mix.",
        show_default=False,
    ),
]
FindSpeech = Annotated[
    bool,
    typer.Option(
        "--find-speech/--no-find-speech",
        envvar="BENCH_FIND_SPEECH",
        help="Find out how much of each clip is speech; an hour of audio takes about half a minute, once.",
    ),
]
SkipSilence = Annotated[
    bool,
    typer.Option("--skip-silence", envvar="BENCH_SKIP_SILENCE", help="Leave out the clips in which nobody speaks."),
]
MinSpeech = Annotated[
    float,
    typer.Option(
        "--min-speech",
        envvar="BENCH_MIN_SPEECH",
        metavar="SHARE",
        min=0.0,
        max=1.0,
        help="Leave out the clips in which people speak for a smaller share of the time, such as 0.2.",
    ),
]
Merge = Annotated[
    list[str] | None,
    typer.Option(
        "--merge",
        envvar="BENCH_MERGE",
        metavar="A=B",
        help="Count emotion A as B, in labels and answers, such as calm=neutral. Repeatable.",
        show_default=False,
    ),
]
MergePreset = Annotated[
    PresetName | None,
    typer.Option(
        "--merge-preset",
        envvar="BENCH_MERGE_PRESET",
        help="Merges of one name; `bench labels --merge-preset NAME` shows them. What --merge says counts more.",
        show_default=False,
    ),
]
Run = Annotated[
    str | None,
    typer.Option(
        "--run",
        envvar="BENCH_RUN",
        metavar="NAME|FILE",
        help="Which run: the name of its file in .bench/runs, or the beginning of it. Default: the latest finished.",
        show_default=False,
    ),
]
Focus = Annotated[
    list[str] | None,
    typer.Option(
        "--focus",
        envvar="BENCH_FOCUS",
        metavar="EMOTION",
        help="Tell how well each candidate finds this one emotion among all others, such as anger. Repeatable.",
        show_default=False,
    ),
]
RankSeen = Annotated[
    bool,
    typer.Option(
        "--rank-seen",
        envvar="BENCH_RANK_SEEN",
        help="Rank candidates on corpora that they were trained on, too; they stay flagged.",
    ),
]
