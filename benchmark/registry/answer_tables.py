"""Candidates whose answers lie in a table, as the option `--predictions` names them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from benchmark.errors import RequestError
from benchmark.registry.schema import FOLDER, AnswerRole, Candidate, Registry


def answer_tables(texts: Iterable[str], columns: Mapping[str, str]) -> list[Candidate]:
    """Make candidates of what `--predictions` says: the name, and the file with the answers.

    Args:
        columns: Role → name of the column; those of other tables are left out.

    Raises:
        RequestError: One is no NAME=FILE, or there is no such file.

    Examples:
        >>> answer_tables(["vendor"], {})
        Traceback (most recent call last):
        benchmark.errors.RequestError: --predictions wants NAME=FILE, such as vendor-x=answers.csv, and not 'vendor'.
    """
    own = {role: name for role, name in columns.items() if role in get_args(AnswerRole)}
    if "file" in columns:  # one name of the column of paths for the corpus and for the answers
        own.setdefault("clip", columns["file"])
    candidates = []
    for text in texts:
        name, equals, file = (part.strip() for part in text.partition("="))
        if not (name and equals and file):
            raise RequestError(f"--predictions wants NAME=FILE, such as vendor-x=answers.csv, and not {text!r}.")
        try:
            fields = {"id": name, "predictions": file, "columns": own}
            candidate = Candidate.model_validate(fields, context={FOLDER: Path.cwd()})
        except ValidationError as error:
            reason = error.errors()[0].get("ctx", {}).get("error", "it is no name")
            raise RequestError(f"--predictions {text}: {reason}") from error
        if candidate.answers_path is None or not candidate.answers_path.is_file():
            raise RequestError(f"--predictions {text}: there is no file {file}; name one with a row per clip.")
        candidates.append(candidate)
    return candidates


def with_tables(registry: Registry, tables: Sequence[Candidate]) -> Registry:
    """A registry with further candidates.

    Raises:
        RequestError: Two candidates have one name.
    """
    candidates = (*registry.candidates, *tables)
    names = [candidate.name.casefold() for candidate in candidates]
    if doubled := [candidate.name for candidate in tables if names.count(candidate.name.casefold()) > 1]:
        raise RequestError(f"--predictions {doubled[0]}=…: another candidate has this name; choose another.")
    return registry.model_copy(update={"candidates": candidates})
