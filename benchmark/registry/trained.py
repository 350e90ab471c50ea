"""Candidates that bench has trained: what they were trained on, and how they are added to a registry file."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from benchmark.errors import RequestError
from benchmark.progress import Progress
from benchmark.registry.loading import load_registry
from benchmark.registry.schema import FOLDER, VERSION, Candidate, CorpusWord, Line, Registry
from benchmark.results.files import write_atomically
from benchmark.results.training_record import TrainingRecord

_CORPUS: TypeAdapter[str] = TypeAdapter(CorpusWord)
_LINE: TypeAdapter[str] = TypeAdapter(Line)
_WIDTH = 120
_REMEDY = "choose another registry with --candidates"


def declare_training(registry: Registry, progress: Progress) -> Registry:
    """Take what local candidates were trained on from the record in their folders, unless the registry declares it.

    A record that cannot be read is noted, and declares nothing.
    """
    candidates = tuple(_with_training(candidate, progress) for candidate in registry.candidates)
    return registry.model_copy(update={"candidates": candidates})


def _with_training(candidate: Candidate, progress: Progress) -> Candidate:
    if candidate.local_path is None or None not in (candidate.trained_on, candidate.trained_speakers):
        return candidate
    try:
        record = TrainingRecord.of_folder(candidate.local_path)
    except RequestError as error:
        progress.warn(f"{candidate.name}: it is not known what it was trained on, since {error}")
        return candidate
    if record is None:
        return candidate
    update: dict[str, tuple[str, ...]] = {}
    corpora = _valid(_CORPUS, [record.corpus])
    if candidate.trained_on is None and corpora:
        update["trained_on"] = corpora
    if candidate.trained_speakers is None and record.speakers is not None:
        update["trained_speakers"] = _valid(_LINE, record.speakers)
    return candidate.model_copy(update=update)


def register_candidate(path: Path, folder: Path, record: TrainingRecord, *, languages: Sequence[str] = ()) -> Path:
    """Append the candidate in a folder to a registry file, which is made if there is none.

    What the file holds stays as it is, byte for byte.

    Args:
        path: The registry file.
        folder: Of the candidate; written relative to the file.
        record: Of its training.
        languages: ISO 639 codes of the languages of its training clips.

    Raises:
        RequestError: The file is no registry, has such a candidate, cannot be appended to or cannot be written.
        UnavailableError: The disk is full.
    """
    entry = _entry(path, folder, record, languages)
    if not path.exists():
        content = {"version": VERSION, "candidates": [entry]}
        return write_atomically(path, _yaml(content), remedy=_REMEDY)
    _refuse_duplicate(path, entry)
    text = path.read_bytes().decode("utf-8")
    extended = _appended(text, entry)
    if extended is None or not _has_only_grown(text, extended, entry):
        line = yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, allow_unicode=True, width=float("inf"))
        raise RequestError(
            f"{path} does not list its candidates one below the other, so that nothing can be appended to it; add "
            f"this one by hand: {line.strip()}"
        )
    return write_atomically(path, extended.encode("utf-8"), remedy=_REMEDY)


def _entry(path: Path, folder: Path, record: TrainingRecord, languages: Sequence[str]) -> dict[str, Any]:
    recipe = record.recipe.get("name")
    note = f"Trained by bench on {record.corpus}" + (f" with the recipe {recipe}." if recipe else ".")
    fields = {
        "id": _relative(folder, path.absolute().parent),
        "name": record.name,
        "languages": list(languages),
        "trained_on": list(_valid(_CORPUS, [record.corpus])),
        "trained_speakers": list(_valid(_LINE, record.speakers or ())),
        "note": next(iter(_valid(_LINE, [note])), None),
    }
    entry = {name: value for name, value in fields.items() if value}
    try:
        Candidate.model_validate(entry, context={FOLDER: path.absolute().parent})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise RequestError(f"{folder} cannot be registered: {field}: {first['msg']}.") from error
    return entry


def _relative(folder: Path, start: Path) -> str:
    try:
        relative = Path(os.path.relpath(folder.resolve(), start.resolve())).as_posix()
    except ValueError:  # on another drive
        return str(folder.resolve())
    return relative if relative.startswith("../") else f"./{relative}"


def _refuse_duplicate(path: Path, entry: dict[str, Any]) -> None:
    own = Candidate.model_validate(entry, context={FOLDER: path.absolute().parent})
    for other in load_registry(path).candidates:
        if other.name.casefold() == own.name.casefold() or other.local_path == own.local_path:
            raise RequestError(
                f"{path} has a candidate {other.name} ({other.id}) already; remove it there, or train into a folder "
                "of another name."
            )


def _appended(text: str, entry: dict[str, Any]) -> str | None:
    """The text of a registry with an entry after its last candidate; None if they are not a block list."""
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    lists = [value for key, value in root.value if key.value == "candidates"]
    if root.flow_style or not lists or lists[0].flow_style:
        return None
    lines, end = text.splitlines(keepends=True), _end_line(lists[0])
    newline = "\r\n" if "\r\n" in text else "\n"
    before = "".join(lines[:end])
    if not before.endswith(("\n", "\r")):
        before += newline
    indent = " " * lists[0].start_mark.column
    added = "".join(f"{indent}{line}{newline}" for line in _yaml([entry]).splitlines())
    return before + added + "".join(lines[end:])


def _end_line(node: yaml.Node) -> int:
    """The number of the line after a node, counted from 0, without the blank lines and comments behind it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end_line(last[1] if isinstance(node, yaml.MappingNode) else last)
    return int(node.end_mark.line) + (node.end_mark.column > 0)


def _has_only_grown(before: str, after: str, entry: dict[str, Any]) -> bool:
    try:
        old, new = yaml.safe_load(before), yaml.safe_load(after)
    except yaml.YAMLError:
        return False
    return bool(new == old | {"candidates": [*old["candidates"], entry]})


def _yaml(content: Any) -> str:
    # Lists of words stand in one line, as people write them.
    return yaml.safe_dump(content, default_flow_style=None, sort_keys=False, allow_unicode=True, width=_WIDTH)


def _valid(kind: TypeAdapter[str], texts: Iterable[str]) -> tuple[str, ...]:
    """The texts that a registry can hold, each once."""
    kept = []
    for text in texts:
        try:
            kept.append(kind.validate_python(text))
        except ValidationError:
            continue
    return tuple(dict.fromkeys(kept))
