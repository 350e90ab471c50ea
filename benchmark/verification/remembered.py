"""What is known of a candidate without asking the Hub: a kept verdict, a local configuration, the registry."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmark.emotions.label_map import map_labels
from benchmark.registry.schema import Candidate
from benchmark.results.description import KnownOutputs
from benchmark.results.storage import candidate_folder
from benchmark.results.verification import Verification
from benchmark.verification.configs import config_labels

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
