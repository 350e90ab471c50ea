"""`run_shard` and `merge`: a run that several machines share, and the reports of the whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.api.outcomes import Outcome, judge_shard
from benchmark.api.progress import open_progress
from benchmark.api.report import reopened_recordings
from benchmark.api.run import RunOutcome, evaluate, open_request, report_run, stored_request
from benchmark.api.store import CommandStore, open_store
from benchmark.corpora.audio_reader import AudioReader
from benchmark.engines.cluster import LOCAL
from benchmark.errors import RequestError, shorten
from benchmark.evaluation.joining import join_shards
from benchmark.evaluation.shards import Shard
from benchmark.options.declare import declarations, keywords
from benchmark.options.model_commands import RunRequest, ShardRequest
from benchmark.options.report_commands import MergeRequest
from benchmark.progress import Progress
from benchmark.results.environment import installed_version
from benchmark.results.files import check_writable
from benchmark.results.runs import StoredRequest
from benchmark.results.shards import ShardRecord, StoredShard, find_shards, save_shard
from benchmark.results.storage import prepare_cache
from benchmark.settings import Settings, expanded

_BENCH = "ser-bench"


@dataclass(frozen=True, kw_only=True)
class ShardOutcome(Outcome):
    """Result of `run_shard`.

    Attributes:
        record: What the shard has computed; `record.run` is the run as far as it knows it.
        cache: Where its answers are.
        store: The address of the store that has them, too; None without.
    """

    record: ShardRecord
    cache: Path
    store: str | None = None

    @property
    def complete(self) -> bool:
        """Whether everything that the shard was asked for came to its end."""
        return self.record.is_complete


def run_shard_with(options: ShardRequest) -> ShardOutcome:
    """Compute a part of a run and keep its answers in the cache; `merge` writes the reports once all parts are there.

    Engines and the clips that they are compared on are those of the whole run. Latency is measured by the first shard.

    Raises:
        RequestError: The request is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.
    """
    shard = Shard.parse(options.shard)
    if options.metrics:
        raise RequestError(
            "--metric needs all answers, and a shard has some: leave it out, and run again without --shard on the "
            "merged cache."
        )
    if options.engine != LOCAL:
        raise RequestError(
            "--shard divides a run among machines that do not know of each other, and --engine ray among the nodes of "
            "a cluster: take one of them."
        )
    if options.race is not None:
        raise RequestError(
            "--race decides after each look by the answers of all candidates, and a shard has some: leave --shard or "
            "--race out, or share the race among the nodes of a cluster with --engine ray."
        )
    whole = RunRequest(**{name: getattr(options, name) for name in RunRequest.__dataclass_fields__})
    settings, progress = options.settings or Settings(jobs=options.jobs), open_progress(options.progress)
    with AudioReader(settings, max_clip_mb=options.max_clip_mb) as reader:
        opened = open_request(whole, reader, progress)
        if tables := [candidate.name for candidate in opened.registry.candidates if candidate.answers_path is not None]:
            raise RequestError(
                f"{shorten(tables)}: a table of answers has nothing to compute, and stands in no shard; add it when "
                "you run again without --shard on the merged cache."
            )
        with open_store(options.store, settings, progress) as store:
            store.fetch_shard(shard.index, shard.count, options.name)
            done = evaluate(opened, store, shard)
            record = ShardRecord(
                index=shard.index,
                count=shard.count,
                corpora=done.evaluated.digest,
                ranges=done.evaluated.ranges,
                run=done.record,
            )
            save_shard(settings.cache, record)
            store.upload()
            exit_code, problems = store.judged(judge_shard(done.record, strict=options.strict))
    return ShardOutcome(
        record=record,
        cache=settings.cache,
        store=None if options.store is None else str(options.store),
        exit_code=exit_code,
        problems=problems,
    )


run_shard = keywords(run_shard_with, ShardRequest)


def merge_with(options: MergeRequest) -> RunOutcome:
    """Join the shards of a run in this cache, and write the reports that the run would have written undivided.

    Raises:
        RequestError: There is no shard, or they are not all of one run.
        UnmetError: Some shards are missing.
        UnavailableError: The disk is full.
    """
    settings, progress = options.settings or Settings(), open_progress(options.progress)
    caches = [expanded(cache) for cache in dict.fromkeys(options.caches)]
    for cache in caches:
        if not cache.is_dir():
            raise RequestError(f"There is no folder {cache}: name the caches of the shards (BENCH_CACHE, or .bench).")
    if not caches and options.store is None:
        raise RequestError("bench merge needs to know where the shards are: name their caches, or their --store.")
    with open_store(options.store, settings, progress) as store:
        if options.store is not None:
            store.fetch_shards()
            caches.append(settings.cache)
        return _merge(options, find_shards(caches, options.name), settings, progress, store)


merge = keywords(merge_with, MergeRequest)


def _merge(
    options: MergeRequest, shards: Sequence[StoredShard], settings: Settings, progress: Progress, store: CommandStore
) -> RunOutcome:
    first = shards[0].record.run
    version = first.environment.versions.get(_BENCH)
    if version != installed_version(_BENCH):
        raise RequestError(
            f"The shards ran with bench {version}, and this is {installed_version(_BENCH)}: merge with the same."
        )
    if first.request is None:
        raise AssertionError("The record of a shard has its request.")
    request = _request(first.request, output=options.output)
    check_writable(Path(options.output))
    prepare_cache(settings)
    store.fetch_answers(first.verifications)
    record = join_shards(shards, settings.cache)
    stored = stored_request(request).model_copy(update={"folder": first.request.folder})
    record = record.model_copy(update={"request": stored})
    with AudioReader(settings, max_clip_mb=request.max_clip_mb) as reader:
        recordings = reopened_recordings(record, embed=request.embed_audio, reader=reader)
        return report_run(request, record, recordings, settings, progress, store)


def _request(stored: StoredRequest, **changes: object) -> RunRequest:
    """The options of a stored request, some of them changed."""
    names = {declared.key: name for name, declared in declarations(RunRequest).items()}
    values: Mapping[str, Any] = {names[key]: value for key, value in stored.options.items() if key in names}
    return RunRequest(**{**values, **changes})
