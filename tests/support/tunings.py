"""Answers whose true calibration is known, and tunings without a fit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import Prediction
from benchmark.results.runs import EvaluationRecord
from benchmark.results.tuning import (
    AppliedTuning,
    Change,
    EmotionTuning,
    RiskPoint,
    TunedModel,
    Tuning,
    TuningMethod,
    TuningScores,
    TuningVerdict,
)
from tests.support.finished_runs import EMOTIONS, FinishedRun, corpus, setup_of, verification

_SEPARATION = 2.0


def distorted_run(
    cache: Path,
    *,
    factor: float = 1.0,
    anger: float = 0.0,
    speakers: int = 8,
    repeats: int = 8,
    separation: float = _SEPARATION,
    labelled: bool = True,
) -> FinishedRun:
    """Save a run of a candidate whose logits are `factor` times as large as calibrated ones, and `anger` too large.

    An observation x of N(d·e, 1) for emotion e has the log posterior d·x, so that the best temperature is `factor`, and
    the best bias of anger is `-anger / factor`, less the mean of all biases.
    """
    record = corpus(speakers=speakers, repeats=repeats, labelled=labelled)
    run, candidate, generator = FinishedRun(cache, record), verification("model"), np.random.default_rng(3)
    predictions = []
    for clip in record.clips:
        truth = np.array([emotion == (clip.label or EMOTIONS[0]) for emotion in EMOTIONS])
        logits = factor * separation * (generator.normal(size=len(EMOTIONS)) + separation * truth)
        logits[EMOTIONS.index("anger")] += anger
        predictions.append(
            Prediction(
                clip_hash=clip.clip_hash or "", logits=logits.astype(np.float32), windows=1, failure=None, seconds=0.1
            )
        )
    run.verifications.append(candidate)
    PredictionStore(cache).add(setup_of(candidate), predictions)
    run.evaluations.append(EvaluationRecord(candidate="model", corpus=record.name, setup=setup_of(candidate)))
    run.save()
    return run


def tuning(
    model: TunedModel,
    *,
    temperature: float = 2.0,
    thresholds: Sequence[float | None] | None = None,
    biases: Sequence[float] | None = None,
) -> Tuning:
    """Make a tuning that helps."""
    classes = model.classes
    emotions = tuple(
        EmotionTuning(emotion=emotion, clips=50, bias=bias, threshold=threshold)
        for emotion, bias, threshold in zip(
            classes, biases or [0.0] * len(classes), thresholds or [0.0] * len(classes), strict=True
        )
    )
    nothing = Change(value=0.0, low=0.0, high=0.0)
    return Tuning(
        model=model,
        candidate="model",
        source="folder:acted",
        clips=400,
        left_out=0,
        speakers=8,
        folds=8,
        out_of_fold=False,
        median_clip_s=2.0,
        method=TuningMethod.TEMPERATURE,
        applied=AppliedTuning(
            corpus="acted",
            created=datetime(2026, 3, 1, 9, 5, tzinfo=UTC),
            temperature=temperature,
            max_error=0.1,
            emotions=emotions,
        ),
        scores=tuple(
            TuningScores(method=method, uar=0.6, log_loss=1.0, ece=0.1, ece_expected=0.05) for method in TuningMethod
        ),
        log_loss_change=nothing,
        ece_change=nothing,
        uar_change=nothing,
        accepted=RiskPoint(coverage=0.5, clips=200, error=0.1, low=0.05, high=0.15),
        curve=(),
        verdict=TuningVerdict.BETTER,
    )
