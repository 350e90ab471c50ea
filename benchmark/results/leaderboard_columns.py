"""One row of a leaderboard, and the one declaration of its columns: title, meaning, format, and where it is shown.

To add a column: a field of `LeaderboardRow` with its meaning below it, an entry of `COLUMNS`, and the code that
computes it. All reports, the legend and the table in docs/reports.md read these two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, Flag, auto
from types import MappingProxyType

from pydantic import ConfigDict

from benchmark.results.schema import Stored


class LeaderboardRow(Stored):
    """One candidate on one corpus, device, backend and dtype; or a candidate that was not evaluated.

    Fractions are 0 to 1, None means unknown. The fields are the columns of `leaderboard.csv` and the keys of a row in
    `leaderboard.json`, in their order, which is a contract: columns may be added, never renamed. The text below a
    field is its meaning, in Markdown, which legends show; `_low` and `_high` are the ends of a 95 % interval.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    rank: int | None = None
    """the range of ranks, such as 1–4, that the clips of these speakers allow: from 1 + the number of candidates that
    are significantly better to the number of ranked ones less those that are significantly worse. Rows are in the order
    of UAR. Without a rank (–), a row is not part of the ranking; its flags say why."""
    candidate: str
    """the model under test, by the name that the registry gives it."""
    revision: str | None = None
    """the commit sha, or the content hash of a local folder."""
    head: str | None = None
    corpus: str | None = None
    """what it was scored on; `*` is the summary over several corpora."""
    clips: int | None = None
    """clips that were scored; without labels, clips that were answered."""
    failed_clips: int | None = None
    """clips that could not be read (excluded for all) or that this candidate could not process (counted as answered
    wrongly)."""
    unscored_clips: int | None = None
    """clips whose label maps to nothing."""
    emotions: int | None = None
    """how many distinct classes the candidate has names for."""
    coverage: float | None = None
    """the share of clips whose emotion the candidate can express at all."""
    accuracy: float | None = None
    """the share of all scored clips that is answered rightly; compare it with *majority*."""
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    uar: float | None = None
    """unweighted average recall: the mean, over the corpus's emotions, of the share of clips answered rightly. What a
    model cannot express, it gets wrong."""
    uar_low: float | None = None
    uar_high: float | None = None
    interval: str | None = None
    """how intervals were made: over `speakers`, `speakers+texts`, by `wilson`, or over `clips`: at least so wide."""
    macro_f1: float | None = None
    """the mean, over the corpus's emotions, of the harmonic mean of precision and recall."""
    shared_uar: float | None = None
    """UAR over the emotions that this candidate can express; candidates face different questions in it, so that it
    never ranks."""
    common_uar: float | None = None
    """UAR over the emotions that all ranked candidates can express: the fair side-by-side."""
    majority_accuracy: float | None = None
    """the accuracy of always answering the corpus's most frequent emotion, without listening."""
    ece: float | None = None
    """expected calibration error: how far, on average, its probabilities lie from how often it is right."""
    entropy: float | None = None
    """of the answers, in nats."""
    effective_emotions: float | None = None
    """how many emotions its answers amount to: exp of their entropy. 1 means always the same answer."""
    confident_emotions: float | None = None
    """how many emotions its probabilities tell apart, right or wrong: exp of the mutual information of clip and answer
    that they imply. 1 means the same probabilities for every clip; a guesser that is always sure has as many as it
    answers. For finding candidates whose answers vary though their probabilities hardly do."""
    top_emotion: str | None = None
    """its most frequent answer, with the share of clips that get it."""
    top_share: float | None = None
    collapsed: bool | None = None
    """whether it nearly always gives the same answer."""
    seen: str | None = None
    """whether the candidate was trained on this corpus, or *partly*, on other speakers of it; *unknown* means that
    nobody declared it."""
    device: str | None = None
    """`cpu` or `cuda`."""
    backend: str | None = None
    """the library that computes."""
    dtype: str | None = None
    """the number format that it computes in."""
    latency_p50_ms: float | None = None
    """the time that half, 90 % and 99 % of single calls stay below, from samples to probabilities, in ms."""
    latency_p90_ms: float | None = None
    """the time that 90 % of at least 30 calls stay below."""
    latency_p99_ms: float | None = None
    """the time that 99 % of at least 300 calls stay below."""
    rtfx: float | None = None
    """seconds of audio processed per second of wall time, at the median."""
    load_s: float | None = None
    """seconds to load the checkpoint."""
    peak_memory_mb: float | None = None
    """the largest memory of its process in MB (10⁶ bytes); on a GPU, of the GPU."""
    parameters: int | None = None
    """number of weights."""
    size_mb: float | None = None
    """Megabytes of the weight files."""
    flags: tuple[str, ...] = ()
    """what a reader has to know before believing the row; of candidates that were not evaluated, the status."""
    soft_cross_entropy: float | None = None
    """cross-entropy of its probabilities against the shares of the raters' votes, in nats; lower is better. A
    probability below one in a million counts as that."""
    soft_jensen_shannon: float | None = None
    """Jensen–Shannon divergence of the two, to base 2: 0 means the same, 1 nothing in common."""
    flag_reasons: dict[str, str] = {}
    """the figures behind a flag, for flags that have some."""
    adjusted_uar: float | None = None
    """(UAR − 1/K) / (1 − 1/K), averaged over the corpora: 0 is guessing, 1 is perfect."""
    adjusted_uar_low: float | None = None
    adjusted_uar_high: float | None = None
    weighted_f1: float | None = None
    """F1 averaged by the emotions' numbers of clips."""
    brier: float | None = None
    """mean over the scored clips of the squared distance between probabilities and truth, from 0 to 2."""
    latency_p50_low_ms: float | None = None
    latency_p50_high_ms: float | None = None
    latency_calls: int | None = None
    latency_stopped_by: str | None = None
    """why no more calls were timed: `precise` (the calls of this run tell the median within 3 %), `time`, `calls` or
    `failed`."""
    speaker_measure: str | None = None
    """`uar`, or `accuracy` where too few speakers have clips of all emotions."""
    speaker_tenth: float | None = None
    """the 10th percentile of the speakers' scores."""
    speaker_spread: float | None = None
    """standard deviation of the speakers' scores beyond what the chance of few clips makes."""
    heard_uar: float | None = None
    """UAR on the speakers of this corpus that it was trained on, as far as that is declared; all other scores rest on
    speakers that no ranked candidate has heard."""
    trained_speakers: int | None = None
    """how many speakers the candidate was trained on, as far as that is declared."""
    ece_expected: float | None = None
    """the ECE that a perfectly calibrated candidate with the same confidences has on average at this number of clips:
    only what `ece` exceeds it by is miscalibration."""
    soft_cross_entropy_floor: float | None = None
    """the soft CE of answering exactly the shares of the votes: none is lower."""
    latency_ratio: float | None = None
    """how many times as long a call takes as one of the reference workload, a small model in the package that is timed
    in turn with it; this can be compared between runs."""
    latency_ratio_low: float | None = None
    latency_ratio_high: float | None = None
    metrics: dict[str, float | None] = {}
    """scores by the user's own metrics, a column for each."""
    rank_high: int | None = None
    """the last rank of the range that starts with `rank`."""
    may_be_best: bool | None = None
    """whether it may still be the best of all that are ranked; the true best is lost in at most 5 % of evaluations."""
    regret_high: float | None = None
    """how much UAR choosing it can cost at most, compared with the best of all that are ranked; an upper bound that
    holds for all rows together with 95 %."""
    signature: str | None = None
    """what the UAR depends on beside the candidate, to be quoted with it: scores with one signature are of the same
    clips and labels under the same rules, and may be compared."""
    compared_uar: float | None = None
    """UAR on the clips that intervals, pairs and ranks rest on, where rare emotions or a few clips without a speaker
    are left out of them; the interval of UAR is around it. Empty where these are all scored clips."""
    compared_accuracy: float | None = None
    """accuracy on the same clips, with the interval of accuracy around it."""
    cost_per_hour: float | None = None
    """what an hour of audio costs, one call at a time: the price of an hour of this machine (`--price-per-hour`) by
    RTFx."""
    stopped_after: int | None = None
    """clips that were asked of a candidate when a race (`--race`) stopped it; empty if it was asked all."""
    stopped_of: int | None = None
    """clips that it would have been asked without the race."""
    prompt_spread: float | None = None
    """how much UAR depends on the wording of the prompts of a zero-shot candidate: the standard deviation of UAR over
    its phrasings, each alone. Empty for candidates without prompts."""

    @property
    def stopped(self) -> str:
        """Where a race has stopped it, which stands in place of its scores; empty if none has."""
        return stopped_after(self.stopped_after, self.stopped_of)

    @property
    def ranking_uar(self) -> float | None:
        """The UAR that its interval is around, and by which it is ranked."""
        return self.uar if self.compared_uar is None else self.compared_uar


def stopped_after(clips: float | None, of: float | None) -> str:
    """Say where a race has stopped a candidate; empty if none has.

    Examples:
        >>> stopped_after(180, 1440), stopped_after(None, None)
        ('stopped after 180 of 1,440 clips', '')
    """
    return "" if clips is None or of is None else f"stopped after {clips:,.0f} of {of:,.0f} clips"


class Format(Enum):
    """How values are written for people, by `reporting/numbers.py` and by the page's `numbers.js`."""

    TEXT = "text"
    TRUTH = "truth"
    COUNT = "count"
    FRACTION = "fraction"
    QUANTITY = "quantity"
    MILLISECONDS = "milliseconds"
    PARAMETERS = "parameters"


class Shown(Flag):
    """The tables that show a column, all in the order of `COLUMNS`."""

    RIGHTNESS = auto()  # `leaderboard.md`, How right
    VARIETY = auto()  # `leaderboard.md`, How varied, and how sure
    UNLABELLED = auto()  # the same on a corpus without labels, where no table of rightness shows the column
    SPEED = auto()  # `leaderboard.md`, How fast and how large
    LEGEND = auto()  # `leaderboard.md` and the page, How to read this
    PAGE = auto()  # the table of `leaderboard.html`
    PAGE_SCORES = auto()  # what the page lists of one candidate on one corpus
    PAGE_SPEED = auto()  # the page's table of one candidate's latencies
    TERMINAL = auto()  # what `bench run` prints
    NARROW_TERMINAL = auto()  # what it prints even where there is no room for the others
    DOCS = auto()  # the table of columns in docs/reports.md


_COMPARED = "compared_"
"""Begins the fields of scores on the clips that intervals rest on, which the interval is around where there are any."""


@dataclass(frozen=True)
class Column:
    """How a field of a row is presented.

    Attributes:
        title: Its heading, with the unit.
        legend_title: Its name in legends, by default the heading.
        long_title: Its name on the terminal, and on the page beside a single value; by default the heading.
    """

    field: str
    title: str
    shown: Shown
    format: Format = Format.TEXT
    legend_title: str = ""
    long_title: str = ""

    @property
    def meaning(self) -> str:
        """One sentence or two, in Markdown."""
        return " ".join((LeaderboardRow.model_fields[self.field].description or "").split())

    @property
    def interval(self) -> tuple[str, str] | None:
        """The fields with the ends of its interval, such as `uar_low` and `uar_high`; None if it has none."""
        name, unit = self.field.removesuffix("_ms"), "_ms" if self.field.endswith("_ms") else ""
        name = name.removeprefix(_COMPARED)
        low, high = f"{name}_low{unit}", f"{name}_high{unit}"
        return (low, high) if low in LeaderboardRow.model_fields else None

    def ends(self, row: LeaderboardRow) -> tuple[float | None, float | None]:
        """The ends of the interval around this score of a row; None where there are none, or around another score."""
        if self.interval is None or getattr(row, f"{_COMPARED}{self.field}", None) is not None:
            return None, None
        low, high = (getattr(row, name) for name in self.interval)
        return low, high

    @property
    def is_number(self) -> bool:
        """Whether cells are aligned to the right; scores with intervals are aligned to the left."""
        is_score = self.format is Format.FRACTION and self.interval is not None
        return self.format not in {Format.TEXT, Format.TRUTH} and not is_score


_RIGHT = Shown.RIGHTNESS | Shown.LEGEND | Shown.DOCS
_VARIED = Shown.VARIETY | Shown.LEGEND | Shown.DOCS
_ALWAYS = Shown.TERMINAL | Shown.NARROW_TERMINAL
_FAST = Shown.SPEED | Shown.PAGE_SPEED | Shown.DOCS

_COLUMNS = (
    Column("rank", "rank", _RIGHT | Shown.PAGE | _ALWAYS, Format.COUNT),
    Column("candidate", "candidate", Shown.RIGHTNESS | Shown.VARIETY | Shown.SPEED | Shown.PAGE | _ALWAYS),
    Column("corpus", "corpus", Shown.PAGE),
    Column("may_be_best", "may be best", _RIGHT | Shown.PAGE | Shown.PAGE_SCORES, Format.TRUTH),
    Column("uar", "UAR", _RIGHT | Shown.PAGE | Shown.PAGE_SCORES | _ALWAYS, Format.FRACTION),
    Column("compared_uar", "compared UAR", _RIGHT | Shown.PAGE | Shown.PAGE_SCORES | _ALWAYS, Format.FRACTION),
    Column("regret_high", "may cost", _RIGHT | Shown.PAGE | Shown.PAGE_SCORES, Format.FRACTION),
    Column("accuracy", "accuracy", _RIGHT | Shown.PAGE | Shown.PAGE_SCORES | Shown.TERMINAL, Format.FRACTION),
    Column("compared_accuracy", "compared accuracy", Shown.DOCS, Format.FRACTION),
    Column("majority_accuracy", "majority", _RIGHT, Format.FRACTION),
    Column("macro_f1", "macro-F1", _RIGHT | Shown.PAGE_SCORES, Format.FRACTION),
    Column("common_uar", "common UAR", _RIGHT | Shown.PAGE | Shown.PAGE_SCORES, Format.FRACTION),
    Column("shared_uar", "shared UAR", _RIGHT | Shown.PAGE_SCORES, Format.FRACTION),
    Column("coverage", "coverage", _RIGHT | Shown.PAGE_SCORES, Format.FRACTION),
    Column("weighted_f1", "weighted F1", Shown.DOCS, Format.FRACTION),
    Column("brier", "Brier", Shown.DOCS, Format.QUANTITY),
    Column("soft_cross_entropy", "soft CE", _RIGHT, Format.QUANTITY),
    Column("soft_cross_entropy_floor", "lowest soft CE", _RIGHT, Format.QUANTITY),
    Column("soft_jensen_shannon", "soft JSD", _RIGHT, Format.FRACTION),
    Column("metrics", "", Shown.RIGHTNESS),
    Column("adjusted_uar", "above guessing", Shown.PAGE | Shown.DOCS, Format.FRACTION),
    Column("speaker_tenth", "unlucky tenth", Shown.DOCS, Format.FRACTION),
    Column("speaker_spread", "spread beyond chance", Shown.DOCS, Format.FRACTION),
    Column("heard_uar", "UAR on heard speakers", Shown.DOCS | Shown.PAGE_SCORES, Format.FRACTION),
    Column("trained_speakers", "trained speakers", Shown.DOCS, Format.COUNT),
    Column("emotions", "emotions", _VARIED, Format.COUNT),
    Column(
        "effective_emotions", "effective", _VARIED | Shown.TERMINAL, Format.QUANTITY, long_title="effective emotions"
    ),
    Column(
        "confident_emotions",
        "confident",
        _VARIED | Shown.PAGE | Shown.PAGE_SCORES,
        Format.QUANTITY,
        long_title="confident emotions",
    ),
    Column("top_emotion", "top answer", _VARIED | Shown.PAGE | Shown.TERMINAL),
    Column("collapsed", "collapsed", Shown.VARIETY, Format.TRUTH),
    Column("ece", "ECE", _VARIED | Shown.PAGE_SCORES, Format.FRACTION, long_title="ECE (calibration error)"),
    Column(
        "ece_expected",
        "ECE if calibrated",
        _VARIED | Shown.PAGE_SCORES,
        Format.FRACTION,
    ),
    Column("clips", "clips", Shown.RIGHTNESS | Shown.UNLABELLED | Shown.PAGE_SCORES, Format.COUNT),
    Column("failed_clips", "failed", _RIGHT | Shown.UNLABELLED, Format.COUNT),
    Column("interval", "interval", Shown.RIGHTNESS | Shown.UNLABELLED),
    Column("seen", "seen", _RIGHT | Shown.UNLABELLED | Shown.PAGE_SCORES, long_title="seen (trained on it)"),
    Column("device", "device", Shown.SPEED | Shown.PAGE | _ALWAYS),
    Column("backend", "backend", Shown.SPEED | Shown.PAGE),
    Column("dtype", "dtype", Shown.SPEED | Shown.PAGE),
    Column(
        "latency_p50_ms",
        "p50 ms",
        _FAST | Shown.LEGEND | Shown.PAGE | _ALWAYS,
        Format.MILLISECONDS,
        legend_title="p50, p90, p99",
    ),
    Column("latency_ratio", "× reference", _FAST | Shown.LEGEND, Format.QUANTITY),
    Column("latency_p90_ms", "p90 ms", Shown.SPEED | Shown.PAGE_SPEED, Format.MILLISECONDS),
    Column("latency_p99_ms", "p99 ms", Shown.SPEED | Shown.PAGE_SPEED, Format.MILLISECONDS),
    Column("rtfx", "RTFx", _FAST | Shown.LEGEND | Shown.TERMINAL, Format.QUANTITY),
    Column("cost_per_hour", "cost per hour", _FAST | Shown.LEGEND, Format.QUANTITY),
    Column("load_s", "load s", _FAST, Format.QUANTITY),
    Column("peak_memory_mb", "memory MB", _FAST | Shown.LEGEND, Format.QUANTITY, legend_title="memory"),
    Column("parameters", "weights", Shown.SPEED | Shown.DOCS, Format.PARAMETERS),
    Column("size_mb", "size MB", Shown.SPEED | Shown.PAGE | Shown.DOCS, Format.QUANTITY),
    Column("stopped_after", "stopped after", Shown.DOCS, Format.COUNT),
    Column("stopped_of", "stopped of", Shown.DOCS, Format.COUNT),
    Column("prompt_spread", "spread over phrasings", Shown.DOCS | Shown.PAGE_SCORES, Format.FRACTION),
    Column("signature", "signature", Shown.PAGE_SCORES | Shown.DOCS),
    Column("flags", "flags", Shown.RIGHTNESS | Shown.UNLABELLED | Shown.PAGE | _ALWAYS),
)
COLUMNS: Mapping[str, Column] = MappingProxyType({column.field: column for column in _COLUMNS})
"""The declared columns by their fields, in the order in which tables for people show them."""

PUBLISHED_COLUMNS = (
    *("rank", "candidate", "id", "revision", "status", "head", "corpus", "clips", "failed_clips", "unscored_clips"),
    *("emotions", "coverage", "accuracy", "accuracy_low", "accuracy_high", "uar", "uar_low", "uar_high", "interval"),
    *("macro_f1", "weighted_f1", "shared_uar", "common_uar", "adjusted_uar", "majority_accuracy", "ece", "brier"),
    *("entropy", "effective_emotions", "confident_emotions", "top_emotion", "top_share", "collapsed", "seen"),
    *("device", "backend", "dtype", "latency_p50_ms", "latency_p90_ms", "latency_p99_ms", "rtfx", "load_s"),
    *("peak_memory_mb", "parameters", "size_mb", "flags", "rank_high", "may_be_best", "regret_high"),
    "signature",
    *("compared_uar", "compared_accuracy"),
)
"""What `bench publish` sends, listed one by one so that a new column never publishes a path, speaker, clip or text.

`id` and `status` are the candidate's; all others are fields of the row.
"""


def shown_in(table: Shown) -> tuple[Column, ...]:
    """The columns of a table, in its order.

    Examples:
        >>> [column.title for column in shown_in(Shown.PAGE_SPEED)]
        ['p50 ms', '× reference', 'p90 ms', 'p99 ms', 'RTFx', 'cost per hour', 'load s', 'memory MB']
    """
    return tuple(column for column in _COLUMNS if table in column.shown)
