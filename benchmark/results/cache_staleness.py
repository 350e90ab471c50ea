"""What of the cache bench would not use any more: other revisions, earlier schemas, leftovers."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmark.results.cache_entries import CacheEntry, CacheKind
from benchmark.results.run import RunRecord

_SURELY_LEFT = timedelta(days=1)
"""A file that is still written is younger than this."""
_HEAD_BYTES = 1000
_VERSION = re.compile(rb'"schema_version"\s*:\s*(\d+)')
# What a model was converted for: the setup of predictions that bears this name.
_KEY = re.compile(r"[0-9a-f]{16}(?=$|\.parity\.json$)")
_OF_A_REVISION = {CacheKind.PREDICTIONS, CacheKind.VERIFICATIONS, CacheKind.CONVERTED}


def mark_stale(cache: Path, entries: Sequence[CacheEntry]) -> tuple[CacheEntry, ...]:
    """Say of each entry why it would not be used any more, where that is not known yet.

    In use of a candidate is the revision that was written to last, and what the latest run has verified; of a dataset,
    the revision that was fetched last. A run's record is stale where this version of bench cannot read it.

    Args:
        cache: The folder of the store.
        entries: All its entries.
    """
    latest = _latest_run(cache, entries)
    used = _newest_revisions(entries)
    outdated = {Path(entry.path).name: entry.stale for entry in entries if entry.kind is CacheKind.PREDICTIONS}
    marked = []
    for entry in entries:
        reason = entry.stale
        if reason is None and entry.kind is CacheKind.CONVERTED:
            key = _KEY.search(entry.path)
            reason = outdated.get(key[0]) if key is not None else None
        if reason is None and entry.kind is CacheKind.LEFTOVERS and datetime.now(UTC) - entry.modified > _SURELY_LEFT:
            reason = "what wrote it has ended long ago"
        if reason is None and entry.kind is CacheKind.RUNS and not _has_known_schema(cache / entry.path):
            reason = "this version of bench cannot read it"
        if reason is None and _owner(entry) is not None:
            wanted = {used.get(_owner(entry) or ""), *latest.get(entry.candidate or "", ())}
            reason = None if entry.revision in wanted else "another revision is in use"
        marked.append(entry if reason == entry.stale else entry.model_copy(update={"stale": reason}))
    return tuple(marked)


def _owner(entry: CacheEntry) -> str | None:
    """What an entry is a revision of; None where it is of nothing that has any."""
    if entry.kind in _OF_A_REVISION:
        return entry.path.split("/")[0]
    return "/".join(entry.path.split("/")[:2]) if entry.kind is CacheKind.DATASETS else None


def _newest_revisions(entries: Sequence[CacheEntry]) -> dict[str, str | None]:
    newest: dict[str, CacheEntry] = {}
    for entry in entries:
        owner = _owner(entry)
        if owner is not None and (owner not in newest or entry.modified > newest[owner].modified):
            newest[owner] = entry
    return {owner: entry.revision for owner, entry in newest.items()}


def _latest_run(cache: Path, entries: Sequence[CacheEntry]) -> dict[str, set[str | None]]:
    """The revisions that the latest run has verified, by candidate."""
    runs = sorted(entry.path for entry in entries if entry.kind is CacheKind.RUNS)
    verified: defaultdict[str, set[str | None]] = defaultdict(set)
    content = _content(cache / runs[-1]) if runs else {}
    verifications = content.get("verifications")
    for verification in verifications if isinstance(verifications, list) else ():
        if isinstance(verification, dict):
            verified[str(verification.get("id"))].add(str(verification.get("revision")))
    return verified


def _has_known_schema(run: Path) -> bool:
    """Look at the first bytes only: the record of a run on 100,000 clips is large."""
    try:
        with run.open("rb") as file:
            found = _VERSION.search(file.read(_HEAD_BYTES))
    except OSError:
        return False
    return found is not None and int(found[1]) == RunRecord.SCHEMA_VERSION


def _content(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
