"""`run_dimensions`: how well candidates rate arousal, valence and dominance, on a board of its own."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmark.api.outcomes import INTERRUPTED, Judgement, Outcome, judge_corpora
from benchmark.api.progress import open_progress
from benchmark.api.verify import open_registry
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.clips import Corpus
from benchmark.corpora.rows import ANSWER_COLUMN_NAMES, COLUMN_NAMES, parse_columns
from benchmark.corpora.specs import open_corpora
from benchmark.errors import EXIT_ENVIRONMENT, EXIT_UNMET, RequestError, shorten
from benchmark.evaluation.context import Overwrite, RunOptions
from benchmark.evaluation.eligibility import select_subjects
from benchmark.evaluation.engines import EngineChoice, resolve_devices
from benchmark.evaluation.evaluate import Evaluation
from benchmark.hub.client import Hub
from benchmark.models.backends.protocol import TORCH
from benchmark.options.declare import keywords
from benchmark.options.model_commands import DimensionsRequest
from benchmark.progress import Progress
from benchmark.registry.answer_tables import answer_tables, with_tables
from benchmark.registry.loading import find_registry
from benchmark.registry.schema import Registry
from benchmark.reporting.dimensions import write_dimensions
from benchmark.results.dimensions import (
    DIMENSIONS,
    DimensionBoard,
    DimensionRow,
    RatedCorpus,
    Scale,
    dimension_columns,
    parse_scales,
    rated_by,
)
from benchmark.results.environment import Environment
from benchmark.results.files import check_writable
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import ABSENT
from benchmark.results.runs import ClipRecord, CorpusRecord, EvaluationRecord, StoredRequest
from benchmark.results.storage import prepare_cache
from benchmark.scoring.dimensions import dimension_row
from benchmark.settings import Settings
from benchmark.verification.answer_tables import answers_of
from benchmark.verification.options import VerifyOptions
from benchmark.verification.verify import verify_candidates

_USED = frozenset(
    {
        *("model", "candidates", "predictions", "corpus", "column", "speaker-pattern", "scale", "dimensions"),
        *("limit", "sample", "seed", "speaker", "language", "only-label", "channel", "max-clip-mb"),
        *("repair-heads", "max-download-gb", "device", "backend", "jobs", "overwrite", "output"),
        *("plugin", "allow-code"),
        *("latency-seconds", "find-speech"),
    }
)
"""The options that mean something here, and two that often come from a variable, of what is never measured here."""


@dataclass(frozen=True, kw_only=True)
class DimensionsOutcome(Outcome):
    """Result of `run_dimensions`.

    Attributes:
        board: A row for each corpus, dimension and candidate.
    """

    board: DimensionBoard


def run_dimensions_with(options: DimensionsRequest) -> DimensionsOutcome:
    """Measure how well candidates rate arousal, valence and dominance on corpora with ratings, and write a board.

    Raises:
        RequestError: The request is wrong, or no corpus has ratings; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.
    """
    if unused := [f"--{key}" for key in options.given() if key not in _USED]:
        raise RequestError(f"A run with --dimensions makes no use of {shorten(unused)}: leave it out.")
    if options.backend not in {"auto", TORCH}:
        raise RequestError(f"--dimensions computes with torch only: leave out --backend {options.backend}.")
    settings, progress = options.settings or Settings(jobs=options.jobs), open_progress(options.progress)
    scales = parse_scales(options.scale)
    columns = parse_columns(options.columns, roles=(*COLUMN_NAMES, *ANSWER_COLUMN_NAMES, *DIMENSIONS))
    check_writable(Path(options.output))
    prepare_cache(settings)
    registry = _registry(options, columns, progress)
    own = tuple(f"{role}={name}" for role, name in columns.items() if role in COLUMN_NAMES)
    with AudioReader(settings, max_clip_mb=options.max_clip_mb) as reader:
        clip_options = replace(options, columns=own)
        corpora = open_corpora(options.corpora, registry, clip_options, reader=reader, progress=progress)
        present = _other_columns(corpora)
        if absent := [name for role, name in columns.items() if role in DIMENSIONS and name not in present]:
            raise RequestError(
                f"No corpus has a column {absent[0]!r} that could hold ratings; there are {shorten(present) or 'none'}."
            )
        rated = [(corpus, found) for corpus in corpora if (found := _columns_of(corpus, columns))]
        if not rated:
            raise RequestError(
                f"{shorten([corpus.name for corpus in corpora])} has no column of ratings called arousal, valence or "
                f"dominance; its other columns are {shorten(present) or 'none'}. Say which by "
                "`--column arousal=NAME`."
            )
        for corpus, found in rated:
            for name in found:
                _ratings(corpus.name, [clip.attributes for clip in corpus.clips], found[name], scales.get(name))
        if not scales:
            progress.warn("Without --scale LOW..HIGH, the range of the ratings, there is no CCC and no MAE.")
        board, corpus_records = _evaluate(options, registry, rated, scales, reader, progress)
    files = write_dimensions(board, Path(options.output))
    exit_code, problems = _judge(board, corpus_records)
    return DimensionsOutcome(board=board, files=files, exit_code=exit_code, problems=problems)


run_dimensions = keywords(run_dimensions_with, DimensionsRequest)


def _registry(options: DimensionsRequest, columns: Mapping[str, str], progress: Progress) -> Registry:
    """The candidates, with those of `--predictions`."""
    tables = answer_tables(options.predictions, columns)
    for table in tables:  # named by hand: a wrong one is a wrong request
        answers_of(table, dimensions=True)
    if options.models or options.candidates is not None or not tables:
        return with_tables(open_registry(options.candidates, options.models, progress), tables)
    only_tables = find_registry(None).model_copy(update={"candidates": (), "title": "--predictions"})
    return with_tables(only_tables, tables)


def _other_columns(corpora: Sequence[Corpus]) -> list[str]:
    return list(dict.fromkeys(name for corpus in corpora for clip in corpus.clips for name in clip.attributes))


def _columns_of(corpus: Corpus, chosen: Mapping[str, str]) -> dict[str, str]:
    return dimension_columns(_other_columns([corpus]), chosen)


def _ratings(corpus: str, clips: Sequence[Mapping[str, str]], column: str, scale: Scale | None) -> NDArray[np.float64]:
    """The ratings of one column; NaN where there is none.

    Raises:
        RequestError: One is no number, or outside the declared range.
    """
    ratings = np.full(len(clips), np.nan)
    for index, attributes in enumerate(clips):
        text = attributes.get(column, "").strip()
        try:
            ratings[index] = float(text.replace(",", ".")) if text else np.nan
        except ValueError:
            raise RequestError(
                f"{corpus}: {text!r} in the column {column!r} is no rating; it needs a number."
            ) from None
        if scale is not None and math.isfinite(ratings[index]) and not scale.low <= ratings[index] <= scale.high:
            raise RequestError(
                f"{corpus}: the column {column!r} holds {text}, which is not from {scale}: --scale says its range."
            )
    return np.where(np.isfinite(ratings), ratings, np.nan)


def _evaluate(
    options: DimensionsRequest,
    registry: Registry,
    rated: Sequence[tuple[Corpus, dict[str, str]]],
    scales: Mapping[str, Scale],
    reader: AudioReader,
    progress: Progress,
) -> tuple[DimensionBoard, Sequence[CorpusRecord]]:
    created, settings, given = datetime.now(UTC), reader.settings, options.given()
    hub = Hub(timeout_s=settings.hub_timeout_s)
    limits = VerifyOptions.of(options, confirm=options.confirm, dimensions=True)
    verifications = verify_candidates(registry, hub=hub, settings=settings, progress=progress, options=limits)
    selection = select_subjects(
        registry, verifications, min_emotions=0, hub=hub, progress=progress, tables=True, dimensions=True
    )
    environment, store = Environment.here(), PredictionStore(settings.cache)
    evaluated = Evaluation(
        subjects=selection.subjects,
        corpora=tuple(corpus for corpus, _ in rated),
        reader=reader,
        devices=resolve_devices(options.devices, settings)[:1],
        options=RunOptions(
            latency_budget_s=0,
            find_speech=False,
            overwrite=Overwrite(options.overwrite),
            engines=EngineChoice(batch=1),
        ),
        settings=settings,
        store=store,
        environment=environment,
    ).run(progress)
    columns = {corpus.name: found for corpus, found in rated}
    by_name = {record.name: record for record in evaluated.corpora}
    rows = [
        row
        for record in evaluated.evaluations
        for row in _rows(record, by_name[record.corpus], columns[record.corpus], scales, store)
    ]
    order = {name: place for place, name in enumerate(columns)}
    board = DimensionBoard(
        created=created,
        registry=registry.title,
        environment=environment,
        request=StoredRequest(
            command="run",
            options=given,
            command_line=options.command_line("run" if "dimensions" in given else "run --dimensions"),
            folder=str(Path.cwd()),
        ),
        corpora=tuple(_described(record, columns[record.name], scales) for record in evaluated.corpora),
        rows=tuple(sorted(rows, key=lambda row: (order[row.corpus], DIMENSIONS.index(row.dimension), -_merit(row)))),
        verifications=selection.verifications,
        not_evaluated=selection.ineligible,
        failures={record.candidate: record.failure for record in evaluated.evaluations if record.failure},
        interrupted=evaluated.interrupted,
    )
    return board, evaluated.corpora


def _merit(row: DimensionRow) -> float:
    first = row.pearson if row.ccc is None else row.ccc
    return -2.0 if first is None else first


def _readable(corpus: CorpusRecord) -> list[ClipRecord]:
    return [clip for clip in corpus.clips if clip.clip_hash is not None]


def _described(corpus: CorpusRecord, columns: dict[str, str], scales: Mapping[str, Scale]) -> RatedCorpus:
    clips = _readable(corpus)
    attributes = [clip.attributes for clip in clips]
    missing = {name: int(np.isnan(_ratings(corpus.name, attributes, own, None)).sum()) for name, own in columns.items()}
    return RatedCorpus(
        corpus=corpus.name,
        source=corpus.source,
        clips=len(corpus.clips),
        unreadable=len(corpus.clips) - len(clips),
        columns=columns,
        scales={name: (scales[name].low, scales[name].high) for name in columns if name in scales},
        unrated={name: number for name, number in missing.items() if number},
    )


def _rows(
    record: EvaluationRecord,
    corpus: CorpusRecord,
    columns: Mapping[str, str],
    scales: Mapping[str, Scale],
    store: PredictionStore,
) -> Iterator[DimensionRow]:
    """Score one candidate on one corpus; a run that failed half-way is not scored."""
    if record.failure is not None:
        return
    clips, outputs = _readable(corpus), rated_by(record.setup.labels)
    table = store.read(record.setup)
    places = table.rows(pa.array([clip.clip_hash for clip in clips], pa.string()))
    answers = np.full((len(clips), len(record.setup.labels)), np.nan)
    answers[places != ABSENT] = table.logits[places[places != ABSENT]]
    for name, column in columns.items():
        if name not in outputs:
            continue
        truth = _ratings(corpus.name, [clip.attributes for clip in clips], column, None)
        known = np.isfinite(truth)
        yield dimension_row(
            {
                "corpus": corpus.name,
                "dimension": name,
                "candidate": record.candidate,
                "head": record.setup.head,
                "revision": record.setup.revision,
            },
            truth[known],
            answers[known, outputs[name]],
            [clip.speaker for clip, is_known in zip(clips, known, strict=True) if is_known],
            scales.get(name),
        )


def _judge(board: DimensionBoard, corpora: Sequence[CorpusRecord]) -> Judgement:
    """Fail if interrupted, if a corpus is wholly unreadable, if a candidate failed, or without any row."""
    if board.interrupted:
        return INTERRUPTED
    code, problems = judge_corpora(corpora)
    if code:
        return code, problems
    lost = {own.candidate: own.reason for own in board.verifications if own.incomplete}
    failed = {**lost, **board.failures}
    reasons = tuple(f"{name} is incomplete: {reason}" for name, reason in failed.items())
    if failed:
        return EXIT_UNMET if board.rows else EXIT_ENVIRONMENT, reasons
    if board.rows:
        return 0, ()
    if board.not_evaluated:
        name, reason = next(iter(board.not_evaluated.items()))
        return EXIT_UNMET, (
            f"No candidate that rates arousal, valence or dominance was found, such as {name}: {reason} Name one with "
            "--model or --predictions.",
        )
    return EXIT_UNMET, ("No candidate rates a dimension that a corpus has ratings of.",)
