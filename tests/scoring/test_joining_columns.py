"""Joining whole columns against joining clip by clip, as it was done before: the same numbers to the last bit."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.emotions.label_map import map_labels
from benchmark.emotions.merges import Merges
from benchmark.results.predictions import Prediction, PredictionTable
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.scoring.answers import join_answers
from benchmark.scoring.labels import emotion_by_label, emotion_of_clip, label_clips, readable_clips

LABELS = ("ang", "calm", "neutral", "joy", "x1")
CORPUS_LABELS = ("angry", "happy", "neutral", "calm", "fear", "??", None)


def random_corpus(seed: int, clips: int) -> CorpusRecord:
    """Labels, raters' votes, unknown speakers, unreadable clips, and one recording under two names."""
    generator = np.random.default_rng(seed)
    records = []
    for place in range(clips):
        label = CORPUS_LABELS[generator.integers(len(CORPUS_LABELS))]
        votes = {"angry": int(generator.integers(3)), "happy": 1} if label is None and place % 2 else None
        records.append(
            ClipRecord(
                clip=str(place),
                clip_hash=None if generator.random() < 0.1 else f"clip {place - place % 7 % 2}",
                duration_s=1.0,
                label=label,
                votes=votes,
                speaker=None if generator.random() < 0.1 else f"s{place % 5}",
            )
        )
    return CorpusRecord(name="mine", source="folder:mine", clips=tuple(records), available_clips=clips)


def random_predictions(seed: int, clips: int) -> dict[str, Prediction]:
    generator = np.random.default_rng(seed)
    predictions = {}
    for place in range(clips):
        kind = generator.integers(8)
        logits = generator.normal(0, 4, len(LABELS)).astype(np.float32)
        if kind < 2:
            logits[generator.integers(len(LABELS))] = np.nan if kind else -np.inf
        if kind != 3:
            predictions[f"clip {place}"] = Prediction(
                clip_hash=f"clip {place}", logits=None if kind == 2 else logits,
                windows=int(generator.integers(1, 4)), failure="too long" if kind == 2 else None, seconds=0.1,
            )  # fmt: skip
    return predictions


def clip_by_clip(corpus: CorpusRecord, predictions: Mapping[str, Prediction], merges: Merges) -> NDArray[np.float64]:
    label_map = map_labels(LABELS, merges=merges)
    found = [predictions.get(clip.clip_hash or "") for clip in readable_clips(corpus)]
    probabilities = np.full((len(found), len(label_map.classes)), np.nan)
    logits = {
        row: prediction.logits
        for row, prediction in enumerate(found)
        if prediction is not None and prediction.logits is not None
    }
    probabilities[list(logits)] = label_map.probabilities(np.stack(list(logits.values())))
    return probabilities


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("merged", [{}, {"calm": "neutral"}])
def test_the_columns_give_the_same_answers_as_the_clips_one_by_one(seed: int, merged: dict[str, str]) -> None:
    merges = Merges(merged)
    corpus, predictions = random_corpus(seed, 150), random_predictions(seed + 50, 150)
    answers = join_answers(
        label_clips(corpus, merges), PredictionTable.of_mapping(predictions, len(LABELS)), LABELS, {}, merges
    )
    np.testing.assert_array_equal(answers.probabilities, clip_by_clip(corpus, predictions, merges), strict=True)
    clips = readable_clips(corpus)
    assert answers.truth == tuple(emotion_of_clip(clip, emotion_by_label(corpus, merges)) for clip in clips)
    assert answers.missing == sum(clip.clip_hash not in predictions for clip in clips)
    assert answers.speakers == tuple(clip.speaker for clip in clips)
