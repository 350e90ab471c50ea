"""Settling how a subject's model is computed: the best way of those asked for that holds against the reference."""

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Self

from benchmark.corpora.sources import AudioSource
from benchmark.evaluation.engines import EngineChoice
from benchmark.evaluation.gate import Gate, NotTakenError
from benchmark.evaluation.parity import CLIPS_COMPARED, Decisions, redo_below, stratified
from benchmark.evaluation.sessions import Way
from benchmark.evaluation.subjects import Subject
from benchmark.models.backends.protocol import TORCH, Engine
from benchmark.results.inference import InferenceRecord, ParityCheck, converted_model, describe_converted_model
from benchmark.results.predictions import InferenceSetup
from benchmark.results.store import PredictionStore
from benchmark.settings import Settings

logger = logging.getLogger(__name__)

PAYS_FROM_CLIPS = 128
"""With fewer clips, converting and comparing costs more than it saves, and `auto` leaves it."""

_FEW_CLIPS = f"With fewer than {PAYS_FROM_CLIPS} clips, preparing a faster engine costs more than it saves."
_GOES_ON = "torch has answered most of these clips before."
_STAYS_FROM = 0.5


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """How a subject's model is computed.

    Attributes:
        way: What computes, and with which converted model.
        setup: What decides its answers to clips as they are.
        decisions: How its outputs are read.
        check: How it was held against the reference; None for that itself.
        fallbacks: For each better way that was not taken, the reason, in a sentence.
        note: Why `auto` did not look for a faster way, if so.
        given_up: Engines whose workers have ended in the middle of this run, each with the reason.
    """

    way: Way
    setup: InferenceSetup
    decisions: Decisions
    check: ParityCheck | None = None
    fallbacks: tuple[str, ...] = ()
    note: str | None = None
    given_up: Mapping[Engine, str] = field(default_factory=dict)

    @classmethod
    def reference(cls, subject: Subject, device: str, decisions: Decisions | None = None) -> Self:
        """Reference inference."""
        decisions = decisions or Decisions.of(subject.verification, ())
        return cls(way=Way(Engine(device=device)), setup=subject.setup(device=device), decisions=decisions)

    @property
    def redo_below(self) -> float:
        """Clips whose two best answers are closer than this are done again; 0 for reference inference."""
        return 0.0 if self.check is None else redo_below(self.check.largest_difference)

    def record(self, subject: Subject, *, asked: str, redone_clips: int) -> InferenceRecord:
        """What is stored of it with a run."""
        known = InferenceRecord(
            candidate=subject.name,
            asked=asked,
            backend=self.way.engine.backend,
            dtype=self.way.engine.dtype,
            batch=self.way.engine.batch,
            fallbacks=self.fallbacks,
            note=self.note,
        )
        if self.check is None:
            return known
        return known.model_copy(
            update={
                "checked_clips": self.check.compared,
                "largest_difference": self.check.largest_difference,
                "allowed": self.check.allowed,
                "redone_below": self.redo_below,
                "redone_clips": redone_clips,
                "conversion_s": self.check.conversion_s,
                "check_s": self.check.seconds,
            }
        )


@dataclass(frozen=True, kw_only=True)
class Preparer:
    """Settles how subjects are computed.

    Attributes:
        choice: What the user asked for.
        audio: Every clip of the run, by clip hash.
        durations: Their seconds.
        merges: Those of the run's corpora.
        store: Where answers are kept.
        settings: Limits and places.
        threads: Threads that one worker may compute with.
        stop: Set when the user interrupts; no model is converted or compared from then on.
    """

    choice: EngineChoice
    audio: Mapping[str, AudioSource]
    durations: Mapping[str, float]
    merges: tuple[Mapping[str, str], ...] = field(default=())
    store: PredictionStore
    settings: Settings
    threads: int
    stop: threading.Event = field(default_factory=threading.Event)

    def prepare(
        self,
        subject: Subject,
        *,
        device: str,
        again: bool = False,
        known_only: bool = False,
        given_up: Mapping[Engine, str] = MappingProxyType({}),
    ) -> Prepared:
        """Find the best way that holds; the reference always does.

        Args:
            subject: Whose model.
            device: Where it computes.
            again: Whether the converted model has to be made again, whatever is known of it.
            known_only: Whether only ways that have been held against the reference before are taken.
            given_up: Engines that are not to be taken, each with the reason.

        Raises:
            UnavailableError: The cache cannot be written.
            RequestError: A newer version of bench wrote what is kept.
        """
        decisions = self._decisions(subject)
        reference = Prepared.reference(subject, device, decisions)
        engines = [engine for engine in self.choice.engines(device) if not engine.is_reference]
        if not engines or not self.audio:
            return reference
        ways = [self._way(subject, engine) for engine in engines]
        note = self._why_not_worth_it(subject, reference.setup, ways)
        if note is not None:
            return replace(reference, note=note)
        fallbacks = [_not_taken(engine, reason) for engine, reason in given_up.items()]
        for way, setup in ways:
            if way.engine in given_up:
                continue
            known = ParityCheck.load(self.settings.cache, setup)
            if known_only and known is None:
                continue
            try:
                check = known if known_only and known else self._check(subject, way, setup, known, again=again)
            except NotTakenError as error:
                fallbacks.append(_not_taken(way.engine, str(error)))
                continue
            reason = self._why_slower(check) if check.passed else _why_not(check)
            if reason is None:
                return Prepared(
                    way=replace(way, digest=check.model),
                    setup=setup,
                    decisions=decisions,
                    check=check,
                    fallbacks=tuple(fallbacks),
                    given_up=given_up,
                )
            fallbacks.append(_not_taken(way.engine, reason))
        return replace(reference, fallbacks=tuple(fallbacks))

    def way_of(self, subject: Subject, setup: InferenceSetup) -> Way:
        """Give the way that has answered under a setup; its converted model may be gone since."""
        engine = Engine(backend=setup.backend, dtype=setup.dtype, device=setup.device, batch=setup.batch)
        way, own = self._way(subject, engine)
        check = ParityCheck.load(self.settings.cache, own)
        return way if check is None else replace(way, digest=check.model)

    def finer(self, subject: Subject, prepared: Prepared, *, close_clips: int = 0) -> Prepared | None:
        """Find the same engine in float32, for what a reduced number format leaves open.

        Args:
            subject: Whose model.
            prepared: How it is computed.
            close_clips: How many clips are left open. From as many on as a comparison pays for, one is made; with
                fewer, only an engine is taken that has been held against the reference on these clips before.

        Returns:
            How it is computed then; None where that is not known to hold, or nothing is finer but the reference.

        Raises:
            UnavailableError: The cache cannot be written.
            RequestError: A newer version of bench wrote what is kept.
        """
        engine = replace(prepared.way.engine, dtype="float32")
        if engine.backend == TORCH or engine == prepared.way.engine or engine in prepared.given_up:
            return None
        way, setup = self._way(subject, engine)
        known = ParityCheck.load(self.settings.cache, setup)
        check = known if known is not None and known.model in (prepared.way.digest, None) else None
        if (check is None or self._not_seen(subject, check) > 0) and close_clips >= PAYS_FROM_CLIPS:
            with suppress(NotTakenError):
                check = self._check(subject, way, setup, check, again=False)
        if check is None or not check.passed or self._not_seen(subject, check) > 0:
            return None
        return Prepared(way=replace(way, digest=check.model), setup=setup, decisions=prepared.decisions, check=check)

    def keep(self, subject: Subject, prepared: Prepared, largest_difference: float) -> Prepared:
        """Note a difference that is larger than those seen before.

        Raises:
            UnavailableError: The cache cannot be written.
            RequestError: A newer version of bench wrote what is kept.
        """
        if prepared.check is None or largest_difference <= prepared.check.largest_difference:
            return prepared
        check = prepared.check.model_copy(update={"largest_difference": largest_difference})
        check.save(self.settings.cache, prepared.setup)
        return replace(prepared, check=check)

    def _way(self, subject: Subject, engine: Engine) -> tuple[Way, InferenceSetup]:
        setup = subject.setup(device=engine.device, engine=engine)
        if engine.backend == TORCH:
            return Way(engine), setup
        return Way(engine, converted_model(self.settings.cache, setup)), setup

    def _why_not_worth_it(
        self, subject: Subject, reference: InferenceSetup, ways: Sequence[tuple[Way, InferenceSetup]]
    ) -> str | None:
        """Why `auto` stays with torch: there is too little to do, or torch has done most of it."""
        if not self.choice.is_left_to_bench:
            return None
        checks = [ParityCheck.load(self.settings.cache, setup) for _, setup in ways]
        if any(check is not None and check.passed and self._not_seen(subject, check) <= 0 for check in checks):
            return None
        if any(self._has_answered_most(setup) for _, setup in ways):
            return None
        if len(self.audio) < PAYS_FROM_CLIPS:
            return _FEW_CLIPS
        return _GOES_ON if self._has_answered_most(reference) else None

    def _why_slower(self, check: ParityCheck) -> str | None:
        """Why batches do not pay on this device, where nobody asked for them; None where they do."""
        if self.choice.batch is not None or check.speed is None or check.speed > 1:
            return None
        return f"in a full batch, a window takes {1 / check.speed:.1f} times as long as alone"

    def _has_answered_most(self, setup: InferenceSetup) -> bool:
        known = self.store.read(setup)
        return sum(clip_hash in known for clip_hash in self.audio) >= _STAYS_FROM * len(self.audio)

    def _check(
        self, subject: Subject, way: Way, setup: InferenceSetup, known: ParityCheck | None, *, again: bool
    ) -> ParityCheck:
        """Give what is known of a way, and find out what is not.

        Raises:
            NotTakenError: It did not come to a comparison.
        """
        wanted = self._not_seen(subject, known)
        if known is not None and not again and (known.is_ruled_out or wanted <= 0):
            return known
        seen = self._seen(subject, known)
        others = {clip_hash: self.durations[clip_hash] for clip_hash in self.audio if clip_hash not in seen}
        chosen = stratified(self.durations if again else others, CLIPS_COMPARED if again else wanted)
        gate = Gate(
            subject=subject,
            engine=way.engine,
            setup=setup.key,
            converted=way.converted or Path(),
            decisions=self._decisions(subject),
            threads=self.threads,
            settings=self.settings,
            stop=self.stop,
        )
        if way.converted is not None:
            describe_converted_model(self.settings.cache, setup)
        try:
            check = gate.check({clip_hash: self.audio[clip_hash] for clip_hash in chosen}, None if again else known)
        except NotTakenError as error:
            if not error.lasting:
                raise
            check = gate.failed(str(error))
        check.save(self.settings.cache, setup)
        return check

    def _not_seen(self, subject: Subject, known: ParityCheck | None) -> int:
        """How many of this run's clips have to be compared yet; 0 or less where enough have been."""
        return min(CLIPS_COMPARED, len(self.audio)) - len(self._seen(subject, known) & self.audio.keys())

    def _seen(self, subject: Subject, known: ParityCheck | None) -> set[str]:
        """Clips that have been compared as this run reads them."""
        if known is None or self._decisions(subject).key not in known.decisions:
            return set()
        return set(known.clips)

    def _decisions(self, subject: Subject) -> Decisions:
        return Decisions.of(subject.verification, self.merges)


def _not_taken(engine: Engine, reason: str) -> str:
    return f"{engine} was not taken: {reason}."


def _why_not(check: ParityCheck) -> str:
    if check.failure is not None:
        return check.failure
    if not check.is_like_the_reference:
        return (
            f"on {check.compared} clips its probabilities differ from the reference's by up to "
            f"{check.largest_difference:.1e}, and {check.allowed:.0e} is allowed"
        )
    return (
        f"of {check.compared} clips, {check.close} would have to be done again in the reference, since their two best "
        "answers are too close to rely on it, and that would take longer than it saves"
    )
