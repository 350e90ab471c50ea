"""The options of the commands that only read what is stored: finished runs and the cache."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from cyclopts import Group

from benchmark.options.declare import KEYWORD_ONLY, Mark, Options, Range, option
from benchmark.options.groups import (
    CORPUS,
    MODELS,
    RESULT,
    SCORES,
    AskedCaller,
    Caller,
    MergeOptions,
    OutputOptions,
    RegistryOptions,
    ScoreOptions,
    StoredRun,
    WatchingCaller,
)

CACHE = Group("Entries", sort_key=1)
CACHE_KINDS = ("predictions", "verifications", "converted", "datasets", "speech", "runs", "logs", "leftovers")


@dataclass(frozen=True, kw_only=True)
class RecommendRequest(Caller):
    """What `recommend` takes."""

    run: StoredRun = field(default=None, kw_only=False)
    max_latency_ms: Annotated[
        float | None,
        option("--max-latency-ms", MODELS, "The median time of one segment at most.", metavar="MS", within=Range(0)),
    ] = None
    min_uar: Annotated[
        float | None,
        option(
            "--min-uar",
            MODELS,
            "The lower bound of UAR at least, on every corpus that counts.",
            metavar="X",
            within=Range(0, 1),
        ),
    ] = None
    language: Annotated[
        str | None,
        option(
            "--language",
            CORPUS,
            "Only corpora in this language count; what a model's card claims does not.",
            variable="BENCH_RECOMMEND_LANGUAGE",
            metavar="CODE",
        ),
    ] = None
    max_size_mb: Annotated[
        float | None,
        option("--max-size-mb", MODELS, "Megabytes of weight files at most.", metavar="MB", within=Range(0)),
    ] = None
    licenses: Annotated[
        Sequence[str],
        option(
            "--license",
            MODELS,
            "A licence to choose from, as the repository declares it, such as apache-2.0. Repeatable.",
            metavar="NAME",
        ),
    ] = ()
    corpora: Annotated[
        Sequence[str],
        option(
            "--corpus",
            CORPUS,
            "Only this corpus of the run counts. Repeatable. Default: all that are labelled.",
            variable="BENCH_RECOMMEND_CORPUS",
            metavar="NAME",
        ),
    ] = ()
    device: Annotated[
        str | None,
        option(
            "--device",
            MODELS,
            "What the latency belongs to. Default: the CPU, or what was timed.",
            variable="BENCH_RECOMMEND_DEVICE",
        ),
    ] = None
    write: Annotated[
        str | Path | None,
        option(
            "--write",
            RESULT,
            "Write all that may be chosen into a registry file, each at its verified revision, the pick first.",
            metavar="FILE",
        ),
        Mark.PATH,
    ] = None
    force: Annotated[bool, option("--force", RESULT, "Let --write replace a file."), Mark.SENDS] = False


@dataclass(frozen=True, kw_only=True)
class ReportRequest(WatchingCaller, OutputOptions, ScoreOptions, MergeOptions, RegistryOptions):
    """What `report` takes."""

    run: StoredRun = field(default=None, kw_only=False)
    models: Annotated[
        Sequence[str],
        option(
            "--model -m",
            MODELS,
            "Only this candidate of the run: its name, its id, or a pattern such as 'superb/*'. Repeatable.",
            variable="BENCH_REPORT_MODEL",
            metavar="NAME",
        ),
    ] = ()
    corpora: Annotated[
        Sequence[str],
        option(
            "--corpus",
            CORPUS,
            "Only this corpus of the run, or a pattern. Repeatable.",
            variable="BENCH_REPORT_CORPUS",
            metavar="NAME",
        ),
    ] = ()
    min_emotions: Annotated[
        int | None,
        option(
            "--min-emotions",
            MODELS,
            "Leave out the scores of candidates that distinguish fewer emotions. Default: as the run did.",
            metavar="N",
            within=Range(1),
        ),
    ] = None
    by: Annotated[
        Sequence[str],
        option(
            "--by",
            SCORES,
            "Score the parts of each corpus by this column of it, beside sex, language and duration. Repeatable.",
            metavar="COLUMN",
        ),
    ] = ()
    relabel: Annotated[
        Sequence[str],
        option(
            "--relabel",
            CORPUS,
            "Read the labels of this corpus again, such as table:clips.csv with corrected ones; clips belong "
            "together by their names. No audio is read. Repeatable.",
            metavar="NAME|SPEC",
        ),
        Mark.SOURCE,
    ] = ()
    embed_audio: Annotated[
        int,
        option(
            "--embed-audio",
            RESULT,
            "Put the recordings of N clips of each corpus into leaderboard.html, where they still are.",
            metavar="N",
            within=Range(0),
        ),
    ] = 0


@dataclass(frozen=True, kw_only=True)
class CompareRequest(Caller):
    """What `compare` takes."""

    old: Annotated[
        str | Path,
        option("OLD", RESULT, "The run before: a folder of reports, or the name or the file of a run."),
    ] = field(kw_only=False)
    new: Annotated[str | Path, option("NEW", RESULT, "The run after.")] = field(kw_only=False)

    fail_on: Annotated[
        Sequence[str],
        option(
            "--fail-on",
            RESULT,
            "Exit 1 where this happens: a column of the leaderboard, < or >, and a change with its sign, as in "
            '"uar<-0.02" or "latency_p50_ms>+20%". What cannot be judged fails. Repeatable.',
            metavar="GATE",
        ),
    ] = ()
    output: Annotated[
        str | Path | None,
        option(
            "--output -o",
            RESULT,
            "Write the comparison into this file as well: JSON where it ends in .json, else Markdown.",
            variable="BENCH_COMPARE_OUTPUT",
            metavar="FILE",
        ),
        Mark.PATH,
    ] = None


@dataclass(frozen=True, kw_only=True)
class EnsembleRequest(Caller, OutputOptions):
    """What `ensemble` takes."""

    members: Annotated[
        Sequence[str],
        option(
            "CANDIDATE…",
            MODELS,
            "Candidates that the run evaluated; or best:3, to have three chosen on one half of the speakers and scored "
            "on the other, both ways.",
        ),
    ] = field(kw_only=False)
    run: StoredRun = field(default=None, kw_only=False)


@dataclass(frozen=True, kw_only=True)
class PublishRequest(AskedCaller):
    """What `publish` takes."""

    repo: Annotated[
        str,
        option(
            "--repo",
            RESULT,
            "The dataset of results; the results in models' repositories point to it.",
            variable="BENCH_PUBLISH_REPO",
            metavar="OWNER/NAME",
        ),
    ] = field(kw_only=False)
    run: StoredRun = None
    candidates: Annotated[
        Sequence[str],
        option(
            "--model -m",
            MODELS,
            "Only this candidate of the run: a name, an id or a pattern. Repeatable. "
            "Default: all that come from the Hub.",
            variable="BENCH_PUBLISH_MODEL",
            metavar="NAME",
        ),
    ] = ()
    corpora: Annotated[
        Sequence[str],
        option(
            "--corpus",
            CORPUS,
            "Only this corpus of the run. Repeatable. Default: all that anybody can get; folders and tables of "
            "your own are published only where they are named here.",
            variable="BENCH_PUBLISH_CORPUS",
            metavar="NAME",
        ),
    ] = ()
    output: Annotated[
        str | Path,
        option("--output -o", RESULT, "Where the files are shown.", variable="BENCH_PUBLISH_OUTPUT", metavar="FOLDER"),
        Mark.PATH,
    ] = "reports/publish"
    push: Annotated[
        bool,
        option(
            "--push",
            RESULT,
            "Send them: a commit to the dataset, and a pull request to each model's repository.",
            variable=None,
        ),
        Mark.SENDS,
    ] = False
    private: Annotated[
        bool, option("--private", RESULT, "Make a new dataset private.", variable="BENCH_PUBLISH_PRIVATE")
    ] = False
    endpoint: Annotated[str | None, KEYWORD_ONLY] = None


@dataclass(frozen=True, kw_only=True)
class CacheRequest(Options):
    """Which part of the cache is meant; all conditions hold together."""

    kinds: Annotated[
        Sequence[str],
        option("--kind", CACHE, "Only this kind. Repeatable.", variable=None, choices=CACHE_KINDS),
        Mark.SENDS,
    ] = ()
    candidates: Annotated[
        Sequence[str],
        option(
            "--candidate",
            CACHE,
            "Only what belongs to this candidate; globs too. Repeatable.",
            variable=None,
            metavar="ID",
        ),
        Mark.SENDS,
    ] = ()
    older_than: Annotated[
        str | None,
        option(
            "--older-than",
            CACHE,
            "Only what was last written longer ago, such as 30d or 12h.",
            variable=None,
            metavar="AGE",
        ),
        Mark.SENDS,
    ] = None
    stale: Annotated[
        bool,
        option(
            "--stale",
            CACHE,
            "Only what bench would not use any more: other revisions, library versions, schemas.",
            variable=None,
        ),
        Mark.SENDS,
    ] = False


@dataclass(frozen=True, kw_only=True)
class PruneRequest(CacheRequest):
    """Which part of the cache is deleted, and whether anybody is asked."""

    everything: Annotated[bool, option("--all", CACHE, "All that bench has made.", variable=None), Mark.SENDS] = False
    dry_run: Annotated[
        bool,
        option("--dry-run", CACHE, "Show what would be deleted, and delete nothing.", variable=None),
        Mark.SENDS,
    ] = False
    yes: Annotated[bool, option("--yes", CACHE, "Delete without asking.", variable=None), Mark.SENDS] = False
