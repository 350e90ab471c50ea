"""The options of the commands that look at models and audio: shared groups, and what each has of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from benchmark.options.declare import KEYWORD_ONLY, Mark, Options, Range, option
from benchmark.options.groups import (
    CORPUS,
    INFERENCE,
    MODELS,
    RESULT,
    SCORES,
    AskedCaller,
    CandidateOptions,
    Channel,
    ClipOptions,
    InferenceOptions,
    LoadOptions,
    MergeOptions,
    OutputOptions,
    RegistryOptions,
    ScoreOptions,
    WatchingCaller,
    WorkOptions,
    complete_candidates,
    complete_corpora,
)


@dataclass(frozen=True, kw_only=True)
class VerifyRequest(AskedCaller, WatchingCaller, WorkOptions, LoadOptions, CandidateOptions):
    """What `verify` takes."""

    depth: Annotated[
        Literal["inspect", "load", "probe"],
        option(
            "--depth",
            MODELS,
            "inspect: without weights, from some kilobytes. load: load those that are undecided then. "
            "probe: ask those that load, too.",
        ),
    ] = "probe"
    free_cache: Annotated[
        bool, option("--free-cache", MODELS, "Delete what this run has downloaded of a model after use."), Mark.SENDS
    ] = False
    refresh: Annotated[bool, option("--refresh", MODELS, "Verify again what a former run has verified.")] = False


@dataclass(frozen=True, kw_only=True)
class RunRequest(
    AskedCaller,
    WatchingCaller,
    WorkOptions,
    ScoreOptions,
    MergeOptions,
    InferenceOptions,
    ClipOptions,
    LoadOptions,
    CandidateOptions,
):
    """What `run` takes."""

    corpora: Annotated[
        Sequence[str],
        option(
            "--corpus",
            CORPUS,
            "What to run on: a corpus of the registry, folder:DIR, table:FILE, ravdess:DIR and other corpora, "
            "hf:ID[:split], or a path. Repeatable. Default: all corpora of the registry.",
            metavar="NAME|SPEC",
            completer=complete_corpora,
        ),
        Mark.SOURCE,
    ] = ()
    min_emotions: Annotated[
        int,
        option(
            "--min-emotions",
            MODELS,
            "Run only candidates that distinguish at least so many emotions.",
            metavar="N",
            within=Range(1),
        ),
    ] = 2
    skip_silence: Annotated[bool, option("--skip-silence", CORPUS, "Leave out the clips in which nobody speaks.")] = (
        False
    )
    min_speech: Annotated[
        float,
        option(
            "--min-speech",
            CORPUS,
            "Leave out the clips in which people speak for a smaller share of the time, such as 0.2.",
            metavar="SHARE",
            within=Range(0, 1),
        ),
    ] = 0.0
    metrics: Annotated[
        Sequence[str],
        option(
            "--metric",
            SCORES,
            "A local module of the library evaluate, whose numbers are added to the table; its code is run. "
            "Repeatable.",
            metavar="PATH",
        ),
        Mark.RUNS_CODE,
    ] = ()
    by: Annotated[
        Sequence[str],
        option(
            "--by",
            SCORES,
            "Take the scores apart by this column of the corpora too, such as age; by sex, language and duration "
            "they always are. Repeatable.",
            metavar="COLUMN",
        ),
    ] = ()
    embed_audio: Annotated[
        int,
        option(
            "--embed-audio",
            RESULT,
            "Put the recordings of N clips of each corpus into leaderboard.html, those that most candidates get "
            "wrong or disagree on; whoever gets the page can listen to them. The others are links to local files.",
            metavar="N",
            within=Range(0),
        ),
    ] = 0


@dataclass(frozen=True, kw_only=True)
class DescribeRequest(WatchingCaller, OutputOptions, MergeOptions, ClipOptions, RegistryOptions):
    """What `describe_corpus` takes, which is `bench corpus`."""

    corpus: Annotated[
        str,
        option(
            "NAME|SPEC",
            CORPUS,
            "A corpus of the registry, folder:DIR, table:FILE, ravdess:DIR and other corpora, hf:ID[:split], "
            "or a path.",
        ),
    ] = field(kw_only=False)

    limit: Annotated[int | None, option("--limit", CORPUS, "At most so many clips.", metavar="N", within=Range(1))] = (
        None
    )


@dataclass(frozen=True, kw_only=True)
class DiscoverRequest(WatchingCaller):
    """What `discover` takes."""

    search: Annotated[str, option("--search", MODELS, "Words in names of repositories.", metavar="WORDS")] = field(
        default="emotion", kw_only=False
    )
    limit: Annotated[
        int,
        option(
            "--limit",
            MODELS,
            "How many repositories to look at, at most.",
            variable="BENCH_DISCOVER_LIMIT",
            metavar="N",
            within=Range(1, 5_000),
        ),
    ] = 200
    languages: Annotated[
        Sequence[str],
        option(
            "--language",
            MODELS,
            "Only repositories that declare this language, such as ko. Repeatable.",
            variable="BENCH_DISCOVER_LANGUAGE",
            metavar="CODE",
        ),
    ] = ()
    min_emotions: Annotated[
        int, option("--min-emotions", MODELS, "At least so many emotions.", metavar="N", within=Range(1))
    ] = 2
    sort: Annotated[
        Literal["downloads", "likes", "trending_score", "last_modified", "created_at"],
        option("--sort", MODELS, "Which repositories are looked at first."),
    ] = "downloads"
    repair_heads: Annotated[
        bool,
        option(
            "--repair-heads",
            MODELS,
            "Rebuild known heads that transformers has no class for, from the checkpoint's own weights.",
            negatable=True,
        ),
    ] = True
    write: Annotated[
        str | Path | None,
        option("--write", RESULT, "Make a registry of those that would work.", metavar="FILE"),
        Mark.PATH,
    ] = None
    force: Annotated[bool, option("--force", RESULT, "Replace FILE where it exists."), Mark.SENDS] = False


@dataclass(frozen=True, kw_only=True)
class TimelineOptions(AskedCaller, WatchingCaller, LoadOptions, MergeOptions, RegistryOptions):
    """What `bench predict` takes beside the models and the recordings."""

    window_seconds: Annotated[
        float | None,
        option(
            "--window",
            INFERENCE,
            "Seconds that the model hears at once. Default: 3, or what it reads at most where that is less.",
            metavar="S",
            within=Range(0.1),
        ),
    ] = None
    hop_seconds: Annotated[
        float | None,
        option(
            "--hop",
            INFERENCE,
            "Seconds from one window to the next. Default: 1, or a window where that is less.",
            metavar="S",
            within=Range(0.01),
        ),
    ] = None
    channel: Annotated[Channel, option("--channel", CORPUS, "What of stereo recordings is heard.")] = "mix"
    device: Annotated[
        str, option("--device", INFERENCE, "Where to run.", variable="BENCH_PREDICT_DEVICE", choices=("cpu", "cuda"))
    ] = "cpu"


@dataclass(frozen=True, kw_only=True)
class PredictRequest(TimelineOptions):
    """What `predict` takes."""

    models: Annotated[str | Sequence[str], KEYWORD_ONLY] = field(kw_only=False)
    recordings: Annotated[str | Path | Sequence[str | Path], KEYWORD_ONLY] = field(kw_only=False)


@dataclass(frozen=True, kw_only=True)
class TimelineFiles(Options):
    """Which models `bench predict` asks about what, and where and how it writes what they answer."""

    names: Annotated[
        Sequence[str],
        option(
            "MODEL FILE…",
            CORPUS,
            "A name or id of the registry, a Hub id or a local folder; then recordings, or folders of such. "
            "Where -m names the models, all of these are recordings.",
        ),
    ]

    models: Annotated[
        Sequence[str],
        option(
            "--model -m",
            MODELS,
            "A model to ask, instead of a first argument. Repeatable: several are shown side by side.",
            variable="BENCH_PREDICT_MODEL",
            metavar="ID",
            completer=complete_candidates,
        ),
        Mark.MODEL,
    ] = ()
    form: Annotated[
        Literal["chart", "json", "csv", "audacity"] | None,
        option(
            "--format",
            RESULT,
            "How to write the answer; audacity is a label track. Default: chart, or as the name after -o ends.",
        ),
    ] = None
    output: Annotated[
        Path | None,
        option(
            "--output -o",
            RESULT,
            "Write there instead of standard output; a folder gets a file for each recording's label track.",
            variable="BENCH_PREDICT_OUTPUT",
            metavar="FILE|FOLDER",
        ),
        Mark.PATH,
    ] = None


@dataclass(frozen=True, kw_only=True)
class LabelsRequest(MergeOptions, RegistryOptions):
    """What `bench labels` takes."""

    names: Annotated[
        Sequence[str],
        option(
            "MODEL|CORPUS…",
            CORPUS,
            "Names or ids of the registry, Hub ids, local folders of models; names of corpora, or SPECs such as "
            "ravdess:DIR.",
        ),
    ] = ()

    edit_template: Annotated[
        Path | None,
        option(
            "--edit-template",
            RESULT,
            "Write a piece of a registry in which every label without a meaning waits for one.",
            metavar="FILE",
        ),
        Mark.PATH,
    ] = None
