"""Robustness to perturbed audio: the share of answers that stay, and the loss of UAR, on the same clips."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmark.audio.perturbation import CUES, ONLY_CUE, parse_perturbation
from benchmark.results.analyses import Robustness
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.training_record import NO_ROBUSTNESS
from benchmark.scoring.cues import cue_columns
from benchmark.scoring.decisions import uar
from benchmark.scoring.evaluations import CorpusEvaluations, Evaluation, join_evaluation
from benchmark.scoring.intervals import uar_difference_interval
from benchmark.scoring.labels import readable_clips


def robustness_rows(
    record: RunRecord,
    corpora: Sequence[CorpusEvaluations],
    find: Callable[[InferenceSetup], Mapping[str, Prediction]],
) -> Iterator[Robustness]:
    """Give one row per corpus, candidate and perturbation; none where the run perturbed nothing."""
    verifications = {verification.candidate: verification for verification in record.verifications}
    for corpus in corpora:
        for perturbed in record.perturbed:
            if perturbed.corpus != corpus.corpus.name:
                continue
            verification, stored = verifications[perturbed.candidate], find(perturbed.setup)
            evaluation = join_evaluation(perturbed, verification, corpus.corpus, stored, corpus.clips)
            originals = corpus.of(perturbed.candidate)
            original = next((other for other in originals if other.setting == evaluation.setting), None)
            yield robustness(original, evaluation, corpus.corpus)


def robustness(original: Evaluation | None, perturbed: Evaluation, corpus: CorpusRecord) -> Robustness:
    """Compare a candidate's answers to perturbed clips with its answers to the original clips."""
    name = perturbed.record.setup.perturbation or ""
    row = Robustness(candidate=perturbed.candidate, corpus=corpus.name, perturbation=name)
    if perturbed.adapted:
        return row.model_copy(update={"problem": NO_ROBUSTNESS})
    if original is None or not original.complete:
        problem = "It did not answer all clips as they are, so that there is nothing to hold the others against."
        return row.model_copy(update={"problem": problem})
    if not perturbed.complete:
        missing = f"{perturbed.answers.missing} of {len(perturbed.answers.truth)} perturbed clips"
        problem = perturbed.record.failure or f"No answer is stored for {missing}."
        return row.model_copy(update={"problem": problem})
    answered = original.answers.answered
    unchanged = original.answers.chosen[answered] == perturbed.answers.chosen[answered]
    update: dict[str, object] = {
        "clips": int(answered.sum()),
        "unchanged": float(unchanged.mean()) if unchanged.size else None,
        "failed_clips": int((answered & ~perturbed.answers.answered).sum()),
        "untouched_clips": _untouched(name, perturbed.verification.sampling_rate, corpus),
    }
    original, perturbed = original.compared, perturbed.compared
    before, after = uar(original.decisions), uar(perturbed.decisions)
    interval = uar_difference_interval(original.decisions, perturbed.decisions, original.counts, perturbed.counts)
    if before is not None and after is not None and interval is not None:
        update |= {
            "uar": before,
            "perturbed_uar": after,
            "uar_loss": before - after,
            "uar_loss_low": interval.low,
            "uar_loss_high": interval.high,
            "interval": interval.method.value,
        }
        if name in CUES:
            update |= cue_columns(original, perturbed, interval)
            guessing = 1 / len(original.decisions.emotions)
            update["worth"] = after - guessing if name == ONLY_CUE else before - after
    return row.model_copy(update=update)


def _untouched(name: str, model_rate: int | None, corpus: CorpusRecord) -> int:
    """Clips in which there is nothing to remove, at the model's sampling rate or at their own."""
    perturbation = parse_perturbation(name)
    clips = readable_clips(corpus)
    if model_rate is not None and perturbation.leaves_alone(model_rate):
        return len(clips)
    return sum(clip.sampling_rate is not None and perturbation.leaves_alone(clip.sampling_rate) for clip in clips)
