"""Why candidates could not process clips."""

import re

import pytest

from benchmark.reporting.leaderboard_failed_clips import failed_clips_list
from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.results.failed_clips import FailedClips
from tests.reporting.conftest import HOSTILE, board, described, scored


def failed(candidate: str = "org/model", reason: str = "too short", corpus: str = "ravdess") -> FailedClips:
    return FailedClips(candidate=candidate, corpus=corpus, reason=reason, clips=1200, examples=("a.wav", "b.wav"))


@pytest.mark.parametrize("emotion_clips", [{}, {"anger": 10, "fear": 10}])
def test_the_reason_stands_with_its_corpus(emotion_clips: dict[str, int]) -> None:
    rows = (failed(), failed(corpus="another"))
    found = leaderboard_markdown(board(scored(), corpora=(described(emotion_clips=emotion_clips),), failed_clips=rows))
    assert found.count("- **org/model**: 1,200 clips, such as a.wav: too short") == 1


def test_where_nothing_failed_nothing_is_said() -> None:
    assert failed_clips_list(board(scored()), "ravdess") == []


def test_a_great_many_reasons_are_not_all_listed() -> None:
    rows = tuple(failed(reason=f"reason {place}") for place in range(13))
    _, listed = failed_clips_list(board(scored(), failed_clips=rows), "ravdess")
    assert len(listed.splitlines()) == 11
    assert listed.endswith("3 reasons more")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_libraries_say_is_escaped(hostile: str) -> None:
    _, listed = failed_clips_list(board(scored(), failed_clips=(failed(hostile, hostile),)), "ravdess")
    assert "<script>" not in listed
    assert re.search(r"(?<!\\)\]\(", listed) is None
    assert len(listed.splitlines()) == 1
