from pathlib import Path

from benchmark.api.labels import LabelSource, label_sources
from benchmark.options.model_commands import LabelsRequest


def labels_of(folder: Path, rows: str, entry: str = "", merge_preset: str | None = None) -> LabelSource:
    """The labels of a table whose recordings do not exist."""
    (folder / "clips.csv").write_text(rows)
    registry = folder / "candidates.yaml"
    corpora = f"corpora: {{mine: {{source: 'table:clips.csv'{entry}}}}}"
    registry.write_text(f"version: 1\ncandidates: [{{id: org/model}}]\n{corpora}\n")
    (source,) = label_sources(LabelsRequest(names=["mine"], candidates=str(registry), merge_preset=merge_preset))
    return source


def test_labels_are_counted_and_get_contiguous_classes(tmp_path: Path) -> None:
    names = ["분노", "angry", "радость", "", "x1", "angry"]
    source = labels_of(tmp_path, "file,label\n" + "".join(f"a.wav,{name}\n" for name in names))
    assert source.label_map.labels == ("angry", "x1", "радость", "분노")
    assert source.label_map.emotions == ("anger", None, "happiness", "anger")
    assert source.label_map.indices == (0, None, 1, 0)
    assert (source.clips, source.unlabelled) == ({"분노": 1, "angry": 2, "радость": 1, "x1": 1}, 1)


def test_overrides_and_merges_apply_and_those_of_absent_labels_are_ignored(tmp_path: Path) -> None:
    rows, entry = "file,label\na.wav,x1\nb.wav,calm\n", ", labels: {x1: fear, x2: joy}, merge: {calm: neutral}"
    assert labels_of(tmp_path, rows, entry).label_map.emotions == ("neutral", "fear")
    merged = labels_of(tmp_path, rows, entry, merge_preset="arousal")
    assert merged.label_map.emotions == ("deactivated", "activated")


def test_votes_are_labels_too(tmp_path: Path) -> None:
    source = labels_of(tmp_path, "file,votes_sad,votes_odd\na.wav,2,1\n")
    assert source.clips == {"sad": 2, "odd": 1}
    assert source.label_map.unmapped == ("odd",)
    assert source.unlabelled == 0
