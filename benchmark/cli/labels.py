"""`bench labels`: which emotion each label of a model is taken to mean."""

from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options

if TYPE_CHECKING:
    from benchmark.emotions.label_map import LabelMap
    from benchmark.hub.client import Hub
    from benchmark.registry.schema import Candidate


def labels(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL…", help="Names or ids of the registry, Hub ids, or local folders.")
    ],
    candidates: options.Candidates = None,
    as_json: options.AsJson = False,
) -> None:
    """Show how each label of a model maps to an emotion, without downloading its weights.

    A label that maps to nothing is shown as such and never guessed; say what it means under `labels:` of the
    candidate in the registry.
    """
    import json

    from benchmark.hub.client import Hub
    from benchmark.registry.loading import find_registry
    from benchmark.registry.selection import select

    registry = select(find_registry(candidates).registry, models)
    hub = Hub()
    maps = {each.name: _label_map(each, hub) for each in registry.candidates}
    if as_json:
        typer.echo(json.dumps({name: _as_plain(each) for name, each in maps.items()}, ensure_ascii=False, indent=2))
        return
    for name, label_map in maps.items():
        _print(name, label_map)


def _label_map(candidate: "Candidate", hub: "Hub") -> "LabelMap":
    from benchmark.errors import RequestError, UnavailableError
    from benchmark.hub.facts import HubFailure
    from benchmark.results.status import Status
    from benchmark.verification.configs import config_labels
    from benchmark.verification.inspecting import look_at
    from benchmark.verification.verdict import candidate_labels

    found = look_at(candidate, hub)
    if isinstance(found, HubFailure):
        kind = UnavailableError if found.status is Status.UNREACHABLE else RequestError
        raise kind(f"{candidate.name}: {found.reason}")
    labels = config_labels(found.config or {})
    if not labels:
        raise RequestError(f"{candidate.name} has no labels: its config.json is missing or names no model type.")
    return candidate_labels(candidate, labels)


def _print(name: str, label_map: "LabelMap") -> None:
    from benchmark.cli.tables import Column, print_table, result_console
    from benchmark.emotions.classes import emotion_class

    columns = [Column("output", number=True), Column("label"), Column("emotion"), Column("kind"), Column("class", True)]
    rows = [
        (
            str(output),
            label,
            emotion or "– (unmapped)",
            emotion_class(emotion).kind.value if emotion else "",
            "" if index is None else str(index),
        )
        for output, (label, emotion, index) in enumerate(
            zip(label_map.labels, label_map.emotions, label_map.indices, strict=True)
        )
    ]
    count = f"{len(label_map.classes)} classes, {len(label_map.scorable)} of them emotions"
    print_table(result_console(), columns, rows, title=f"{name}: {len(label_map.labels)} labels, {count}")


def _as_plain(label_map: "LabelMap") -> list[dict[str, object]]:
    return [
        {"output": output, "label": label, "emotion": emotion, "class": index}
        for output, (label, emotion, index) in enumerate(
            zip(label_map.labels, label_map.emotions, label_map.indices, strict=True)
        )
    ]
