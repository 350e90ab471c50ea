"""Verdicts that are kept, so that what was found out once is not found out again."""

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from benchmark.emotions.label_map import map_labels
from benchmark.hub.facts import RepoFacts
from benchmark.plugins import Group, plugin_names
from benchmark.registry.schema import Candidate
from benchmark.results.description import KnownOutputs
from benchmark.results.entries import CacheKind, EntryKey, EntryParts
from benchmark.results.environment import installed_version
from benchmark.results.schema import StoredFile
from benchmark.results.status import Status
from benchmark.results.storage import LocalStorage, candidate_folder, candidate_prefix
from benchmark.results.verification import Verification
from benchmark.verification.inspect import INSPECTION_VERSION
from benchmark.verification.model_config import config_labels
from benchmark.verification.options import DEFAULT_OPTIONS, VerifyOptions
from benchmark.verification.verdict import published_score

# The first two say nothing about the model. The others may be the fault of this machine on that day: a kill for want
# of memory must not stick to a model for ever.
_NEVER_KEPT = frozenset({Status.UNREACHABLE, Status.SKIPPED, Status.CRASHED, Status.TIMED_OUT, Status.OUT_OF_MEMORY})


class _KeptVerdict(StoredFile):
    """A verdict in a file of its own."""

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    verification: Verification


class KeptVerdicts:
    """Verdicts by revision, by what the registry overrides, by depth, and by the versions of what found them.

    Args:
        cache: The folder of the store.
        options: How deep the verdicts go, and whether heads are repaired.
    """

    def __init__(self, cache: Path, options: VerifyOptions = DEFAULT_OPTIONS) -> None:
        self._cache = cache
        self._options = options

    def read(self, candidate: Candidate, facts: RepoFacts) -> Verification | None:
        """Give the verdict of a former run; None where there is none, or one that no longer holds.

        What the registry says today of names, expectations, languages and training data stands beside it.

        Raises:
            RequestError: A newer version of bench wrote it.
        """
        kept = self._parts(candidate, facts).load(_KeptVerdict)
        if kept is None:
            return None
        return kept.verification.model_copy(
            update={
                "candidate": candidate.name,
                "expect": candidate.expect,
                "languages": candidate.languages,
                "trained_on": candidate.trained_on,
                "published": published_score(candidate),
            }
        )

    def write(self, candidate: Candidate, facts: RepoFacts, verification: Verification) -> None:
        """Keep a verdict, unless it says nothing about the model.

        Raises:
            RequestError: The store cannot be written.
            UnavailableError: The disk is full.
        """
        if verification.status not in _NEVER_KEPT:
            self._parts(candidate, facts).save(_KeptVerdict(verification=verification))

    def _parts(self, candidate: Candidate, facts: RepoFacts) -> EntryParts:
        overrides = candidate.model_dump_json(include={"labels", "head", "preprocessor"})
        asked = f"{self._options.depth} {self._options.repair_heads}"
        decides = f"{overrides} {asked} {INSPECTION_VERSION} {installed_version('transformers')}"
        if heads := plugin_names(Group.HEADS):
            decides += f" {' '.join(heads)}"
        key = hashlib.sha256(decides.encode()).hexdigest()[:16]
        return EntryParts(
            storage=LocalStorage(self._cache),
            kind=CacheKind.VERIFICATIONS,
            key=EntryKey(candidate=candidate.id, revision=facts.revision, details={"key": key, "decides": decides}),
            content_schema=_KeptVerdict.SCHEMA_VERSION,
            prefix=f"{candidate_prefix(candidate.id, facts.revision)}/verification-{key}",
            suffix=".json",
        )


_KEPT = "*/verification-*.json"


def known_outputs(candidate: Candidate, cache: Path) -> KnownOutputs:
    """Find out what a candidate's outputs mean, without the Hub and without its weights.

    Args:
        candidate: As the registry names it.
        cache: The folder of the store.

    Returns:
        What the newest kept verdict says; else what a local folder's configuration says; else what the registry says.
    """
    kept = _newest_verdict(candidate, cache)
    if kept is not None and kept.labels:
        return KnownOutputs(
            candidate=candidate.name,
            known_from="verification",
            emotions=_emotions(kept.labels, candidate),
            status=kept.status.value,
            trained_on=candidate.trained_on,
        )
    labels = _configured_labels(candidate)
    return KnownOutputs(
        candidate=candidate.name,
        known_from="configuration" if labels else "registry" if candidate.labels else "nothing",
        emotions=_emotions(labels, candidate) if labels else tuple(candidate.labels.values()),
        status=None if kept is None else kept.status.value,
        trained_on=candidate.trained_on,
    )


def _emotions(labels: tuple[str, ...], candidate: Candidate) -> tuple[str | None, ...]:
    present = {label: emotion for label, emotion in candidate.labels.items() if label in labels}
    return map_labels(labels, overrides=present).emotions


def _newest_verdict(candidate: Candidate, cache: Path) -> Verification | None:
    folder = candidate_folder(cache, candidate.id, "").parent
    for path in sorted(folder.glob(_KEPT), key=lambda path: path.stat().st_mtime, reverse=True):
        content = _object(path)
        try:
            return Verification.model_validate_json(json.dumps(content.get("verification")))
        except ValidationError:
            continue
    return None


def _configured_labels(candidate: Candidate) -> tuple[str, ...]:
    return () if candidate.local_path is None else config_labels(_object(candidate.local_path / "config.json"))


def _object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
