"""A registry file of the candidates that a run recommends, each at the revision that was verified."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError
from benchmark.registry.loading import DEMO
from benchmark.registry.locations import local_path
from benchmark.registry.schema import VERSION
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.numbers import moment
from benchmark.results.runs import RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.settings import expanded


def registry_file(record: RunRecord, candidates: Sequence[str]) -> str:
    """Write candidates of a run so that `load_registry` reads them.

    Overrides of labels, head and preprocessing are taken along; paths become absolute. A folder has no revision that
    could be asked for: the hash of what was verified stands in its note.

    Args:
        record: The run.
        candidates: What tables call those to write, in this order; all of them were evaluated.

    Returns:
        A YAML document.

    Raises:
        RequestError: A local candidate cannot be found from here.
    """
    verifications = {each.candidate: each for each in record.verifications}
    entries = [_entry(record, verifications[name]) for name in candidates]
    heading = (
        f"# Written by `bench recommend` from the run of {moment(record.created)} on {plain_text(record.registry)}:\n"
        "# verified candidates at the revisions that were measured, the pick first.\n"
    )
    return heading + yaml.safe_dump({"version": VERSION, "candidates": entries}, sort_keys=False, allow_unicode=True)


def _entry(record: RunRecord, verification: Verification) -> dict[str, Any]:
    folder = local_path(verification.id, _registry_folder(record.registry))
    if folder is not None and not folder.is_dir():
        raise RequestError(
            f"the folder of {verification.candidate} is not {folder}: run this where `bench run` was run, so that "
            "relative paths lead there."
        )
    local = {"note": f"Verified with the content hash {verification.revision}."} if folder is not None else {}
    preprocessor = next(
        (each.setup.preprocessor for each in record.evaluations if each.candidate == verification.candidate), None
    )
    found = {
        "id": verification.id if folder is None else str(folder),
        "name": verification.candidate,
        "revision": verification.revision if folder is None else None,
        "expect": verification.status.value,
        "languages": list(verification.languages) or None,
        "trained_on": None if verification.trained_on is None else list(verification.trained_on),
        "labels": _overrides(verification) or None,
        "head": _head(verification),
        "preprocessor": preprocessor,
        **local,
    }
    return {field: value for field, value in found.items() if value is not None}


def _registry_folder(registry: str) -> Path:
    if registry == DEMO:
        from benchmark.demo.files import registry_path  # noqa: PLC0415 - only the demo needs the demo

        return registry_path().parent
    path = expanded(registry)
    return path.absolute().parent if path.is_file() else Path.cwd()


def _overrides(verification: Verification) -> dict[str, str]:
    return {
        label: emotion
        for label, emotion in zip(verification.labels, verification.emotions, strict=True)
        if emotion is not None and emotion_of(label) != emotion
    }


def _head(verification: Verification) -> dict[str, str] | None:
    if verification.status is not Status.REPAIRED or verification.head is None:
        return None
    return {"kind": verification.head, **verification.head_parameters}
