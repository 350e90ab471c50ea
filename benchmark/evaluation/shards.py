"""Which clips of which candidates a shard of a run computes.

The work of a run lies on a line: the candidates in their order, and the clips of each in the order of their hashes.
Shard I of N takes the I-th of N parts of equal cost. So a shard runs as few candidates as it can: each that runs one
loads it, converts it and compares its engines anew.

The cost of a clip is its length times the number of the candidate's weights, each with an addition for what every call
takes. Both are known, and the same on all machines, before anything is computed; measured speeds are not.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from benchmark.errors import RequestError
from benchmark.evaluation.decoding import ClipSet
from benchmark.evaluation.eligibility import Subject

_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)
# Decoding, resampling and the first layers take about as long as so many weights, and a call as so much audio.
_WEIGHTS_OF_A_CALL = 5_000_000
_MS_OF_A_CALL = 250
_MS_PER_S = 1000


@dataclass(frozen=True)
class Shard:
    """Part `index` of `count`, from 1.

    Examples:
        >>> Shard.parse("3/20")
        Shard(index=3, count=20)
    """

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read a shard such as `3/20`.

        Raises:
            RequestError: It is none.
        """
        match = _SHARD.fullmatch((text or "").strip())
        shard = None if match is None else cls(int(match[1]), int(match[2]))
        if shard is None or not 1 <= shard.index <= shard.count:
            raise RequestError(f"--shard {text!r} is no part of a run: write I/N, from 1/N to N/N, such as 3/20.")
        return shard

    @property
    def is_first(self) -> bool:
        """Whether it does what is done once in a run."""
        return self.index == 1

    def own_clips(self, subjects: Sequence[Subject], clips: Mapping[str, ClipSet]) -> dict[str, ClipSet]:
        """The clips that this shard computes, by subject; a subject without any clip is the first shard's.

        Args:
            subjects: In the order that all shards have.
            clips: Of the whole run, by subject.
        """
        weights = [(subject.verification.parameters or 0) + _WEIGHTS_OF_A_CALL for subject in subjects]
        lengths = [_lengths(clips[subject.name]) for subject in subjects]
        costs = [weight * int(ms.sum()) for weight, (_, ms) in zip(weights, lengths, strict=True)]
        own: dict[str, ClipSet] = {}
        before, total = 0, sum(costs)
        for subject, weight, cost, (hashes, ms) in zip(subjects, weights, costs, lengths, strict=True):
            # A clip belongs where its middle lies; twice the middles are whole numbers, so that no rounding decides.
            middles = 2 * np.cumsum(ms) - ms
            first, last = (
                int(np.searchsorted(middles, -(-2 * (total * part - before * self.count) // (self.count * weight))))
                for part in (self.index - 1, self.index)
            )
            if first < last or (self.is_first and not hashes):
                own[subject.name] = clips[subject.name].only(set(hashes[first:last]))
            before += cost
        return own


def _lengths(clips: ClipSet) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The clips in the order of their hashes, and their lengths in milliseconds."""
    hashes = sorted(clips.audio)
    ms = [round(clips.durations[clip_hash] * _MS_PER_S) + _MS_OF_A_CALL for clip_hash in hashes]
    return hashes, np.array(ms, dtype=np.int64)
