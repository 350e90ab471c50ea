"""Options of the commands that use models or audio."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from benchmark.options.declare import KEYWORD_ONLY, Mark, Options, Range, option
from benchmark.options.shared import (
    CORPUS,
    INFERENCE,
    MODELS,
    RESULT,
    SCORES,
    TRAINING,
    AskedCaller,
    CandidateOptions,
    Channel,
    ClipOptions,
    ColumnOptions,
    EngineOptions,
    InferenceOptions,
    LoadOptions,
    MergeOptions,
    OutputOptions,
    PaperOptions,
    PriceOptions,
    RareClassOptions,
    RecordingOptions,
    RegistryOptions,
    ScoreOptions,
    StoredRun,
    StoreOptions,
    Texts,
    WatchingCaller,
    WorkOptions,
    complete_candidates,
    complete_corpora,
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class VerifyRequest(AskedCaller, WatchingCaller, WorkOptions, StoreOptions, LoadOptions, CandidateOptions):
    """Options of `verify`."""

    depth: Annotated[Literal["inspect", "load", "probe"], option("--depth", MODELS)] = "probe"
    """inspect: without weights, from some kilobytes. load: load those that are undecided then. probe: ask those that
    load, too.
    """
    free_cache: Annotated[bool, option("--free-cache", MODELS), Mark.SENDS] = False
    """Delete what this run has downloaded of a model after use."""
    refresh: Annotated[bool, option("--refresh", MODELS)] = False
    """Verify again what a former run has verified."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RunRequest(
    AskedCaller,
    WatchingCaller,
    WorkOptions,
    StoreOptions,
    PriceOptions,
    PaperOptions,
    ScoreOptions,
    RareClassOptions,
    MergeOptions,
    InferenceOptions,
    ClipOptions,
    LoadOptions,
    CandidateOptions,
):
    """Options of `run`."""

    corpora: Annotated[
        Texts, option("--corpus", CORPUS, metavar="NAME|SPEC", completer=complete_corpora), Mark.SOURCE
    ] = ()
    """What to run on: a corpus of the registry, folder:DIR, table:FILE, ravdess:DIR and other corpora, hf:ID[:split],
    a path or an address (s3://BUCKET/FOLDER). Repeatable. Default: all corpora of the registry.
    """
    predictions: Annotated[Texts, option("--predictions", MODELS, metavar="NAME=FILE")] = ()
    """Take the answers of a candidate that runs elsewhere from this table (CSV, TSV, JSON lines, Parquet): a row per
    clip, with its file and the answer, or a column per emotion. Without --model and --candidates nothing else is run.
    Repeatable.
    """
    min_emotions: Annotated[int, option("--min-emotions", MODELS, metavar="N", within=Range(1))] = 2
    """Run only candidates that distinguish at least so many emotions."""
    race: Annotated[Literal["speakers", "table"] | None, option("--race", INFERENCE)] = None
    """Stop candidates early that cannot win: without a word those that are worse for speakers like these, with `table`
    those that would not top this table. They get no scores. On one corpus, with labels.
    """
    skip_silence: Annotated[bool, option("--skip-silence", CORPUS)] = False
    """Leave out the clips in which nobody speaks."""
    min_speech: Annotated[float, option("--min-speech", CORPUS, metavar="SHARE", within=Range(0, 1))] = 0.0
    """Leave out the clips in which people speak for a smaller share of the time, such as 0.2."""
    metrics: Annotated[Texts, option("--metric", SCORES, metavar="PATH"), Mark.RUNS_CODE] = ()
    """A local module of the library evaluate, whose numbers are added to the table; its code is run. Repeatable."""
    by: Annotated[Texts, option("--by", SCORES, metavar="COLUMN")] = ()
    """Take the scores apart by this column of the corpora too, such as age; by sex, language and duration they always
    are. Repeatable.
    """
    engine: Annotated[Literal["local", "ray"], option("--engine", INFERENCE)] = "local"
    """ray: compute on the nodes of a Ray cluster, which see the same files and share BENCH_CACHE (extra `ray`)."""
    address: Annotated[str | None, option("--address", INFERENCE, metavar="ADDRESS")] = None
    """The Ray cluster: HOST:PORT, ray://HOST:PORT, or auto for the one that runs on this machine. Default: one of this
    machine alone, for the run.
    """
    name: Annotated[str | None, option("--name", RESULT, metavar="NAME")] = None
    """Call the run so; --run NAME selects it in other commands."""
    embed_audio: Annotated[int, option("--embed-audio", RESULT, metavar="N", within=Range(0))] = 0
    """Put the recordings of N clips of each corpus into leaderboard.html, those that most candidates get wrong or
    disagree on; whoever gets the page can listen to them. The others are links to local files.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ShardRequest(RunRequest):
    """Options of `run_shard`."""

    shard: Annotated[str | None, option("--shard", INFERENCE, metavar="I/N")] = None
    """Compute part I of N and keep its answers in the cache, so that N machines share a run; bench merge writes the
    reports.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DimensionsRequest(RunRequest):
    """Options of `run_dimensions`."""

    scale: Annotated[Texts, option("--scale", SCORES, metavar="LOW..HIGH")] = ()
    """With --dimensions: the lowest and highest possible rating of the corpora, such as 1..7, or of one dimension, such
    as valence=-3..3; CCC and MAE need it. Repeatable.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RunCommandRequest(ShardRequest, DimensionsRequest):
    """Options of `bench run`."""

    dimensions: Annotated[bool, option("--dimensions", SCORES)] = False
    """Measure instead how well candidates rate arousal, valence and dominance (CCC, Pearson's correlation, MAE), where
    corpora have columns of ratings (--column arousal=NAME), and write dimensions.html, .md, .csv and .json.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TrainRequest(AskedCaller, WatchingCaller, MergeOptions, ClipOptions, RegistryOptions):
    """Options of `train`."""

    corpus: Annotated[
        str | None, option("--corpus", CORPUS, metavar="NAME|SPEC", completer=complete_corpora), Mark.SOURCE
    ] = field(default=None, kw_only=False)
    """What to train on: a corpus of the registry, folder:DIR, table:FILE, ravdess:DIR and other corpora, hf:ID[:split],
    a path or an address (s3://BUCKET/FOLDER). Its clips need labels, and speakers for an honest score.
    """
    recipe: Annotated[str | Path, option("--recipe", TRAINING, metavar="NAME|FILE")] = "cnn"
    """What to train and how; a name, or a TOML file as --show-recipe prints."""
    model: Annotated[str | None, option("--model", TRAINING, variable="BENCH_TRAIN_MODEL", metavar="ID")] = None
    """The encoder of recipes that need one: a Hub id or a local folder."""
    max_download_gb: Annotated[float | None, option("--max-download-gb", TRAINING, metavar="GB", within=Range(0))] = (
        None
    )
    """Download at most so much. Default: 5, and more after asking."""
    folds: Annotated[str, option("--folds", TRAINING, metavar="K|loso|column:NAME|FILE")] = "5"
    """How speakers are divided: into K parts, each speaker alone, by a column of the corpus, by the test parts of
    EmoBox's manifests (emobox:DIR), or by a file with the columns speaker (or clip) and fold.
    """
    allow: Annotated[Texts, option("--allow", TRAINING, metavar="NAME")] = ()
    """Train in spite of a problem that makes the score say less than it seems to; the error names it. Repeatable."""
    test: Annotated[str | None, option("--test", TRAINING, metavar="NAME|SPEC", completer=complete_corpora)] = None
    """Another corpus, on which the final model is scored once; nothing is chosen on it."""
    seed: Annotated[int, option("--seed", TRAINING, metavar="S", within=Range(0, 2**31))] = 1
    """Of the folds, of the fits and of --sample."""
    seeds: Annotated[int, option("--seeds", TRAINING, metavar="N", within=Range(1, 100))] = 1
    """Repeat all fits with N seeds, from --seed on, with the same folds."""
    learning_curve: Annotated[bool, option("--learning-curve", TRAINING)] = False
    """Fit all folds again with a quarter, half and three quarters of the speakers: would more of them help?"""
    enrol: Annotated[int | None, option("--enrol", TRAINING, metavar="N", within=Range(1, 1_000))] = None
    """Score all folds again, with linear models that know N clips of each speaker beforehand (not scored)."""
    jobs: Annotated[int | None, option("--jobs", TRAINING, metavar="N", within=Range(1))] = None
    """Fits that run at once; they share the cores. Default: one per core."""
    output: Annotated[str | Path | None, option("--output -o", RESULT, metavar="FOLDER"), Mark.PATH] = None
    """Where the candidate is written. Default: models/CORPUS-RECIPE."""
    resume: Annotated[bool, option("--resume", RESULT)] = False
    """Take the fits that an interrupted training has finished in this folder."""
    force: Annotated[bool, option("--force", RESULT), Mark.SENDS] = False
    """Replace a candidate in this folder."""
    register: Annotated[bool, option("--register", RESULT)] = False
    """Add the candidate to the registry."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RecipeOptions(Options):
    """Options of `bench train` that look at recipes and train no candidate."""

    try_recipes: Annotated[bool, option("--try", TRAINING)] = False
    """Try all recipes that apply, with a third of their epochs, and rank them: which suits this corpus?"""

    show_recipe: Annotated[str | None, option("--show-recipe", TRAINING, metavar="NAME")] = None
    """Print a recipe, to be copied and edited, and train nothing."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DescribeRequest(WatchingCaller, OutputOptions, RareClassOptions, MergeOptions, ClipOptions, RegistryOptions):
    """Options of `describe_corpus`, which is `bench corpus`."""

    corpus: Annotated[str, option("NAME|SPEC", CORPUS)] = field(kw_only=False)
    """A corpus of the registry, folder:DIR, table:FILE, ravdess:DIR and other corpora, hf:ID[:split],
    a path or an address (s3://BUCKET/FOLDER).
    """

    limit: Annotated[int | None, option("--limit", CORPUS, metavar="N", within=Range(1))] = None
    """At most so many clips."""
    suspects: Annotated[bool, option("--suspects", CORPUS)] = False
    """List labels that may be wrong, by the stored answers of the latest run on these clips."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DriftRequest(WatchingCaller, OutputOptions, ClipOptions, RegistryOptions):
    """Options of `drift`."""

    corpus: Annotated[str, option("NAME|SPEC", CORPUS)] = field(kw_only=False)
    """The new recordings: a corpus of the registry, folder:DIR, table:FILE, ravdess:DIR and other corpora,
    hf:ID[:split], a path or an address (s3://BUCKET/FOLDER). Labels are not needed.
    """

    run: StoredRun = None
    against: Annotated[str | None, option("--against", CORPUS, metavar="NAME")] = None
    """Which corpus of the run to compare with, where it has several."""
    model: Annotated[str | None, option("--model -m", MODELS, variable="BENCH_DRIFT_MODEL", metavar="NAME")] = None
    """Whose answers to compare: a candidate of the run. Default: the one that `bench recommend` picks."""
    limit: Annotated[int | None, option("--limit", CORPUS, metavar="N", within=Range(1))] = None
    """At most so many new recordings."""
    strict: Annotated[bool, option("--strict", RESULT, variable="BENCH_DRIFT_STRICT")] = False
    """Exit 1 where the new recordings differ."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class DiscoverRequest(WatchingCaller):
    """Options of `discover`."""

    search: Annotated[str, option("--search", MODELS, metavar="WORDS"), Mark.MAY_BE_EMPTY] = field(
        default="emotion", kw_only=False
    )
    """Words in names of repositories."""
    limit: Annotated[
        int, option("--limit", MODELS, variable="BENCH_DISCOVER_LIMIT", metavar="N", within=Range(1, 5_000))
    ] = 200
    """How many repositories to look at, at most."""
    languages: Annotated[Texts, option("--language", MODELS, variable="BENCH_DISCOVER_LANGUAGE", metavar="CODE")] = ()
    """Only repositories that declare this language, such as ko. Repeatable."""
    min_emotions: Annotated[int, option("--min-emotions", MODELS, metavar="N", within=Range(1))] = 2
    """At least so many emotions."""
    sort: Annotated[
        Literal["downloads", "likes", "trending_score", "last_modified", "created_at"], option("--sort", MODELS)
    ] = "downloads"
    """Which repositories are looked at first."""
    repair_heads: Annotated[bool, option("--repair-heads", MODELS, negatable=True)] = True
    """Rebuild known heads that transformers has no class for, from the checkpoint's own weights."""
    write: Annotated[str | Path | None, option("--write", RESULT, metavar="FILE"), Mark.PATH] = None
    """Make a registry of those that would work."""
    force: Annotated[bool, option("--force", RESULT), Mark.SENDS] = False
    """Replace FILE where it exists."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TimelineOptions(
    AskedCaller,
    WatchingCaller,
    EngineOptions,
    LoadOptions,
    MergeOptions,
    ColumnOptions,
    RecordingOptions,
    RegistryOptions,
):
    """Options of `predict` beside models and recordings."""

    window_seconds: Annotated[float | None, option("--window", INFERENCE, metavar="S", within=Range(0.1))] = None
    """Seconds that the model hears at once. Default: 3, or what it reads at most where that is less."""
    hop_seconds: Annotated[float | None, option("--hop", INFERENCE, metavar="S", within=Range(0.01))] = None
    """Seconds from one window to the next. Default: 1, or a window where that is less."""
    channel: Annotated[Channel, option("--channel", CORPUS)] = "mix"
    """What of stereo recordings is heard; `each` answers for both sides of a call."""
    turns: Annotated[str | Path | None, option("--turns", CORPUS, metavar="FILE"), Mark.PATH] = None
    """Hear the turns of this table only: a row for each with recording, start and end in seconds, and a speaker where
    known.
    """
    device: Annotated[str, option("--device", INFERENCE, variable="BENCH_PREDICT_DEVICE", choices=("cpu", "cuda"))] = (
        "cpu"
    )
    """Where to run."""
    tuned: Annotated[bool, option("--tuned", INFERENCE, variable="BENCH_PREDICT_TUNED")] = False
    """Apply the temperature, prior and thresholds that `bench tune` has stored; an answer below its threshold is none.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PredictRequest(TimelineOptions):
    """Options of `predict`."""

    models: Annotated[str | Texts, KEYWORD_ONLY] = field(kw_only=False)
    recordings: Annotated[str | Path | Sequence[str | Path], KEYWORD_ONLY] = field(kw_only=False)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TimelineFiles(Options):
    """Arguments and output of `bench predict`."""

    names: Annotated[Texts, option("MODEL FILE…", CORPUS)]
    """A name or id of the registry, a Hub id or a local folder; then recordings, or folders of such. Where -m names
    the models, all of these are recordings.
    """

    models: Annotated[
        Texts,
        option("--model -m", MODELS, variable="BENCH_PREDICT_MODEL", metavar="ID", completer=complete_candidates),
        Mark.MODEL,
    ] = ()
    """A model to ask, instead of a first argument. Repeatable: several are shown side by side."""
    form: Annotated[Literal["chart", "json", "csv", "audacity"] | None, option("--format", RESULT)] = None
    """How to write the answer; audacity is a label track. Default: chart, or as the name after -o ends."""
    rows: Annotated[Literal["windows", "recordings"] | None, option("--rows", RESULT)] = None
    """What a chart or CSV shows: the windows, or an answer for each recording, side of a call and turn. Default: a
    chart has both, CSV windows; a folder gets predictions.csv and recordings.csv.
    """
    output: Annotated[
        Path | None, option("--output -o", RESULT, variable="BENCH_PREDICT_OUTPUT", metavar="FILE|FOLDER"), Mark.PATH
    ] = None
    """Write there instead of standard output; a folder gets a file for each recording's label track."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AppRequest(AskedCaller, WatchingCaller, LoadOptions, CandidateOptions):
    """Options of `bench app`."""

    run: StoredRun = None
    port: Annotated[int | None, option("--port", RESULT, metavar="N", within=Range(1, 65_535))] = None
    """The port on this machine; no other machine can reach it. Default: the first free one from 7860 on."""
    max_clip_mb: Annotated[float, option("--max-clip-mb", CORPUS, metavar="MB", within=Range(0))] = 200.0
    """Take no recording whose file is larger."""
    max_minutes: Annotated[float, option("--max-minutes", CORPUS, metavar="M", within=Range(0))] = 60.0
    """Take no longer recording."""
    idle_seconds: Annotated[float, option("--idle-seconds", INFERENCE, metavar="S", within=Range(1))] = 300.0
    """Close the worker of a model that nobody has asked for so long."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LabelsRequest(MergeOptions, ColumnOptions, RegistryOptions):
    """Options of `bench labels`."""

    names: Annotated[Texts, option("MODEL|CORPUS…", CORPUS)] = ()
    """Names or ids of the registry, Hub ids, local folders of models; names of corpora, or SPECs such as
    ravdess:DIR.
    """

    edit_template: Annotated[Path | None, option("--edit-template", RESULT, metavar="FILE"), Mark.PATH] = None
    """Write a piece of a registry in which every label without a meaning waits for one."""
