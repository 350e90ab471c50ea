"""Robustness of every candidate of a run, from what the run stored."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmark.emotions.merges import Merges
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.robustness import Robustness
from benchmark.results.runs import EvaluationRecord, RunRecord
from benchmark.scoring.corpus_board import CorpusBoard
from benchmark.scoring.evaluated import StoredEvaluation, evaluate_stored
from benchmark.scoring.labelled_clips import label_clips
from benchmark.scoring.robustness import robustness


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
