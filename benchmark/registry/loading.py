"""Find and read a registry, and select candidates from it."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import ValidationError

from benchmark.errors import RequestError, did_you_mean
from benchmark.plugins import Group, load_plugin, plugin_names
from benchmark.registry.locations import absolute, is_folder, looks_like_path
from benchmark.registry.schema import FOLDER, VERSION, Candidate, Registry, RegistryFile
from benchmark.registry.validation_errors import first_error
from benchmark.registry.yaml_documents import Document, read_document
from benchmark.settings import expanded

DEFAULT_FILE = Path("candidates.yaml")
PACKAGED_FILE = Path(__file__).with_name("candidates.yaml")
DEMO = "demo"
MOST_ENTRIES = 10_000
"""Twice as many as `bench discover` finds at most."""
_WILDCARDS = frozenset("*?[")


def find_registry(choice: str | Path | None) -> Registry:
    """The registry that a user chooses.

    Args:
        choice: A file, `demo`, the name of a registry that an installed package adds, or None for candidates.yaml of
            the current folder, else the list that comes with bench.

    Raises:
        RequestError: There is no such file, or something is wrong with it.
    """
    choice = None if choice is None else str(choice)
    if choice == DEMO:
        from benchmark.demo.files import registry_path  # noqa: PLC0415 - only the demo needs the demo

        registry = load_registry(registry_path(), title=DEMO)
        announced = "the demo: tiny checkpoints and synthetic voices, which say nothing about people"
    elif choice is not None and not Path(choice).exists() and choice in plugin_names(Group.CANDIDATES):
        path = load_plugin(Group.CANDIDATES, choice)
        if not isinstance(path, str | Path):
            raise RequestError(f"The package that adds the registry {choice!r} must name the path of a file.")
        registry = load_registry(Path(path), title=choice)
        announced = f"the registry {choice} of an installed package"
    elif choice is not None:
        return load_registry(expanded(choice), title=choice)
    elif DEFAULT_FILE.exists():
        return load_registry(DEFAULT_FILE)
    else:
        registry = load_registry(PACKAGED_FILE, title="candidates.yaml (packaged)")
        count = len(registry.candidates)
        announced = f"no {DEFAULT_FILE} in this folder: using the list of {count} candidates that comes with bench"
    return registry.model_copy(update={"announced": announced})


def load_registry(path: Path, *, title: str | None = None) -> Registry:
    """Read a registry file.

    Args:
        path: The file.
        title: What reports call it; by default the path as given.

    Raises:
        RequestError: Anything about the file is wrong; the message names file, line and fix.
    """
    document = read_document(path)
    _check_top_level(document)
    try:
        content = RegistryFile.model_validate(document.content, context={FOLDER: path.absolute().parent})
    except ValidationError as error:
        raise first_error(document, error) from error
    _require_unique(document, content.candidates, "model", "id", _identity, "remove one of the two")
    fix = "give one of them another with 'name:'"
    _require_unique(document, content.candidates, "name", "name", lambda candidate: candidate.name.casefold(), fix)
    return Registry(path=path, title=title or str(path), candidates=content.candidates, corpora=content.corpora)


def select(registry: Registry, models: Sequence[str]) -> Registry:
    """The registry with the named candidates only, in the order of `models`, each once.

    Args:
        registry: Where names are looked up.
        models: Names, ids, patterns such as `superb/*`, paths of listed local candidates; a Hub id or a folder that
            is not listed becomes a candidate of which nothing else is declared. Empty for all.

    Raises:
        RequestError: A pattern matches nothing, a folder does not exist, or a text can't be a model's id.
    """
    if not models:
        return registry
    chosen: dict[str, Candidate] = {}
    for model in models:
        for candidate in _listed(registry, model) or (_unlisted(registry, model),):
            other = chosen.setdefault(candidate.name.casefold(), candidate)
            # Two ids can be spellings of one path, such as `models/a` and `./models/a/`.
            is_same_folder = other.local_path is not None and other.local_path == candidate.local_path
            if other != candidate and not is_same_folder:
                raise RequestError(
                    f"{other.id} and {candidate.id} are both called {candidate.name}; "
                    "list them in a registry with a 'name:' each"
                )
    return registry.model_copy(update={"candidates": tuple(chosen.values())})


def _check_top_level(document: Document) -> None:
    content = document.content
    if not isinstance(content, dict):
        raise document.error((), "a registry is a mapping; begin it with 'version: 1' and 'candidates:'")
    version = content.get("version")
    if version is None:
        raise document.error((), f"the version is missing; add the line 'version: {VERSION}'")
    if type(version) is int and version > VERSION:
        raise document.error(
            ("version",),
            f"version {version} was written for a newer bench (this one knows {VERSION}); "
            "upgrade with `pip install -U ser-bench`",
        )
    if type(version) is not int or version != VERSION:
        raise document.error(("version",), f"unknown version {repr(version)[:40]}; write 'version: {VERSION}'")
    if not content.get("candidates"):
        raise document.error(("candidates",), "no candidates are listed; add one: '- id: organisation/name'")
    for field in ("candidates", "corpora"):
        entries = content.get(field)
        if isinstance(entries, list | dict) and len(entries) > MOST_ENTRIES:
            raise document.error(
                (field,), f"{len(entries):,} {field} are listed, and a registry may list {MOST_ENTRIES:,}; split it"
            )


def _require_unique(
    document: Document,
    candidates: tuple[Candidate, ...],
    what: str,
    field: str,
    key: Callable[[Candidate], str],
    fix: str,
) -> None:
    first: dict[str, int] = {}
    for index, candidate in enumerate(candidates):
        earlier = first.setdefault(key(candidate), index)
        if earlier != index:
            line = document.line(("candidates", earlier, "id"))
            other = candidates[earlier].id
            message = f"candidate {candidate.id!r} has the same {what} as {other!r} in line {line}; {fix}"
            raise document.error(("candidates", index, field), message)


def _identity(candidate: Candidate) -> str:
    # The Hub does not tell upper from lower case in names.
    model = candidate.id.casefold() if candidate.local_path is None else str(candidate.local_path)
    what = candidate.onnx or (candidate.model_dump_json(include={"prompts"}) if candidate.prompts else None)
    return model if what is None else f"{model}\0{what}"


def _listed(registry: Registry, model: str) -> tuple[Candidate, ...]:
    """The candidates that a name, an id, a pattern or a path fits."""
    candidates = registry.candidates
    exact = tuple(candidate for candidate in candidates if model in {candidate.name, candidate.id})
    if exact:
        return exact
    folded, path = model.casefold(), _path(model)

    def fits(candidate: Candidate) -> bool:
        if _WILDCARDS & set(model):
            return any(fnmatchcase(name.casefold(), folded) for name in (candidate.id, candidate.name))
        return candidate.id.casefold() == folded if candidate.local_path is None else candidate.local_path == path

    return tuple(filter(fits, candidates))


def _unlisted(registry: Registry, model: str) -> Candidate:
    hint = did_you_mean(model, [name for candidate in registry.candidates for name in (candidate.name, candidate.id)])
    if _WILDCARDS & set(model):
        raise RequestError(f"no candidate of {registry.title} matches {model!r}{hint}")
    path = _path(model)
    exists = path is not None and is_folder(path)
    if not exists and looks_like_path(model):
        if path is not None and path.is_file():
            raise RequestError(f"{model} is a file; give the folder that holds config.json and the weights")
        raise RequestError(f"there is no folder {model}; give a folder with a checkpoint, or a Hub id")
    if not exists and "/" not in model and hint:
        raise RequestError(f"no candidate of {registry.title} is called {model!r}{hint}")
    try:
        return Candidate.model_validate({"id": model}, context={FOLDER: Path.cwd()})
    except ValidationError as error:
        reason = error.errors()[0].get("ctx", {}).get("error", "it is no text")
        raise RequestError(f"model {model!r}: {reason}") from error


def _path(model: str) -> Path | None:
    try:
        return absolute(model, Path.cwd())
    except ValueError:
        return None
