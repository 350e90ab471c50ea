from collections.abc import Mapping

import numpy as np
import pytest

from benchmark.emotions.label_map import map_labels
from benchmark.errors import RequestError
from benchmark.results.predictions import Prediction, PredictionTable
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.answers import NO_ANSWER, Answers, join_answers
from benchmark.scoring.labels import label_clips
from tests.scoring.conftest import clip_record, corpus_record


def corpus(*clips: ClipRecord, **fields: object) -> CorpusRecord:
    return corpus_record("mine", clips, **fields)


def predicted(name: str, *logits: float) -> Prediction:
    array = np.array(logits, dtype=np.float32) if logits else None
    return Prediction(clip_hash=name, logits=array, windows=1, failure=None if logits else "too long", seconds=0.1)


def joined(
    record: CorpusRecord,
    *predictions: Prediction,
    labels: tuple[str, ...] = ("ang", "joy"),
    overrides: Mapping[str, str] | None = None,
) -> Answers:
    by_hash = {prediction.clip_hash: prediction for prediction in predictions}
    table = PredictionTable.of_mapping(by_hash, labels=len(labels))
    label_map = map_labels(labels, overrides=overrides or {}, merges=record.merge)
    return join_answers(label_clips(record), table, label_map, np.zeros(len(record.clips), dtype=np.bool_))


def test_an_empty_corpus_joins_to_no_answers() -> None:
    answers = joined(corpus())
    assert (answers.probabilities.shape, answers.truth, answers.missing, answers.emotions) == ((0, 2), (), 0, ())


def test_a_clip_that_could_not_be_processed_has_no_answer_and_one_without_prediction_is_missing() -> None:
    record = corpus(*(clip_record(name, label="angry") for name in "abcd"))
    answers = joined(record, predicted("a", 1, 0), predicted("b"), predicted("d", np.nan, 0.0))
    assert answers.answered.tolist() == [True, False, False, False]
    assert answers.chosen.tolist() == [0, NO_ANSWER, NO_ANSWER, NO_ANSWER]
    assert answers.missing == 1


def test_overrides_of_corpus_and_candidate_apply_to_their_own_labels() -> None:
    record = corpus(clip_record("a", label="x1"), labels={"x1": "fear", "x2": "anger"})
    answers = joined(record, predicted("a", 5.0, 0.0), labels=("x1", "joy"), overrides={"x1": "sadness"})
    assert (answers.truth, answers.classes) == (("fear",), ("sadness", "happiness"))


def test_merges_apply_on_both_sides_and_merged_probabilities_add_up() -> None:
    record = corpus(clip_record("a", label="calm"), merge={"calm": "neutral"})
    answers = joined(record, predicted("a", 0.0, 0.0, 0.5), labels=("neutral", "calm", "angry"))
    assert (answers.truth, answers.classes) == (("neutral",), ("neutral", "anger"))
    weights = np.exp([0.0, 0.0, 0.5])
    np.testing.assert_allclose(answers.probabilities, [[weights[:2].sum(), weights[2]] / weights.sum()], atol=1e-7)
    assert answers.chosen.tolist() == [0]


def test_labels_of_the_candidate_that_mean_nothing_keep_their_share_and_answer_nothing() -> None:
    record = corpus(clip_record("a", label="angry"))
    np.testing.assert_allclose(joined(record, predicted("a", 0, 0), labels=("ang", "qwertz")).probabilities, [[0.5]])
    nothing = joined(record, predicted("a", 0.0, 0.0), labels=("x1", "x2"))
    assert (nothing.answered.tolist(), nothing.chosen.tolist(), nothing.missing) == ([False], [NO_ANSWER], 0)


def test_clips_with_the_same_audio_share_an_answer_and_keep_their_labels() -> None:
    twin = clip_record("b", clip_hash="a", label="happy")
    answers = joined(corpus(clip_record("a", label="angry"), twin), predicted("a", 1.0, 0.0))
    assert (answers.chosen.tolist(), answers.truth) == ([0, 0], ("anger", "happiness"))


def test_an_override_to_an_unknown_emotion_is_refused() -> None:
    with pytest.raises(RequestError):
        label_clips(corpus(clip_record("a", label="x1"), labels={"x1": "angryness of sorts"}))
