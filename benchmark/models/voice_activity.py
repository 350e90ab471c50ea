"""Voice activity: Silero's detector, in a worker, since it computes with torch."""

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

SAMPLING_RATE = 16_000
# Samples that the detector takes at once: 32 ms.
_FRAME = 512
# Silero's own default: from here on a frame is speech.
_SPEECH_FROM = 0.5


class VoiceActivityActor:
    """Detects speech, clip after clip. Start it with `Worker("benchmark.models.voice_activity:VoiceActivityActor")`.

    Frames are 32 ms long; a clip shorter than one is filled up with silence, and the rest after its last is left out.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # It is loaded as a TorchScript file, which torch calls deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            from silero_vad import load_silero_vad  # noqa: PLC0415 - it sets torch's threads

            self._model: Any = load_silero_vad()
        self.begin()

    def begin(self) -> None:
        """Begin a clip."""
        self._model.reset_states()
        self._rest: NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._speech, self._frames = 0, 0

    def update(self, samples: NDArray[np.float32]) -> None:
        """Take the next part of the clip: mono samples at 16 kHz."""
        joined = np.concatenate([self._rest, samples])
        whole = len(joined) // _FRAME * _FRAME
        self._count(joined[:whole])
        self._rest = joined[whole:]

    def share(self) -> float:
        """The share of the clip's frames that are speech, a fraction."""
        if not self._frames:
            self._count(np.pad(self._rest, (0, _FRAME - self._rest.size)))
        return self._speech / self._frames

    def _count(self, samples: NDArray[np.float32]) -> None:
        with torch.inference_mode():
            for frame in torch.from_numpy(samples.reshape(-1, _FRAME)):
                self._speech += float(self._model(frame, SAMPLING_RATE)) >= _SPEECH_FROM
                self._frames += 1
