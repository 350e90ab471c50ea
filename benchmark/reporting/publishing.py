"""What of a run is published: candidates and corpora that may be named in public, and the table about them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import pyarrow as pa
from pyarrow import parquet

from benchmark.corpora.conventions import CONVENTIONS
from benchmark.errors import RequestError, did_you_mean
from benchmark.registry.locations import looks_like_path
from benchmark.reporting.csv_and_json import Cell, csv_table, json_document
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.leaderboard_columns import PUBLISHED_COLUMNS
from benchmark.results.run_selection import fits
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification

# Corpora that anybody can get; recordings in folders and tables of the user are private.
_PUBLIC_KINDS = frozenset({*CONVENTIONS, "demo"})
_COMMIT_DIGITS = 40
# These say nothing about a model; and a repository that seems not to exist may be one that this user may not see.
_INCONCLUSIVE = frozenset(
    {Status.NOT_FOUND, Status.GATED, Status.UNREACHABLE, Status.SKIPPED, Status.INSPECTED, Status.TIMED_OUT}
)
_SCHEMA_VERSION = 1
_CORPUS_FIELDS = ("synthetic", "clips", "available_clips", "speakers", "hours", "emotion_clips", "merge")
_ARROW_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}


@dataclass(frozen=True, kw_only=True)
class Publishable:
    """The part of a run that may be published.

    Attributes:
        record: The run without the rest; it is scored again, so that ranks are among the published candidates.
        left_out: The reason, by name, for candidates and corpora that are not published.
    """

    record: RunRecord
    left_out: dict[str, str]


def publishable(record: RunRecord, *, candidates: Sequence[str] = (), corpora: Sequence[str] = ()) -> Publishable:
    """Take from a run what may be published.

    Args:
        record: The run.
        candidates: Names, ids or patterns; local folders are published only if they are named here. By default all
            candidates from the Hub.
        corpora: Names; corpora in folders and tables are published only if they are named here. By default all that
            anybody can get.

    Raises:
        RequestError: A candidate or a corpus is not in the run, or nothing may be published.
    """
    _require_known(candidates, [name for item in record.verifications for name in (item.candidate, item.id)])
    _require_known(corpora, [corpus.name for corpus in record.corpora])
    left_out: dict[str, str] = {}
    if candidates:
        chosen = [item for item in record.verifications if _is_requested(item, candidates)]
    else:
        conclusive = [item for item in record.verifications if item.status not in _INCONCLUSIVE]
        chosen = [item for item in conclusive if is_on_hub(item)]
        reason = "it is a local folder; name it with -m to publish its scores"
        left_out |= {item.candidate: reason for item in conclusive if not is_on_hub(item)}
    if corpora:
        kept = [corpus for corpus in record.corpora if corpus.name in corpora]
    else:
        kept = [corpus for corpus in record.corpora if _is_public(corpus)]
        reason = "it is a corpus of yours; name it with --corpus to publish scores on it"
        left_out |= {corpus.name: reason for corpus in record.corpora if not _is_public(corpus)}
    return Publishable(record=_part_of(record, chosen, kept, left_out), left_out=left_out)


def is_on_hub(verification: Verification) -> bool:
    """Whether a candidate is a repository on the Hub rather than a folder of the user."""
    revision = verification.revision or ""
    return not looks_like_path(verification.id) and len(revision) == _COMMIT_DIGITS


def published_rows(leaderboard: Leaderboard, record: RunRecord) -> list[dict[str, Cell]]:
    """The published columns of all rows of a scored run; flags are joined by spaces."""
    verifications = {verification.candidate: verification for verification in record.verifications}
    rows = []
    for row in leaderboard.rows:
        verification = verifications[row.candidate]
        cells: dict[str, Cell] = row.model_dump() | {
            "id": verification.id if is_on_hub(verification) else None,
            "status": str(verification.status),
            "flags": " ".join(row.flags) or None,
        }
        rows.append({name: cells[name] for name in PUBLISHED_COLUMNS})
    return rows


def published_csv(rows: list[dict[str, Cell]]) -> str:
    """Write the published table as CSV."""
    return csv_table(PUBLISHED_COLUMNS, rows)


def published_parquet(rows: list[dict[str, Cell]]) -> bytes:
    """Write the published table as Parquet, in which the type of a column does not depend on its values."""
    schema = pa.schema([(name, _arrow_type(name)) for name in PUBLISHED_COLUMNS])
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    return file.getvalue()


def published_json(rows: list[dict[str, Cell]], leaderboard: Leaderboard) -> str:
    """Write the published table with the facts about the corpora and the machine, as JSON."""
    corpora = [
        {"name": corpus.name, "kind": corpus.source.partition(":")[0]}
        | {field: getattr(corpus, field) for field in _CORPUS_FIELDS}
        | {"hours": round(corpus.hours, 3)}
        for corpus in leaderboard.corpora
    ]
    return json_document(
        {
            "schema_version": _SCHEMA_VERSION,
            "created": leaderboard.created.isoformat(),
            "environment": leaderboard.environment.model_dump(mode="json"),
            **{name: getattr(leaderboard, name) for name in ("limit", "interrupted", "complete")},
            **{name: getattr(leaderboard, name) for name in ("segment_s", "threads")},
            "corpora": corpora,
            "rows": rows,
        }
    )


def _require_known(requested: Sequence[str], known: Sequence[str]) -> None:
    for pattern in requested:
        if not any(fits(pattern, name) for name in known):
            raise RequestError(f"The run has nothing called {pattern!r}{did_you_mean(pattern, known)}.")


def _is_requested(candidate: Verification, requested: Sequence[str]) -> bool:
    return any(fits(pattern, name) for pattern in requested for name in (candidate.candidate, candidate.id))


def _is_public(corpus: CorpusRecord) -> bool:
    kind, _, location = corpus.source.partition(":")
    return kind in _PUBLIC_KINDS or (kind == "hf" and not looks_like_path(location))


def _part_of(
    record: RunRecord, candidates: Sequence[Verification], corpora: Sequence[CorpusRecord], left_out: dict[str, str]
) -> RunRecord:
    names, corpus_names = {candidate.candidate for candidate in candidates}, {corpus.name for corpus in corpora}
    evaluations = tuple(
        evaluation
        for evaluation in record.evaluations
        if evaluation.candidate in names and evaluation.corpus in corpus_names
    )
    if not evaluations:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "nobody was evaluated"
        raise RequestError(f"There is nothing to publish in this run: {reasons}.")
    return record.model_copy(
        update={
            "verifications": tuple(candidates),
            "corpora": tuple(corpora),
            "evaluations": evaluations,
            "latencies": tuple(latency for latency in record.latencies if latency.candidate in names),
            "perturbed": (),  # robustness is not published
            "ineligible": {name: reason for name, reason in record.ineligible.items() if name in names},
        }
    )


def _arrow_type(column: str) -> pa.DataType:
    field = LeaderboardRow.model_fields.get(column)
    types = () if field is None else get_args(field.annotation)
    return next((_ARROW_TYPES[kind] for kind in types if kind in _ARROW_TYPES), pa.string())
