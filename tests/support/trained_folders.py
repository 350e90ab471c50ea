"""Folders as `bench train` writes them, from a checkpoint of the demo and answers that nobody has computed."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmark.demo.files import checkpoints_path, demo_clips
from benchmark.results.environment import Environment
from benchmark.results.runs import ClipRecord, StoredRequest
from benchmark.results.training_record import (
    OUT_OF_FOLD_FILE,
    SHORT_HASH,
    TRAINING_FILE,
    EpochRecord,
    FoldRecord,
    LearningPoint,
    OutOfFold,
    TrainingFinding,
    TrainingRecord,
    TrainingScore,
    weights_digest,
)

CHECKPOINT = "wav2vec2-english"
CLASSES = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
FOLDS = 4


def demo_answers(*, wrong: float = 0.2, classes: Sequence[str] = CLASSES, seed: int = 1) -> OutOfFold:
    """Answers to the labelled clips of the demo, two speakers per fold, a random share of them wrong."""
    clips = [
        ClipRecord(
            clip=clip.name,
            clip_hash=clip.waveform().content_hash,
            duration_s=clip.waveform().duration_s,
            label=clip.emotion,
            speaker=clip.speaker,
        )
        for clip in demo_clips()
    ]
    return answers_to(clips, wrong=wrong, classes=classes, seed=seed)


def answers_to(
    clips: Sequence[ClipRecord], *, wrong: float = 0.2, classes: Sequence[str] = CLASSES, seed: int = 1
) -> OutOfFold:
    """Answers to clips, the speakers distributed over the folds, a random share of them wrong."""
    generator, speakers = np.random.default_rng(seed), sorted({clip.speaker or "" for clip in clips})
    probabilities = []
    for clip in clips:
        emotion = clip.label if generator.random() >= wrong else str(generator.choice(list(classes)))
        row = generator.uniform(0.1, 0.5, len(classes)) + 2 * np.array([name == emotion for name in classes])
        probabilities.append(row / row.sum())
    return OutOfFold(
        clips=tuple(clip.clip for clip in clips),
        clip_hashes=tuple(clip.clip_hash or "" for clip in clips),
        speakers=tuple(clip.speaker for clip in clips),
        folds=tuple(1 + speakers.index(clip.speaker or "") % FOLDS for clip in clips),
        labels=tuple(clip.label or "" for clip in clips),
        classes=tuple(classes),
        probabilities=np.array(probabilities, np.float32),
    )


def training_record(answers: OutOfFold, folder: Path | None = None, **fields: Any) -> TrainingRecord:
    """The record of a training on the clips of these answers; with a folder, of the weights there."""
    content = {
        "created": datetime(2026, 3, 1, tzinfo=UTC),
        "environment": Environment.here(),
        "request": StoredRequest(command="train", options={}, command_line="bench train", folder="."),
        "name": "mine",
        "corpus": "demo",
        "source": "demo",
        "recipe": {"name": "cnn"},
        "labels": answers.classes,
        "speakers": tuple(dict.fromkeys(speaker for speaker in answers.speakers if speaker is not None)),
        "clip_hashes": tuple(clip_hash[:SHORT_HASH] for clip_hash in answers.clip_hashes),
        "weights_sha256": None if folder is None else weights_digest(folder),
        "fold_rule": "2 speakers per fold",
    }
    return TrainingRecord.model_validate(content | fields)


def trained_folder(folder: Path, answers: OutOfFold | None = None, **fields: Any) -> Path:
    """Write a folder that was trained on the demo; `fields` change its record."""
    shutil.copytree(checkpoints_path() / CHECKPOINT, folder)
    answers = answers or demo_answers()
    write_answers(folder, answers)
    record = training_record(answers, folder, **fields)
    (folder / TRAINING_FILE).write_text(record.model_dump_json(), encoding="utf-8")
    return folder


def write_answers(folder: Path, answers: OutOfFold) -> Path:
    """Write the out-of-fold answers of a folder."""
    pq.write_table(answers.table(), folder / OUT_OF_FOLD_FILE)
    return folder / OUT_OF_FOLD_FILE


HOSTILE_NAME = '</title><script>alert("x")</script>'


def fitted_record(answers: OutOfFold) -> TrainingRecord:
    """The record of a training in epochs with all that its report shows, and an attack as its name."""
    epochs = tuple(EpochRecord(epoch=epoch, loss=2 / epoch, uar=epoch / 40) for epoch in range(1, 31))
    folds = tuple(
        FoldRecord(
            fold=number,
            seed=1,
            train_speakers=("f1", "f2", HOSTILE_NAME),
            test_speakers=("m1",),
            train_clips=84,
            test_clips=28,
            monitored="training",
            epochs=epochs,
            uar=0.5,
            chosen={"strength": 0.1},
        )
        for number in (1, 2)
    )
    scores = (
        TrainingScore(name="cnn", seed=1, uar=0.5, uar_low=0.4, uar_high=0.6, macro_f1=0.5, accuracy=0.5, clips=9),
    )
    finding = TrainingFinding(kind="overfitting", sentence=f"The best epoch of {HOSTILE_NAME} was 3.")
    return training_record(answers).model_copy(
        update={
            "name": HOSTILE_NAME,
            "folds": folds,
            "scores": scores,
            "findings": (finding,),
            "parameters": 245_937,
            "learning_curve": (LearningPoint(speakers=1, uar=0.3),),
        }
    )
