"""Verdicts of former runs: stored by what decides them, and what they tell of a candidate without the Hub."""

import hashlib
from pathlib import Path
from typing import Any

from benchmark.emotions.label_map import map_labels
from benchmark.hub.json_documents import read_document
from benchmark.hub.repository_facts import CONFIG_NAME, RepoFacts
from benchmark.plugins import Group, plugin_digest, plugin_names
from benchmark.registry.schema import Candidate
from benchmark.results.cache_entries import CacheKind, EntryKey, EntryParts, sequence_of
from benchmark.results.corpus_description import KnownOutputs
from benchmark.results.environment import installed_version
from benchmark.results.schema import StoredFile
from benchmark.results.status import Status
from benchmark.results.storage import candidate_prefix, candidate_slug
from benchmark.results.verification import PublishedScore, Verification
from benchmark.verification.labels import labels_of
from benchmark.verification.options import VerifyOptions

RULES_VERSION = 9
"""Raised whenever a check changes its findings, so that no verdict of an earlier version is taken over."""
# The first two say nothing about the model. The others may be the fault of this machine on that day: a kill for want
# of memory must not stick to a model for ever.
_NEVER_STORED = frozenset({Status.UNREACHABLE, Status.SKIPPED, Status.CRASHED, Status.TIMED_OUT, Status.OUT_OF_MEMORY})
_VERDICT_FILES = "*/verification-*.json"


class _StoredVerdict(StoredFile):
    verification: Verification


class VerdictStore:
    """Verdicts by revision, by what the registry overrides, by depth, and by the versions of the rules."""

    def __init__(self, cache: Path, options: VerifyOptions) -> None:
        self._cache = cache
        self._options = options

    def read(self, candidate: Candidate, facts: RepoFacts) -> Verification | None:
        """Give the verdict of a former run, if any still holds; RequestError if a newer version of bench wrote it."""
        stored = self._parts(candidate, facts).load(_StoredVerdict)
        return None if stored is None else stored.verification.model_copy(update=registry_fields(candidate))

    def write(self, candidate: Candidate, facts: RepoFacts, verification: Verification) -> None:
        """Store a verdict, unless it says nothing about the model.

        Raises:
            RequestError: The store cannot be written.
            UnavailableError: The disk is full.
        """
        if verification.status not in _NEVER_STORED:
            newest = max(map(sequence_of, _verdict_names(candidate, self._cache)), default=0)
            self._parts(candidate, facts).save(_StoredVerdict(verification=verification), after=newest)

    def _parts(self, candidate: Candidate, facts: RepoFacts) -> EntryParts:
        overrides = candidate.model_dump_json(include={"labels", "head", "preprocessor"})
        if candidate.onnx is not None:
            overrides += candidate.model_dump_json(include={"onnx", "outputs"}) + f"{installed_version('onnxruntime')}"
        if candidate.prompts:
            overrides += candidate.model_dump_json(include={"prompts"})
        depth = f"{self._options.depth} {self._options.repair_heads}"
        decides = f"{overrides} {depth} {RULES_VERSION} {installed_version('transformers')}"
        if self._options.dimensions:
            decides += " dimensions"
        if heads := plugin_names(Group.HEADS):
            decides += f" {' '.join(plugin_digest(Group.HEADS, name) or name for name in heads)}"
        key = hashlib.sha256(decides.encode()).hexdigest()[:16]
        return EntryParts(
            cache=self._cache,
            kind=CacheKind.VERIFICATIONS,
            key=EntryKey(candidate=candidate.id, revision=facts.revision, details={"key": key, "decides": decides}),
            content_schema=_StoredVerdict.known_version(),
            prefix=f"{candidate_prefix(candidate.id, facts.revision)}/verification-{key}",
            suffix=".json",
        )


def registry_fields(candidate: Candidate) -> dict[str, Any]:
    """Give the fields of a verdict that repeat what the registry says today."""
    published = candidate.published
    return {
        "candidate": candidate.name,
        "expect": candidate.expect,
        "languages": candidate.languages,
        "trained_on": candidate.trained_on,
        "trained_speakers": candidate.trained_speakers,
        **({} if candidate.trained_seconds is None else {"trained_seconds": candidate.trained_seconds}),
        "published": published
        and PublishedScore(corpus=published.corpus, uar=published.uar, accuracy=published.accuracy),
    }


def known_outputs(candidate: Candidate, cache: Path) -> KnownOutputs:
    """Find out what a candidate's outputs mean, without the Hub and without its weights.

    The newest stored verdict says it, else the configuration of a local folder, else the registry.
    """
    verdict = _newest_verdict(candidate, cache)
    labels, source = (verdict.labels, "verification") if verdict else ((), "")
    if not labels and candidate.local_path is not None:
        config = read_document(candidate.local_path / CONFIG_NAME).content or {}
        labels, source = labels_of(candidate, config), "configuration"
    if labels:
        present = {label: emotion for label, emotion in candidate.labels.items() if label in labels}
        emotions = map_labels(labels, overrides=present).emotions
    else:
        emotions, source = tuple(candidate.labels.values()), "registry" if candidate.labels else "nothing"
    return KnownOutputs(
        candidate=candidate.name,
        known_from=source,
        emotions=emotions,
        status=None if verdict is None else verdict.status.value,
        trained_on=candidate.trained_on,
    )


def _newest_verdict(candidate: Candidate, cache: Path) -> Verification | None:
    """The verdict that was stored last, of any revision and options."""
    version = _StoredVerdict.known_version()
    for name in sorted(_verdict_names(candidate, cache), key=lambda name: (sequence_of(name), name), reverse=True):
        parts = EntryParts(
            cache=cache,
            kind=CacheKind.VERIFICATIONS,
            key=EntryKey(),
            content_schema=version,
            prefix=name.removesuffix(".json"),
            suffix=".json",
        )
        if (verdict := parts.load(_StoredVerdict)) is not None:
            return verdict.verification
    return None


def _verdict_names(candidate: Candidate, cache: Path) -> list[str]:
    folder = cache / candidate_slug(candidate.id)
    return [path.relative_to(cache).as_posix() for path in folder.glob(_VERDICT_FILES)]
