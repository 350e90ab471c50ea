"""Compute a finished run again with none of bench's code: plain transformers, scikit-learn.

    python scripts/check_run.py --reports reports --corpus ravdess --table ../shared/corpora/ravdess/metadata.csv \
        --models ../shared/models

It prints the largest difference of any probability and of any score, and exits with 1 where the first is above 1e-4 or
the second above 1e-9. The models are folders named like the candidates, whose feature extractor wants 16 kHz; the clips
are at 16 kHz already, so that nothing is resampled here.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import soundfile
import torch
from sklearn.metrics import accuracy_score, f1_score, recall_score
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

# Written out here, not taken from bench: labels of the checkpoints and of the tables to one spelling.
EMOTIONS = {
    "angry": "anger",
    "anger": "anger",
    "calm": "calm",
    "disgust": "disgust",
    "fearful": "fear",
    "happy": "happiness",
    "happiness": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "sadness": "sadness",
    "surprised": "surprise",
}
RATE = 16_000
LONGEST_WINDOW_S = 30.0
SECONDS_PER_FRAME = 0.01
LARGEST_PROBABILITY_DIFFERENCE = 1e-4
LARGEST_SCORE_DIFFERENCE = 1e-9


def window_edges(samples: int, window: int) -> list[tuple[int, int]]:
    """Cut into consecutive windows; a tail of under one second is dropped."""
    edges = [(start, min(start + window, samples)) for start in range(0, samples, window)]
    return edges if len(edges) == 1 or edges[-1][1] - edges[-1][0] >= RATE else edges[:-1]


def window_samples(folder: Path) -> int:
    """Give the longest stretch that goes into a model at once: 30 s, or what its spectrogram holds."""
    config = json.loads((folder / "config.json").read_text())
    frames = config.get("max_length") if config["model_type"] == "audio-spectrogram-transformer" else None
    return round(min(LONGEST_WINDOW_S, frames * SECONDS_PER_FRAME if frames else LONGEST_WINDOW_S) * RATE)


def probabilities_of(folder: Path, files: list[Path]) -> np.ndarray:
    """Ask a checkpoint about every file, as a user of plain transformers would."""
    model = AutoModelForAudioClassification.from_pretrained(folder, dtype=torch.float32).eval()
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    window = window_samples(folder)
    answers = []
    for file in files:
        samples, rate = soundfile.read(file, dtype="float32")
        if rate != RATE or samples.ndim != 1:
            raise SystemExit(f"{file}: this check wants mono audio at {RATE} Hz")
        parts = []
        for start, stop in window_edges(len(samples), window):
            inputs = extractor(samples[start:stop], sampling_rate=RATE, return_tensors="pt")
            with torch.inference_mode():
                parts.append((stop - start, torch.softmax(model(**inputs).logits[0].double(), -1).numpy()))
        weights = np.array([length for length, _ in parts], dtype=float)
        answers.append(np.average([part for _, part in parts], axis=0, weights=weights))
    return np.stack(answers)


def scores_of(truth: list[str], predicted: list[str]) -> dict[str, float]:
    """Score answers with scikit-learn, over the classes that occur in the truth."""
    classes = sorted(set(truth))
    return {
        "accuracy": accuracy_score(truth, predicted),
        "uar": recall_score(truth, predicted, labels=classes, average="macro", zero_division=0),
        "macro_f1": f1_score(truth, predicted, labels=classes, average="macro", zero_division=0),
        "majority_accuracy": max(truth.count(emotion) for emotion in classes) / len(truth),
    }


def check_candidate(row: dict[str, object], folder: Path, table: Path, stored: pd.DataFrame) -> tuple[float, float]:
    """Compare one candidate; returns the largest difference of a probability and of a score."""
    clips = pd.read_csv(table, dtype=str)
    labels = list(json.loads((folder / "config.json").read_text())["id2label"].values())
    expected = probabilities_of(folder, [table.parent / name for name in clips["file_name"]])
    by_clip = dict(zip(stored["clip"], stored["probabilities"], strict=True))
    found = np.array([[entry["probability"] for entry in by_clip[name]] for name in clips["file_name"]])
    emotions = [EMOTIONS[label] for label in labels]
    truth = [EMOTIONS[label] for label in clips["emotion"]]
    scores = scores_of(truth, [emotions[best] for best in expected.argmax(axis=1)])
    differences = {name: abs(float(str(row[name])) - value) for name, value in scores.items()}
    print(
        f"{folder.name}: probabilities within {np.abs(expected - found).max():.2e}, scores within "
        f"{max(differences.values()):.2e} (accuracy {scores['accuracy']:.4f}, UAR {scores['uar']:.4f})"
    )
    return float(np.abs(expected - found).max()), max(differences.values())


def main() -> int:
    """Check all ranked and unranked rows of one corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("reports", "table", "models"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--corpus", required=True)
    arguments = parser.parse_args()
    leaderboard = json.loads((arguments.reports / "leaderboard.json").read_text())
    predictions = pq.read_table(arguments.reports / "predictions.parquet").to_pandas()
    rows = [row for row in leaderboard["rows"] if row["corpus"] == arguments.corpus and row["uar"] is not None]
    results = [
        check_candidate(
            row,
            arguments.models / row["candidate"],
            arguments.table,
            predictions[(predictions["candidate"] == row["candidate"]) & (predictions["corpus"] == row["corpus"])],
        )
        for row in rows
    ]
    probability, score = (max(values, default=float("inf")) for values in zip(*results, strict=True))
    print(f"{len(rows)} candidates: probabilities within {probability:.2e}, scores within {score:.2e}")
    return int(probability > LARGEST_PROBABILITY_DIFFERENCE or score > LARGEST_SCORE_DIFFERENCE)


if __name__ == "__main__":
    sys.exit(main())
