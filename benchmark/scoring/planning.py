"""A plan: how many speakers and clips a question about candidates needs, and what each design costs."""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import computed_field

from benchmark.results.predictions import ABSENT, PredictionTable
from benchmark.results.runs import RunRecord
from benchmark.results.schema import Stored
from benchmark.scoring.decisions import MIN_EMOTIONS, speaker_codes
from benchmark.scoring.evaluations import CorpusEvaluations, Evaluation
from benchmark.scoring.intervals import speakers_can_be_left_out
from benchmark.scoring.leaderboard import FindPredictions, corpus_evaluations
from benchmark.scoring.power import (
    SPREAD,
    Pilot,
    assumed_pilot,
    clips_of_the_same_speakers,
    detectable_difference,
    measured_pilot,
    speakers_and_range,
)
from benchmark.scoring.trained_on import Seen
from benchmark.scoring.twins import near_twins

OBSERVED_SPREADS = (0.04, 0.19)
"""Smallest and largest standard deviation between speakers of a true difference of two UARs in runs of real models."""
_OF_EACH = (1, 2, 4, 8, 16)
"""Clips of each speaker and emotion, of the designs without a run."""
_TIMES = (0.5, 1.0, 2.0, 4.0)
"""Clips of each speaker, as multiples of those of the run."""
_PAIR = 2


class Amount(Stored):
    """A number with the range that the pilot leaves; None where it is out of reach."""

    value: float | None
    low: float | None
    high: float | None


class StudyDesign(Stored):
    """So many clips of each speaker, and how many speakers that takes.

    Attributes:
        clips_per_speaker: Labelled clips of each speaker, with the emotions mixed as in the run.
        speakers: In all.
        more_speakers: Beyond those of the run.
        labels: Labelled clips in all.
        more_labels: Beyond those of the run.
        compute_s: Time in which the compared candidates answer the clips of `more_labels`, one after the other, as
            measured in the run; None where it was not.
    """

    clips_per_speaker: int
    speakers: Amount
    more_speakers: Amount
    labels: Amount
    more_labels: Amount
    compute_s: Amount | None


class CorpusPlan(Stored):
    """A plan for recordings such as those of one corpus.

    Attributes:
        corpus: None for assumptions.
        candidates: Those that are compared, the best first.
        left_out: Candidates that are not compared, with the reason.
        difference: What has to be found: of the best from the next, or the one that was asked for.
        detectable: The smallest difference that a run with these speakers and clips finds as often as wanted.
        same_speakers_clips: How many clips of each of the present speakers would do; None where no number does.
        problem: Why there is no plan, in a sentence.
    """

    corpus: str | None
    left_out: dict[str, str]
    candidates: tuple[str, ...] = ()
    speakers: int = 0
    clips: int = 0
    difference: float | None = None
    detectable: float | None = None
    same_speakers_clips: int | None = None
    designs: tuple[StudyDesign, ...] = ()
    problem: str | None = None


class Plan(Stored):
    """Designs that tell two candidates apart, or the best from the rest.

    Attributes:
        wanted: How often the difference is to be found.
        asked: The difference that the user wants to find; None for the observed one.
        assumptions: What is assumed, in sentences.
        gaps: What is missing of the run, as a part of a sentence; empty if nothing is.
    """

    wanted: float
    asked: float | None
    assumptions: tuple[str, ...]
    corpora: tuple[CorpusPlan, ...]
    gaps: str = ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def complete(self) -> bool:
        """Whether everything that the run was asked for came to its end."""
        return not self.gaps


def plan_from_run(
    record: RunRecord, predictions: FindPredictions, *, wanted: float, difference: float | None, gaps: str = ""
) -> Plan:
    """Plan from the answers of a finished run, for each of its corpora.

    Args:
        record: The run; where it has two comparable candidates, these are told apart, else the best from the rest.
        predictions: Finds the stored predictions of a setup.
        wanted: The probability of finding the difference.
        difference: The smallest difference that matters; by default the observed ones.
        gaps: What is missing of the run.

    Raises:
        RequestError: A merge or an override of a corpus names an unknown emotion.
    """
    plans = []
    for corpus in record.corpora:
        evaluations = corpus_evaluations(record, corpus, predictions)
        plans.append(_corpus_plan(evaluations, predictions, wanted=wanted, difference=difference))
    return Plan(
        wanted=wanted,
        asked=difference,
        assumptions=("New speakers, clips and labels are like those of the run.",),
        corpora=tuple(plans),
        gaps=gaps,
    )


def plan_from_assumptions(*, uar: float, difference: float, candidates: int, emotions: int, wanted: float) -> Plan:
    """Plan without a run.

    The low and the high end are for the smallest and the largest spread between speakers in runs of real models.

    Args:
        uar: Of the best candidate.
        difference: By how much all others are worse.
        candidates: How many are compared.
        emotions: How many emotions each speaker has clips of, equally many of each.
        wanted: The probability of finding the difference.
    """
    pilots = [assumed_pilot(uar, difference, candidates, spread) for spread in (None, *OBSERVED_SPREADS)]
    designs = []
    for each in _OF_EACH:
        clips = each * emotions
        needed = [speakers_and_range(pilot, clips, wanted=wanted, pair=candidates == _PAIR)[0] for pilot in pilots]
        designs.append(_design(clips, needed, speakers=0, labels=0, seconds=None))
    low, high = OBSERVED_SPREADS
    plan = CorpusPlan(corpus=None, left_out={}, difference=difference, designs=tuple(designs))
    return Plan(
        wanted=wanted,
        asked=difference,
        assumptions=(
            f"{candidates} candidates: the best has a UAR of {uar:g}, each other one {uar - difference:g}.",
            "A speaker adds deviates to the logit of the recall, one for each candidate and one for each of "
            f"{emotions} emotions, with a standard deviation of {SPREAD:g}. The ranges are for {low:g} to {high:g} "
            "between speakers in the difference of UAR, which runs of real models showed.",
            "Every speaker has equally many clips of each emotion.",
        ),
        corpora=(plan,),
    )


def _corpus_plan(
    corpus: CorpusEvaluations, predictions: FindPredictions, *, wanted: float, difference: float | None
) -> CorpusPlan:
    name = corpus.summary.name
    if corpus.summary.separating:
        problem = "Its clips were chosen to separate the candidates, so that other clips are not like them."
        return CorpusPlan(corpus=name, left_out={}, problem=problem)
    compared, left_out = _comparable(corpus)
    if len(compared) < _PAIR:
        problem = "A plan needs two candidates that can be compared." if compared else "No candidate can be compared."
        return CorpusPlan(corpus=name, left_out=left_out, problem=problem)
    pilot = _pilot(compared)
    pair, order = len(compared) == _PAIR, np.argsort(-pilot.scores, kind="stable")
    labels = len(compared[0].decisions.truth)
    seconds = _seconds_per_clip(compared, corpus, predictions)
    numbers = sorted({max(1, round(pilot.clips * times)) for times in _TIMES})
    designs = []
    for clips in numbers:
        needed = speakers_and_range(pilot, clips, wanted=wanted, pair=pair, difference=difference).tolist()
        designs.append(_design(clips, needed, speakers=pilot.speakers, labels=labels, seconds=seconds))
    gap = float(pilot.scores[order[0]] - pilot.scores[order[1]])
    return CorpusPlan(
        corpus=name,
        candidates=tuple(compared[index].candidate for index in order),
        left_out=left_out,
        speakers=pilot.speakers,
        clips=labels,
        difference=gap if difference is None else difference,
        detectable=detectable_difference(pilot, wanted=wanted, pair=pair),
        same_speakers_clips=clips_of_the_same_speakers(pilot, wanted=wanted, pair=pair, difference=difference),
        designs=tuple(designs),
    )


def _comparable(corpus: CorpusEvaluations) -> tuple[list[Evaluation], dict[str, str]]:
    """The evaluations that a ranking compares, near-twins once, and why others are left out."""
    compared: list[Evaluation] = []
    left_out: dict[str, str] = {}
    twins = near_twins(corpus.complete)
    for evaluation in (own.compared for own in corpus.deciding):
        counts, name = evaluation.counts, evaluation.candidate
        if not evaluation.complete:
            left_out[name] = "it has not answered all clips"
        elif len(evaluation.decisions.emotions) < MIN_EMOTIONS:
            left_out[name] = "the corpus has fewer than two labelled emotions"
        elif counts is None:
            left_out[name] = "the speaker of some clips is unknown"
        elif not speakers_can_be_left_out(counts.clips):
            left_out[name] = "there are fewer than three speakers, or an emotion of one speaker only"
        elif evaluation.seen == Seen.YES:
            left_out[name] = "it was trained on this corpus"
        elif twin := next((other.candidate for other in compared if other.candidate in twins.get(name, ())), None):
            left_out[name] = f"it answers as {twin} does"
        else:
            compared.append(evaluation)
    return compared, left_out


def _pilot(compared: Sequence[Evaluation]) -> Pilot:
    codes = speaker_codes(compared[0].speakers)
    if codes is None:
        raise AssertionError("Candidates are comparable only where all speakers are known.")
    correct = np.column_stack([evaluation.decisions.correct for evaluation in compared])
    return measured_pilot(correct, compared[0].decisions.truth, codes)


def _seconds_per_clip(
    compared: Sequence[Evaluation], corpus: CorpusEvaluations, predictions: FindPredictions
) -> float | None:
    """The time in which all compared candidates answer a clip; None where one answered in no time that was measured."""
    means = []
    for evaluation in compared:
        setup = evaluation.record.setup
        table = PredictionTable.of_mapping(predictions(setup), labels=len(setup.labels))
        rows = table.rows(corpus.clips.clip_hashes)
        means.append(float(table.seconds[rows[rows != ABSENT]].mean()))
    return sum(means) if min(means) > 0 else None


def _design(clips: int, needed: Sequence[float], *, speakers: int, labels: int, seconds: float | None) -> StudyDesign:
    totals = [math.inf if number == math.inf else number * clips for number in needed]
    more = [max(total - labels, 0) for total in totals]
    return StudyDesign(
        clips_per_speaker=clips,
        speakers=_amount(needed),
        more_speakers=_amount([max(number - speakers, 0) for number in needed]),
        labels=_amount(totals),
        more_labels=_amount(more),
        compute_s=None if seconds is None else _amount([number * seconds for number in more]),
    )


def _amount(numbers: Sequence[float]) -> Amount:
    value, low, high = (None if number == math.inf else number for number in numbers)
    return Amount(value=value, low=low, high=high)
