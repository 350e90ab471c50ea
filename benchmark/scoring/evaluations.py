"""One evaluation with everything that is counted from it, so that ranks and rows count nothing twice."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from benchmark.emotions.label_map import map_labels
from benchmark.emotions.merges import Merges
from benchmark.results.leaderboard import CorpusSummary
from benchmark.results.predictions import Prediction, PredictionTable
from benchmark.results.runs import CorpusRecord, EvaluationRecord
from benchmark.results.verification import Verification
from benchmark.scoring.answers import Answers, join_answers
from benchmark.scoring.decisions import Decisions, SpeakerCounts, count_by_speaker, open_decisions
from benchmark.scoring.labels import LabelledClips, label_clips
from benchmark.scoring.seen import Seen, seen


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredEvaluation:
    """One candidate's evaluation on one corpus.

    Attributes:
        evaluation: What was run.
        verification: The verdict on the candidate.
        answers: What it answered.
        seen: Whether it was trained on the corpus.
        loose_map: Whether a coarse label of it stands for an emotion.
    """

    evaluation: EvaluationRecord
    verification: Verification
    answers: Answers
    seen: Seen
    loose_map: bool

    @property
    def complete(self) -> bool:
        """Whether every clip has an answer or a failure; without, nothing is scored."""
        return self.answers.missing == 0

    @cached_property
    def decisions(self) -> Decisions:
        """The open decisions on the scored clips."""
        return open_decisions(self.answers)

    @cached_property
    def counts(self) -> SpeakerCounts | None:
        """Hits and clips of the open decisions by speaker; None where speakers are unknown."""
        return count_by_speaker(self.decisions, self.speakers)

    @cached_property
    def speakers(self) -> tuple[str | None, ...]:
        """Who speaks in each of the scored clips."""
        scored = zip(self.answers.speakers, self.answers.scored, strict=True)
        return tuple(speaker for speaker, is_scored in scored if is_scored)


def evaluate_stored(
    evaluation: EvaluationRecord,
    verification: Verification,
    corpus: CorpusRecord,
    predictions: Mapping[str, Prediction],
    merges: Merges,
    heard: LabelledClips | None = None,
) -> StoredEvaluation:
    """Join the stored predictions of one evaluation with its corpus.

    What the candidate's labels mean is taken from its verification, where the registry's overrides are applied.

    Args:
        evaluation: What was run.
        verification: The verdict on the candidate.
        corpus: The corpus as the run met it.
        predictions: What is stored, by the hash of the clip's audio.
        merges: The merges of the corpus.
        heard: The clips of the corpus with its labels, where somebody has joined them already.

    Raises:
        RequestError: A merge or an override of the corpus names an emotion that nobody knows.
    """
    labels = evaluation.setup.labels
    meanings = dict(zip(verification.labels, verification.emotions, strict=True))
    overrides = {label: meaning for label in labels if (meaning := meanings.get(label)) is not None}
    table = PredictionTable.of_mapping(predictions, labels=len(labels))
    return StoredEvaluation(
        evaluation=evaluation,
        verification=verification,
        answers=join_answers(heard or label_clips(corpus, merges), table, labels, overrides, merges),
        seen=seen(verification.trained_on, corpus.name),
        loose_map=bool(map_labels(labels, overrides=overrides).loose),
    )


REFERENCE_DEVICE = "cpu"


REFERENCE_BACKEND = "torch"


REFERENCE_DTYPE = "float32"


@dataclass(frozen=True, eq=False, kw_only=True)
class CorpusBoard:
    """What the candidates said to one corpus.

    Attributes:
        summary: The corpus.
        evaluated: The evaluations on it, in the record's order.
        loose: Whether a coarse label of the corpus stands for an emotion.
    """

    summary: CorpusSummary
    evaluated: tuple[StoredEvaluation, ...]
    loose: bool

    def of(self, candidate: str) -> tuple[StoredEvaluation, ...]:
        """The candidate's evaluations, the one that decides its rank first: whole, then the reference inference."""
        own = [one for one in self.evaluated if one.evaluation.candidate == candidate]
        return tuple(sorted(own, key=_distance_from_reference))


def _distance_from_reference(one: StoredEvaluation) -> int:
    setup = one.evaluation.setup
    reference = setup.device, setup.backend, setup.dtype
    differences = sum(
        found != wanted
        for found, wanted in zip(reference, (REFERENCE_DEVICE, REFERENCE_BACKEND, REFERENCE_DTYPE), strict=True)
    )
    return differences + (0 if one.complete else 10)
