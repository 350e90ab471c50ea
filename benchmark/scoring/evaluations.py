"""The evaluations of a run: stored predictions joined with their corpus, and everything that is counted only once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmark.emotions.label_map import map_labels
from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.leaderboard import CorpusSummary, LeaderboardRow
from benchmark.results.predictions import (
    ABSENT,
    IMPORTED,
    PHRASINGS,
    InferenceSetup,
    Prediction,
    PredictionTable,
)
from benchmark.results.runs import CorpusRecord, EvaluationRecord
from benchmark.results.training_record import TRAINED_HERE
from benchmark.results.verification import Verification
from benchmark.scoring.answers import Answers, join_answers
from benchmark.scoring.array_file import ArrayFile
from benchmark.scoring.decisions import (
    MIN_EMOTIONS,
    Decisions,
    SpeakerCounts,
    TextCounts,
    confusion_matrix,
    count_by_speaker,
    count_by_text,
    open_decisions,
    uar,
)
from benchmark.scoring.guessing import Gain, gain, p_of_best, uars_by_luck
from benchmark.scoring.intervals import Interval, uar_interval
from benchmark.scoring.labels import LabelledClips
from benchmark.scoring.trained_on import Seen, seen


@dataclass(frozen=True)
class Setting:
    """Device, backend and number format of an evaluation or a timing."""

    device: str | None
    backend: str | None
    dtype: str | None

    @classmethod
    def of(cls, source: InferenceSetup | LatencyMeasurement | LeaderboardRow) -> "Setting":
        """The setting of a setup, a timing or a row."""
        return cls(source.device, source.backend, source.dtype)

    @property
    def distance(self) -> int:
        """In how many of the three it differs from the reference inference."""
        return (self.device != "cpu") + (self.backend != "torch") + (self.dtype != "float32")


@dataclass(frozen=True)
class StatedLatency:
    """What a table says that its answers took, per clip: medians in milliseconds, and seconds of audio per second."""

    clips: int
    median_ms: float
    rtfx: float | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """One candidate's evaluation on one corpus.

    Attributes:
        loose_map: Whether a coarse label of the candidate or the corpus stands for an emotion.
        adapted: Whether its answers are those of models that were trained on other speakers of the corpus.
        heard_speakers: How many speakers of the corpus it was trained on, where scores rest on the others.
        heard_uar: Open UAR on these.
        unasked_clips: Readable clips that it was not asked, since a race has stopped it.
        phrasings: Open UAR of each phrasing of a zero-shot candidate alone; empty for others.
        stated_latency: Of a table of answers with a column of seconds; None for others.
    """

    record: EvaluationRecord
    verification: Verification
    answers: Answers
    seen: Seen
    loose_map: bool
    adapted: bool = False
    heard_speakers: int = 0
    heard_uar: float | None = None
    unasked_clips: int = 0
    phrasings: tuple[float, ...] = ()
    stated_latency: StatedLatency | None = None

    @property
    def candidate(self) -> str:
        """The candidate's name in tables."""
        return self.record.candidate

    @property
    def complete(self) -> bool:
        """Whether every clip has an answer or a failure; incomplete evaluations are not scored."""
        return self.answers.missing == 0 and not self.is_stopped

    @property
    def is_stopped(self) -> bool:
        """Whether a race has stopped it, and it has answered all clips that it was asked."""
        return self.record.stopped is not None and self.answers.missing == self.unasked_clips

    @property
    def has_scores(self) -> bool:
        """Whether it gave probabilities, and not only answers."""
        return bool(self.record.setup.head_parameters.get("scores", True))

    @property
    def setting(self) -> Setting:
        """The device, backend and number format that computed it."""
        return Setting.of(self.record.setup)

    @property
    def failed_clips(self) -> int:
        """Readable clips that the candidate could not process."""
        return len(self.answers.truth) - int(self.answers.answered.sum()) - self.answers.missing

    @cached_property
    def compared(self) -> "Evaluation":
        """The evaluation on the clips that intervals, pairs and ranks rest on; itself where these are all."""
        return self if self.answers.compared is None else replace(self, answers=self.answers.to_compared)

    @property
    def decisions(self) -> Decisions:
        """The open decisions on the scored clips."""
        return _open_decisions(self)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """The confusion matrix of the open decisions."""
        return confusion_matrix(self.decisions)

    @cached_property
    def speakers(self) -> tuple[str | None, ...]:
        """The speaker of each scored clip."""
        return _speakers_of_scored(self.answers.speakers, self.answers.truth)

    @cached_property
    def counts(self) -> SpeakerCounts | None:
        """Hits and clips of the open decisions by speaker; None where speakers are unknown."""
        return count_by_speaker(self.decisions, self.speakers)

    @cached_property
    def texts(self) -> TextCounts | None:
        """Hits and clips of the open decisions by text; None where texts are unknown, too few or never shared."""
        return count_by_text(self.decisions, self.answers.texts)

    @cached_property
    def uar_interval(self) -> Interval | None:
        """The interval of the open UAR; None without scored clips."""
        return uar_interval(self.confusion, self.counts, self.texts)

    def of_speakers(self, chosen: NDArray[np.bool_]) -> "Evaluation":
        """The evaluation on the scored clips of some speakers, given in the order of `counts`."""
        names = sorted({speaker for speaker in self.speakers if speaker is not None})
        kept = {name for name, is_kept in zip(names, chosen, strict=True) if is_kept}
        of_them = np.array([speaker in kept for speaker in self.answers.speakers], dtype=np.bool_)
        return replace(self, answers=self.answers.of_clips(of_them & self.answers.scored))


@lru_cache(maxsize=4)  # of many candidates on many clips, those of all would take gigabytes
def _open_decisions(evaluation: Evaluation) -> Decisions:
    return open_decisions(evaluation.answers)


@lru_cache(maxsize=4)  # the same of all candidates of a corpus
def _speakers_of_scored(speakers: tuple[str | None, ...], truth: tuple[str | None, ...]) -> tuple[str | None, ...]:
    return tuple(speaker for speaker, emotion in zip(speakers, truth, strict=True) if emotion is not None)


def join_evaluation(
    record: EvaluationRecord,
    verification: Verification,
    corpus: CorpusRecord,
    predictions: Mapping[str, Prediction],
    clips: LabelledClips,
    file: ArrayFile | None = None,
) -> Evaluation:
    """Join the stored predictions of one evaluation, by the hash of the clip's audio, with the clips of its corpus.

    The meaning of the candidate's labels is taken from its verification, where the registry's overrides are applied.

    Args:
        file: Where its probabilities are kept; None for memory.

    Raises:
        RequestError: A merge of the corpus names an unknown emotion.
    """
    labels = record.setup.labels
    meanings = dict(zip(verification.labels, verification.emotions, strict=True))
    overrides = {label: meaning for label in labels if (meaning := meanings.get(label)) is not None}
    label_map = map_labels(labels, overrides=overrides, merges=corpus.merge)
    table = PredictionTable.of_mapping(predictions, labels=len(labels))
    unasked = unasked_clips(record, clips)
    number = int(str(record.setup.head_parameters.get(PHRASINGS, 0)))
    alone = []
    for phrasing in range(number):
        own = labels[phrasing::number]
        kept = {label: meaning for label, meaning in overrides.items() if label in own}
        part = replace(table, logits=table.logits[:, phrasing::number])
        own_map = map_labels(own, overrides=kept, merges=corpus.merge)
        alone.append(uar(open_decisions(join_answers(clips, part, own_map, unasked))))
    return Evaluation(
        record=record,
        verification=verification,
        answers=join_answers(clips, table, label_map, unasked, file),
        seen=seen_by(record, verification, corpus),
        loose_map=bool(label_map.loose) or clips.loose,
        adapted=record.setup.head == TRAINED_HERE,
        unasked_clips=int(unasked.sum()),
        phrasings=tuple(recall for recall in alone if recall is not None),
        stated_latency=_stated_latency(table, corpus) if record.setup.head == IMPORTED else None,
    )


def _stated_latency(table: PredictionTable, corpus: CorpusRecord) -> StatedLatency | None:
    """Sum up what a table says that its answers took; a time of zero, or none, is not stated."""
    durations = {clip.clip_hash: clip.duration_s for clip in corpus.clips if clip.clip_hash is not None}
    rows = table.rows(pa.array(list(durations), pa.string()))
    seconds = np.where(rows == ABSENT, np.nan, table.seconds[rows] if len(table) else np.nan)
    is_stated = seconds > 0
    if not is_stated.any():
        return None
    audio = np.array([np.nan if own is None else own for own in durations.values()], dtype=np.float64)[is_stated]
    rtfx = float(audio.sum() / seconds[is_stated].sum())
    return StatedLatency(
        clips=int(is_stated.sum()),
        median_ms=float(np.median(seconds[is_stated])) * 1_000,
        rtfx=rtfx if math.isfinite(rtfx) else None,
    )


def unasked_clips(record: EvaluationRecord, clips: LabelledClips) -> NDArray[np.bool_]:
    """Whether a race has stopped the candidate before it was asked a clip, shape (clips,).

    Answers to such clips that another run has stored do not count, so that a race ends alike on every cache.
    """
    if record.stopped is None:
        return np.zeros(len(clips.clips), dtype=np.bool_)
    looks = (clip.look for clip in clips.clips)
    return np.array([look is not None and look > record.stopped.look for look in looks], dtype=np.bool_)


def seen_by(record: EvaluationRecord, verification: Verification, corpus: CorpusRecord) -> Seen:
    """Whether what answered was trained on clips of the corpus, or, as far as is known, on a corpus of its name."""
    if record.setup.head == TRAINED_HERE:
        return Seen.NO
    return Seen.YES if record.heard_clips else seen(verification.trained_on, corpus.name)


@dataclass(frozen=True, eq=False, kw_only=True)
class CorpusEvaluations:
    """All evaluations of a run on one corpus, in the order of the registry, with its labelled clips."""

    corpus: CorpusRecord
    summary: CorpusSummary
    clips: LabelledClips
    evaluations: tuple[Evaluation, ...]

    def of(self, candidate: str) -> tuple[Evaluation, ...]:
        """The candidate's evaluations, the deciding one first: a complete one, then the reference inference."""
        own = [evaluation for evaluation in self.evaluations if evaluation.candidate == candidate]
        return tuple(sorted(own, key=lambda evaluation: (not evaluation.complete, evaluation.setting.distance)))

    @cached_property
    def deciding(self) -> tuple[Evaluation, ...]:
        """The deciding evaluation of each candidate, on which its rank and all details rest."""
        candidates = dict.fromkeys(evaluation.candidate for evaluation in self.evaluations)
        return tuple(self.of(candidate)[0] for candidate in candidates)

    @cached_property
    def _gains(self) -> dict[Evaluation, Gain | None]:
        compared = [own.compared for own in self.complete]
        if not compared or len(compared[0].decisions.emotions) < MIN_EMOTIONS:
            return dict.fromkeys(self.complete)
        answers = np.stack([own.decisions.answers.astype(np.uint8) for own in compared])
        by_luck = uars_by_luck(compared[0].decisions.truth, answers, compared[0].speakers)
        return {
            own: gain(same.decisions, same.speakers, luck)
            for own, same, luck in zip(self.complete, compared, by_luck, strict=True)
        }

    def gain(self, evaluation: Evaluation) -> Gain | None:
        """How far an evaluation on this corpus, or an ensemble, is above guessing; None below two emotions."""
        if evaluation in self._gains:
            return self._gains[evaluation]
        compared = evaluation.compared
        return gain(compared.decisions, compared.speakers)

    def p_of_best(self, *, with_seen: bool) -> float | None:
        """How often the best candidate would do as well by guessing; None without two emotions and a candidate.

        Candidates that were trained on the corpus count `with_seen` only.
        """
        chosen = {own: gain for own, gain in self._gains.items() if with_seen or own.seen != Seen.YES}
        return p_of_best([gain for gain in chosen.values() if gain is not None])

    @property
    def complete(self) -> list[Evaluation]:
        """The deciding evaluations that have an answer or a failure for every clip."""
        return [evaluation for evaluation in self.deciding if evaluation.complete]
