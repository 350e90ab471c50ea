"""Loaded models that wait for the next recording, a worker each, and are closed when nobody asks them."""

import threading
import time
from dataclasses import dataclass

from benchmark.corpora.clips import Clip
from benchmark.errors import UnavailableError
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.sessions import ModelSession
from benchmark.evaluation.timelines import TimelinePredictor
from benchmark.models.load_reports import LoadReport
from benchmark.results.timelines import Timeline
from benchmark.workers.answers import Failure

_MOST_OPEN = 3  # each holds its weights in memory
_CHECKS_PER_IDLE_TIME = 4


@dataclass
class _OpenModel:
    session: ModelSession
    loaded: LoadReport | Failure
    last_used: float


class OpenModels:
    """Keeps the workers of the models that were asked last; for several threads, which wait for each other.

    Args:
        idle_s: Seconds after which a model that nobody asks is closed.
    """

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._open: dict[str, _OpenModel] = {}
        self._closed = threading.Event()
        threading.Thread(target=self._close_idle, name="idle models", daemon=True).start()

    def timeline(
        self, predictor: TimelinePredictor, subject: Subject, recording: Clip, *, window_s: float, hop_s: float
    ) -> Timeline:
        """Ask one model about one recording; if its worker crashes, it is asked once more in another one.

        Raises:
            UnavailableError: The app is being closed.
        """
        with self._lock:
            timeline, has_crashed = self._ask(predictor, subject, recording, window_s, hop_s)
            return self._ask(predictor, subject, recording, window_s, hop_s)[0] if has_crashed else timeline

    def _ask(
        self, predictor: TimelinePredictor, subject: Subject, recording: Clip, window_s: float, hop_s: float
    ) -> tuple[Timeline, bool]:
        """Give the timeline, and whether the worker has crashed meanwhile."""
        if self._closed.is_set():
            raise UnavailableError("The app is being closed.")
        model = self._open.get(subject.name) or self._load(predictor, subject)
        timeline = predictor.timeline(model.session, model.loaded, recording, window_s=window_s, hop_s=hop_s)
        model.last_used = time.monotonic()
        if model.session.has_ended or not isinstance(model.loaded, LoadReport):
            self._close(subject.name)
        return timeline, model.session.has_crashed

    def _load(self, predictor: TimelinePredictor, subject: Subject) -> _OpenModel:
        while len(self._open) >= _MOST_OPEN:
            self._close(min(self._open, key=lambda name: self._open[name].last_used))
        session = predictor.session(subject)
        self._open[subject.name] = model = _OpenModel(session, session.load(), time.monotonic())
        return model

    def _close(self, name: str) -> None:
        self._open.pop(name).session.__exit__()

    def _close_idle(self) -> None:
        while not self._closed.wait(self._idle_s / _CHECKS_PER_IDLE_TIME):
            with self._lock:
                latest = time.monotonic() - self._idle_s
                for name in [name for name, model in self._open.items() if model.last_used < latest]:
                    self._close(name)

    def close(self) -> None:
        """Close all models, also one that computes."""
        self._closed.set()
        for model in [*self._open.values()]:  # whoever holds the lock then gets a failure, and leaves it
            model.session.__exit__()
