from pathlib import Path

import pytest

from benchmark.corpora.clips import AudioFile, Clip
from benchmark.corpora.ratings import Rating, count_votes, join_ratings
from benchmark.errors import RequestError


def rating(name: str, label: str | None, rater: str = "", **fields: str) -> Rating:
    return Rating(Clip(name=name, audio=AudioFile(Path(name)), label=label, **fields), rater)  # type: ignore[arg-type]  # str fields only


@pytest.mark.parametrize("value", ["-1", "1.5", "many", "nan", "inf"])
def test_what_is_no_number_of_people_is_one_sentence(value: str) -> None:
    with pytest.raises(RequestError, match="votes_anger"):
        count_votes("t.csv", {"anger": value})


def test_nobody_having_rated_is_not_a_vote() -> None:
    assert count_votes("t.csv", {"anger": "", "fear": "0"}) is None


def test_rows_of_one_clip_become_one_clip_with_its_votes() -> None:
    clips, notes = join_ratings(
        [rating("a", "anger", "1"), rating("b", "fear", "1"), rating("a", "fear", "2"), rating("a", "anger", "3")]
    )
    assert [(clip.name, clip.votes, clip.label) for clip in clips] == [
        ("a", {"anger": 2, "fear": 1}, None),
        ("b", {"fear": 1}, None),
    ]
    assert notes == ()


def test_of_two_ratings_by_one_rater_the_last_counts() -> None:
    clips, notes = join_ratings([rating("a", "anger", "1"), rating("a", "calm", "2"), rating("a", "fear", "1")])
    assert clips[0].votes == {"fear": 1, "calm": 1}
    assert notes[0].startswith("1 ratings")


def test_rows_without_a_rater_are_different_people() -> None:
    assert join_ratings([rating("a", "anger"), rating("a", "anger")])[0][0].votes == {"anger": 2}


def test_a_rater_who_said_nothing_casts_no_vote() -> None:
    assert join_ratings([rating("a", "anger", "1"), rating("a", None, "2")])[0][0].votes == {"anger": 1}


def test_single_ratings_are_labels() -> None:
    clips, _ = join_ratings([rating("a", "anger", "1"), rating("b", "fear", "2")])
    assert [(clip.label, clip.votes) for clip in clips] == [("anger", None), ("fear", None)]


def test_what_only_a_later_row_says_is_kept() -> None:
    clips, _ = join_ratings([rating("a", "anger", "1"), rating("a", "anger", "2", speaker="s1", sex="female")])
    assert (clips[0].speaker, clips[0].sex) == ("s1", "female")


def test_of_other_columns_the_first_row_that_says_anything_counts() -> None:
    one, other = (
        Rating(Clip(name="a", audio=AudioFile(Path("a")), label="anger", attributes=said), rater)
        for rater, said in (("1", {"age": "30"}), ("2", {"age": "31", "room": "hall"}))
    )
    clips, _ = join_ratings([one, other])
    assert clips[0].attributes == {"age": "30", "room": "hall"}
