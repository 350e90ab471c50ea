"""What the page knows of each candidate: the verdict with its evidence, and the facts that it can be filtered by."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.reporting.meanings import STATUS_MEANINGS
from benchmark.results.leaderboard import Leaderboard, NotEvaluated
from benchmark.results.runs import RunRecord
from benchmark.results.status import Status
from benchmark.results.verification import Finding, Verification

_LONGEST_EVIDENCE = 400


def candidate_names(leaderboard: Leaderboard, record: RunRecord | None) -> tuple[str, ...]:
    """Name all candidates once: in the registry's order where it is known, else in that of the rows.

    Args:
        leaderboard: The scored run.
        record: The run, where it is known.
    """
    verified = [each.candidate for each in record.verifications] if record is not None else []
    scored = [row.candidate for row in leaderboard.rows]
    absent = [each.candidate for each in leaderboard.not_evaluated]
    return tuple(dict.fromkeys([*verified, *scored, *absent]))


def candidate_data(leaderboard: Leaderboard, record: RunRecord | None) -> list[dict[str, Any]]:
    """Describe all candidates, in the order of `candidate_names`.

    Args:
        leaderboard: The scored run.
        record: The run, which holds the verdicts; without it the page shows what the rows tell.
    """
    verified = {each.candidate: each for each in record.verifications} if record is not None else {}
    absent = {each.candidate: each for each in leaderboard.not_evaluated}
    return [
        _facts(name, verified.get(name), absent.get(name)) | {"failure": leaderboard.failures.get(name)}
        for name in candidate_names(leaderboard, record)
    ]


def status_data() -> dict[str, dict[str, str]]:
    """The verdict that each status stands for, and what it means."""
    return {str(status): {"verdict": str(status.verdict), "meaning": STATUS_MEANINGS[status]} for status in Status}


def _facts(name: str, verification: Verification | None, absent: NotEvaluated | None) -> dict[str, Any]:
    status = verification.status if verification is not None else absent.status if absent is not None else "usable"
    facts: dict[str, Any] = {
        "name": name,
        "status": str(status),
        "evaluated": absent is None,
        "fallback": absent is not None and absent.fallback,
        "why": None if absent is None else absent.reason,
        "emotions": absent.emotions if absent is not None else None,
    }
    return facts if verification is None else facts | _verdict(verification)


def _verdict(verification: Verification) -> dict[str, Any]:
    return {
        "id": verification.id,
        "revision": verification.revision,
        "reason": verification.reason,
        "emotions": len(verification.emotion_classes) if verification.labels else None,
        "labels": list(zip(verification.labels, verification.emotions, strict=True)),
        "architecture": verification.architecture,
        "head": verification.head,
        "headParameters": verification.head_parameters,
        "samplingRate": verification.sampling_rate,
        "windowS": verification.window_s,
        "parameters": verification.parameters,
        "sizeMb": verification.size_mb,
        "license": verification.license,
        "languages": verification.languages,
        "trainedOn": verification.trained_on,
        "expect": str(verification.expect) if verification.surprising and verification.expect is not None else None,
        "notes": verification.notes,
        "depth": verification.depth,
        "log": verification.log,
        "findings": [_finding(finding) for finding in verification.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {"status": str(finding.status), "reason": finding.reason, "evidence": _evidence(finding.evidence)}


def _evidence(evidence: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return [(name.replace("_", " "), _shortened(_written(value))) for name, value in evidence.items()]


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(member, str | int | float) for member in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict) and all(isinstance(member, str | int | float) for member in value.values()):
        return ", ".join(f"{name}: {_written(member)}" for name, member in value.items())
    return json.dumps(value, ensure_ascii=False)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_EVIDENCE else f"{text[:_LONGEST_EVIDENCE]} … (all in verification.json)"
