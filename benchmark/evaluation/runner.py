"""Runs an inference plan: the fastest engine computes all clips, and the next ones re-run what it leaves open."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from benchmark.corpora.sources import AudioSource
from benchmark.evaluation.close_clips import ClipInProgress, ClipPass, is_lasting, is_taken_over
from benchmark.evaluation.decoding import ClipSet, DecodedCorpus, decode_windows
from benchmark.evaluation.plan import InferencePlan, Overwrite, PlannedEngine
from benchmark.evaluation.sessions import ModelSession, log_path
from benchmark.models.reports import LoadReport
from benchmark.progress import Silent, Stage
from benchmark.results.predictions import Prediction
from benchmark.results.runs import EvaluationRecord

# Answers are stored every so often, so that a run that is killed loses little.
_FLUSH_CLIPS = 200
_FLUSH_S = 10.0
_INTERRUPTED = "The run was interrupted."


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
                stage.advance(sum(len(self._audio) - len(clip_pass.missing) for clip_pass in passes))
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
        context, passes = self._context, [clip_pass for clip_pass in passes if clip_pass.missing]
        if not passes or context.stop.is_set():
            return {clip_pass.setup.key: _INTERRUPTED for clip_pass in passes}
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
        clip = ClipInProgress()
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
                prediction, clip = clip.prediction(answered), ClipInProgress()
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
            self._mark_close([level for level in (passes, refined, exact) if level], clips)
            close = {clip_hash for clip_pass in passes for clip_hash in clip_pass.close}
            refined = self._refining_passes(refined, engine, close_clips=len(close))
            chain = [level for level in (passes, refined, exact) if level]
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
                return {
                    upper.setup.key: failures[lower.setup.key] for upper, lower in pairs if lower.setup.key in failures
                }
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


def _as_part(sentence: str) -> str:
    """Make a sentence a part of another."""
    return sentence[0].lower() + sentence[1:].removesuffix(".")
