import pytest

from benchmark.reporting.leaderboard_corpora import agreement_section, failed_clips_list
from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.results.analyses import CorpusAgreement, FailedClips, PairAgreement, Voter
from tests.reporting.conftest import board, described, scored


def agreement_text(**changes: object) -> str:
    voters = (
        Voter(candidate="a", clips=40, distribution={"neutral": 0.75, "anger": 0.25}, confidence=0.8,
              majority_agreement=0.9, estimated_accuracy=0.85),
        Voter(candidate="copy", clips=40, distribution={"neutral": 1.0}, confidence=0.7, twin_of="a"),
    )  # fmt: skip
    pairs = (PairAgreement(first="a", second="b", agreement=0.5, kappa=0.125),)
    content = {"corpus": "calls", "clips": 40, "shared_emotions": ("anger", "neutral"), "voters": voters}
    content |= {"pairs": pairs, "alpha": 0.31, "model": "one-coin"} | changes
    run = board(agreements=(CorpusAgreement.model_validate(content),))
    assert agreement_section(run, "another") == []
    return "\n\n".join(agreement_section(run, "calls"))


def test_the_agreement_is_shown_with_its_limits() -> None:
    text = agreement_text()
    for fact in ("this is no ranking", "assumes that errors are independent", "one-coin", "neutral 0.75, anger 0.25",
                 "alpha of them all is 0.31", "| a and b", "kappa takes off"):  # fmt: skip
        assert fact in text
    assert agreement_text(voters=()) == ""


def test_an_estimate_and_kappa_are_explained_only_if_they_are_known() -> None:
    pair = PairAgreement(first="a", second="b", agreement=1.0, kappa=None)
    text = agreement_text(model=None, problem="There are 2 voters.", pairs=(pair,))
    assert "There are 2 voters." in text
    assert "How often two agree." in text
    assert not [word for word in ("estimated from agreement", "kappa") if word in text]


def failed(reason: str = "too short", corpus: str = "ravdess") -> FailedClips:
    return FailedClips(candidate="org/model", corpus=corpus, reason=reason, clips=1200, examples=("a.wav", "b.wav"))


@pytest.mark.parametrize("emotion_clips", [{}, {"anger": 10, "fear": 10}])
def test_failed_clips_stand_with_their_corpus(emotion_clips: dict[str, int]) -> None:
    corpora = (described(emotion_clips=emotion_clips),)
    text = leaderboard_markdown(board(scored(), corpora=corpora, failed_clips=(failed(), failed(corpus="another"))))
    assert text.count("- **org/model**: 1,200 clips, such as a.wav: too short") == 1


def test_of_many_reasons_of_failures_the_first_are_listed() -> None:
    reasons = tuple(failed(reason=f"reason {number}") for number in range(13))
    _, listed = failed_clips_list(board(scored(), failed_clips=reasons), "ravdess")
    assert len(listed.splitlines()) == 11
    assert listed.endswith("3 reasons more")
    assert failed_clips_list(board(scored()), "ravdess") == []


def test_scores_on_few_texts_hold_for_these_sentences_only() -> None:
    sentence = "Every score **holds for these sentences**: speakers share them, and an emotion has only 2 texts."
    assert sentence in leaderboard_markdown(board(scored(), corpora=(described(few_texts=2),)))
    assert "these sentences" not in leaderboard_markdown(board(scored(), corpora=(described(),)))
