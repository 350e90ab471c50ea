"""`bench labels`: show which emotion each label of a model or a corpus maps to."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.options.declare import command
from benchmark.options.model_commands import LabelsRequest
from benchmark.options.shared import JsonOptions

if TYPE_CHECKING:
    from benchmark.api.labels import LabelSource
    from benchmark.emotions.merges import MergePreset


@command
def labels(*, options: LabelsRequest, console: JsonOptions) -> int:
    """Show how each label of a model or a corpus maps to an emotion, without downloading weights.

    A label that maps to nothing is shown as such and never guessed; say what it means under `labels:` of the
    candidate or the corpus in the registry. Without a name, --merge-preset shows what the preset merges.
    """
    from benchmark.api.labels import label_sources
    from benchmark.emotions.merges import merge_preset
    from benchmark.errors import RequestError

    if not options.names and options.merge_preset is not None:
        _print_preset(merge_preset(options.merge_preset), as_json=console.as_json)
        return 0
    if not options.names:
        raise RequestError("Name a model or a corpus, as in `bench labels ravdess:DIR`, or a --merge-preset.")
    sources = label_sources(options)
    if console.as_json:
        print(json.dumps({source.name: _as_plain(source) for source in sources}, ensure_ascii=False, indent=2))
    else:
        for source in sources:
            _print(source)
    if options.edit_template is not None:
        _write_template(sources, options.edit_template)
    return 0


def _print(source: "LabelSource") -> None:
    from benchmark.cli.tables import Column, print_line, print_table
    from benchmark.emotions.classes import emotion_class
    from benchmark.reporting.numbers import counted

    label_map = source.label_map
    rows = [
        (
            "" if source.clips is not None else str(output),
            label,
            emotion or "– (unmapped)",
            emotion_class(emotion).kind.value if emotion else "",
            "" if index is None else str(index),
            "" if source.clips is None else f"{source.clips[label]:,}",
        )
        for output, (label, emotion, index) in enumerate(
            zip(label_map.labels, label_map.emotions, label_map.indices, strict=True)
        )
    ]
    count = f"{counted(len(label_map.classes), 'class', 'classes')}, {len(label_map.scorable)} of them emotions"
    without = f", {counted(source.unlabelled, 'clip')} without a label" if source.unlabelled else ""
    title = f"{source.name}: {counted(len(label_map.labels), 'label')}, {count}{without}"
    if rows:
        output, index, clips = (Column(title, number=True) for title in ("output", "class", "clips"))
        print_table([output, "label", "emotion", "kind", index, clips], rows, title=title)
    else:
        print_line(f"{source.name}: no labels{without}")


def _as_plain(source: "LabelSource") -> list[dict[str, object]]:
    label_map, clips = source.label_map, source.clips
    return [
        ({"output": output} if clips is None else {"clips": clips[label]})
        | {"label": label, "emotion": emotion, "class": index}
        for output, (label, emotion, index) in enumerate(
            zip(label_map.labels, label_map.emotions, label_map.indices, strict=True)
        )
    ]


def _print_preset(preset: "MergePreset", *, as_json: bool) -> None:
    from benchmark.cli.tables import print_line, print_table

    if as_json:
        plain = {"name": preset.name, "why": preset.why, "merges": dict(preset.merges)}
        print(json.dumps(plain, ensure_ascii=False, indent=2))
        return
    targets = dict.fromkeys(preset.merges.values())
    rows = [(target, ", ".join(name for name, to in preset.merges.items() if to == target)) for target in targets]
    print_table(["class", "counts as it"], rows, title=preset.name)
    print_line(preset.why)


def _write_template(sources: "list[LabelSource]", path: Path) -> None:
    from benchmark.cli.console import print_note
    from benchmark.errors import RequestError
    from benchmark.registry.writing import edit_template
    from benchmark.results.files import write_atomically

    incomplete = [source for source in sources if source.label_map.unmapped]
    if not incomplete:
        print_note("Every label means something: there is nothing to fill in, and no file was written.")
        return
    if path.exists():
        raise RequestError(f"{path} exists, and may hold what somebody has filled in: name another file.")
    models = [source.unmapped for source in incomplete if source.clips is None]
    text = edit_template(models, [source.unmapped for source in incomplete if source.clips is not None])
    print_note(f"Fill in {write_atomically(path, text, remedy='name another file')}")
