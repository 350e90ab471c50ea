"""Find and read a registry; whatever is wrong with it is told in one line with file, line and fix."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from benchmark.errors import RequestError
from benchmark.plugins import Group, load_plugin, plugin_names
from benchmark.registry.complaints import first_complaint
from benchmark.registry.documents import Document, read_document
from benchmark.registry.schema import FOLDER, VERSION, Candidate, Registry, RegistryFile
from benchmark.registry.selection import select
from benchmark.settings import expanded

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
