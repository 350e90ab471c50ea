"""What every model said to every clip, as rows: stored predictions, with labels, merges and emotions joined."""

from collections.abc import Iterator

from scipy.special import softmax

from benchmark.emotions.merges import Merges
from benchmark.reporting.predictions import PredictionRow
from benchmark.results.predictions import Prediction
from benchmark.results.run import ClipRecord, CorpusRecord, EvaluationRecord, RunRecord
from benchmark.results.verification import Verification
from benchmark.scoring.answers import NO_ANSWER
from benchmark.scoring.evaluated import evaluate_stored
from benchmark.scoring.labelled_clips import readable_clips
from benchmark.scoring.leaderboard import FindPredictions


def prediction_rows(record: RunRecord, predictions: FindPredictions) -> Iterator[PredictionRow]:
    """Give one row per candidate, corpus and readable clip that was answered or tried.

    Args:
        record: The run.
        predictions: Finds the stored predictions of a setup, by the hash of the clip's audio.
    """
    corpora = {corpus.name: corpus for corpus in record.corpora}
    verifications = {verification.candidate: verification for verification in record.verifications}
    for evaluation in record.evaluations:
        yield from _rows(evaluation, verifications[evaluation.candidate], corpora[evaluation.corpus], predictions)


def _rows(
    evaluation: EvaluationRecord, verification: Verification, corpus: CorpusRecord, predictions: FindPredictions
) -> Iterator[PredictionRow]:
    stored = predictions(evaluation.setup)
    answers = evaluate_stored(evaluation, verification, corpus, stored, Merges(corpus.merge)).answers
    clips = readable_clips(corpus)
    for clip, emotion, chosen in zip(clips, answers.truth, answers.chosen, strict=True):
        prediction = stored.get(clip.clip_hash or "")
        if prediction is not None:
            predicted = None if chosen == NO_ANSWER else answers.classes[chosen]
            yield _row(evaluation, clip, prediction, emotion=emotion, predicted=predicted)


def _row(
    evaluation: EvaluationRecord,
    clip: ClipRecord,
    prediction: Prediction,
    *,
    emotion: str | None,
    predicted: str | None,
) -> PredictionRow:
    probabilities: tuple[tuple[str, float], ...] = ()
    if prediction.logits is not None:
        values = softmax(prediction.logits.astype(float))
        probabilities = tuple(zip(evaluation.setup.labels, values.tolist(), strict=True))
    return PredictionRow(
        candidate=evaluation.candidate,
        corpus=evaluation.corpus,
        clip=clip.clip,
        clip_hash=clip.clip_hash,
        label=clip.label,
        emotion=emotion,
        speaker=clip.speaker,
        predicted=predicted,
        probabilities=probabilities,
    )
