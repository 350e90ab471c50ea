"""Finished fits of a training that was interrupted; `--resume` takes them instead of fitting again."""

import json
import shutil
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmark.errors import RequestError
from benchmark.results.files import write_atomically
from benchmark.training.jobs import FitResult

UNFINISHED = "unfinished"
"""In the folder of the candidate."""


class FinishedFits:
    """Results by seed and fold.

    Args:
        folder: Of the candidate.
        key: Of everything that determines a fit; results with another one are not taken.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder / UNFINISHED, key

    def require_own(self) -> None:
        """Refuse results of another training, which would be lost.

        Raises:
            RequestError: There are some.
        """
        for path in sorted(self._folder.glob("*.json")):
            if _content(path).get("key") != self._key:
                raise RequestError(
                    f"{self._folder} holds fits of another training, with another recipe, other clips or other folds: "
                    "give the same command as before, or begin anew with --force."
                )

    def load(self, seed: int, fold: int) -> FitResult | None:
        """The result of a fit; None if it has not ended, or was part of another training."""
        content = _content(self._path(seed, fold))
        try:
            return FitResult.from_plain(content["result"]) if content["key"] == self._key else None
        except (ValueError, KeyError, TypeError, ValidationError):
            return None

    def save(self, seed: int, fold: int, result: FitResult) -> None:
        """Keep a result.

        Raises:
            RequestError: The folder cannot be written.
            UnavailableError: The disk is full.
        """
        members = {name: answers.tolist() for name, answers in result.members.items()}
        plain = {**result.plain(), "probabilities": result.probabilities.tolist(), "members": members}
        write_atomically(self._path(seed, fold), json.dumps({"key": self._key, "result": plain}))

    def remove(self) -> None:
        """Delete all results; the training has ended."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, seed: int, fold: int) -> Path:
        return self._folder / f"seed-{seed}-fold-{fold}.json"


def _content(path: Path) -> dict[str, Any]:
    """A stored result; empty where it is missing or damaged, so that its fit is made again."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
