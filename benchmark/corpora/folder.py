"""A folder of recordings, whose folder names may be labels."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from benchmark.corpora.audio_sources import AudioFile, AudioSource
from benchmark.corpora.clips import Clip, CorpusContents
from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError, shorten
from benchmark.hub.repository_facts import storable

AUDIO_SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64"}
    | {".rf64", ".sph"}
    # Recordings of formats that cannot be decoded everywhere are clips all the same: they are reported as unreadable.
    | {".m4a", ".aac", ".wma", ".amr", ".webm", ".mp4", ".3gp"}
)
USUAL_TABLE = "metadata.csv"
FolderContents = CorpusContents
"""The name by which installed packages import it."""


def read_folder(folder: Path, *, labels: Mapping[str, str] | None = None) -> CorpusContents:
    """Find the recordings below `folder` and take their labels from the folders' names.

    The labels are at the level of folders where most recordings lie in one whose name is an emotion
    (`anger/a.wav`, `speaker1/anger/a.wav`). Where no folder's name is one, the recordings have no labels.

    Args:
        labels: The user's overrides; a folder named by one of them is a label too.

    Raises:
        RequestError: There is no such folder, it cannot be read, or there is no recording in it.
    """
    recordings = {
        PurePosixPath(path.relative_to(folder).as_posix()): AudioFile(path) for path in find_recordings(folder)
    }
    return label_by_folders(recordings, labels or {}, folder=str(folder), has_table=(folder / USUAL_TABLE).is_file())


def label_by_folders(
    recordings: Mapping[PurePosixPath, AudioSource], labels: Mapping[str, str], *, folder: str, has_table: bool
) -> CorpusContents:
    """Make clips of recordings, labelled as `read_folder` says.

    Args:
        recordings: By path relative to the folder.
        labels: As of `read_folder`.
        folder: What notes call the folder.
        has_table: Whether it holds a `metadata.csv`.
    """
    folders = {path: path.parent.parts for path in recordings}
    levels = Counter(
        level
        for parts in folders.values()
        for level, name in enumerate(parts)
        if name in labels or emotion_of(name) is not None
    )
    label_level = max(levels, key=lambda level: (levels[level], -level)) if levels else None
    clips = tuple(
        Clip(
            name=storable(str(path)),
            audio=recordings[path],
            label=storable(parts[label_level]) if label_level is not None and label_level < len(parts) else None,
        )
        for path, parts in folders.items()
    )
    notes: tuple[str, ...] = ()
    names = sorted({parts[0] for parts in folders.values() if parts})
    if has_table:
        table = f"{folder.rstrip('/')}/{USUAL_TABLE}"
        notes = (f"{folder} holds a {USUAL_TABLE} that is not read; for its labels use `table:{table}`.",)
    elif label_level is None and names:
        notes = (
            f"No folder in {folder} is named after an emotion ({shorten(names)}), so its clips count as unlabelled; "
            "where the names are labels, say what they mean under `labels:` of the corpus in the registry.",
        )
    return CorpusContents(clips, notes)


def find_recordings(folder: Path, *, kind: str = "folder") -> list[Path]:
    """Find all recordings below a folder, at any depth, sorted by path.

    Args:
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
