"""Find and read a registry, and select candidates from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import ValidationError

from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.plugins import Group, load_plugin, plugin_names
from benchmark.registry import locations
from benchmark.registry.complaints import first_complaint
from benchmark.registry.documents import Document, read_document
from benchmark.registry.schema import FOLDER, VERSION, Candidate, Registry, RegistryFile
from benchmark.settings import expanded

_WILDCARDS = frozenset("*?[")


def select(registry: Registry, models: Sequence[str]) -> Registry:
    """The registry with the named candidates only.

    Args:
        registry: Where names are looked up.
        models: Names, ids, patterns such as `superb/*`, paths of listed local candidates; a Hub id or a folder that
            is not listed becomes a candidate of which nothing else is declared. None at all selects all.

    Returns:
        The same registry with these candidates, in the order of `models`, each once.

    Raises:
        RequestError: A pattern matches nothing, a folder does not exist, or a text can't be a model's id.
    """
    if not models:
        return registry
    chosen: dict[str, Candidate] = {}
    for model in models:
        for candidate in _listed(registry, model) or (_unlisted(registry, model),):
            same_name = chosen.setdefault(candidate.name.casefold(), candidate)
            if same_name != candidate and not _are_one_folder(same_name, candidate):
                raise RequestError(
                    f"{same_name.id} and {candidate.id} are both called {candidate.name}; "
                    "list them in a registry with a 'name:' each"
                )
    return registry.model_copy(update={"candidates": tuple(chosen.values())})


def _are_one_folder(one: Candidate, other: Candidate) -> bool:
    """Whether two ids are spellings of one path, such as `models/a` and `./models/a/`."""
    return one.local_path is not None and one.local_path == other.local_path


def _listed(registry: Registry, model: str) -> tuple[Candidate, ...]:
    exact = tuple(candidate for candidate in registry.candidates if model in {candidate.name, candidate.id})
    if exact:
        return exact
    folded = model.casefold()
    if _WILDCARDS & set(model):
        return tuple(
            candidate
            for candidate in registry.candidates
            if any(fnmatchcase(name.casefold(), folded) for name in (candidate.id, candidate.name))
        )
    return tuple(
        candidate
        for candidate in registry.candidates
        if (
            candidate.id.casefold() == folded
            if candidate.local_path is None
            else candidate.local_path == _path_of(model)
        )
    )


def _unlisted(registry: Registry, model: str) -> Candidate:
    names = dict.fromkeys(name for candidate in registry.candidates for name in (candidate.name, candidate.id))
    if _WILDCARDS & set(model):
        raise RequestError(f"no candidate of {registry.title} matches {model!r}{did_you_mean(model, names)}")
    path = _path_of(model)
    if locations.looks_like_path(model) and not (path is not None and path.is_dir()):
        raise RequestError(_no_folder(model, path))
    hint = did_you_mean(model, names)
    if "/" not in model and hint and not (path is not None and path.is_dir()):
        raise RequestError(f"no candidate of {registry.title} is called {model!r}{hint}")
    try:
        return Candidate.model_validate({"id": model}, context={FOLDER: Path.cwd()})
    except ValidationError as problem:
        reason = problem.errors()[0].get("ctx", {}).get("error", "it is no text")
        raise RequestError(f"model {model!r}: {reason}") from problem


def _no_folder(model: str, path: Path | None) -> str:
    if path is not None and path.is_file():
        return f"{model} is a file; give the folder that holds config.json and the weights"
    return f"there is no folder {model}; give a folder with a checkpoint, or a Hub id"


def _path_of(model: str) -> Path | None:
    try:
        return locations.absolute(model, Path.cwd())
    except ValueError:
        return None


__all__ = ["DEFAULT_FILE", "PACKAGED_FILE", "FoundRegistry", "find_registry", "load_registry", "select"]


DEFAULT_FILE = Path("candidates.yaml")


PACKAGED_FILE = Path(__file__).with_name("candidates.yaml")


DEMO = "demo"


@dataclass(frozen=True)
class FoundRegistry:
    """A registry, and what a person should be told about how it was chosen.

    Attributes:
        registry: What was found.
        announced: One sentence; None where the user named the file or it is the one of this folder.
    """

    registry: Registry
    announced: str | None = None


def load_registry(path: Path, *, title: str | None = None) -> Registry:
    """Read a registry file.

    Args:
        path: The file.
        title: What reports call it; the path as given, where this is None.

    Returns:
        Its candidates and corpora.

    Raises:
        RequestError: Anything about the file is wrong; the message names file, line and fix.
    """
    document = read_document(path)
    _require_version(document)
    try:
        content = RegistryFile.model_validate(document.content, context={FOLDER: path.absolute().parent})
    except ValidationError as problem:
        raise first_complaint(document, problem) from problem
    _require_unique(document, content.candidates, "model", _identity)
    _require_unique(document, content.candidates, "name", lambda candidate: candidate.name.casefold())
    return Registry(path=path, title=title or str(path), candidates=content.candidates, corpora=content.corpora)


def find_registry(choice: str | None) -> FoundRegistry:
    """The registry that a user means.

    Args:
        choice: A file, `demo`, the name of a registry that an installed package adds, or None for candidates.yaml of
            the current folder, else the list that comes with bench.

    Returns:
        The registry, and what to announce.

    Raises:
        RequestError: There is no such file, or something is wrong with it.
    """
    if choice == DEMO:
        from benchmark.demo.files import registry_path  # noqa: PLC0415 - only the demo needs the demo

        registry = load_registry(registry_path(), title=DEMO)
        return FoundRegistry(
            registry, "the demo: tiny checkpoints and synthetic voices, which say nothing about people"
        )
    if choice is not None and not Path(choice).exists() and choice in plugin_names(Group.CANDIDATES):
        registry = load_registry(_added(choice), title=choice)
        return FoundRegistry(registry, f"the registry {choice} of an installed package")
    if choice is not None:
        return FoundRegistry(load_registry(expanded(choice), title=choice))
    if DEFAULT_FILE.exists():
        return FoundRegistry(load_registry(DEFAULT_FILE))
    registry = load_registry(PACKAGED_FILE, title="candidates.yaml (packaged)")
    count = len(registry.candidates)
    return FoundRegistry(
        registry, f"no {DEFAULT_FILE} in this folder: using the list of {count} candidates that comes with bench"
    )


def _added(name: str) -> Path:
    path = load_plugin(Group.CANDIDATES, name)
    if not isinstance(path, str | Path):
        raise RequestError(f"The package that adds the registry {name!r} must name the path of a file.")
    return Path(path)


def _require_version(document: Document) -> None:
    content = document.content
    if not isinstance(content, dict):
        raise document.complaint((), "a registry is a mapping; begin it with 'version: 1' and 'candidates:'")
    version = content.get("version")
    if version is None:
        raise document.complaint((), f"the version is missing; add the line 'version: {VERSION}'")
    if type(version) is int and version > VERSION:
        raise document.complaint(
            ("version",),
            f"version {version} was written for a newer bench (this one knows {VERSION}); "
            "upgrade with `pip install -U ser-bench`",
        )
    if type(version) is not int or version != VERSION:
        raise document.complaint(("version",), f"unknown version {repr(version)[:40]}; write 'version: {VERSION}'")
    if not content.get("candidates"):
        raise document.complaint(("candidates",), "no candidates are listed; add one: '- id: organisation/name'")


def _require_unique(
    document: Document, candidates: tuple[Candidate, ...], what: str, key: Callable[[Candidate], str]
) -> None:
    first: dict[str, int] = {}
    for index, candidate in enumerate(candidates):
        earlier = first.setdefault(key(candidate), index)
        if earlier == index:
            continue
        fix = "remove one of the two" if what == "model" else "give one of them another with 'name:'"
        raise document.complaint(
            ("candidates", index, "name" if what == "name" else "id"),
            f"candidate {candidate.id!r} has the same {what} as {candidates[earlier].id!r} "
            f"in line {document.line(('candidates', earlier, 'id'))}; {fix}",
        )


def _identity(candidate: Candidate) -> str:
    # The Hub does not tell upper from lower case in names.
    return candidate.id.casefold() if candidate.local_path is None else str(candidate.local_path)
