from collections.abc import Sequence

import numpy as np
import pytest

from benchmark.corpora.answer_tables import AnswerTable
from benchmark.corpora.audio_sources import UnusableAudio
from benchmark.evaluation.decoding import DecodedCorpus
from benchmark.evaluation.imported import match_clips
from benchmark.results.runs import ClipRecord, CorpusRecord


def table_of(clips: Sequence[str], *, by_hash: bool = False) -> AnswerTable:
    logits = np.zeros((len(clips), 2), dtype=np.float32)
    return AnswerTable(
        digest="d", clips=tuple(clips), by_hash=by_hash, labels=("anger", "joy"), logits=logits, failures={},
        has_scores=True,
    )  # fmt: skip


def corpus_of(*names: str) -> DecodedCorpus:
    """A corpus whose clips have their number as hash."""
    clips = tuple(ClipRecord(clip=name, clip_hash=str(number), duration_s=1.0) for number, name in enumerate(names))
    record = CorpusRecord(name="calls", source="table:calls.csv", clips=clips, available_clips=len(clips))
    return DecodedCorpus(record, {str(number): UnusableAudio("not read here") for number in range(len(names))})


@pytest.mark.parametrize(
    ("rows", "clips", "expected"),
    [
        (["b.wav", "a.wav"], ["a.wav", "b.wav"], {"0": 1, "1": 0}),
        (["/data/calls/1/a.wav"], ["1/a.wav", "2/a.wav"], {"0": 0}),
        (["C:\\calls\\2\\a.wav"], ["1/a.wav", "2/a.wav"], {"1": 0}),
        (["a", "./b.mp3"], ["calls/a.wav", "calls/b.wav"], {"0": 0, "1": 1}),
        (["a.v2.wav"], ["a.v2.flac", "a.wav"], {"0": 0}),
        (["a.wav"], ["1/a.wav", "2/a.wav"], {}),
        (["1/a.wav", "2/a.wav"], ["a.wav"], {}),
        (["ba.wav"], ["a.wav"], {}),
        (["a.wav", "a.wav"], ["a.wav"], {"0": 1}),
        (["a.wav", "x/a.wav"], ["a.wav", "x/a.wav"], {"0": 0, "1": 1}),
    ],
)
def test_rows_find_their_clips_by_the_ends_of_paths(
    rows: list[str], clips: list[str], expected: dict[str, int]
) -> None:
    assert match_clips(table_of(rows), corpus_of(*clips)) == expected


def test_rows_find_their_clips_by_hash() -> None:
    assert match_clips(table_of(["1", "9"], by_hash=True), corpus_of("a.wav", "b.wav")) == {"1": 0}
