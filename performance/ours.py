"""Bench itself as an engine: the very code of `bench run`, from files to stored answers, with the model kept loaded.

A run loads a model once and answers all clips; here the clips come in blocks, between which others are measured, so
that the session is kept open from block to block. Nothing else differs from a run.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import log_softmax

from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioFile
from benchmark.corpora.clips import Clip, Corpus
from benchmark.evaluation import plan, runner
from benchmark.evaluation.close_clips import ClipPass
from benchmark.evaluation.context import Overwrite, RunContext, RunOptions
from benchmark.evaluation.decoding import ClipSet, DecodedCorpus, decode_corpus
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.plan import InferencePlan
from benchmark.evaluation.runner import InferenceRunner
from benchmark.evaluation.sessions import Implementation, ModelSession
from benchmark.models.backends.protocol import TORCH
from benchmark.models.backends.protocol import Engine as ModelEngine
from benchmark.progress import Silent
from benchmark.results.environment import available_cores
from benchmark.results.inference_record import InferenceRecord
from benchmark.results.prediction_store import PredictionStore
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

    def close(self) -> None:
        """Keep the model, which the next turn takes again."""

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


class Ours(Engine):
    """Bench.

    The first answer settles how the model is computed, on all clips, as a run does; that is not timed with the rest.

    Args:
        folder: The checkpoint; what is kept goes into `cache` beside it.
        choice: As `--backend`, `--dtype` and `--fast` say it.
    """

    def __init__(self, folder: Path, *, choice: EngineChoice) -> None:
        self._settings = Settings(cache=folder.parent / "cache")
        self._reader = AudioReader(self._settings)
        self._subject = subject_of(folder)
        self._store = PredictionStore(self._settings.cache)
        self._choice = choice
        self._sessions: dict[str, _KeptOpen] = {}
        self._decoded: dict[tuple[Path, ...], DecodedCorpus] = {}
        self._all = self._decode(sorted((folder.parents[1] / "clips").iterdir()))
        self._last: InferenceRecord | None = None
        self._rerun_s = 0.0
        vars(runner)["ModelSession"] = self._session
        # As on a corpus that is large enough for a conversion to pay.
        vars(plan)["PAYS_FROM_CLIPS"] = 0
        if choice.backend != TORCH:
            self._load_reference()

    def prepared(self, clips: Sequence[Path]) -> None:
        """Decode the clips once, as a run does before it computes answers."""
        if tuple(clips) not in self._decoded:
            self._decoded[tuple(clips)] = self._decode(clips)
        if self._last is not None:
            self._load_refiner()

    def answer(self, clips: Sequence[Path]) -> list[Probabilities]:
        """Compute and store all answers again, by the plan that was tested on all clips."""
        decoded = self._decoded[tuple(clips)]
        tested = InferencePlan.build(self._subject, "cpu", self._context(self._all))
        timed = _TimedRunner(tested, ClipSet.of([decoded]))
        with Silent().stage("", total=None) as stage:
            run = timed.run(stage)
        (record,) = run.records({decoded.record.name: decoded.audio.keys()})
        if record.failure is not None:
            raise RuntimeError(record.failure)
        self._last, self._rerun_s = record.inference, timed.rerun_s
        stored = self._store.read(record.setup)
        logits = (stored[clip.clip_hash or ""].logits for clip in decoded.record.clips)
        return [np.exp(log_softmax(np.asarray(row, dtype=np.float64))) for row in logits]

    def _load_reference(self) -> None:
        """Load what close clips are re-run with; a run does that once, at its end."""
        self._load(Implementation(ModelEngine()))

    def _load_refiner(self) -> None:
        """Load the engine that re-runs close clips before the reference does, if there is such."""
        tested = InferencePlan.build(self._subject, "cpu", self._context(self._all))
        refiner = tested.refiner(tested.current)
        if refiner is not None:
            self._load(refiner.implementation)

    def _load(self, implementation: Implementation) -> None:
        """Load, and compute something: an engine brings its weights into an order of its own with its first answer."""
        session = self._session(
            self._subject,
            implementation,
            threads=available_cores(),
            settings=self._settings,
            side_by_side=True,
        )
        if not session.is_loaded:
            session.load()
            session.exchange([np.zeros(_WARM_UP_SAMPLES, np.float32)] * available_cores(), 0)

    def _context(self, decoded: DecodedCorpus) -> RunContext:
        return RunContext(
            clips=ClipSet.of([decoded]),
            reader=self._reader,
            options=RunOptions(engines=self._choice, overwrite=Overwrite.ALWAYS),
            store=self._store,
            settings=self._settings,
            threads=available_cores(),
        )

    def memory_mb(self) -> float:
        """Of the worker that answers; not of the one that does close answers again."""
        record = self._last
        used = f"{record.backend} {record.dtype}" if record is not None else ""
        return max((kept.peak_mb() for kept in self._sessions.values() if kept.engine == used), default=float("nan"))

    def details(self) -> dict[str, str]:
        """What it was computed with, how it was held against the reference, and what the asking process takes."""
        found = {"parent_mb": f"{peak_mb():.0f}"}
        record = self._last
        if record is None:
            return found
        found["engine"] = f"{record.backend} {record.dtype}"
        found["fallbacks"] = " ".join(record.fallbacks)
        if record.checked_clips:
            found["checked_clips"] = str(record.checked_clips)
            found["largest_difference"] = f"{record.largest_difference:.1e}"
            found["redone_clips"] = str(record.redone_clips)
            found["again_s"] = f"{self._rerun_s:.4f}"
            found["conversion_s"] = f"{record.conversion_s or 0.0:.1f}"
            found["check_s"] = f"{record.check_s or 0.0:.1f}"
        return found

    def _decode(self, clips: Sequence[Path]) -> DecodedCorpus:
        listed = tuple(Clip(name=path.name, audio=AudioFile(path)) for path in clips)
        corpus = Corpus(name="clips", source="folder:clips", clips=listed, available_clips=len(listed))
        return decode_corpus(corpus, self._reader, Silent())

    def _session(self, subject: Subject, implementation: Implementation, **options: Any) -> _KeptOpen:
        key = repr((implementation, sorted(options.items(), key=lambda item: item[0])))
        if key not in self._sessions:
            session = ModelSession(subject, implementation, **options)
            self._sessions[key] = _KeptOpen(session, str(implementation.engine))
        return self._sessions[key]


class _TimedRunner(InferenceRunner):
    """Tells how long it took to re-run close clips."""

    rerun_s = 0.0

    def _rerun_close_clips(self, passes: list[ClipPass]) -> dict[str, str]:
        begin = time.perf_counter()
        failures = super()._rerun_close_clips(passes)
        self.rerun_s += time.perf_counter() - begin
        return failures
