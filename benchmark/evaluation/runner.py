"""Runs an inference plan: the fastest engine computes all clips, and the next ones re-run what it leaves open."""

import time
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from benchmark.evaluation.close_clips import ClipInProgress, ClipPass, is_lasting, is_taken_over
from benchmark.evaluation.context import Overwrite
from benchmark.evaluation.decoding import ClipSet, decode_windows
from benchmark.evaluation.plan import InferencePlan, PlannedEngine
from benchmark.evaluation.sessions import LoadedModels, ModelSession, log_path
from benchmark.models.load_reports import LoadReport
from benchmark.progress import Stage
from benchmark.results.predictions import InferenceSetup, Prediction
from benchmark.results.runs import EvaluationRecord
from benchmark.workers.answers import Crashed

# Answers are stored every so often, so that a run that is killed loses little.
_FLUSH_CLIPS = 1_000
_FLUSH_S = 10.0
INTERRUPTED = "The run was interrupted."


@dataclass(frozen=True, eq=False)
class CandidateRun:
    """What running a plan brought.

    Attributes:
        clips: Those that were to be computed.
        passes: The clips on the engine that answered: as they are, then with each perturbation.
        failures: Why passes ended early, by the key of their setup.
        unreadable: Why clips that could be read when the run began could not when their turn came.
        rerun_clips: How many clips as they are have an answer of a better engine.
    """

    plan: InferencePlan
    clips: ClipSet
    passes: Sequence[ClipPass]
    failures: Mapping[str, str]
    unreadable: Mapping[str, str]
    rerun_clips: int

    @property
    def answered(self) -> list[InferenceSetup]:
        """The setups under which every clip has an answer."""
        return [clip_pass.setup for clip_pass in self.passes if clip_pass.setup.key not in self.failures]

    def records(self, corpora: Mapping[str, Iterable[str]]) -> list[EvaluationRecord]:
        """Describe for each pass and corpus where the answers are, and whether they are complete.

        Args:
            corpora: The hashes of the clips of each corpus, by its name.
        """
        settings = self.plan.context.settings
        log = log_path(self.plan.subject, settings).relative_to(settings.cache).as_posix()
        inference = self.plan.record(rerun_clips=self.rerun_clips)
        records = []
        for clip_pass in self.passes:
            computed = {*clip_pass.missing, *clip_pass.close}
            for name, clip_hashes in corpora.items():
                failure = self.failures.get(clip_pass.setup.key)
                records.append(
                    EvaluationRecord(
                        candidate=self.plan.subject.name,
                        corpus=name,
                        setup=clip_pass.setup,
                        failure=None if computed.isdisjoint(clip_hashes) else failure,
                        log=log if computed else None,
                        inference=inference,
                    )
                )
        return records


class InferenceRunner:
    """Computes the clips of a run, or some of them, with one candidate; stored answers count unless overwritten.

    Args:
        plan: The engines.
        clips: Those to compute; None for all.
        models: Where models stay loaded; None to load them for this run only.
    """

    def __init__(self, plan: InferencePlan, clips: ClipSet | None = None, models: LoadedModels | None = None) -> None:
        self._plan = plan
        self._models = models or LoadedModels()
        self._context = plan.context
        self._clips = clips or plan.context.clips
        self._audio = self._clips.audio
        self._unreadable: dict[str, str] = {}

    def run(self, stage: Stage | None) -> CandidateRun:
        """Run the plan: the clips as they are, then perturbed, by the same loaded model.

        A worker that exceeds its time limit, or crashes in the second try of its candidate, takes its engine out of the
        plan, and the next engine starts from the beginning; that of the reference ends the candidate's run. The stage
        advances with every clip of every pass.

        Raises:
            WorkerLostError: A worker has ended, for the first time; what was answered is stored.
            UnavailableError: The store cannot be written.
            RequestError: A newer version of bench wrote what is kept.
        """
        watched = stage
        while True:
            engine = self._plan.current
            passes = self._passes(engine)
            if self._context.options.overwrite is not Overwrite.NEVER:
                for clip_pass in passes:
                    self._set_missing(clip_pass, self._audio)
            if watched is not None:
                watched.advance(sum(len(self._audio) - len(clip_pass.missing) for clip_pass in passes))
            failures = self._compute(passes, watched, side_by_side=not engine.is_reference)
            if failures and not engine.is_reference and not self._context.stop.is_set():
                self._replace_failed(engine, next(iter(failures.values())))
            elif engine.is_reference or self._context.options.overwrite is Overwrite.NEVER:
                break
            else:
                unsettled = self._compare_rest(passes[0])
                if not unsettled and not engine.has_failed:
                    unsettled = self._rerun_close_clips(passes)
                failures = unsettled | failures
                if not engine.has_failed:
                    break
                self._plan.reject(engine, engine.reason)
            watched = None
        return CandidateRun(self._plan, self._clips, passes, failures, self._unreadable, self._count_rerun(passes[0]))

    def _replace_failed(self, engine: PlannedEngine, failure: str) -> None:
        if engine.implementation.is_broken():
            self._plan.rebuild(engine)
        else:
            self._plan.reject(engine, _as_part(failure))

    def _passes(self, engine: PlannedEngine) -> list[ClipPass]:
        """One pass for the clips as they are, and one for each perturbation."""
        perturbations = (None, *self._context.options.perturbations)
        return [ClipPass(self._plan, engine, perturbation) for perturbation in perturbations]

    def _set_missing(self, clip_pass: ClipPass, clips: Iterable[str]) -> None:
        clip_pass.missing = {clip_hash: self._audio[clip_hash] for clip_hash in clip_pass.unanswered(clips)}

    def _compute(self, passes: Sequence[ClipPass], stage: Stage | None, *, side_by_side: bool) -> dict[str, str]:
        """Compute what passes miss, with one loaded model; why passes ended early, by the key of their setup."""
        context, passes = self._context, [clip_pass for clip_pass in passes if clip_pass.missing]
        if not passes or context.stop.is_set():
            return {clip_pass.setup.key: INTERRUPTED for clip_pass in passes}
        failures: dict[str, str] = {}
        implementation = passes[0].engine.implementation

        def new_session() -> ModelSession:
            return ModelSession(
                self._plan.subject,
                implementation,
                threads=context.threads,
                settings=context.settings,
                side_by_side=side_by_side,
            )

        with self._models.open(implementation, side_by_side=side_by_side, new=new_session) as (session, loaded):
            context.require_worker(loaded)
            if not isinstance(loaded, LoadReport) or loaded.sampling_rate is None:
                problem = loaded.preprocessor_problem if isinstance(loaded, LoadReport) else loaded.reason
                again = self._again(loaded)
                return {clip_pass.setup.key: f"It could not be loaded again{again}: {problem}." for clip_pass in passes}
            failure = None
            for clip_pass in passes:
                if failure is None:
                    failure = self._compute_pass(session, loaded, clip_pass, stage)
                    context.store.compact(clip_pass.setup)
                if failure is not None:
                    failures[clip_pass.setup.key] = failure
        return failures

    def _again(self, answer: object) -> str:
        """Say of a worker that has ended that it was the second one of its candidate."""
        return " when it was tried once more, alone" if self._context.alone and isinstance(answer, Crashed) else ""

    def _compute_pass(
        self, session: ModelSession, loaded: LoadReport, clip_pass: ClipPass, stage: Stage | None
    ) -> str | None:
        """Compute what a pass misses, and store it every so often; why it ended early, if so."""
        predictions: list[Prediction] = []
        rates = self._plan.subject.rates
        flushed, clip = time.monotonic(), ClipInProgress(rates)
        windows = decode_windows(
            clip_pass.missing.items(),
            self._context.reader,
            sampling_rate=loaded.sampling_rate or 0,
            window_s=loaded.window_s,
            perturbation=clip_pass.perturbation,
        )
        try:
            for answered in session.answers(windows):
                if self._context.stop.is_set():
                    return INTERRUPTED
                self._context.require_worker(answered.end)
                if answered.end is not None:
                    again = self._again(answered.end)
                    return f"Its worker ended in the middle of the run{again}: {answered.end.reason}."
                if answered.answer is not None:
                    clip.add(answered)
                    continue
                prediction, clip = clip.prediction(answered), ClipInProgress(rates)
                predictions.append(prediction)
                if self._context.options.overwrite is Overwrite.ALWAYS:
                    clip_pass.computed.add(prediction.clip_hash)
                if not is_lasting(prediction):
                    self._unreadable[prediction.clip_hash] = prediction.failure or ""
                if stage is not None:
                    stage.advance()
                if len(predictions) >= _FLUSH_CLIPS or time.monotonic() - flushed > _FLUSH_S:
                    clip_pass.store(predictions)
                    predictions, flushed = [], time.monotonic()
        finally:
            clip_pass.store(predictions)
        return None

    def _compare_rest(self, clip_pass: ClipPass) -> dict[str, str]:
        """Compare with the reference what the plan has put off, which may fail the engine.

        Returns:
            That the run was interrupted before, by the key of the pass's setup; else nothing.
        """
        engine = clip_pass.engine
        if engine.uncompared:
            stored, close = clip_pass.stored(), clip_pass.close
            answers = {name: close.get(name) or stored.get(name) for name in engine.uncompared}
            self._plan.compare_rest(engine, answers)
        return {clip_pass.setup.key: INTERRUPTED} if engine.uncompared and not engine.has_failed else {}

    def _rerun_close_clips(self, passes: list[ClipPass]) -> dict[str, str]:
        """Re-run clips whose top-2 margin is below the engine's error bound, on the next engine of the plan.

        What that leaves open goes to the reference. If an answer differs by more than those before, the bound grows
        and further clips count as close, until none does.

        Returns:
            Why passes keep close answers, by the key of their setup; empty if none does.
        """
        engine, exact = passes[0].engine, self._passes(self._plan.reference)
        refined: list[ClipPass] = []
        while not self._context.stop.is_set():
            refined = self._refining_passes(refined, engine)
            all_clips = [self._audio.keys()] * len(passes)
            _mark_close([level for level in (passes, refined, exact) if level], all_clips)
            close = {clip_hash for clip_pass in passes for clip_hash in clip_pass.close}
            refined = self._refining_passes(refined, engine, close_clips=len(close))
            levels = [level for level in (passes, refined, exact) if level]
            failures = self._compute_close(levels)
            if refined and refined[0].engine.has_failed:
                continue
            has_grown = self._settle(levels)
            if failures or not has_grown or engine.has_failed:
                return failures
        return {}

    def _refining_passes(
        self, refined: list[ClipPass], engine: PlannedEngine, *, close_clips: int = 0
    ) -> list[ClipPass]:
        """The passes on the engine between the fastest and the reference, while it has not failed; else none."""
        if refined and not refined[0].engine.has_failed:
            return refined
        refiner = self._plan.refiner(engine, close_clips=close_clips)
        return [] if refiner is None else self._passes(refiner)

    def _compute_close(self, levels: Sequence[Sequence[ClipPass]]) -> dict[str, str]:
        """Compute the close clips of the first engine on the next one, and what that leaves open on the one after it.

        If that ends early, the reason is given by the key of the first engine's setups.
        """
        unsettled = [set(clip_pass.close) for clip_pass in levels[0]]
        for index, passes in enumerate(levels[1:], start=1):
            for clip_pass, clips in zip(passes, unsettled, strict=True):
                self._set_missing(clip_pass, clips)
            failures = self._compute(passes, None, side_by_side=True)
            if failures:
                if not passes[0].engine.is_reference and not self._context.stop.is_set():
                    passes[0].engine.fail(_as_part(next(iter(failures.values()))))
                pairs = zip(levels[0], passes, strict=True)
                return {
                    upper.setup.key: failures[lower.setup.key] for upper, lower in pairs if lower.setup.key in failures
                }
            _mark_close(levels[index:], unsettled)
            unsettled = [clips & clip_pass.close.keys() for clip_pass, clips in zip(passes, unsettled, strict=True)]
        return {}

    def _settle(self, levels: Sequence[Sequence[ClipPass]]) -> bool:
        """Replace close answers by better ones, from the finest engine up to the fastest.

        Stops and returns True if an engine's margin has grown, so that more of its answers may be close.
        """
        for index in reversed(range(len(levels) - 1)):
            has_grown = False
            for clip_pass, *finer in zip(*levels[index:], strict=True):
                has_grown |= self._plan.record_difference(clip_pass.engine, clip_pass.settle(finer))
            if has_grown:
                return True
        return False

    def _count_rerun(self, clip_pass: ClipPass) -> int:
        """Count the clips whose stored answer comes from a finer engine than the one that computed them all."""
        if clip_pass.engine.is_reference:
            return 0
        engines = self._plan.engines[self._plan.engines.index(clip_pass.engine) + 1 :]
        finer = [self._context.store.read(planned.setup) for planned in engines]
        stored = clip_pass.stored()
        answers = [stored[clip_hash] for clip_hash in self._audio if clip_hash in stored]
        return sum(
            any(is_taken_over(answer, table.get(answer.clip_hash)) for table in finer)
            for answer in answers
            if answer.logits is not None
        )


def _mark_close(levels: Sequence[Sequence[ClipPass]], clips: Sequence[Set[str]]) -> None:
    """Find close answers of the first engine among those stored in this run or before; each pass has its own clips."""
    if not levels[0][0].engine.is_reference:
        for (clip_pass, *finer), where in zip(zip(*levels, strict=True), clips, strict=True):
            clip_pass.mark_close(finer, where)


def _as_part(sentence: str) -> str:
    """Make a sentence a part of another."""
    return sentence[0].lower() + sentence[1:].removesuffix(".")
