"""Folders and tables at addresses of object stores and the Hub, such as `s3://bucket/speech`.

Workers list and fetch: no file system of fsspec is opened in this process. Nothing at an address leads to files of this
machine: who writes a table in a bucket need not be who runs it.
"""

import posixpath
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.audio_sources import AudioAddress, UnusableAudio
from benchmark.corpora.clips import CorpusContents
from benchmark.corpora.fetching import UnreachableAudio
from benchmark.corpora.folder import AUDIO_SUFFIXES, USUAL_TABLE, label_by_folders
from benchmark.corpora.rows import Located, read_rows
from benchmark.corpora.table import MOST_ROWS, read_table_rows
from benchmark.errors import RequestError, UnavailableError
from benchmark.registry.locations import is_address

# What fsspec needs for a kind of address, and what pip calls it; what `hf` needs comes with bench.
_LIBRARIES = {"abfs": "adlfs", "az": "adlfs", "gs": "gcsfs", "s3": "s3fs"}
_EXTRAS = {"s3fs": '"ser-bench[s3]"'}


def read_remote_folder(folder: str, *, labels: Mapping[str, str], reader: AudioReader) -> CorpusContents:
    """Find the recordings below a folder at an address and label them as `read_folder` does.

    Raises:
        RequestError: A library is missing, or there is no recording.
        UnavailableError: It cannot be listed now.
    """
    folder = folder.rstrip("/")
    require_library(folder)
    try:
        names = reader.fetcher.find_files(folder, {*AUDIO_SUFFIXES, USUAL_TABLE}, most=MOST_ROWS)
    except UndecodableAudio as error:
        raise _explained(error) from error
    recordings = {
        PurePosixPath(name): AudioAddress(f"{folder}/{name}")
        for name in names
        if PurePosixPath(name).suffix.lower() in AUDIO_SUFFIXES
    }
    if not recordings:
        endings = ", ".join(sorted(AUDIO_SUFFIXES))
        raise RequestError(f"There is no recording in {folder} (looked for {endings}, at any depth).")
    return label_by_folders(recordings, labels, folder=folder, has_table=USUAL_TABLE in names)


def read_remote_table(table: str, *, columns: Mapping[str, str], reader: AudioReader) -> CorpusContents:
    """Read a table at an address as `read_table` does; relative paths are relative to the address of its folder.

    Raises:
        RequestError: A library is missing, there is no table, or it is not what its name says.
        UnavailableError: It cannot be fetched now.
    """
    require_library(table)
    try:
        copy = reader.fetcher.path(table, suffix=PurePosixPath(table).suffix.lower())
    except UndecodableAudio as error:
        raise _explained(error) from error
    try:
        roles, rows = read_table_rows(copy, columns=columns)
    except RequestError as error:
        raise RequestError(str(error).replace(str(copy), table)) from error
    folder = table.rpartition("/")[0]
    return read_rows(table, roles, rows, lambda location: locate_remotely(location, folder))


def locate_remotely(location: str, folder: str) -> Located:
    """Find the audio that a table in a folder at an address names: a path relative to the folder, or an address.

    Examples:
        >>> locate_remotely("anger/a.wav", "s3://bucket/speech").location
        's3://bucket/speech/anger/a.wav'
        >>> locate_remotely("../../other/a.wav", "s3://bucket/speech")
        UnusableAudio(reason='The path ../../other/a.wav leads out of s3://bucket: write paths relative to the table.')
    """
    if is_address(location) and not location.lower().startswith("file:"):
        return AudioAddress(location)
    if is_address(location) or location.startswith(("/", "~")) or Path(location).is_absolute():
        return UnusableAudio(
            f"{location} is a file of one machine, and the table is at an address: write relative paths."
        )
    protocol, _, path = folder.partition("://")
    bucket, _, below = path.partition("/")
    inside = posixpath.normpath(posixpath.join(below, location.replace("\\", "/")))
    if inside.split("/")[0] == "..":
        root = f"{protocol}://{bucket}"
        return UnusableAudio(f"The path {location} leads out of {root}: write paths relative to the table.")
    return AudioAddress(f"{protocol}://{bucket}/{inside}")


def require_library(address: str) -> None:
    """Raise RequestError where the library that reads an address is not installed."""
    library = _LIBRARIES.get(address.partition("://")[0])
    if library is not None and find_spec(library) is None:
        raise RequestError(f"{address} needs {library}: `pip install {_EXTRAS.get(library, library)}`.")


def _explained(error: UndecodableAudio) -> RequestError | UnavailableError:
    return UnavailableError(error.reason) if isinstance(error, UnreachableAudio) else RequestError(error.reason)
