"""A whole run: decode the corpora, compute every subject's answers, time every subject, and record what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.clips import Corpus
from benchmark.evaluation.candidate_runs import CandidateOutcome, CandidateRuns, LocalRuns, OpenRuns, Timing
from benchmark.evaluation.context import Overwrite, RunContext, RunOptions
from benchmark.evaluation.decoding import ClipSet, DecodedCorpus, decode_corpus, drop_unreadable
from benchmark.evaluation.eligibility import Subject
from benchmark.evaluation.imported import import_answers
from benchmark.evaluation.out_of_fold import SubjectCorpora, divide_corpora
from benchmark.evaluation.racing import Race, RaceJudge
from benchmark.evaluation.shards import Shard
from benchmark.evaluation.speech_detection import drop_silent, find_speech
from benchmark.progress import Progress
from benchmark.results.environment import Environment
from benchmark.results.inference_record import LatencyMeasurement
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import CorpusRecord, EvaluationRecord, RaceStop
from benchmark.results.shards import ClipRange, corpora_digest
from benchmark.results.training_record import TRAINED_HERE
from benchmark.settings import Settings


@dataclass
class Evaluated:
    """What a run has brought so far; whole unless it was interrupted.

    Attributes:
        evaluations: One per subject and corpus.
        perturbed: One per subject, corpus and perturbation.
        latencies: One per subject and device.
        digest: Of the corpora as they were read; in a shard.
        ranges: The clips of each subject that a shard runs; in a shard.
        stops: Whom a race has stopped; in a race.
    """

    corpora: list[CorpusRecord] = field(default_factory=list)
    evaluations: list[EvaluationRecord] = field(default_factory=list)
    perturbed: list[EvaluationRecord] = field(default_factory=list)
    latencies: list[LatencyMeasurement] = field(default_factory=list)
    interrupted: bool = False
    digest: str = ""
    ranges: dict[str, ClipRange] = field(default_factory=dict)
    stops: Mapping[str, RaceStop] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Runs subjects on corpora.

    Attributes:
        reader: Reads the audio of the corpora.
        devices: Answers come from the first, latency from each.
        shard: The part that is computed, with the engines that the whole run would take; None for all.
        open_runs: Where candidates are computed and timed: in workers of this machine by default.
        race: Decides after each look who leaves; None asks every candidate all clips. Only on one corpus, and neither
            with a shard nor with perturbations.
    """

    subjects: Sequence[Subject]
    corpora: Sequence[Corpus]
    reader: AudioReader
    devices: Sequence[str]
    options: RunOptions
    settings: Settings
    store: PredictionStore
    environment: Environment
    shard: Shard | None = None
    open_runs: OpenRuns = LocalRuns
    race: RaceJudge | None = None

    def run(self, progress: Progress) -> Evaluated:
        """Run everything; Ctrl-C ends it early with what there is.

        Raises:
            UnavailableError: The store cannot be written.
        """
        result = Evaluated()
        try:
            decoded = [self._decode(corpus, progress) for corpus in self.corpora]
            result.corpora = [corpus.record for corpus in decoded]
            _warn_of_unreadable(result.corpora, progress)
            if self.race is not None:
                result.corpora = [self.race.plan(corpus) for corpus in result.corpora]
            if self.shard is not None:
                result.digest = corpora_digest(result.corpora)
            runs = self._compute(decoded, result, progress)
            if self._times:
                self._time(decoded, runs, result, progress)
            if self.options.overwrite is not Overwrite.NEVER:
                result.evaluations = [self._note_lost(record, result) for record in result.evaluations]
                result.perturbed = [self._note_lost(record, result) for record in result.perturbed]
        except KeyboardInterrupt:
            progress.warn("Interrupted: the reports show what was finished.")
            result.interrupted = True
        return result

    @property
    def _times(self) -> bool:
        """Whether latency is measured here: of a divided run, the first shard measures that of all subjects."""
        return self.options.latency_budget_s > 0 and (self.shard is None or self.shard.is_first)

    def _decode(self, corpus: Corpus, progress: Progress) -> DecodedCorpus:
        decoded = decode_corpus(corpus, self.reader, progress)
        if self.options.find_speech or self.options.min_speech is not None:
            decoded = find_speech(decoded, self.reader, self.settings, progress)
        return decoded if self.options.min_speech is None else drop_silent(decoded, self.options.min_speech)

    def _compute(self, decoded: Sequence[DecodedCorpus], result: Evaluated, progress: Progress) -> CandidateRuns:
        """Compute all answers, several candidates at once; returns the runs of the candidates, which can be timed."""
        context = RunContext(
            clips=ClipSet.of(decoded),
            reader=self.reader,
            merges=tuple(corpus.record.merge for corpus in decoded),
            options=self.options,
            store=self.store,
            settings=self.settings,
            threads=max(1, self.environment.cores // self.settings.jobs),
            divided=self.shard is not None,
        )
        shares = {subject.name: self._divide(subject, decoded, context.clips, progress) for subject in self.subjects}
        if self.shard is not None:
            shares = self._own(self.shard, shares)
            result.ranges = {name: ClipRange.of(share.computed.audio.keys()) for name, share in shares.items()}
        subjects = [subject for subject in self.subjects if subject.name in shares and not subject.is_imported]
        if self.race is not None:
            shares = self._hold_race(self.race, subjects, shares, context, result, progress)
        runs = self._compute_shares(subjects, shares, context, result, progress)
        _warn_of_lost(decoded, result.corpora, progress)
        return runs

    def _hold_race(
        self,
        judge: RaceJudge,
        subjects: Sequence[Subject],
        shares: Mapping[str, SubjectCorpora],
        context: RunContext,
        result: Evaluated,
        progress: Progress,
    ) -> dict[str, SubjectCorpora]:
        """Compute all looks but the last; returns what each candidate is asked in the whole run.

        A candidate that fails is tried again with the last look.
        """
        (corpus,) = result.corpora
        race = Race(judge=judge, corpus=corpus, shares=shares)
        for look in range(1, judge.looks):
            going_on = [subject for subject in subjects if subject.name not in race.failed]
            self._compute_shares(going_on, race.asked(look), context, result, progress)
            race.decide(look, result.corpora[0], result.evaluations, progress)
            result.stops = race.stops
        return race.asked(judge.looks)

    def _compute_shares(
        self,
        subjects: Sequence[Subject],
        shares: Mapping[str, SubjectCorpora],
        context: RunContext,
        result: Evaluated,
        progress: Progress,
    ) -> CandidateRuns:
        runs = self.open_runs(self.devices[0], shares, progress)
        try:
            runs.compute(subjects, context)
        finally:  # what is finished counts, even where a second Ctrl-C did not wait for the rest
            _collect(runs.outcomes, shares, result)
        return runs

    def _divide(
        self, subject: Subject, decoded: Sequence[DecodedCorpus], clips: ClipSet, progress: Progress
    ) -> SubjectCorpora:
        if subject.is_imported:
            records = import_answers(subject, decoded, options=self.options, store=self.store, progress=progress)
            return SubjectCorpora(inferred=(), clips=ClipSet.of(()), adapted=records)
        return divide_corpora(subject, decoded, clips, options=self.options, store=self.store, progress=progress)

    def _own(self, shard: Shard, shares: Mapping[str, SubjectCorpora]) -> dict[str, SubjectCorpora]:
        """What the shard computes; one that times runs every subject, since the engine is timed that has answered."""
        own = shard.own_clips(self.subjects, {name: share.clips for name, share in shares.items()})
        nothing = ClipSet({}, {})
        return {
            name: replace(share, own=own.get(name, nothing))
            for name, share in shares.items()
            if name in own or self._times
        }

    def _note_lost(self, record: EvaluationRecord, result: Evaluated) -> EvaluationRecord:
        reason = "are not in the cache any more: it was deleted during the run"
        own = None if self.shard is None else result.ranges[record.candidate]
        return note_missing(record, result.corpora, self.store, reason, own=own)

    def _time(
        self, decoded: Sequence[DecodedCorpus], runs: CandidateRuns, result: Evaluated, progress: Progress
    ) -> None:
        failed = {record.candidate for record in result.evaluations if record.failure}
        names = {outcome.candidate for outcome in runs.outcomes} - failed
        subjects = [subject for subject in self.subjects if subject.name in names]
        timing = Timing(
            audio=tuple(source for corpus in decoded for source in corpus.audio.values()),
            devices=tuple(self.devices),
            options=self.options,
            environment=self.environment,
        )
        for measurement in runs.time(subjects, timing):
            result.latencies.append(measurement)
            if measurement.failure:
                progress.warn(f"{measurement.candidate}: {measurement.failure}")


def note_missing(
    record: EvaluationRecord,
    corpora: Sequence[CorpusRecord],
    store: PredictionStore,
    reason: str,
    *,
    own: ClipRange | None = None,
) -> EvaluationRecord:
    """Note as a failure that answers which should be in the store are not; `own` are those of a shard."""
    setup = record.setup
    if record.failure is not None or (setup.head == TRAINED_HERE and setup.perturbation is not None):
        return record
    (clips,) = [corpus.clips for corpus in corpora if corpus.name == record.corpus]
    last = None if record.stopped is None else record.stopped.look
    expected = {
        clip.clip_hash
        for clip in clips
        if clip.clip_hash is not None and (last is None or clip.look is None or clip.look <= last)
    }
    if own is not None and setup.head != TRAINED_HERE:
        expected = set(filter(own.holds, expected))
    lost = len(expected - set(store.read(setup)))
    failure = f"{lost} of {len(expected)} answers {reason}."
    return record.model_copy(update={"failure": failure}) if lost else record


def _collect(outcomes: Sequence[CandidateOutcome], shares: Mapping[str, SubjectCorpora], result: Evaluated) -> None:
    """Take the records of finished candidates."""
    by_name = {outcome.candidate: outcome for outcome in outcomes}
    records: list[EvaluationRecord] = []
    for name, share in shares.items():
        if name in by_name:
            records += share.records(by_name[name].records)
        elif not share.inferred:  # a table of answers
            records += share.adapted
    result.evaluations = [
        record.model_copy(update={"stopped": result.stops.get(record.candidate)})
        for record in records
        if record.setup.perturbation is None
    ]
    result.perturbed = [record for record in records if record.setup.perturbation is not None]
    unreadable = {name: reason for outcome in outcomes for name, reason in outcome.unreadable.items()}
    result.corpora = [drop_unreadable(corpus, unreadable) for corpus in result.corpora]


def _warn_of_lost(decoded: Sequence[DecodedCorpus], corpora: Sequence[CorpusRecord], progress: Progress) -> None:
    for before, after in zip(decoded, corpora, strict=True):
        clips = zip(before.record.clips, after.clips, strict=True)
        lost = [old.clip for old, new in clips if old.failure is None and new.failure is not None]
        if lost:
            progress.warn(
                f"{after.name}: {len(lost)} of {len(after.clips)} clips could not be read any more when a model's turn "
                f"came, such as {lost[0]}: they are left out for all candidates, and tried again by the next run"
            )


def _warn_of_unreadable(corpora: Sequence[CorpusRecord], progress: Progress) -> None:
    for corpus in corpora:
        unreadable = [clip for clip in corpus.clips if clip.failure is not None]
        if unreadable:
            first = unreadable[0]
            progress.warn(
                f"{corpus.name}: {len(unreadable)} of {len(corpus.clips)} clips cannot be read, "
                f"such as {first.clip} ({first.failure})"
            )
