"""What a candidate listens to: the UAR that each cue is worth, from its answers to clips without it (`--ablate`)."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.special import logit, stdtr

from benchmark.audio.perturbation import CUES, ONLY_CUE
from benchmark.errors import listed
from benchmark.results.analyses import CandidateCues, Robustness
from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.evaluations import Evaluation
from benchmark.scoring.intervals import (
    NO_SPREAD,
    Interval,
    answer_variances,
    degrees_of_freedom,
    jackknife_error,
    leave_one_out_uar,
    speakers_can_be_left_out,
    wilson_error,
)
from benchmark.scoring.ranking import SIGNIFICANCE, PairedDifferences, holm


def cue_columns(original: Evaluation, ablated: Evaluation, loss: Interval) -> dict[str, float | None]:
    """What the cue of an ablation is worth, as columns of `Robustness`.

    Args:
        original: The answers to the clips as they are, at least one of them scored.
        ablated: The answers to the clips without the cue, or with nothing else.
        loss: The interval of the difference of their UARs.
    """
    before, after = original.counts, ablated.counts
    has_speakers = before is not None and after is not None and speakers_can_be_left_out(before.clips)
    if ablated.record.setup.perturbation != ONLY_CUE:
        p_value = (
            float(PairedDifferences.of([before, after]).p_values[0]) if has_speakers and before and after else None
        )
        return {"worth_low": loss.low, "worth_high": loss.high, "worth_p": p_value}
    guessing, interval = 1 / len(ablated.decisions.emotions), ablated.uar_interval
    return {
        "worth_low": None if interval is None else interval.low - guessing,
        "worth_high": None if interval is None else interval.high - guessing,
        "worth_p": guessing_p_value(after) if has_speakers and after else None,
    }


def guessing_p_value(counts: SpeakerCounts) -> float:
    """Two-sided p of UAR against guessing, 1/K, by the jackknife over speakers on the logit scale with Student's t.

    Degrees of freedom are those of the speakers' influences, as for intervals.

    Args:
        counts: Speakers of whom each can be left out.
    """
    guessing = 1 / counts.clips.shape[1]
    if abs(counts.uar - guessing) < NO_SPREAD:
        return 1.0
    error = float(jackknife_error(leave_one_out_uar(counts.hits, counts.clips)))
    if error < NO_SPREAD or not 0 < counts.uar < 1:
        distance = (counts.uar - guessing) / wilson_error(counts)
    else:
        distance = (logit(counts.uar) - logit(guessing)) * counts.uar * (1 - counts.uar) / error
    freedom = degrees_of_freedom(counts.clips, answer_variances(counts.hits, counts.clips))
    return float(2 * stdtr(freedom, -abs(distance)))


def candidate_cues(rows: Iterable[Robustness]) -> tuple[CandidateCues, ...]:
    """Say of each candidate on each corpus which cues are shown to be worth something."""
    by_candidate: dict[tuple[str, str], list[Robustness]] = {}
    for row in rows:
        if row.perturbation in CUES and row.worth is not None:
            by_candidate.setdefault((row.corpus, row.candidate), []).append(row)
    return tuple(_candidate_cues(own) for own in by_candidate.values())


def _candidate_cues(rows: Sequence[Robustness]) -> CandidateCues:
    p_values = np.array([1.0 if row.worth_p is None else row.worth_p for row in rows])
    shown = {row.perturbation: row for row, p in zip(rows, holm(p_values), strict=True) if p <= SIGNIFICANCE}
    first = rows[0]
    return CandidateCues(
        candidate=first.candidate,
        corpus=first.corpus,
        shown=tuple(shown),
        sentence=_sentence(rows, shown) if any(row.worth_p is not None for row in rows) else _NO_SPEAKERS,
    )


_NO_SPEAKERS = "which cues matter cannot be shown: the speakers are unknown, too few, or cannot be left out in turn."


def _sentence(rows: Sequence[Robustness], shown: Mapping[str, Robustness]) -> str:
    """The rest of a sentence that begins with the candidate's name and a colon."""
    taken = [row for row in rows if row.perturbation != ONLY_CUE]
    used = sorted((row for row in taken if row.perturbation in shown), key=lambda row: -(row.worth or 0.0))
    parts = []
    lost = [f"{CUES[row.perturbation]} ({row.worth:.3f})" for row in used if (row.worth or 0.0) > 0]
    if lost:
        parts.append(f"UAR falls without {listed(lost)}")
    gained = [f"{CUES[row.perturbation]} ({-row.worth:.3f})" for row in used if row.worth is not None and row.worth < 0]
    if gained:
        parts.append(f"UAR rises without {listed(gained)}")
    unshown = [CUES[row.perturbation] for row in taken if row.perturbation not in shown]
    if unshown:
        parts.append(f"{listed(unshown)} {'is' if len(unshown) == 1 else 'are'} not shown to matter")
    alone = shown.get(ONLY_CUE)
    if alone is not None and (alone.worth or 0.0) > 0:
        parts.append(
            f"the pauses alone score {alone.worth:.3f} above guessing, so that the recording gives some labels away"
        )
    elif any(row.perturbation == ONLY_CUE for row in rows):
        parts.append("the pauses alone are not shown to be better than guessing")
    return "; ".join(parts) + "."
