"""Bench itself as an engine: the very code of `bench run`, from files to stored answers, with the model kept loaded.

A run loads a model once and answers all clips; here the clips come in blocks, between which others are measured, so
that the session is kept open from block to block. Nothing else differs from a run.
"""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import log_softmax

from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.sources import AudioFile
from benchmark.evaluation import asking, predict, preparing
from benchmark.evaluation.decoding import DecodedCorpus, decode_corpus
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.predict import Overwrite, Predictor
from benchmark.evaluation.preparing import Preparer
from benchmark.evaluation.redoing import Redoer, Redone
from benchmark.evaluation.sessions import ModelSession, Way
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.protocol import TORCH
from benchmark.models.backends.protocol import Engine as ModelEngine
from benchmark.progress import Silent
from benchmark.results.environment import available_cores
from benchmark.results.runs import EvaluationRecord
from benchmark.results.store import PredictionStore
from benchmark.settings import Settings
from performance.engines import Engine, Probabilities
from performance.memory import peak_mb
from performance.subjects import subject_of

_WARM_UP_SAMPLES = 16_000


class _KeptOpen:
    """A session that the end of a block does not end."""

    def __init__(self, session: ModelSession, engine: str) -> None:
        self.engine = engine
        self._session = session
        self._loaded: Any = None

    def __enter__(self) -> "_KeptOpen":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    def load(self) -> Any:
        if self._loaded is None:
            self._loaded = self._session.load()
        return self._loaded

    def peak_mb(self) -> float:
        return self._session.peak_memory_mb() or float("nan")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


class _Timed:
    """Does close answers again, and tells how long that took.

    Args:
        redoer: What does it.
        took: Told the seconds.
    """

    def __init__(self, redoer: Redoer, took: Callable[[float], None]) -> None:
        self._redoer = redoer
        self._took = took

    def redo(self, *arguments: Any) -> Redone:
        begin = time.perf_counter()
        redone = self._redoer.redo(*arguments)
        self._took(time.perf_counter() - begin)
        return redone


class Ours(Engine):
    """Bench.

    The first answer settles how the model is computed, on all clips, as a run does; that is not timed with the rest.

    Args:
        folder: The checkpoint; what is kept goes into `cache` beside it.
        choice: As `--backend`, `--dtype` and `--fast` say it.
    """

    def __init__(self, folder: Path, *, choice: EngineChoice) -> None:
        self._settings = Settings(cache=folder.parent / "cache")
        self._subject = subject_of(folder)
        self._store = PredictionStore(self._settings.cache)
        self._choice = choice
        self._sessions: dict[str, _KeptOpen] = {}
        self._heard: dict[tuple[Path, ...], DecodedCorpus] = {}
        self._preparer = self._prepare(_hear(sorted((folder.parents[1] / "clips").iterdir())))
        self._last: EvaluationRecord | None = None
        self._again_s = 0.0
        vars(asking)["ModelSession"] = self._session
        vars(predict)["Redoer"] = self._timed_redoer
        # As on a corpus that is large enough for a conversion to pay.
        vars(preparing)["PAYS_FROM_CLIPS"] = 0
        if choice.backend != TORCH:
            self._load_reference()

    def prepared(self, clips: Sequence[Path]) -> None:
        """Hear the clips once, as a run does before it asks anybody."""
        if tuple(clips) not in self._heard:
            self._heard[tuple(clips)] = _hear(clips)
        if self._last is not None:
            self._load_finer()

    def answer(self, clips: Sequence[Path]) -> list[Probabilities]:
        """Answer and store all clips anew."""
        heard = self._heard[tuple(clips)]
        predictor = Predictor(
            corpora=[heard],
            store=self._store,
            settings=self._settings,
            overwrite=Overwrite.ALWAYS,
            threads=available_cores(),
            stop=threading.Event(),
            preparer=self._preparer,
        )
        with Silent().stage("", total=None) as stage:
            (record,) = predictor.predict(self._subject, device="cpu", stage=stage)
        if record.failure is not None:
            raise RuntimeError(record.failure)
        self._last = record
        stored = self._store.read(record.setup)
        logits = (stored[clip.clip_hash or ""].logits for clip in heard.record.clips)
        return [np.exp(log_softmax(np.asarray(row, dtype=np.float64))) for row in logits]

    def _load_reference(self) -> None:
        """Load what close answers are done again with; a run does that once, at its end."""
        self._load(Way(ModelEngine()))

    def _load_finer(self) -> None:
        """Load what is asked about close answers before the reference is, if there is such."""
        prepared = self._preparer.prepare(self._subject, device="cpu", known_only=True)
        finer = self._preparer.finer(self._subject, prepared)
        if finer is not None:
            self._load(finer.way)

    def _load(self, way: Way) -> None:
        """Load, and answer something: an engine brings its weights into an order of its own with its first answer."""
        session = self._session(
            self._subject,
            device="cpu",
            threads=available_cores(),
            settings=self._settings,
            way=way,
            side_by_side=True,
        )
        if not session.is_loaded:
            session.load()
            session.exchange([np.zeros(_WARM_UP_SAMPLES, np.float32)] * available_cores(), 0)

    def _prepare(self, heard: DecodedCorpus) -> Preparer:
        return Preparer(
            choice=self._choice,
            audio=heard.audio,
            durations=heard.durations,
            store=self._store,
            settings=self._settings,
            threads=available_cores(),
        )

    def memory_mb(self) -> float:
        """Of the worker that answers; not of the one that does close answers again."""
        record = self._last.inference if self._last is not None else None
        used = f"{record.backend} {record.dtype}" if record is not None else ""
        return max((kept.peak_mb() for kept in self._sessions.values() if kept.engine == used), default=float("nan"))

    def details(self) -> dict[str, str]:
        """What it was computed with, how it was held against the reference, and what the asking process takes."""
        found = {"parent_mb": f"{peak_mb():.0f}"}
        record = self._last.inference if self._last is not None else None
        if record is None:
            return found
        found["engine"] = f"{record.backend} {record.dtype}"
        found["fallbacks"] = " ".join(record.fallbacks)
        if record.checked_clips:
            found["checked_clips"] = str(record.checked_clips)
            found["largest_difference"] = f"{record.largest_difference:.1e}"
            found["redone_clips"] = str(record.redone_clips)
            found["again_s"] = f"{self._again_s:.4f}"
            found["conversion_s"] = f"{record.conversion_s or 0.0:.1f}"
            found["check_s"] = f"{record.check_s or 0.0:.1f}"
        return found

    def _timed_redoer(self, *arguments: Any, **options: Any) -> _Timed:
        def took(seconds: float) -> None:
            self._again_s = seconds

        return _Timed(Redoer(*arguments, **options), took)

    def _session(self, subject: Subject, **options: Any) -> _KeptOpen:
        key = repr(sorted(options.items(), key=lambda item: item[0]))
        if key not in self._sessions:
            self._sessions[key] = _KeptOpen(ModelSession(subject, **options), str(options["way"].engine))
        return self._sessions[key]


def _hear(clips: Sequence[Path]) -> DecodedCorpus:
    listed = tuple(Clip(name=path.name, audio=AudioFile(path)) for path in clips)
    corpus = Corpus(name="clips", source="folder:clips", clips=listed, available_clips=len(listed))
    return decode_corpus(corpus, Silent())
