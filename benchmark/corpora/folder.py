"""A folder of recordings, whose folder names may be labels."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmark.corpora.clips import Clip, storable
from benchmark.corpora.sources import AudioFile
from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError

AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64"}
    | {".rf64", ".sph"}
    # Recordings of formats that cannot be decoded everywhere are clips all the same: they are reported as unreadable.
    | {".m4a", ".aac", ".wma", ".amr", ".webm", ".mp4", ".3gp"}
)

_SHOWN_NAMES = 5


@dataclass(frozen=True)
class FolderContents:
    """What a folder holds.

    Attributes:
        clips: By path, in sorted order.
        notes: What a person should know of how it was read.
        codes: The corpus's own codes for labels: code → canonical class.
    """

    clips: tuple[Clip, ...]
    notes: tuple[str, ...] = ()
    codes: dict[str, str] = field(default_factory=dict)

    def with_note(self, note: str) -> "FolderContents":
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))


def read_folder(folder: Path, *, labels: Mapping[str, str] | None = None) -> FolderContents:
    """Find the recordings below `folder` and take their labels from the folders' names.

    The labels are at the level of folders where most recordings lie in one whose name is an emotion
    (`anger/a.wav`, `speaker1/anger/a.wav`). Where no folder's name is one, the recordings have no labels.

    Args:
        folder: Where to look, at any depth.
        labels: The user's overrides; a folder named by one of them is a label too.

    Raises:
        RequestError: There is no such folder, it cannot be read, or there is no recording in it.
    """
    paths = find_recordings(folder)
    folders = {path: path.relative_to(folder).parent.parts for path in paths}
    level = _label_level(list(folders.values()), labels or {})
    clips = tuple(
        Clip(
            name=storable(path.relative_to(folder).as_posix()),
            audio=AudioFile(path),
            label=storable(parts[level]) if level is not None and level < len(parts) else None,
        )
        for path, parts in folders.items()
    )
    return FolderContents(clips, _notes(folder, paths, level))


def find_recordings(folder: Path, *, kind: str = "folder") -> list[Path]:
    """Find all recordings below a folder, at any depth, sorted by path.

    Args:
        folder: Where to look.
        kind: What the user wrote before the colon.

    Raises:
        RequestError: There is no such folder, it cannot be read, or there is no recording in it.
    """
    if not folder.exists():
        raise RequestError(f"There is no folder {folder}: check the path after `{kind}:`.")
    if not folder.is_dir():
        raise RequestError(f"{folder} is a file, not a folder: for a table of clips write `table:{folder}`.")

    def refuse(error: OSError) -> None:
        raise RequestError(f"{error.filename} cannot be read ({error.strerror}): check its permissions.") from error

    paths: list[Path] = []
    for current, subfolders, files in os.walk(folder, onerror=refuse):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        paths += [
            Path(current, name)
            for name in files
            # Names that begin with a dot are leftovers of file managers, such as macOS's "._clip.wav".
            if Path(name).suffix.lower() in AUDIO_SUFFIXES and not name.startswith(".")
        ]
    if not paths:
        endings = ", ".join(sorted(AUDIO_SUFFIXES))
        raise RequestError(f"There is no recording in {folder} (looked for {endings}, at any depth).")
    return sorted(paths)


def shorten(names: Sequence[str]) -> str:
    """List the first names of many.

    Examples:
        >>> shorten(["a", "b", "c", "d", "e", "f"])
        'a, b, c, d, e, …'
    """
    return ", ".join(names[:_SHOWN_NAMES]) + (", …" if len(names) > _SHOWN_NAMES else "")


def _label_level(folders: list[tuple[str, ...]], labels: Mapping[str, str]) -> int | None:
    emotional = Counter(
        level for parts in folders for level, name in enumerate(parts) if name in labels or emotion_of(name) is not None
    )
    return max(emotional, key=lambda level: (emotional[level], -level)) if emotional else None


def _notes(folder: Path, paths: list[Path], level: int | None) -> tuple[str, ...]:
    table = folder / "metadata.csv"
    if table.is_file():
        return (f"{folder} holds a metadata.csv that is not read; for its labels use `table:{table}`.",)
    names = sorted({parts[0] for path in paths if len(parts := path.relative_to(folder).parts) > 1})
    if level is not None or not names:
        return ()
    return (
        f"No folder in {folder} is named after an emotion ({shorten(names)}), so its clips count as unlabelled; "
        "where the names are labels, say what they mean under `labels:` of the corpus in the registry.",
    )
