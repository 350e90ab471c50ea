"""Shares of speech, kept by clip so that no clip goes through the detector twice."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from benchmark.results.cache_entries import CacheKind, EntryKey, EntryParts
from benchmark.results.schema import StoredFile


class SpeechShares(StoredFile):
    """By clip hash, the share of the clip's time in which somebody speaks, according to one version of a detector."""

    detector: str
    shares: dict[str, float]


def read_speech_shares(cache: Path, detector: str) -> dict[str, float]:
    """Read the shares that `detector` found in former runs, by clip hash."""
    parts = _parts(cache, detector)
    return _read(parts, parts.names(), detector)


def save_speech_shares(cache: Path, detector: str, shares: Mapping[str, float]) -> None:
    """Add to the shares that `detector` found before; shares of other detectors are deleted.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    parts = _parts(cache, detector)
    names = parts.names()
    document = SpeechShares(detector=detector, shares={**_read(parts, names, detector), **shares})
    parts.merge(names, document.model_dump_json().encode())


def _parts(cache: Path, detector: str) -> EntryParts:
    return EntryParts(
        cache=cache,
        kind=CacheKind.SPEECH,
        key=EntryKey(details={"detector": detector}),
        content_schema=SpeechShares.known_version(),
        prefix="speech/part",
        suffix=".json",
    )


def _read(parts: EntryParts, names: Iterable[str], detector: str) -> dict[str, float]:
    shares: dict[str, float] = {}
    for name in names:
        with suppress(FileNotFoundError):  # merged by another process meanwhile
            content = parts.read_or_set_aside(name)
            document = None if content is None else SpeechShares.parse(content, parts.storage.location(name))
            if document is not None and document.detector == detector:
                shares.update(document.shares)
    return shares
