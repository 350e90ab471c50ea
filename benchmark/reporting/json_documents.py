"""`verification.json` and `leaderboard.json`: the same as the tables in full, with the evidence and the machine."""

import json
import math
from typing import Any

from benchmark.reporting.csv_tables import VERIFICATION_COLUMNS, complete_rows
from benchmark.reporting.escaping import json_text
from benchmark.results.description import CorpusDescription
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.verification import Verification, VerificationReport


def verification_json(report: VerificationReport) -> str:
    """Write the verdicts with everything they rest on.

    The keys of a candidate are the columns of `verification.csv` in their order, with lists where the table joins, then
    `findings`, `size_bytes` and `label_emotions` (for each label the emotion it maps to, or null).

    Args:
        report: The verdicts on all candidates.

    Returns:
        A JSON document that ends in a line end; NaN and infinities are null.
    """
    content = report.model_dump(mode="json")
    content["candidates"] = [_candidate(candidate) for candidate in report.candidates]
    return _document(content)


def leaderboard_json(leaderboard: Leaderboard) -> str:
    """Write a run with all its rows; what is written can be read again as a `Leaderboard`.

    The keys of a row are the columns of `leaderboard.csv` in their order; the user's own metrics are under `metrics`.

    Args:
        leaderboard: The scored run.

    Returns:
        A JSON document that ends in a line end; NaN and infinities are null.
    """
    complete = leaderboard.model_copy(update={"rows": complete_rows(leaderboard)})
    return _document(complete.model_dump(mode="json"))


def corpus_json(description: CorpusDescription) -> str:
    """Write the description of a corpus; what is written can be read again as a `CorpusDescription`.

    Args:
        description: The corpus, described.

    Returns:
        A JSON document that ends in a line end.
    """
    return _document(description.model_dump(mode="json"))


def _candidate(candidate: Verification) -> dict[str, Any]:
    stored = candidate.model_dump(mode="json")
    values = stored | {
        "verdict": str(candidate.verdict),
        "emotions": len(candidate.emotion_classes) if candidate.labels else None,
        "size_mb": candidate.size_mb,
        "emotion_names": list(candidate.emotion_classes),
        "label_emotions": stored["emotions"],
        "batches": None if candidate.batching is None else candidate.batching.batches,
        "pads": None if candidate.batching is None else candidate.batching.pads,
    }
    return {key: values[key] for key in dict.fromkeys((*VERIFICATION_COLUMNS, *values))}


def _document(content: dict[str, Any]) -> str:
    return json_text(json.dumps(_finite(content), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(member) for key, member in value.items()}
    return [_finite(member) for member in value] if isinstance(value, list) else value
