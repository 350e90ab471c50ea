"""How far answers survive a perturbation: the share that stays, and what it costs in UAR, held clip against clip."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from benchmark.audio.perturbation import perturbation_named
from benchmark.emotions.merges import Merges
from benchmark.results.analyses import Robustness
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import CorpusRecord, EvaluationRecord, RunRecord
from benchmark.scoring.decisions import Decisions, SpeakerCounts
from benchmark.scoring.evaluations import CorpusBoard, StoredEvaluation, evaluate_stored
from benchmark.scoring.intervals import (
    BOOTSTRAP_DRAWS,
    BOOTSTRAP_SEED,
    CONFIDENCE,
    NO_SPREAD,
    Interval,
    IntervalMethod,
    equivalent_clips,
    jackknife_error,
    leave_one_out_uar,
    speakers_can_be_left_out,
    wilson_interval,
)
from benchmark.scoring.labels import label_clips, readable_clips
from benchmark.scoring.metrics import uar


def robustness(plain: StoredEvaluation | None, perturbed: StoredEvaluation, corpus: CorpusRecord) -> Robustness:
    """Hold a candidate's answers to perturbed clips against its answers to the same clips as they are.

    Args:
        plain: What it answered to the clips as they are, under the same inference; None where nothing is stored.
        perturbed: What it answered to the perturbed clips.
        corpus: The corpus.
    """
    evaluation = perturbed.evaluation
    name = evaluation.setup.perturbation or ""
    found = Robustness(candidate=evaluation.candidate, corpus=corpus.name, perturbation=name)
    problem = _problem(plain, perturbed)
    if plain is None or problem is not None:
        return found.model_copy(update={"problem": problem})
    compared = plain.answers.answered
    unchanged = plain.answers.chosen[compared] == perturbed.answers.chosen[compared]
    return found.model_copy(
        update={
            "clips": int(compared.sum()),
            "unchanged": float(unchanged.mean()) if unchanged.size else None,
            "failed_clips": int((compared & ~perturbed.answers.answered).sum()),
            "untouched_clips": _untouched(name, perturbed.verification.sampling_rate, corpus),
            **_loss(plain, perturbed),
        }
    )


class Counted(Protocol):
    """Decisions, and how many of them are right by speaker and emotion."""

    @property
    def decisions(self) -> Decisions:
        """The open decisions on the scored clips."""

    @property
    def counts(self) -> SpeakerCounts | None:
        """Hits and clips by speaker; None where speakers are unknown."""


def loss_interval(plain: Counted, perturbed: Counted) -> Interval | None:
    """The 95 % interval of UAR(as they are) − UAR(perturbed), both on the same clips.

    With speakers: difference ± t(0.975, G−1) · SE, where SE is the jackknife's of the differences that remain when each
    speaker is left out; where these do not vary, from the widths of both Wilson intervals, as for pairs of candidates.
    Without: a bootstrap over the clips of each emotion. Where no clip turns from right to wrong or back, there is no
    more of either than Wilson's interval of none.

    Returns:
        None without scored clips.
    """
    before, after = plain.decisions, perturbed.decisions
    if not before.truth.size:
        return None
    clips = np.bincount(before.truth, minlength=len(before.emotions)).astype(np.int64)
    if np.array_equal(before.correct, after.correct):
        reach = wilson_interval(0.0, equivalent_clips(clips)).high
        return Interval(-reach, reach, IntervalMethod.WILSON)
    one, other = plain.counts, perturbed.counts
    if one is None or other is None or not speakers_can_be_left_out(one.clips):
        return _bootstrap(before, after, clips)
    left_out = leave_one_out_uar(np.stack([one.hits, other.hits]), one.clips)
    error, method = float(jackknife_error(left_out[0] - left_out[1])), IntervalMethod.SPEAKERS
    if error < NO_SPREAD:
        error, method = _error_without_spread([uar(before), uar(after)], clips), IntervalMethod.WILSON
    reach = float(t.ppf((1 + CONFIDENCE) / 2, len(one.clips) - 1)) * error
    loss = (uar(before) or 0.0) - (uar(after) or 0.0)
    return Interval(max(loss - reach, -1.0), min(loss + reach, 1.0), method)


def _problem(plain: StoredEvaluation | None, perturbed: StoredEvaluation) -> str | None:
    if plain is None or not plain.complete:
        return "It did not answer all clips as they are, so that there is nothing to hold the others against."
    if perturbed.complete:
        return None
    asked = f"{perturbed.answers.missing} of {len(perturbed.answers.truth)} perturbed clips"
    return perturbed.evaluation.failure or f"No answer is stored for {asked}."


def _loss(plain: StoredEvaluation, perturbed: StoredEvaluation) -> dict[str, float | str | None]:
    before, after = uar(plain.decisions), uar(perturbed.decisions)
    interval = loss_interval(plain, perturbed)
    if before is None or after is None or interval is None:
        return {}
    return {
        "uar": before,
        "perturbed_uar": after,
        "uar_loss": before - after,
        "uar_loss_low": interval.low,
        "uar_loss_high": interval.high,
        "interval": interval.method.value,
    }


def _error_without_spread(scores: Sequence[float | None], clips: NDArray[np.int64]) -> float:
    intervals = [wilson_interval(score or 0.0, equivalent_clips(clips)) for score in scores]
    widths = np.array([interval.high - interval.low for interval in intervals])
    return float(np.sqrt((widths**2).sum()) / (2 * norm.ppf((1 + CONFIDENCE) / 2)))


def _bootstrap(before: Decisions, after: Decisions, clips: NDArray[np.int64]) -> Interval:
    """Draw, for each emotion, how many of its clips turn from right to wrong, from wrong to right, or neither way."""
    kinds = len(before.emotions)
    lost = np.bincount(before.truth[before.correct & ~after.correct], minlength=kinds)
    won = np.bincount(before.truth[~before.correct & after.correct], minlength=kinds)
    shares = np.stack([lost, won, clips - lost - won], axis=1) / clips[:, None]
    drawn = np.random.default_rng(BOOTSTRAP_SEED).multinomial(clips, shares, size=(BOOTSTRAP_DRAWS, kinds))
    losses = ((drawn[..., 0] - drawn[..., 1]) / clips).mean(axis=1)
    low, high = np.quantile(losses, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high), IntervalMethod.CLIPS)


def _untouched(name: str, sampling_rate: int | None, corpus: CorpusRecord) -> int:
    perturbation = perturbation_named(name)
    if sampling_rate is not None and perturbation.leaves_alone(sampling_rate):
        return len(readable_clips(corpus))
    rates = [clip.sampling_rate for clip in readable_clips(corpus)]
    return sum(rate is not None and perturbation.leaves_alone(rate) for rate in rates)


def robustness_rows(
    record: RunRecord,
    boards: Sequence[CorpusBoard],
    predictions: Callable[[InferenceSetup], Mapping[str, Prediction]],
) -> Iterator[Robustness]:
    """Give one row per corpus, candidate and perturbation; none where the run perturbed nothing.

    Args:
        record: The run.
        boards: What the candidates said to the clips as they are, one for each of the record's corpora.
        predictions: Finds the stored predictions of a setup, by the hash of the clip's audio as it is.
    """
    verifications = {verification.candidate: verification for verification in record.verifications}
    for corpus, board in zip(record.corpora, boards, strict=True):
        merges = Merges(corpus.merge)
        evaluations = [evaluation for evaluation in record.perturbed if evaluation.corpus == corpus.name]
        heard = label_clips(corpus, merges) if evaluations else None
        for evaluation in evaluations:
            verification = verifications[evaluation.candidate]
            stored = predictions(evaluation.setup)
            perturbed = evaluate_stored(evaluation, verification, corpus, stored, merges, heard)
            yield robustness(_as_they_are(board, evaluation), perturbed, corpus)


def _as_they_are(board: CorpusBoard, perturbed: EvaluationRecord) -> StoredEvaluation | None:
    """Find the candidate's answers to the same clips under the same inference."""
    wanted = perturbed.setup.device, perturbed.setup.backend, perturbed.setup.dtype
    for one in board.of(perturbed.candidate):
        setup = one.evaluation.setup
        if (setup.device, setup.backend, setup.dtype) == wanted:
            return one
    return None
