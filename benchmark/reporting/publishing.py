"""Which candidates and corpora of a run may be named in public, and the run without all others."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, get_args

import pyarrow as pa
from pyarrow import parquet

from benchmark.corpora.conventions import CONVENTIONS
from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.registry.locations import looks_like_path
from benchmark.reporting.csv_and_json import Cell, complete_rows, csv_table
from benchmark.reporting.escaping import json_text
from benchmark.results.leaderboard import CorpusSummary, Leaderboard, LeaderboardRow
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification

# Corpora that anybody can get; recordings in folders and tables of the user are nobody else's business.
_PUBLIC_KINDS = frozenset({*CONVENTIONS, "demo"})


_COMMIT_DIGITS = 40


# These say nothing about a model; and who is told that a repository does not exist may merely not be allowed to see it.
_SAY_NOTHING = frozenset(
    {Status.NOT_FOUND, Status.GATED, Status.UNREACHABLE, Status.SKIPPED, Status.INSPECTED, Status.TIMED_OUT}
)


@dataclass(frozen=True, kw_only=True)
class Publishable:
    """The part of a run that may be published.

    Attributes:
        record: The run, with nothing else in it; ranks are made anew from what is left.
        left_out: For everything else by its name, why.
    """

    record: RunRecord
    left_out: dict[str, str]


def publishable(record: RunRecord, *, candidates: Sequence[str] = (), corpora: Sequence[str] = ()) -> Publishable:
    """Take from a run what may be published.

    Args:
        record: The run.
        candidates: Only these, by name, id or pattern; local folders are published only where they are named here. By
            default all that come from the Hub.
        corpora: Only these; corpora in folders and tables are published only where they are named here. By default all
            that anybody can get.

    Returns:
        The part of the run, and what was left out.

    Raises:
        RequestError: A candidate or a corpus is not in the run, or nothing may be published.
    """
    left_out: dict[str, str] = {}
    chosen = [each for each in record.verifications if _may_be_named(each, candidates, left_out)]
    kept = [each for each in record.corpora if _is_open(each, corpora, left_out)]
    _require_known(candidates, [name for each in record.verifications for name in (each.candidate, each.id)])
    _require_known(corpora, [each.name for each in record.corpora])
    names, places = {each.candidate for each in chosen}, {each.name for each in kept}
    evaluations = tuple(each for each in record.evaluations if each.candidate in names and each.corpus in places)
    if not evaluations:
        told = "; ".join(f"{name}: {reason}" for name, reason in left_out.items()) or "nobody was evaluated"
        raise RequestError(f"There is nothing to publish in this run: {told}.")
    return Publishable(
        record=record.model_copy(
            update={
                "verifications": tuple(chosen),
                "corpora": tuple(kept),
                "evaluations": evaluations,
                "latencies": tuple(each for each in record.latencies if each.candidate in names),
                "perturbed": (),  # what is published says nothing of robustness
                "ineligible": {name: reason for name, reason in record.ineligible.items() if name in names},
            }
        ),
        left_out=left_out,
    )


def is_on_hub(verification: Verification) -> bool:
    """Tell whether a candidate is a repository on the Hub, and no folder of the user's."""
    revision = verification.revision or ""
    return not looks_like_path(verification.id) and len(revision) == _COMMIT_DIGITS


def _may_be_named(candidate: Verification, wanted: Sequence[str], left_out: dict[str, str]) -> bool:
    if wanted:
        return any(_fits(candidate, pattern) for pattern in wanted)
    if candidate.status in _SAY_NOTHING:
        return False
    if not is_on_hub(candidate):
        left_out[candidate.candidate] = "it is a local folder; name it with -m to publish its scores"
        return False
    return True


def _fits(candidate: Verification, pattern: str) -> bool:
    names = (candidate.candidate, candidate.id)
    return any(pattern == name or fnmatchcase(name.casefold(), pattern.casefold()) for name in names)


def _is_open(corpus: CorpusRecord, wanted: Sequence[str], left_out: dict[str, str]) -> bool:
    if wanted:
        return corpus.name in wanted
    kind, _, place = corpus.source.partition(":")
    if kind in _PUBLIC_KINDS or (kind == "hf" and not looks_like_path(place)):
        return True
    left_out[corpus.name] = "it is a corpus of yours; name it with --corpus to publish scores on it"
    return False


def _require_known(wanted: Sequence[str], known: Sequence[str]) -> None:
    for name in wanted:
        if not any(name == each or fnmatchcase(each.casefold(), name.casefold()) for each in known):
            raise RequestError(f"The run has nothing called {name!r}{did_you_mean(name, known)}.")


PUBLISHED_COLUMNS = (
    *("rank", "candidate", "id", "revision", "status", "head", "corpus", "clips", "failed_clips", "unscored_clips"),
    *("emotions", "coverage", "accuracy", "accuracy_low", "accuracy_high", "uar", "uar_low", "uar_high", "interval"),
    *("macro_f1", "weighted_f1", "shared_uar", "common_uar", "adjusted_uar", "majority_accuracy", "ece", "brier"),
    *("entropy", "effective_emotions", "informative_emotions", "top_emotion", "top_share", "collapsed", "seen"),
    *("device", "backend", "dtype", "latency_p50_ms", "latency_p90_ms", "latency_p99_ms", "rtfx", "load_s"),
    *("peak_memory_mb", "parameters", "size_mb", "flags"),
)
"""The columns of the published table. No path, no speaker, no clip and no text of a user's is among them."""


_SCHEMA_VERSION = 1


_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}


def published_rows(leaderboard: Leaderboard, record: RunRecord) -> list[dict[str, Cell]]:
    """List the rows of a leaderboard with nothing but the published columns.

    Args:
        leaderboard: The scored run.
        record: The run, which knows the repositories.

    Returns:
        One per row, then one per candidate that was not evaluated; flags are joined by spaces.
    """
    found = {each.candidate: each for each in record.verifications}
    rows = []
    for row in complete_rows(leaderboard):
        own = found.get(row.candidate)
        facts: dict[str, Cell] = {
            "id": own.id if own is not None and is_on_hub(own) else None,
            "status": None if own is None else str(own.status),
            "flags": " ".join(row.flags) or None,
        }
        cells: dict[str, Cell] = row.model_dump() | facts
        rows.append({name: cells[name] for name in PUBLISHED_COLUMNS})
    return rows


def published_csv(rows: list[dict[str, Cell]]) -> str:
    """Write the published table as CSV."""
    return csv_table(PUBLISHED_COLUMNS, rows)


def published_parquet(rows: list[dict[str, Cell]]) -> bytes:
    """Write the published table as Parquet, in which every column has one type whatever is in it."""
    schema = pa.schema([(name, _type(name)) for name in PUBLISHED_COLUMNS])
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    return file.getvalue()


def _type(column: str) -> pa.DataType:
    field = LeaderboardRow.model_fields.get(column)
    kinds = () if field is None else get_args(field.annotation)
    return next((_TYPES[kind] for kind in kinds if kind in _TYPES), pa.string())


def published_json(rows: list[dict[str, Cell]], leaderboard: Leaderboard) -> str:
    """Write the published table with what is known of the corpora and the machine, as JSON."""
    content: dict[str, Any] = {
        "schema_version": _SCHEMA_VERSION,
        "created": leaderboard.created.isoformat(),
        "environment": leaderboard.environment.model_dump(mode="json"),
        "limit": leaderboard.limit,
        "interrupted": leaderboard.interrupted,
        "segment_s": leaderboard.segment_s,
        "threads": leaderboard.threads,
        "corpora": [_corpus(each) for each in leaderboard.corpora],
        "rows": rows,
    }
    return json_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def _corpus(corpus: CorpusSummary) -> dict[str, Any]:
    return {
        "name": corpus.name,
        "kind": corpus.source.partition(":")[0],
        "synthetic": corpus.synthetic,
        "clips": corpus.clips,
        "available_clips": corpus.available_clips,
        "speakers": corpus.speakers,
        "hours": round(corpus.hours, 3),
        "emotion_clips": corpus.emotion_clips,
        "merge": corpus.merge,
    }
