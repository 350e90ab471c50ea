"""Merges that a user asks for."""

from collections.abc import Mapping

import pytest

from benchmark.emotions.merges import NO_MERGES, Merges
from benchmark.errors import RequestError


@pytest.mark.parametrize(
    ("merges", "ends"),
    [
        ([], {}),
        ({}, {}),
        (["calm=neutral"], {"calm": "neutral"}),
        ([" Excited = joy "], {"excitement": "happiness"}),
        ({"calm": "neutral"}, {"calm": "neutral"}),
        (["calm=neutral", "serene=neutral"], {"calm": "neutral"}),
        (
            ["amusement=excitement", "excitement=happiness", "happiness=positive"],
            {"amusement": "positive", "excitement": "positive", "happiness": "positive"},
        ),
        (["b=neutral"], None),
        (["positive=other"], {"positive": "other"}),
        (["other=neutral"], {"other": "neutral"}),
    ],
)
def test_merges_are_followed_to_their_end(merges: list[str] | Mapping[str, str], ends: dict[str, str] | None) -> None:
    if ends is None:
        with pytest.raises(RequestError, match="unknown emotion"):
            Merges(merges)
    else:
        assert Merges(merges).as_dict() == ends


@pytest.mark.parametrize(
    ("merges", "message"),
    [
        (["calm"], "'calm' is not a merge"),
        (["calm="], "is not a merge"),
        (["=calm"], "is not a merge"),
        (["calm=neutral=sad"], "is not a merge"),
        (["calm=neutrall"], "unknown emotion 'neutrall'; did you mean 'neutral'"),
        (["zzz=neutral"], "unknown emotion 'zzz'"),
        (["calm=calm"], "both sides are calm"),
        (["joy=happy"], "both sides are happiness"),
        (["calm=neutral", "neutral=calm"], "circle, calm = neutral = calm"),
        (["anger=fear", "fear=sadness", "sadness=fear"], "circle, fear = sadness = fear"),
        (["calm=neutral", "calm=sadness"], "calm is merged into both neutral and sadness"),
        (["positive=happiness"], "a coarse class is not one emotion"),
        (["anger=negative", "negative=fear"], "a coarse class is not one emotion"),
    ],
)
def test_a_merge_that_makes_no_sense_is_refused_with_the_reason(merges: list[str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Merges(merges)


def test_one_text_is_one_merge() -> None:
    assert Merges("calm=neutral") == Merges({"calm": "neutral"})


def test_merges_are_false_when_there_are_none() -> None:
    assert not NO_MERGES
    assert Merges(["calm=neutral"])


def test_equal_merges_are_equal_however_they_were_written() -> None:
    written, mapped = Merges(["serene=neutral"]), Merges({"calm": "neutral"})
    assert written == mapped
    assert hash(written) == hash(mapped)
    assert repr(written) == "Merges(['calm=neutral'])"


def test_what_maps_to_nothing_stays_unmapped() -> None:
    assert Merges(["calm=neutral"]).apply(None) is None
