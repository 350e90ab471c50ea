"""Options of the commands that read finished runs and the cache."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group

from benchmark.options.declare import KEYWORD_ONLY, Mark, Options, Range, option
from benchmark.options.shared import (
    CORPUS,
    MODELS,
    RESULT,
    SCORES,
    AskedCaller,
    Caller,
    ColumnOptions,
    MergeOptions,
    OutputOptions,
    PaperOptions,
    PriceOptions,
    RareClassOptions,
    RegistryOptions,
    ScoreOptions,
    SpeakerOptions,
    StoredRun,
    StoreOptions,
    Texts,
    WatchingCaller,
)

CACHE = Group("Entries", sort_key=1)
CACHE_KINDS = (
    "predictions",
    "verifications",
    "tunings",
    "converted",
    "features",
    "datasets",
    "speech",
    "runs",
    "shards",
    "logs",
    "leftovers",
)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RecommendRequest(Caller, PriceOptions, RareClassOptions):
    """Options of `recommend`."""

    run: StoredRun = field(default=None, kw_only=False)
    max_latency_ms: Annotated[float | None, option("--max-latency-ms", MODELS, metavar="MS", within=Range(0))] = None
    """The median time of one segment at most."""
    min_uar: Annotated[float | None, option("--min-uar", MODELS, metavar="X", within=Range(0, 1))] = None
    """The lower bound of UAR at least, on every corpus that counts."""
    within: Annotated[float | None, option("--within", MODELS, metavar="X", within=Range(0, 1))] = None
    """Take the cheapest that costs at most this much UAR, compared with the best: the fastest, then the smallest."""
    language: Annotated[
        str | None, option("--language", CORPUS, variable="BENCH_RECOMMEND_LANGUAGE", metavar="CODE")
    ] = None
    """Only corpora in this language count; what a model's card claims does not."""
    max_size_mb: Annotated[float | None, option("--max-size-mb", MODELS, metavar="MB", within=Range(0))] = None
    """Megabytes of weight files at most."""
    licenses: Annotated[Texts, option("--license", MODELS, metavar="NAME")] = ()
    """A licence to choose from, as the repository declares it, such as apache-2.0. Repeatable."""
    corpora: Annotated[Texts, option("--corpus", CORPUS, variable="BENCH_RECOMMEND_CORPUS", metavar="NAME")] = ()
    """Only this corpus of the run counts. Repeatable. Default: all that are labelled."""
    device: Annotated[str | None, option("--device", MODELS, variable="BENCH_RECOMMEND_DEVICE")] = None
    """What the latency belongs to. Default: the CPU, or what was timed."""
    write: Annotated[str | Path | None, option("--write", RESULT, metavar="FILE"), Mark.PATH] = None
    """Write all that may be chosen into a registry file, each at its verified revision, the pick first."""
    force: Annotated[bool, option("--force", RESULT), Mark.SENDS] = False
    """Let --write replace a file."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MergeRequest(WatchingCaller, OutputOptions, StoreOptions):
    """Options of `merge`."""

    caches: Annotated[Texts, option("CACHE…", RESULT)] = field(default=(), kw_only=False)
    """The folders in which the shards have kept their answers (BENCH_CACHE, or .bench); one where they shared it, none
    with --store.
    """

    name: Annotated[str | None, option("--name", RESULT, metavar="NAME")] = None
    """Only shards of the run that --name called so."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ReportRequest(
    WatchingCaller,
    OutputOptions,
    StoreOptions,
    PriceOptions,
    PaperOptions,
    ScoreOptions,
    RareClassOptions,
    MergeOptions,
    SpeakerOptions,
    ColumnOptions,
    RegistryOptions,
):
    """Options of `report`."""

    run: StoredRun = field(default=None, kw_only=False)
    models: Annotated[Texts, option("--model -m", MODELS, variable="BENCH_REPORT_MODEL", metavar="NAME")] = ()
    """Only this candidate of the run: its name, its id, or a pattern such as 'superb/*'. Repeatable."""
    corpora: Annotated[Texts, option("--corpus", CORPUS, variable="BENCH_REPORT_CORPUS", metavar="NAME")] = ()
    """Only this corpus of the run, or a pattern. Repeatable."""
    min_emotions: Annotated[int | None, option("--min-emotions", MODELS, metavar="N", within=Range(1))] = None
    """Leave out the scores of candidates that distinguish fewer emotions. Default: as the run did."""
    by: Annotated[Texts, option("--by", SCORES, metavar="COLUMN")] = ()
    """Score the parts of each corpus by this column of it, beside sex, language and duration. Repeatable."""
    relabel: Annotated[Texts, option("--relabel", CORPUS, metavar="NAME|SPEC"), Mark.SOURCE] = ()
    """Read the labels of this corpus again, such as table:clips.csv with corrected ones; clips belong together by
    their names. No audio is read. Repeatable.
    """
    embed_audio: Annotated[int, option("--embed-audio", RESULT, metavar="N", within=Range(0))] = 0
    """Put the recordings of N clips of each corpus into leaderboard.html, where they still are."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CompareRequest(Caller, RareClassOptions):
    """Options of `compare`."""

    old: Annotated[str | Path, option("OLD", RESULT)] = field(kw_only=False)
    """The run before: a folder of reports, or the name or the file of a run."""
    new: Annotated[str | Path, option("NEW", RESULT)] = field(kw_only=False)
    """The run after."""

    fail_on: Annotated[Texts, option("--fail-on", RESULT, metavar="GATE")] = ()
    """Exit 1 where this happens: a column of the leaderboard, < or >, and a change with its sign, as in "uar<-0.02" or
    "latency_p50_ms>+20%". Missing numbers fail; latencies on which noise decides cannot be judged. Repeatable.
    """
    strict: Annotated[bool, option("--strict", RESULT, variable="BENCH_COMPARE_STRICT")] = False
    """Exit 1 where noise decides on a gate, too."""
    output: Annotated[
        str | Path | None, option("--output -o", RESULT, variable="BENCH_COMPARE_OUTPUT", metavar="FILE"), Mark.PATH
    ] = None
    """Write the comparison into this file as well: JSON where it ends in .json, else Markdown."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EnsembleRequest(Caller, OutputOptions, RareClassOptions):
    """Options of `ensemble`."""

    members: Annotated[Texts, option("CANDIDATE…", MODELS)] = field(kw_only=False)
    """Candidates that the run evaluated; or best:3, to have three chosen on one half of the speakers and scored on the
    other, both ways.
    """
    run: StoredRun = field(default=None, kw_only=False)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NextRequest(Caller):
    """Options of `next`."""

    number: Annotated[int, option("N", RESULT, within=Range(1, 1_000_000))] = field(kw_only=False)
    """How many clips."""
    write: Annotated[str | Path, option("--write", RESULT, variable=None, metavar="FILE.csv"), Mark.PATH]
    """The table to fill in; a page beside it, of the same name, plays the clips."""
    purpose: Annotated[Literal["pick", "score"], option("--for", SCORES, variable=None)] = "pick"
    """Clips that separate the candidates, from which no score follows; or a sample that scores are estimated from."""
    run: StoredRun = None
    corpus: Annotated[str | None, option("--corpus", CORPUS, variable="BENCH_NEXT_CORPUS", metavar="NAME")] = None
    """Which corpus of the run, where it has several."""
    models: Annotated[Texts, option("--model -m", MODELS, variable="BENCH_NEXT_MODEL", metavar="NAME")] = ()
    """Only this candidate of the run: its name, its id, or a pattern. Repeatable."""
    filled: Annotated[Texts, option("--filled", CORPUS, variable=None, metavar="FILE.csv"), Mark.PATH] = ()
    """A table that was filled in before: its clips are not chosen again, and stand first in the new one. Repeatable."""
    seed: Annotated[int, option("--seed", SCORES, variable="BENCH_NEXT_SEED", within=Range(0, 2**32))] = 0
    """Which sample --for score draws."""
    force: Annotated[bool, option("--force", RESULT, variable=None), Mark.SENDS] = False
    """Let --write replace files."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PlanRequest(Caller, RareClassOptions):
    """Options of `plan`."""

    run: StoredRun = field(default=None, kw_only=False)
    models: Annotated[Texts, option("--model -m", MODELS, variable="BENCH_PLAN_MODEL", metavar="NAME")] = ()
    """Only this candidate of the run: its name, its id, or a pattern. Repeatable; two are told from each other."""
    corpora: Annotated[Texts, option("--corpus", CORPUS, variable="BENCH_PLAN_CORPUS", metavar="NAME")] = ()
    """Only this corpus of the run, or a pattern. Repeatable."""
    difference: Annotated[
        float | None, option("--difference", SCORES, variable="BENCH_PLAN_DIFFERENCE", within=Range(0.001, 1))
    ] = None
    """The smallest difference of UAR that matters. Default: what the run observed; without a run, 0.1."""
    power: Annotated[float, option("--power", SCORES, variable="BENCH_PLAN_POWER", within=Range(0.5, 0.99))] = 0.8
    """How likely the difference is to be found."""
    assume_uar: Annotated[
        float | None, option("--assume-uar", SCORES, variable=None, metavar="X", within=Range(0.01, 0.99))
    ] = None
    """Plan without a run, for a best candidate of this UAR."""
    assume_candidates: Annotated[
        int, option("--assume-candidates", MODELS, variable=None, metavar="N", within=Range(2, 100))
    ] = 2
    """How many candidates are compared, where there is no run."""
    assume_emotions: Annotated[
        int, option("--assume-emotions", CORPUS, variable=None, metavar="N", within=Range(2, 30))
    ] = 4
    """How many emotions each speaker has clips of, where there is no run."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TuneRequest(Caller, OutputOptions, MergeOptions):
    """Options of `tune`."""

    model: Annotated[str, option("MODEL", MODELS)] = field(kw_only=False)
    """The candidate of the run: its name, its id, or a local folder."""
    corpus: Annotated[str | None, option("--corpus", CORPUS, variable="BENCH_TUNE_CORPUS", metavar="NAME|SPEC")] = None
    """Which corpus of the run, where it has several: its name, or what it was read from."""
    max_error: Annotated[float, option("--max-error", SCORES, metavar="X", within=Range(0.01, 0.5))] = 0.1
    """The share of wrong answers among the accepted ones, at most; thresholds are chosen to keep it."""
    run: StoredRun = None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PublishRequest(AskedCaller, RareClassOptions):
    """Options of `publish`."""

    repo: Annotated[str, option("--repo", RESULT, variable="BENCH_PUBLISH_REPO", metavar="OWNER/NAME")] = field(
        kw_only=False
    )
    """The dataset of results; the results in models' repositories point to it."""
    run: StoredRun = None
    candidates: Annotated[Texts, option("--model -m", MODELS, variable="BENCH_PUBLISH_MODEL", metavar="NAME")] = ()
    """Only this candidate of the run: a name, an id or a pattern. Repeatable. Default: all that come from the Hub."""
    corpora: Annotated[Texts, option("--corpus", CORPUS, variable="BENCH_PUBLISH_CORPUS", metavar="NAME")] = ()
    """Only this corpus of the run. Repeatable. Default: all that anybody can get; folders and tables of your own are
    published only where they are named here.
    """
    output: Annotated[
        str | Path, option("--output -o", RESULT, variable="BENCH_PUBLISH_OUTPUT", metavar="FOLDER"), Mark.PATH
    ] = "reports/publish"
    """Where the files are shown."""
    push: Annotated[bool, option("--push", RESULT, variable=None), Mark.SENDS] = False
    """Send them: a commit to the dataset, and a pull request to each model's repository."""
    private: Annotated[bool, option("--private", RESULT, variable="BENCH_PUBLISH_PRIVATE")] = False
    """Make a new dataset private."""
    endpoint: Annotated[str | None, KEYWORD_ONLY] = None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ShowRunRequest(StoreOptions):
    """Options of `runs show`."""

    run: Annotated[str | None, option("RUN", RESULT)] = field(default=None, kw_only=False)
    """Which run, as --run of other commands. Default: the latest finished."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RemoveRunsRequest(Options):
    """Options of `runs remove`."""

    names: Annotated[Texts, option("RUN…", RESULT)] = field(kw_only=False)
    """The runs to remove, as `bench runs` lists them."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CacheRequest(Options):
    """Selection of cache entries; conditions are combined with and."""

    kinds: Annotated[Texts, option("--kind", CACHE, variable=None, choices=CACHE_KINDS), Mark.SENDS] = ()
    """Only this kind. Repeatable."""
    candidates: Annotated[Texts, option("--candidate", CACHE, variable=None, metavar="ID"), Mark.SENDS] = ()
    """Only what belongs to this candidate; globs too. Repeatable."""
    older_than: Annotated[str | None, option("--older-than", CACHE, variable=None, metavar="AGE"), Mark.SENDS] = None
    """Only what was last written longer ago, such as 30d or 12h."""
    stale: Annotated[bool, option("--stale", CACHE, variable=None), Mark.SENDS] = False
    """Only what bench would not use any more: other revisions, library versions, schemas."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PruneRequest(CacheRequest):
    """Options of `bench cache prune`."""

    everything: Annotated[bool, option("--all", CACHE, variable=None), Mark.SENDS] = False
    """All that bench has made."""
    dry_run: Annotated[bool, option("--dry-run", CACHE, variable=None), Mark.SENDS] = False
    """Show what would be deleted, and delete nothing."""
    yes: Annotated[bool, option("--yes", CACHE, variable=None), Mark.SENDS] = False
    """Delete without asking."""
