"""How well the checkpoints do on the demo's corpus, with nothing of bench between them and transformers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from benchmark.demo.files import DemoClip
from benchmark.emotions.aliases import emotion_of
from benchmark.scoring.intervals import jackknife_error, leave_one_out_uar, logit_interval
from scripts.demo.speakers import EMOTIONS
from scripts.demo.voice import SAMPLING_RATE


@dataclass(frozen=True)
class Score:
    """A UAR with its interval."""

    uar: float
    low: float
    high: float


def listen(folder: Path, clips: Sequence[DemoClip]) -> list[str]:
    """Ask a checkpoint for the emotion of each clip: float32, whole clips, one at a time."""
    model = AutoModelForAudioClassification.from_pretrained(folder, dtype=torch.float32).eval()
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    answers = []
    with torch.inference_mode():
        for clip in clips:
            inputs = extractor(clip.waveform().samples, sampling_rate=SAMPLING_RATE, return_tensors="pt")
            answers.append(str(emotion_of(model.config.id2label[int(model(**inputs).logits.argmax())])))
    return answers


def score(answers: Sequence[str], clips: Sequence[DemoClip]) -> Score:
    """UAR with its interval by the delete-one-speaker jackknife (docs/protocol.md)."""
    speakers = sorted({clip.speaker for clip in clips})
    hits, counts = np.zeros((2, len(speakers), len(EMOTIONS)), dtype=np.int64)
    for answer, clip in zip(answers, clips, strict=True):
        place = speakers.index(clip.speaker), EMOTIONS.index(clip.emotion)
        counts[place] += 1
        hits[place] += answer == clip.emotion
    uar = float((hits.sum(axis=0) / counts.sum(axis=0)).mean())
    interval = logit_interval(uar, float(jackknife_error(leave_one_out_uar(hits, counts))), len(speakers) - 1)
    return Score(uar, interval.low, interval.high)
