"""Runs an inference plan: the fastest engine computes all clips, and the next ones re-run what it leaves open."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from benchmark.audio.perturbation import Perturbation
from benchmark.corpora.sources import AudioSource
from benchmark.evaluation.decoding import ClipSet, DecodedCorpus, decode_windows
from benchmark.evaluation.parity import Decisions
from benchmark.evaluation.plan import InferencePlan, Overwrite, PlannedEngine
from benchmark.evaluation.sessions import AnsweredWindow, ModelSession, log_path
from benchmark.models.reports import LoadReport, TooShortError
from benchmark.models.speech_model import averaged
from benchmark.progress import Silent, Stage
from benchmark.results.predictions import InferenceSetup, Prediction, PredictionTable
from benchmark.results.runs import EvaluationRecord
from benchmark.workers.answers import Returned

# Answers are stored every so often, so that a run that is killed loses little.
_FLUSH_CLIPS = 200
_FLUSH_S = 10.0
_INTERRUPTED = "The run was interrupted."
# Begins the failure of a clip that was readable when the run began, and not when its turn came: the next run tries it
# again.
_NO_LONGER_READABLE = "It was readable when the run began, and was not when its turn came: "


@dataclass(eq=False)
class ClipPass:
    """The clips of a run, perturbed in one way or not at all, on one engine.

    Attributes:
        engine: The engine.
        setup: Keys the answers in the store.
        perturbation: What is done to the clips first, if anything.
        decisions: How the model's outputs are read.
        missing: Clips that are to be computed.
        close: Answers that cannot be relied on, by clip hash: the two best are too close, or the engine failed. They
            are not stored until the next engine has given a better one.
        settled: Clips whose close answers were replaced.
        computed: Clips that were computed in this run.
    """

    engine: PlannedEngine
    setup: InferenceSetup
    perturbation: Perturbation | None
    decisions: Decisions
    missing: dict[str, AudioSource] = field(default_factory=dict)
    close: dict[str, Prediction] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    computed: set[str] = field(default_factory=set)

    def is_close(self, prediction: Prediction) -> bool:
        """Whether a prediction decides nothing: its two best answers are close, or only this engine may have failed.

        A clip that could not be read is no fault of an engine, and one that is too short is so for each of them.
        """
        if self.engine.margin == 0.0 or not is_lasting(prediction):
            return False
        if prediction.logits is None:
            return not (prediction.failure or "").startswith(TooShortError.__name__)
        margin = self.decisions.margins(prediction.logits[None])[0]
        return not bool(margin >= self.engine.margin)  # NaN is close to everything

    def hold_back(self, predictions: Iterable[Prediction]) -> list[Prediction]:
        """Keep close answers here, and return the others."""
        predictions = list(predictions)
        close = {prediction.clip_hash: prediction for prediction in predictions if self.is_close(prediction)}
        self.close |= close
        return [prediction for prediction in predictions if prediction.clip_hash not in close]

    def mark_close(self, stored: PredictionTable, better: Callable[[str], Prediction | None], clips: Set[str]) -> None:
        """Find close answers among stored ones, unless they come from a better engine already.

        Args:
            stored: The answers stored under this pass's setup.
            better: The answer of a better engine to a clip, if there is one.
            clips: Where to look.
        """
        wanted = clips - self.settled - self.close.keys()
        # Failures have no logits, and so no margin: all zeros are close.
        margins = self.decisions.margins(np.nan_to_num(stored.logits))
        for row in np.flatnonzero(margins < self.engine.margin):
            clip_hash = str(stored.clip_hashes[int(row)].as_py())
            if clip_hash not in wanted or not self.is_close(stored[clip_hash]):
                continue
            if not is_taken_over(stored[clip_hash], better(clip_hash)):
                self.close[clip_hash] = stored[clip_hash]

    def settle(self, better: Callable[[str], Prediction | None]) -> tuple[list[Prediction], float]:
        """Replace close answers by those of a better engine, as far as there are any.

        Returns:
            The better answers, and the largest difference of a probability to the replaced ones.
        """
        answers = [answer for clip_hash in self.close if (answer := better(clip_hash)) is not None]
        largest = 0.0
        for answer in answers:
            replaced = self.close.pop(answer.clip_hash)
            self.settled.add(answer.clip_hash)
            if replaced.logits is not None and answer.logits is not None:
                largest = max(largest, self.decisions.difference(answer.logits[None], replaced.logits[None]))
        return answers, largest


@dataclass(frozen=True, eq=False)
class CandidateRun:
    """What running a plan brought.

    Attributes:
        plan: The plan, with what is known of its engines by now.
        passes: The clips on the engine that answered: as they are, then with each perturbation.
        failures: Why passes did not come to their end, by the key of their setup.
        unreadable: Clips that could be read when the run began and not when their turn came, each with the reason.
        rerun_clips: How many clips as they are have an answer of a better engine.
    """

    plan: InferencePlan
    passes: Sequence[ClipPass]
    failures: Mapping[str, str]
    unreadable: Mapping[str, str]
    rerun_clips: int

    def records(self, corpora: Sequence[DecodedCorpus]) -> list[EvaluationRecord]:
        """Describe for each pass and corpus where the answers are, and whether they are complete."""
        settings = self.plan.context.settings
        log = log_path(self.plan.subject, settings).relative_to(settings.cache).as_posix()
        inference = self.plan.record(rerun_clips=self.rerun_clips)
        records = []
        for clip_pass in self.passes:
            computed = {*clip_pass.missing, *clip_pass.close}
            for corpus in corpora:
                failure = self.failures.get(clip_pass.setup.key)
                records.append(
                    EvaluationRecord(
                        candidate=self.plan.subject.name,
                        corpus=corpus.record.name,
                        setup=clip_pass.setup,
                        failure=None if computed.isdisjoint(corpus.audio) else failure,
                        log=log if computed else None,
                        inference=inference,
                    )
                )
        return records


class InferenceRunner:
    """Computes clips with one candidate; what is stored is not computed again unless asked for.

    Args:
        plan: The plan of the candidate.
        clips: Some clips of the run; None for all of them.
    """

    def __init__(self, plan: InferencePlan, clips: ClipSet | None = None) -> None:
        self._plan = plan
        self._context = plan.context
        self._audio = (clips or plan.context.clips).audio
        self._unreadable: dict[str, str] = {}

    def run(self, stage: Stage) -> CandidateRun:
        """Run the plan: the clips as they are, then perturbed, by the same loaded model.

        A worker that crashes or runs past its time takes its engine out of the plan, and all begins again with the
        next; that of the reference ends the candidate's run.

        Args:
            stage: Advances by one with every clip of every pass.

        Raises:
            UnavailableError: The store cannot be written.
            RequestError: A newer version of bench wrote what is kept.
        """
        with Silent().stage("", total=None) as unwatched:
            while True:
                engine = self._plan.current
                passes = self._passes(engine, missing=True)
                stage.advance(sum(len(self._audio) - len(one.missing) for one in passes))
                failures = self._compute(passes, stage, side_by_side=not engine.is_reference)
                if failures and not engine.is_reference and not self._context.stop.is_set():
                    self._replace_failed(engine, next(iter(failures.values())))
                elif engine.is_reference or self._context.overwrite is Overwrite.NEVER:
                    break
                else:
                    failures = self._rerun_close_clips(passes) | failures
                    if not engine.has_failed:
                        break
                    self._plan.reject(engine, engine.reason)
                stage = unwatched
        return CandidateRun(self._plan, passes, failures, self._unreadable, self._count_rerun(passes[0]))

    def _replace_failed(self, engine: PlannedEngine, failure: str) -> None:
        if engine.implementation.is_broken():
            self._plan.rebuild(engine)
        else:
            self._plan.reject(engine, _as_part(failure))

    def _passes(self, engine: PlannedEngine, *, missing: bool = False) -> list[ClipPass]:
        """One pass for the clips as they are, and one for each perturbation."""
        passes = []
        for perturbation in (None, *self._context.perturbations):
            name = None if perturbation is None else perturbation.name
            setup = self._plan.subject.setup(device=engine.engine.device, perturbation=name, engine=engine.engine)
            passes.append(ClipPass(engine, setup, perturbation, self._plan.decisions))
            if missing and self._context.overwrite is not Overwrite.NEVER:
                passes[-1].missing = self._without_answer(passes[-1], self._audio)
        return passes

    def _without_answer(self, clip_pass: ClipPass, clips: Iterable[str]) -> dict[str, AudioSource]:
        """The clips that have no stored answer, or none of this run where the user wants all computed again."""
        if self._context.overwrite is Overwrite.ALWAYS:
            return {clip_hash: self._audio[clip_hash] for clip_hash in clips if clip_hash not in clip_pass.computed}
        stored = self._context.store.read(clip_pass.setup)
        return {clip_hash: self._audio[clip_hash] for clip_hash in clips if not is_lasting(stored.get(clip_hash))}

    def _compute(self, passes: Sequence[ClipPass], stage: Stage, *, side_by_side: bool) -> dict[str, str]:
        """Compute what passes miss, with one loaded model; nothing is loaded where nothing is missing.

        Returns:
            Why passes did not come to their end, by the key of their setup.
        """
        context, passes = self._context, [one for one in passes if one.missing]
        if not passes or context.stop.is_set():
            return {one.setup.key: _INTERRUPTED for one in passes}
        failures: dict[str, str] = {}
        with ModelSession(
            self._plan.subject,
            passes[0].engine.implementation,
            threads=context.threads,
            settings=context.settings,
            side_by_side=side_by_side,
        ) as session:
            loaded = session.load()
            failure = None
            if not isinstance(loaded, LoadReport):
                failure = f"It could not be loaded again: {loaded.reason}."
            elif loaded.sampling_rate is None:
                failure = f"It could not be loaded again: {loaded.preprocessor_problem}."
            for clip_pass in passes:
                if failure is None and isinstance(loaded, LoadReport):
                    failure = self._compute_pass(session, loaded, clip_pass, stage)
                    context.store.compact(clip_pass.setup)
                if failure is not None:
                    failures[clip_pass.setup.key] = failure
        return failures

    def _compute_pass(self, session: ModelSession, loaded: LoadReport, clip_pass: ClipPass, stage: Stage) -> str | None:
        """Compute what a pass misses, and store it every so often; why it ended early, if so."""
        predictions: list[Prediction] = []
        flushed = time.monotonic()
        clip = _ClipInProgress()
        windows = decode_windows(
            clip_pass.missing.items(),
            sampling_rate=loaded.sampling_rate or 0,
            window_s=loaded.window_s,
            perturbation=clip_pass.perturbation,
        )
        store = self._context.store
        try:
            for answered in session.answers(windows):
                if self._context.stop.is_set():
                    return _INTERRUPTED
                if answered.end is not None:
                    return f"Its worker ended in the middle of the run: {answered.end.reason}."
                if answered.answer is not None:
                    clip.add(answered)
                    continue
                prediction, clip = clip.prediction(answered), _ClipInProgress()
                predictions.append(prediction)
                clip_pass.computed.add(prediction.clip_hash)
                if not is_lasting(prediction):
                    self._unreadable[prediction.clip_hash] = prediction.failure or ""
                stage.advance()
                if len(predictions) >= _FLUSH_CLIPS or time.monotonic() - flushed > _FLUSH_S:
                    store.add(clip_pass.setup, clip_pass.hold_back(predictions))
                    predictions, flushed = [], time.monotonic()
        finally:
            store.add(clip_pass.setup, clip_pass.hold_back(predictions))
        return None

    def _rerun_close_clips(self, passes: list[ClipPass]) -> dict[str, str]:
        """Re-run clips whose top-2 margin is below the engine's error bound, on the next engine of the plan.

        What that leaves open goes to the reference. Where an answer differs by more than those before, the bound grows
        and further clips count as close, until none does.

        Returns:
            Why passes keep close answers, by the key of their setup; empty where none does.
        """
        engine, exact = passes[0].engine, self._passes(self._plan.reference)
        refined: list[ClipPass] = []
        while not self._context.stop.is_set():
            refined = self._refining_passes(refined, engine)
            clips = [self._audio.keys()] * len(passes)
            self._mark_close([one for one in (passes, refined, exact) if one], clips)
            close = {clip_hash for one in passes for clip_hash in one.close}
            refined = self._refining_passes(refined, engine, close_clips=len(close))
            chain = [one for one in (passes, refined, exact) if one]
            failures = self._compute_close(chain)
            if refined and refined[0].engine.has_failed:
                continue
            has_grown = self._settle(chain)
            if failures or not has_grown or engine.has_failed:
                return failures
        return {}

    def _refining_passes(
        self, refined: list[ClipPass], engine: PlannedEngine, *, close_clips: int = 0
    ) -> list[ClipPass]:
        """The passes on the engine between the fastest and the reference, as long as it holds; else none."""
        if refined and not refined[0].engine.has_failed:
            return refined
        refiner = self._plan.refiner(engine, close_clips=close_clips)
        return [] if refiner is None else self._passes(refiner)

    def _mark_close(self, chain: Sequence[Sequence[ClipPass]], clips: Sequence[Set[str]]) -> None:
        """Find close answers of the first engine of a chain, among what it has stored in this run or before."""
        if chain[0][0].engine.is_reference:
            return
        for position, clip_pass in enumerate(chain[0]):
            better = self._better([finer[position] for finer in chain[1:]])
            clip_pass.mark_close(self._context.store.read(clip_pass.setup), better, clips[position])

    def _compute_close(self, chain: Sequence[Sequence[ClipPass]]) -> dict[str, str]:
        """Compute the close clips of the first engine on the next one, and what that leaves open on the one after it.

        Returns:
            Why that did not come to its end, by the key of the first engine's setups.
        """
        wanted = [set(clip_pass.close) for clip_pass in chain[0]]
        for level, passes in enumerate(chain[1:], start=1):
            for clip_pass, clips in zip(passes, wanted, strict=True):
                clip_pass.missing = self._without_answer(clip_pass, clips)
            with Silent().stage("", total=None) as unwatched:
                failures = self._compute(passes, unwatched, side_by_side=True)
            if failures:
                if not passes[0].engine.is_reference and not self._context.stop.is_set():
                    passes[0].engine.fail(_as_part(next(iter(failures.values()))))
                pairs = zip(chain[0], passes, strict=True)
                return {first.setup.key: failures[one.setup.key] for first, one in pairs if one.setup.key in failures}
            self._mark_close(chain[level:], wanted)
            wanted = [clips & clip_pass.close.keys() for clip_pass, clips in zip(passes, wanted, strict=True)]
        return {}

    def _settle(self, chain: Sequence[Sequence[ClipPass]]) -> bool:
        """Replace close answers by better ones, from the finest engine up to the fastest.

        Returns:
            Whether an engine's margin has grown, so that more of its answers may be close; faster engines wait then.
        """
        for level in reversed(range(len(chain) - 1)):
            has_grown = False
            for position, clip_pass in enumerate(chain[level]):
                answers, largest = clip_pass.settle(self._better([finer[position] for finer in chain[level + 1 :]]))
                if answers:
                    self._context.store.add(clip_pass.setup, answers)
                    self._context.store.compact(clip_pass.setup)
                has_grown |= self._plan.record_difference(clip_pass.engine, largest)
            if has_grown:
                return True
        return False

    def _better(self, finer: Sequence[ClipPass]) -> Callable[[str], Prediction | None]:
        """A function that finds the answer of a finer engine: the first that is clear, else the reference's."""
        *engines, reference = [(clip_pass, self._context.store.read(clip_pass.setup)) for clip_pass in finer]

        def better(clip_hash: str) -> Prediction | None:
            for clip_pass, stored in engines:
                answer = stored.get(clip_hash)
                if is_lasting(answer) and not clip_pass.is_close(answer):
                    return answer
            return reference[1].get(clip_hash)

        return better

    def _count_rerun(self, clip_pass: ClipPass) -> int:
        """Count the clips whose stored answer comes from a finer engine than the one that computed them all."""
        if clip_pass.engine.is_reference:
            return 0
        engines = self._plan.engines[self._plan.engines.index(clip_pass.engine) + 1 :]
        finer = [self._context.store.read(planned.setup) for planned in engines]
        stored = self._context.store.read(clip_pass.setup)
        answers = [stored[clip_hash] for clip_hash in self._audio if clip_hash in stored]
        return sum(
            any(is_taken_over(answer, table.get(answer.clip_hash)) for table in finer)
            for answer in answers
            if answer.logits is not None
        )


@dataclass
class _ClipInProgress:
    """A clip of which some windows have been computed."""

    logits: list[NDArray[np.float32]] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    seconds: float = 0.0
    failure: str | None = None

    def add(self, answered: AnsweredWindow) -> None:
        """Take the answer to the next window; after one that failed, the others do not matter."""
        samples, answer = answered.window.samples, answered.answer
        if self.failure is not None or samples is None or answer is None:
            return
        if isinstance(answer, Returned):
            self.logits.append(answer.value["logits"])
            self.samples.append(samples.size)
            self.seconds += float(answer.value["seconds"])
        else:
            self.failure = answer.reason

    def prediction(self, end: AnsweredWindow) -> Prediction:
        """Put the answers to all windows together."""
        clip_hash, unreadable = end.window.clip_hash, end.window.failure
        failure = self.failure if unreadable is None else _NO_LONGER_READABLE + unreadable
        if failure is not None:
            return Prediction(clip_hash=clip_hash, logits=None, windows=0, failure=failure, seconds=0.0)
        logits = averaged(np.stack(self.logits), np.array(self.samples))
        return Prediction(
            clip_hash=clip_hash, logits=logits, windows=len(self.logits), failure=None, seconds=self.seconds
        )


def _as_part(sentence: str) -> str:
    """Make a sentence a part of another."""
    return sentence[0].lower() + sentence[1:].removesuffix(".")


def is_lasting(prediction: Prediction | None) -> TypeGuard[Prediction]:
    """Whether there is an answer, and not just the note that the clip could not be read when its turn came."""
    return prediction is not None and not (prediction.failure or "").startswith(_NO_LONGER_READABLE)


def is_taken_over(stored: Prediction, better: Prediction | None) -> bool:
    """Whether a stored answer is a better engine's own, or the same failure, and does not merely agree to the bit."""
    if better is None or stored.seconds != better.seconds:
        return False
    if stored.logits is None or better.logits is None:
        return stored.logits is better.logits and stored.failure == better.failure
    return np.array_equal(stored.logits, better.logits, equal_nan=True)
