"""Manifests of EmoBox: a folder with `fold_1/<dataset>_test_fold_1.jsonl` and the like, as that toolkit lays them out.

Ma Z et al. (2024): EmoBox: Multilingual Multi-corpus Speech Emotion Recognition Toolkit and Benchmark. Interspeech;
"data/" of https://github.com/emo-box/EmoBox. A line has `key`, `wav` (relative to the toolkit's folder), `emo` and,
where the clip is a stretch of its recording, `start_time` and `end_time`. Speakers are in `data.seg.wrd.stm`, and the
meanings of labels in `label_map.json`.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from benchmark.corpora.audio_sources import AudioFile, UnusableAudio
from benchmark.corpora.clips import CorpusContents
from benchmark.corpora.rows import Columns, read_rows, read_stretch
from benchmark.corpora.table import read_file, read_json_lines
from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError, shorten
from benchmark.hub.repository_facts import storable
from benchmark.results.left_out import LeftOut, left_out

FOLD_COLUMN = "fold"
"""The column in which clips have their fold."""
_FORM = "`emobox:DIR`, where DIR holds fold_1/NAME_test_fold_1.jsonl and the like, or `emobox:FILE.jsonl`"
_FOLD_FOLDER = re.compile(r"fold_(\w+)")
_TRAINING_PARTS = ("train", "valid")
_SPEAKERS, _LABEL_MAP = "data.seg.wrd.stm", "label_map.json"
_SPEAKER_LINE = re.compile(r"<id=(?P<key>.+),lang=[^,]*,spk=(?P<speaker>[^,>]*),emotion=[^>]*>")
_LISTED = 10


@dataclass(frozen=True)
class ManifestEntry:
    """A line of a manifest.

    Attributes:
        wav: The path of the recording, below the folder of the toolkit.
        label: The dataset's own label; empty where the line has none.
        stretch: Start and end in seconds, as the line has them; empty for the whole recording.
        fold: The fold in whose test part it is; None for a line of a single manifest.
    """

    key: str
    wav: str
    label: str
    stretch: tuple[str, str]
    fold: str | None = None


@dataclass(frozen=True)
class Manifests:
    """The manifests of one dataset.

    Attributes:
        folder: That of the dataset.
        entries: Key → the line in the first of the test parts that has it.
        several_folds: Keys in the test parts of several folds.
        in_training: Keys in the test part and in the training or validation part of one fold.
        untested: Keys in no test part.
    """

    folder: Path
    entries: Mapping[str, ManifestEntry]
    several_folds: tuple[str, ...] = ()
    in_training: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()


def read_emobox(path: Path) -> CorpusContents:
    """Read the test parts of all folds of a dataset, or one manifest.

    Each clip is called by its key and has its fold in the column `fold`. Recordings are looked for below the folder two
    above that of the dataset, where the toolkit has its `downloads`, then below the one above, then below the dataset.

    Raises:
        RequestError: There are no manifests, one is broken, or not one recording is there.
    """
    manifests = read_manifests(path)
    speakers, codes, notes = _read_speakers(manifests.folder), _read_codes(manifests), []
    if not speakers:
        notes.append(
            f"{manifests.folder / _SPEAKERS} is not there, so that no speaker is known: `--speaker-pattern` takes them "
            "from the keys."
        )
    renamed = {code: emotion for code, emotion in codes.items() if emotion_of(code) not in (None, emotion)}
    if renamed:
        listed = ", ".join(f"{code} is {emotion}" for code, emotion in renamed.items())
        notes.append(f"Labels are read as {_LABEL_MAP} has them: {listed}.")
    root = _find_root(manifests)
    rows = [
        {"key": key, "label": entry.label, "speaker": speakers.get(key, ""), FOLD_COLUMN: entry.fold or ""}
        for key, entry in manifests.entries.items()
    ]
    columns = Columns({"file": "key", "label": "label", "speaker": "speaker"}, votes={})
    contents = read_rows(str(path), columns, rows, lambda key: _locate(manifests.entries[key], root))
    return replace(
        contents,
        notes=(*map(storable, notes), *contents.notes),
        codes=codes,
        left_out=tuple(_treated_specially(manifests)),
    )


def read_manifests(path: Path) -> Manifests:
    """Read the manifests of all folds of a dataset, or one manifest.

    Raises:
        RequestError: There are none, or one is broken.
    """
    entries: dict[str, ManifestEntry] = {}
    if path.is_file():
        for entry in _read_manifest(path):
            _add(entries, entry, path)
        folder = path.parent.parent if _FOLD_FOLDER.fullmatch(path.parent.name) else path.parent
        return Manifests(folder, entries)
    several: list[str] = []
    in_training: list[str] = []
    trained: dict[str, None] = {}
    for folder in _fold_folders(path):
        test_path = _manifest(folder, "test")
        if test_path is None:
            raise RequestError(f"{folder} has no manifest of its test part: write {_FORM}.")
        own: dict[str, ManifestEntry] = {}
        for entry in _read_manifest(test_path):
            _add(own, replace(entry, fold=folder.name.removeprefix("fold_")), test_path)
        several += [key for key in own if key in entries]
        for entry in own.values():
            _add(entries, entry, test_path)
        manifests = [manifest for part in _TRAINING_PARTS if (manifest := _manifest(folder, part)) is not None]
        fitted = dict.fromkeys(entry.key for manifest in manifests for entry in _read_manifest(manifest))
        in_training += [key for key in own if key in fitted]
        trained |= fitted
    return Manifests(
        folder=path,
        entries=entries,
        several_folds=tuple(dict.fromkeys(several)),
        in_training=tuple(dict.fromkeys(in_training)),
        untested=tuple(key for key in trained if key not in entries),
    )


def _add(entries: dict[str, ManifestEntry], entry: ManifestEntry, path: Path) -> None:
    first = entries.setdefault(entry.key, entry)
    if replace(first, fold=entry.fold) != entry:
        raise RequestError(
            f"{path} says of {entry.key!r} something else than another line with this key ({entry.wav}, "
            f"{entry.label!r}; {first.wav}, {first.label!r}): correct one of the lines."
        )


def _fold_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise RequestError(f"There is no folder and no manifest {folder}: write {_FORM}.")
    try:
        inside = sorted(path for path in folder.iterdir() if path.is_dir())
        folds = [path for path in inside if _FOLD_FOLDER.fullmatch(path.name)]
        datasets = [] if folds else [path.name for path in inside if any(path.glob("fold_*/"))]
    except OSError as error:
        raise RequestError(f"{error.filename} cannot be read ({error.strerror}): check its permissions.") from error
    if not folds:
        has = f"; it holds the datasets {shorten(datasets, _LISTED)}" if datasets else ""
        raise RequestError(f"{folder} has no folders of folds (fold_1, fold_2, …){has}: write {_FORM}.")
    return sorted(folds, key=lambda path: (len(path.name), path.name))


def _manifest(folder: Path, part: str) -> Path | None:
    """The manifest of a part of a fold, if there is one."""
    found = sorted(folder.glob(f"*_{part}_{folder.name}.jsonl"))
    if len(found) > 1:
        raise RequestError(
            f"{folder} has several manifests of its {part} part ({shorten([path.name for path in found])}): keep one."
        )
    return found[0] if found else None


def _read_manifest(path: Path) -> Iterable[ManifestEntry]:
    lines = read_file(path, {".jsonl": read_json_lines}, what="a manifest")
    for number, line in enumerate(lines, start=1):
        texts = {name: _text(line.get(name)) for name in ("key", "wav", "emo", "start_time", "end_time")}
        if not (texts["key"] and texts["wav"]):
            raise RequestError(f"{path}: line {number} has no {'wav' if texts['key'] else 'key'}: fill it in.")
        stretch = texts["start_time"], texts["end_time"]
        yield ManifestEntry(storable(texts["key"]), texts["wav"], storable(texts["emo"]), stretch)


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _find_root(manifests: Manifests) -> Path:
    """The first folder below which a recording of the manifests lies.

    Raises:
        RequestError: There is none.
    """
    folder = manifests.folder.resolve()
    roots = dict.fromkeys((folder.parent.parent, folder.parent, folder))
    inside = [entry.wav for entry in manifests.entries.values() if _is_inside(entry.wav)]
    for root in roots:
        if any(os.path.isfile(root / wav) for wav in inside):  # noqa: PTH113 - Path raises for names that are too long
            return root
    example = next(iter(manifests.entries.values())).wav
    raise RequestError(
        f"Not one of the {len(manifests.entries):,} recordings that the manifests in {manifests.folder} name is there, "
        f"such as {example}: put the dataset's recordings where the manifests have them, below {folder.parent.parent}."
    )


def _is_inside(wav: str) -> bool:
    path = PurePosixPath(wav.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and not re.match(r"[A-Za-z]:|[a-z+]+://", wav)


def _locate(entry: ManifestEntry, root: Path) -> AudioFile | UnusableAudio:
    if not _is_inside(entry.wav):
        return UnusableAudio(f"It lies outside {root}, at {entry.wav}: write paths relative to it.")
    audio = AudioFile(root / entry.wav)
    if not any(entry.stretch):
        return audio
    try:
        start, stop = read_stretch({"start": entry.stretch[0], "stop": entry.stretch[1], "duration": ""})
    except ValueError as error:
        return UnusableAudio(str(error))
    return replace(audio, start_s=start, stop_s=stop)


def _read_speakers(folder: Path) -> dict[str, str]:
    """Key → speaker; empty where the dataset has no such file."""
    path = folder / _SPEAKERS
    if not path.is_file():
        return {}
    text = read_file(path, {".stm": lambda file: file.read_text(encoding="utf-8-sig")}, what="a list of speakers")
    lines = (_SPEAKER_LINE.search(line) for line in text.split("\n"))
    return {storable(line["key"].strip()): storable(line["speaker"]) for line in lines if line is not None}


def _read_codes(manifests: Manifests) -> dict[str, str]:
    """The meanings of the labels that occur, by the dataset's map; those that are no emotions are not in it."""
    path = manifests.folder / _LABEL_MAP
    if not path.is_file():
        return {}
    words = read_file(path, {".json": _read_words}, what="a map of labels")
    occurring = sorted({entry.label for entry in manifests.entries.values()})
    meanings = {label: emotion_of(words[label]) for label in occurring if label in words}
    return {label: emotion for label, emotion in meanings.items() if emotion is not None}


def _read_words(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(content, dict) or not all(isinstance(word, str) for word in content.values()):
        raise ValueError('it is no object of labels and words, such as {"hap": "Happy"}')
    return content


def _treated_specially(manifests: Manifests) -> Iterable[LeftOut]:
    lines = [
        ("untested", manifests.untested, "[clip is|clips are] in no test part of a fold", "not read"),
        (
            "several-folds",
            manifests.several_folds,
            "[clip is|clips are] in the test parts of several folds",
            "read once, in the first of them",
        ),
        (
            "in-training",
            manifests.in_training,
            "[clip is|clips are] in the training part of the fold that tests [it|them]",
            "read, although what others trained on this fold has heard [it|them]",
        ),
    ]
    for kind, keys, what, then in lines:
        if keys:
            yield left_out(kind, len(keys), keys, what, then)
