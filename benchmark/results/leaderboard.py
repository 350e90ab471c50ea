"""A leaderboard: the rows of a run, with what is needed to read them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import Field, computed_field, model_validator

from benchmark.results.analyses import (
    AnswerProfile,
    CandidateCues,
    ClassScores,
    ClipAnswers,
    CorpusAgreement,
    CorpusGroups,
    FailedClips,
    FocusScore,
    HardClips,
    PairComparison,
    ReportedScore,
    Robustness,
)
from benchmark.results.display import Plotted
from benchmark.results.environment import Environment
from benchmark.results.inference_record import InferenceRecord
from benchmark.results.leaderboard_columns import LeaderboardRow
from benchmark.results.left_out import LeftOut
from benchmark.results.runs import ClipRecord, NodeRecord, StoredRequest
from benchmark.results.schema import Stored, StoredFile

__all__ = ["ALL_CORPORA", "CorpusSummary", "Leaderboard", "LeaderboardRow", "NotEvaluated", "deciding_rows"]

ALL_CORPORA = "*"
"""The corpus of a row that summarises several."""


class CorpusSummary(Stored):
    """The facts on a corpus that qualify the scores on it; fields of the corpus are as in `CorpusRecord`.

    Attributes:
        clips: Clips that could be read.
        unscored_labels: Labels that map to nothing, with their number of clips.
        emotion_clips: Scored clips by emotion, after merges.
        rare_emotions: Those of them that intervals, pairs and ranks do without.
        label_emotions: The emotion, after merges, of every label that occurs and maps.
        speakers: Number of speakers; None if unknown.
        no_speech: Clips known to hold no speech; they are scored like the others.
        speech_share: Share of all audio in which somebody speaks; None if it was not measured.
        rated_clips: Clips with votes of raters.
        tied_clips: Clips without a label whose votes tie: not scored.
        minority_clips: Clips without a label of which no more than half of the raters agree: not scored.
        human_uar: UAR of one rater against the others, over the scored clips; None if no clip has two raters.
        human_accuracy: How often a rater agrees with the others.
        duplicate_clips: Clips with the same samples as an earlier one.
        text_tie: Association of emotions and texts: bias-corrected Cramér's V; None if unknown.
        speaker_tie: The same of emotions and speakers.
        unheard_speakers: The speakers that scores rest on, where candidates have heard the others; None for all.
        heard_by: These candidates.
        guessing_p: How often the best of the candidates that were not trained on it, or of all with `--rank-seen`,
            would do as well by guessing; None without such candidates, and below two emotions.
        few_texts: Texts of the emotion that has fewest, if speakers say the same texts and these are too few to stand
            for others; else None.
        length_tie: Correlation ratio of emotions and duration, and in `level_tie` level; None if unknown.
        silence_uar: UAR of a linear model on duration, level and pauses alone, on speakers that it was not fitted to.
        silence_uar_low: Lower end of its interval.
        failure: What did not come to its end in reading the clips, in a sentence.
        left_out: What was left out of it, or treated specially.
        separating: Whether the clips were chosen to separate candidates, so that nothing is scored on them.
    """

    name: str
    source: str
    synthetic: bool
    clips: int
    available_clips: int
    unreadable: tuple[ClipRecord, ...]
    unscored_labels: dict[str, int]
    emotion_clips: dict[str, int]
    rare_emotions: tuple[str, ...] = ()
    label_emotions: dict[str, str]
    speakers: int | None
    hours: float
    merge: dict[str, str]
    channel: str = "mix"
    no_speech: int = 0
    silent_clips: int = 0
    speech_share: float | None = None
    selection: str | None = None
    rated_clips: int = 0
    tied_clips: int = 0
    minority_clips: int = 0
    human_uar: float | None = None
    human_accuracy: float | None = None
    duplicate_clips: int = 0
    text_tie: float | None = None
    speaker_tie: float | None = None
    unheard_speakers: int | None = None
    heard_by: tuple[str, ...] = ()
    guessing_p: float | None = None
    few_texts: int | None = None
    length_tie: float | None = None
    level_tie: float | None = None
    silence_uar: float | None = None
    silence_uar_low: float | None = None
    failure: str | None = None
    left_out: tuple[LeftOut, ...] = ()
    separating: bool = False

    @property
    def compared_emotions(self) -> dict[str, int]:
        """Scored clips by emotion, without the rare emotions: the K of intervals, pairs and ranks."""
        return {name: clips for name, clips in self.emotion_clips.items() if name not in self.rare_emotions}


class NotEvaluated(Stored):
    """A candidate of the registry that was not evaluated, and why.

    Attributes:
        emotions: Number of distinct classes it distinguishes.
        fallback: Whether it is usable and merely has fewer emotions than `--min-emotions`.
    """

    candidate: str
    status: str
    reason: str
    emotions: int
    fallback: bool
    log: str | None = None


class Leaderboard(Plotted, StoredFile):
    """All rows of a run, with what is needed to read them; fields of the run are as in `RunRecord`.

    Attributes:
        segment_s: Length of the segments that latency was measured on.
        threads: Threads that one timed call could use.
        rows: By corpus, best first; those without a rank after the ranked.
        not_evaluated: Every other candidate of the registry.
        failures: The reason, by candidate, of verifications, evaluations and measurements that ended early.
        agreements: One per corpus without labels.
        summary_corpora: The corpora of the rows with the corpus `*`: those on which all ranked candidates are scored.
        classes: Of each candidate's deciding evaluation, as are the profiles.
        focused: The emotions of `--focus`, whose scores are in `focus`.
        hard_clips: One per corpus.
        clip_answers: For the page; not stored, since predictions.parquet has all answers.
        groups: By sex, language, duration, and the columns of `--by`.
        pairs: Of ranked candidates, by corpus.
        price_per_hour: What an hour of the machine costs; None where nobody said.
        published: What papers report, one per labelled corpus; None where `--published` did not ask for it.
    """

    created: datetime
    environment: Environment
    nodes: tuple[NodeRecord, ...] = ()
    registry: str
    request: StoredRequest | None = None
    min_emotions: int
    limit: int | None
    interrupted: bool
    segment_s: float | None
    threads: int | None
    corpora: tuple[CorpusSummary, ...]
    rows: tuple[LeaderboardRow, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    failures: dict[str, str]
    agreements: tuple[CorpusAgreement, ...] = ()
    summary_corpora: tuple[str, ...] = ()
    classes: tuple[ClassScores, ...] = ()
    focus: tuple[FocusScore, ...] = ()
    focused: tuple[str, ...] = ()
    profiles: tuple[AnswerProfile, ...] = ()
    hard_clips: tuple[HardClips, ...] = ()
    clip_answers: tuple[ClipAnswers, ...] = Field(default=(), exclude=True)
    groups: tuple[CorpusGroups, ...] = ()
    robustness: tuple[Robustness, ...] = ()
    cues: tuple[CandidateCues, ...] = ()
    pairs: tuple[PairComparison, ...] = ()
    inference: tuple[InferenceRecord, ...] = ()
    failed_clips: tuple[FailedClips, ...] = ()
    published: tuple[ReportedScore, ...] | None = None
    price_per_hour: float | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def complete(self) -> bool:
        """Whether everything that the run was asked for came to its end."""
        return not self.gaps

    @model_validator(mode="before")
    @classmethod
    def _without_computed(cls, content: object) -> object:
        if not isinstance(content, Mapping):
            return content
        return {name: value for name, value in content.items() if name not in {"complete", "cite"}}

    @property
    def incomplete(self) -> tuple[str, ...]:
        """The candidates of which something is missing; an ensemble that could not be scored is none."""
        candidates = {row.candidate for row in self.rows if "ensemble" not in row.flags}
        return tuple(name for name in self.failures if name in candidates)

    @property
    def gaps(self) -> str:
        """What is missing, as a part of a sentence; empty if nothing is."""
        names = self.incomplete
        gaps = ["it was interrupted"] if self.interrupted else []
        gaps += [f"{', '.join(names)} did not come to {'its' if len(names) == 1 else 'their'} end"] if names else []
        gaps += [
            f"the clips of {corpus.name} were not all read to the end" for corpus in self.corpora if corpus.failure
        ]
        return ", and ".join(gaps)


def deciding_rows(rows: Sequence[LeaderboardRow]) -> dict[tuple[str, str | None], LeaderboardRow]:
    """The first row of each candidate and corpus, whose scores decide its rank; others are of further devices."""
    return {(row.candidate, row.corpus): row for row in reversed(rows)}
