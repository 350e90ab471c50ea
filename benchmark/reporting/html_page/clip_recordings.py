"""Which clips of the page have a recording, and the two lists of clips as one list to embed from."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from benchmark.reporting.html_page.recordings import Recordings
from benchmark.results.hard_clips import HardClips
from benchmark.results.leaderboard import Leaderboard


def recording_data(leaderboard: Leaderboard, recordings: Recordings, folder: Path) -> list[dict[str, Any]]:
    """Find the recordings of all clips that the page lists.

    Args:
        leaderboard: The scored run.
        recordings: Where audio comes from.
        folder: Where the page will lie.

    Returns:
        Per corpus that has any, in the order of the corpora: addresses by list (`wrong`, `disputed`) and place in it.
    """
    return [_of_corpus(found, recordings, folder) for found in leaderboard.hard_clips]


def _of_corpus(found: HardClips, recordings: Recordings, folder: Path) -> dict[str, Any]:
    addresses = recordings.find(found.corpus, list(dict.fromkeys(_by_turns(found))), folder)
    names = list(addresses)
    place = {name: index for index, name in enumerate(names)}
    return {
        "recordings": [(each.address, each.embedded, each.cut) for each in addresses.values()],
        "wrong": [place.get(clip.clip) for clip in found.most_wrong],
        "disputed": [place.get(clip.clip) for clip in found.most_disputed],
    }


def _by_turns(found: HardClips) -> Iterator[str]:
    for wrong, disputed in zip_longest(found.most_wrong, found.most_disputed):
        for clip in (wrong, disputed):
            if clip is not None:
                yield clip.clip
