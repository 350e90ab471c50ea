"""How much of each clip is speech, kept so that no clip is listened to twice."""

from pathlib import Path
from typing import ClassVar

from benchmark.results.files import CHOOSE_ANOTHER_CACHE, write_atomically
from benchmark.results.schema import StoredFile


class SpeechShares(StoredFile):
    """What one detector found out.

    Attributes:
        detector: Its name and version; what another one found is read as absent.
        shares: Clip hash → the share of the clip's time in which somebody speaks, a fraction.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    detector: str
    shares: dict[str, float]


def read_speech_shares(cache: Path, detector: str) -> dict[str, float]:
    """Read what `detector` found in former runs.

    Raises:
        RequestError: A newer version of bench wrote it.
    """
    kept = SpeechShares.read(_path(cache))
    return dict(kept.shares) if kept is not None and kept.detector == detector else {}


def save_speech_shares(cache: Path, detector: str, shares: dict[str, float]) -> None:
    """Keep what `detector` found, in place of all that was kept.

    Raises:
        RequestError: The cache cannot be written.
        UnavailableError: The disk is full.
    """
    content = SpeechShares(detector=detector, shares=shares).model_dump_json()
    write_atomically(_path(cache), content, remedy=CHOOSE_ANOTHER_CACHE)


def _path(cache: Path) -> Path:
    return cache / "speech.json"
