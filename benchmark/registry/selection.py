"""Take some candidates of a registry, or others that it does not list."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import ValidationError

from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.registry import locations
from benchmark.registry.schema import FOLDER, Candidate, Registry

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
