"""How far candidates agree without labels, and why they could not process clips."""

import pytest

from benchmark.reporting.leaderboard_corpora import agreement_section, failed_clips_list
from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.results.analyses import CorpusAgreement, FailedClips, PairAgreement, Voter
from tests.reporting.conftest import board, described, scored


def agreeing(**changes: object) -> CorpusAgreement:
    content = {
        "corpus": "calls",
        "clips": 40,
        "shared_emotions": ("anger", "neutral"),
        "voters": (
            Voter(candidate="a", clips=40, distribution={"neutral": 0.75, "anger": 0.25}, confidence=0.8,
                  majority_agreement=0.9, estimated_accuracy=0.85),
            Voter(candidate="copy", clips=40, distribution={"neutral": 1.0}, confidence=0.7, twin_of="a"),
        ),
        "pairs": (PairAgreement(first="a", second="b", agreement=0.5, kappa=0.125),),
        "alpha": 0.31,
        "model": "one-coin",
    }  # fmt: skip
    return CorpusAgreement.model_validate(content | changes)


def test_the_section_tells_its_limits_beside_its_numbers() -> None:
    text = "\n\n".join(agreement_section(agreeing()))
    assert "this is no ranking" in text
    assert "assumes that errors are independent" in text
    assert "one-coin" in text
    assert "neutral 0.75, anger 0.25" in text
    assert "alpha of them all is 0.31" in text
    assert "| a and b" in text


def test_where_nothing_is_estimated_the_reason_stands_there() -> None:
    text = "\n\n".join(agreement_section(agreeing(model=None, problem="There are 2 voters.", pairs=())))
    assert "There are 2 voters." in text
    assert "estimated from agreement" not in text


def test_kappa_is_explained_where_it_stands() -> None:
    assert "kappa takes off" in "\n\n".join(agreement_section(agreeing()))
    one_clip = PairAgreement(first="a", second="b", agreement=1.0, kappa=None)
    text = "\n\n".join(agreement_section(agreeing(pairs=(one_clip,))))
    assert "How often two agree." in text
    assert "kappa" not in text


def test_without_voters_there_is_no_section() -> None:
    assert agreement_section(agreeing(voters=())) == []


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
