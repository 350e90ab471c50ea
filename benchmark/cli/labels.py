"""`bench labels`: which emotion each label of a model or a corpus is taken to mean."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli import options

if TYPE_CHECKING:
    from benchmark.cli.label_sources import Labelled
    from benchmark.emotions.merges import MergePreset


def labels(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL|CORPUS…",
            help="Names or ids of the registry, Hub ids, local folders of models; names of corpora, or SPECs such as "
            "ravdess:DIR.",
            show_default=False,
        ),
    ] = None,
    candidates: options.Candidates = None,
    merge: options.Merge = None,
    merge_preset: options.MergePreset = None,
    edit_template: Annotated[
        Path | None,
        typer.Option(
            "--edit-template",
            envvar="BENCH_EDIT_TEMPLATE",
            metavar="FILE",
            help="Write a piece of a registry in which every label without a meaning waits for one.",
            show_default=False,
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show how each label of a model or a corpus maps to an emotion, without downloading weights.

    A label that maps to nothing is shown as such and never guessed; say what it means under `labels:` of the
    candidate or the corpus in the registry. Without a name, --merge-preset shows what the preset merges.
    """
    import json

    from benchmark.cli.label_sources import labelled
    from benchmark.emotions.merges import chosen_merges
    from benchmark.emotions.merges import merge_preset as preset_named
    from benchmark.errors import RequestError

    if not names and merge_preset is not None:
        _print_preset(preset_named(merge_preset.value), as_json=as_json)
        return
    if not names:
        raise RequestError("Name a model or a corpus, as in `bench labels ravdess:DIR`, or a --merge-preset.")
    shown = labelled(names, candidates, chosen_merges(merge_preset, merge or ()))
    if as_json:
        typer.echo(json.dumps({each.name: _as_plain(each) for each in shown}, ensure_ascii=False, indent=2))
    else:
        for each in shown:
            _print(each)
    if edit_template is not None:
        _write_template(shown, edit_template)


def _print(labelled: "Labelled") -> None:
    from benchmark.cli.tables import Column, print_table, result_console
    from benchmark.emotions.classes import emotion_class
    from benchmark.reporting.numbers import counted

    label_map = labelled.label_map
    columns = [
        Column("output", number=True),
        Column("label"),
        Column("emotion"),
        Column("kind"),
        Column("class", number=True),
        Column("clips", number=True),
    ]
    rows = [
        (
            "" if labelled.clips is not None else str(output),
            label,
            emotion or "– (unmapped)",
            emotion_class(emotion).kind.value if emotion else "",
            "" if index is None else str(index),
            "" if labelled.clips is None else f"{labelled.clips[label]:,}",
        )
        for output, (label, emotion, index) in enumerate(
            zip(label_map.labels, label_map.emotions, label_map.indices, strict=True)
        )
    ]
    count = f"{counted(len(label_map.classes), 'class', 'classes')}, {len(label_map.scorable)} of them emotions"
    without = f", {counted(labelled.unlabelled, 'clip')} without a label" if labelled.unlabelled else ""
    title = f"{labelled.name}: {counted(len(label_map.labels), 'label')}, {count}{without}"
    if rows:
        print_table(result_console(), columns, rows, title=title)
    else:
        result_console().print(f"{labelled.name}: no labels{without}", markup=False)


def _as_plain(labelled: "Labelled") -> list[dict[str, object]]:
    label_map, clips = labelled.label_map, labelled.clips
    return [
        ({"output": output} if clips is None else {"clips": clips[label]})
        | {"label": label, "emotion": emotion, "class": index}
        for output, (label, emotion, index) in enumerate(
            zip(label_map.labels, label_map.emotions, label_map.indices, strict=True)
        )
    ]


def _print_preset(preset: "MergePreset", *, as_json: bool) -> None:
    import json

    from benchmark.cli.tables import Column, print_table, result_console

    if as_json:
        plain = {"name": preset.name, "why": preset.why, "merges": dict(preset.merges)}
        typer.echo(json.dumps(plain, ensure_ascii=False, indent=2))
        return
    console = result_console()
    targets = dict.fromkeys(preset.merges.values())
    rows = [(target, ", ".join(name for name, to in preset.merges.items() if to == target)) for target in targets]
    print_table(console, [Column("class"), Column("counts as it")], rows, title=preset.name)
    console.print(preset.why, markup=False)


def _write_template(shown: "list[Labelled]", path: Path) -> None:
    from benchmark.cli.console import print_note
    from benchmark.errors import RequestError
    from benchmark.registry.writing import edit_template
    from benchmark.results.files import write_atomically

    waiting = [each for each in shown if each.label_map.unmapped]
    if not waiting:
        print_note("Every label means something: there is nothing to fill in, and no file was written.")
        return
    if path.exists():
        raise RequestError(f"{path} exists, and may hold what somebody has filled in: name another file.")
    models = [each.unmapped for each in waiting if each.clips is None]
    text = edit_template(models, [each.unmapped for each in waiting if each.clips is not None])
    print_note(f"Fill in {write_atomically(path, text, remedy='name another file')}")
