"""Joins the shards of a run: their records into that of the whole run, and their answers in one store."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmark.errors import RequestError
from benchmark.evaluation.close_clips import is_taken_over
from benchmark.evaluation.context import Overwrite
from benchmark.evaluation.evaluate import note_missing
from benchmark.evaluation.parity import Decisions
from benchmark.results.inference_record import InferenceRecord, ParityCheck
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import CorpusRecord, EvaluationRecord, RunRecord
from benchmark.results.shards import StoredShard
from benchmark.results.training_record import TRAINED_HERE

_Parts = dict[int, EvaluationRecord]
"""One candidate on one corpus, by the index of the shard."""


def join_shards(shards: Sequence[StoredShard], cache: Path) -> RunRecord:
    """Copy the answers of all shards into one cache, and join their records; what is missing there is a failure.

    Args:
        shards: All shards of a run, by index.
        cache: May be that of a shard.

    Raises:
        RequestError: A candidate was computed by different engines.
        UnavailableError: The disk is full.
    """
    first = shards[0].record.run
    runs = {shard.record.index: shard.record.run for shard in shards}
    evaluations = _grouped({index: run.evaluations for index, run in runs.items()}, first)
    perturbed = _grouped({index: run.perturbed for index, run in runs.items()}, first)
    for parts in (*evaluations, *perturbed):
        _require_one_engine(parts)
    store = PredictionStore(cache)
    for shard in shards:
        _copy_answers(shard, cache)
    record = first.model_copy(
        update={
            "created": min(run.created for run in runs.values()),
            "corpora": tuple(_join_corpora(list(runs.values()))),
        }
    )
    joined = [[_join(parts, store, shards, record) for parts in group] for group in (evaluations, perturbed)]
    return record.model_copy(update={"evaluations": tuple(joined[0]), "perturbed": tuple(joined[1])})


def _grouped(records: Mapping[int, Sequence[EvaluationRecord]], run: RunRecord) -> list[_Parts]:
    """The records of all shards by candidate, corpus and perturbation, in the order of an undivided run."""
    groups: defaultdict[object, _Parts] = defaultdict(dict)
    for index, own in records.items():
        for record in own:
            groups[record.candidate, record.corpus, record.setup.perturbation][index] = record
    order = [verification.candidate for verification in run.verifications]
    return sorted(groups.values(), key=lambda parts: order.index(_one_of(parts).candidate))


def _one_of(parts: _Parts) -> EvaluationRecord:
    return next(iter(parts.values()))


def _require_one_engine(parts: _Parts) -> None:
    setups = {index: record.setup for index, record in parts.items()}
    (first, own), *others = setups.items()
    for index, other in others:
        if other != own:
            engines = [f"{setup.backend} {setup.dtype} on {setup.device}" for setup in (own, other)]
            how = "other settings" if engines[0] == engines[1] else f"{engines[0]} and {engines[1]}"
            raise RequestError(
                f"{_one_of(parts).candidate} was not computed alike in shards {first} and {index} ({how}), on machines "
                "that differ or because an engine failed: run all shards again on one kind of machine, or with "
                "--backend torch; what is answered is kept."
            )


def _copy_answers(shard: StoredShard, cache: Path) -> None:
    """Copy what a shard has computed, by every engine; what else is in its cache is not part of the run."""
    if shard.cache.resolve() == cache.resolve():
        return
    source, target = PredictionStore(shard.cache), PredictionStore(cache)
    revisions = {verification.candidate: verification for verification in shard.record.run.verifications}
    for candidate, own in shard.record.ranges.items():
        verification = revisions[candidate]
        for setup in source.setups(verification.id, verification.revision or ""):
            if setup.head == TRAINED_HERE:  # out-of-fold answers are copied from the candidate's folder by every shard
                target.copy(source, setup)
            elif own.clips:
                target.copy(source, setup, first=own.first, last=own.last)
            check = ParityCheck.load(shard.cache, setup)
            if check is not None:  # the largest difference of all shards decides what a later run takes for close
                check.save(cache, setup)


def _join_corpora(runs: Sequence[RunRecord]) -> list[CorpusRecord]:
    """The corpora without the clips that any shard could not read any more when their turn came."""
    joined = []
    for corpora in zip(*(run.corpora for run in runs), strict=True):
        clips = list(corpora[0].clips)
        for corpus in corpora[1:]:
            for position, clip in enumerate(corpus.clips):
                if clip.failure is not None and clips[position].failure is None:
                    clips[position] = clip
        joined.append(corpora[0].model_copy(update={"clips": tuple(clips)}))
    return joined


def _join(parts: _Parts, store: PredictionStore, shards: Sequence[StoredShard], run: RunRecord) -> EvaluationRecord:
    """One candidate on one corpus, from all shards that have run it."""
    own = _one_of(parts)
    failed = {index: record for index, record in parts.items() if record.failure is not None}
    failure = next((f"In shard {index}: {record.failure}" for index, record in failed.items()), None)
    log = next((record.log for record in (*failed.values(), *parts.values()) if record.log is not None), None)
    inference = _join_inference([record.inference for record in parts.values() if record.inference is not None])
    record = own.model_copy(update={"failure": failure, "log": log, "inference": inference})
    if run.request is not None and run.request.options.get("overwrite") == Overwrite.NEVER:
        return record
    record = note_missing(record, run.corpora, store, "are not in the caches of the shards")
    if record.failure is None and (close := _count_close(record, parts, store, shards, run)):
        record = record.model_copy(
            update={
                "failure": f"{close} of its answers are closer than the difference of its engine to the reference that "
                "another shard has found: run it without --shard on this cache, which computes only those."
            }
        )
    return record


def _join_inference(records: Sequence[InferenceRecord]) -> InferenceRecord | None:
    if not records:
        return None
    differences = [record.largest_difference for record in records if record.largest_difference is not None]
    margins = [record.redone_below for record in records if record.redone_below is not None]
    return records[0].model_copy(
        update={
            "largest_difference": max(differences, default=None),
            "redone_below": max(margins, default=None),
            "redone_clips": sum(record.redone_clips for record in records),
        }
    )


def _count_close(
    record: EvaluationRecord, parts: _Parts, store: PredictionStore, shards: Sequence[StoredShard], run: RunRecord
) -> int:
    """Count the answers that an undivided run would have re-run, as it knows the largest difference of all shards."""
    margins = {index: part.inference.redone_below for index, part in parts.items() if part.inference is not None}
    known = {index: margin for index, margin in margins.items() if margin is not None}
    behind = {index for index, margin in known.items() if margin < max(known.values())}
    if not behind:
        return 0
    (verification,) = [own for own in run.verifications if own.candidate == record.candidate]
    decisions = Decisions.of(verification, [corpus.merge for corpus in run.corpora])
    setup, table = record.setup, store.read(record.setup)
    others = [
        store.read(other)
        for other in store.setups(setup.candidate, setup.revision)
        if other != setup and other.perturbation == setup.perturbation and other.head == setup.head
    ]
    ranges = [shard.record.ranges[record.candidate] for shard in shards if shard.record.index in behind]
    (corpus,) = [own for own in run.corpora if own.name == record.corpus]
    clips = {clip.clip_hash for clip in corpus.clips}
    rows = np.flatnonzero(table.processed & (decisions.margins(np.nan_to_num(table.logits)) < max(known.values())))
    close = [table[str(table.clip_hashes[int(row)].as_py())] for row in rows]
    return sum(
        answer.clip_hash in clips
        and any(own.holds(answer.clip_hash) for own in ranges)
        and not any(is_taken_over(answer, other.get(answer.clip_hash)) for other in others)
        for answer in close
    )
