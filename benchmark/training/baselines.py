"""What a training is compared with, on the same folds: the most frequent emotion, and a linear model on functionals.

Functionals are statistics of a recording's spectrum, energy and pitch over time, as openSMILE's sets have them; here
they need numpy and scipy only.
"""

from collections.abc import Callable, Iterable

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmark.audio.fingerprints import HOP, RATE, WINDOW, mel_filterbank
from benchmark.results.training_record import OutOfFold
from benchmark.training.balanced_folds import inner_folds
from benchmark.training.folds import Fold, Folds
from benchmark.training.jobs import mean_recall
from benchmark.training.training_clips import Indices, TrainingClips

STRENGTHS = (0.001, 0.01, 0.1)
"""C of scikit-learn, of which one is chosen on inner speakers."""
INNER_FOLDS = 3
_BANDS, _LOWEST_HZ, _HIGHEST_HZ = 40, 50.0, 7800.0
_PERCENTILES = (10, 25, 50, 75, 90)
# Below the level of the noise of 16 bits nothing is a sound.
_FLOOR = 1e-9
_PITCH_WINDOW, _LOWEST_PITCH_HZ, _HIGHEST_PITCH_HZ = 1024, 60, 500
_VOICED = 0.5
"""The autocorrelation at the period of a voiced frame, relative to that at zero."""

_OCTAVE_COST = 0.05
"""Of the same, for each octave that the pitch is lower (Boersma 1993 has 0.01, and follows the pitch over time)."""

Answer = Callable[[Fold], NDArray[np.float64]]


def majority_baseline(clips: TrainingClips, folds: Folds) -> OutOfFold:
    """Answer each fold with the shares of the emotions in its training part: always its most frequent one."""

    def answer(fold: Fold) -> NDArray[np.float64]:
        counts = np.bincount(clips.labels[fold.train], minlength=len(clips.classes))
        return np.tile(counts / counts.sum(), (len(fold.test), 1))

    return _out_of_fold(clips, folds, answer)


def functionals_baseline(clips: TrainingClips, folds: Folds, features: NDArray[np.float32], seed: int = 0) -> OutOfFold:
    """Answer each fold with a logistic regression on standardised functionals.

    Classes have equal weight; the strength of L2 is chosen on speakers of the training part.

    Args:
        features: By `functionals_of`, shape (clips, functionals).
    """

    def answer(fold: Fold) -> NDArray[np.float64]:
        train = np.union1d(fold.train, fold.validation)
        model = _fitted(features, clips, train, _choose_strength(features, clips, train, seed))
        answers = np.zeros((len(fold.test), len(clips.classes)))
        answers[:, model.classes_] = model.predict_proba(features[fold.test])
        return answers

    return _out_of_fold(clips, folds, answer)


def _out_of_fold(clips: TrainingClips, folds: Folds, answer: Answer) -> OutOfFold:
    probabilities = np.zeros((len(clips.names), len(clips.classes)), np.float32)
    of_clip = np.zeros(len(clips.names), np.int64)
    for fold in folds.folds:
        probabilities[fold.test], of_clip[fold.test] = answer(fold), fold.number
    return clips.out_of_fold(np.arange(len(clips.names)), of_clip.tolist(), probabilities)


def _choose_strength(features: NDArray[np.float32], clips: TrainingClips, train: Indices, seed: int) -> float:
    splits = inner_folds(train, clips.labels, clips.groups, INNER_FOLDS, seed)
    # A training part of an inner fold may lack all classes but one, of very small corpora.
    usable = [split for split in splits if len(set(clips.labels[split.train].tolist())) > 1]

    def score(strength: float) -> float:
        recalls = []
        for split in usable:
            model = _fitted(features, clips, split.train, strength)
            recalls.append(mean_recall(clips.labels[split.validation], model.predict(features[split.validation])))
        return float(np.mean(recalls))

    return max(STRENGTHS, key=score) if usable else STRENGTHS[0]


def _fitted(features: NDArray[np.float32], clips: TrainingClips, train: Indices, strength: float) -> Pipeline:
    regression = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
    return make_pipeline(StandardScaler(), regression).fit(features[train], clips.labels[train])


def functionals_of(waveforms: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Compute the functionals of recordings, shape (recordings, functionals).

    Args:
        waveforms: Mono at 16 kHz, each of shape (samples,).
    """
    return np.stack([functionals(waveform) for waveform in waveforms])


def functionals(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """Statistics over frames of 10 ms, all finite, silent recordings included.

    Mean, deviation and five percentiles of: 40 log-mel bands from 50 to 7,800 Hz and their change from frame to frame,
    energy, share of zero crossings, spectral centroid, and the logarithm of the pitch of voiced frames; the share of
    voiced frames; the duration.

    Returns:
        Shape (functionals,): 611.
    """
    samples = np.nan_to_num(np.asarray(waveform, np.float32), posinf=0.0, neginf=0.0)
    samples = np.pad(samples, (0, max(0, _PITCH_WINDOW - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    spectrum = scipy.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32))
    power = spectrum.real**2 + spectrum.imag**2
    mels = np.log(power @ mel_filterbank(_BANDS, _LOWEST_HZ, _HIGHEST_HZ) + _FLOOR)
    energy = np.log(np.mean(frames**2, axis=1) + _FLOOR)
    crossings = np.mean(np.diff(np.signbit(frames), axis=1), axis=1)
    centroid = (power @ np.arange(power.shape[1])) / (power.sum(axis=1) + _FLOOR)
    contours = np.column_stack([mels, energy, crossings, centroid])
    changes = np.diff(contours, axis=0, prepend=contours[:1])
    pitch = _log_pitch(samples)
    voiced = pitch[pitch > 0] if (pitch > 0).any() else np.zeros(1)
    return np.concatenate(
        [
            _statistics(contours),
            _statistics(changes),
            _statistics(voiced[:, None]),
            [np.mean(pitch > 0), np.log(len(samples) / RATE)],
        ]
    ).astype(np.float32)


def _statistics(contours: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate(
        [contours.mean(axis=0), contours.std(axis=0), np.percentile(contours, _PERCENTILES, axis=0).ravel()]
    )


def _log_pitch(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """The logarithm of the pitch of each frame in Hz by the peak of the autocorrelation; 0 where it is unvoiced."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _PITCH_WINDOW)[:: 2 * HOP]
    spectrum = scipy.fft.rfft(frames - frames.mean(axis=1, keepdims=True), 2 * _PITCH_WINDOW)
    autocorrelation = scipy.fft.irfft(spectrum.real**2 + spectrum.imag**2)[:, :_PITCH_WINDOW]
    # Fewer samples overlap the longer the lag is.
    autocorrelation = autocorrelation / (1 - np.arange(_PITCH_WINDOW) / _PITCH_WINDOW)
    shortest, longest = RATE // _HIGHEST_PITCH_HZ, RATE // _LOWEST_PITCH_HZ
    lags = np.arange(shortest, longest)
    strength = autocorrelation[:, shortest:longest] / (autocorrelation[:, :1] + _FLOOR)
    # Every multiple of the period has as high a peak.
    period = lags[(strength - _OCTAVE_COST * np.log2(lags)).argmax(axis=1)]
    return np.where(strength.max(axis=1) > _VOICED, np.log(RATE / period), 0.0)
