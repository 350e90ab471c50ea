import pytest

from benchmark.results.leaderboard import CorpusSummary
from benchmark.scoring.suspicion.too_good import published_bests, too_good

EIGHT = ("anger", "calm", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def corpus(name: str, emotions: tuple[str, ...] = EIGHT, clips: int = 50, source: str = "folder:x") -> CorpusSummary:
    return CorpusSummary(
        name=name, source=source, synthetic=False, clips=400, available_clips=400, unreadable=(), unscored_labels={},
        emotion_clips=dict.fromkeys(emotions, clips), label_emotions={}, speakers=6, hours=1.0, merge={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("heard", "low", "expected"),
    [
        (corpus("ravdess"), 0.80, False),
        (corpus("ravdess"), 0.801, True),
        (corpus("RAVDESS_speech"), 0.801, True),
        (corpus("ravdess-heldout", source="ravdess:corpora/ravdess"), 0.801, True),
        (corpus("ravdess", EIGHT[:-1]), 0.9, False),
        (corpus("ravdess", EIGHT[:-1]), 0.97, True),
        (corpus("tess"), 0.999, False),
        (corpus("mine"), 0.96, False),
        (corpus("mine"), 0.97, True),
        (corpus("mine", ("anger",)), 0.99, False),
        (corpus("mine"), None, False),
        (corpus("emodb", ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")), 0.975, False),
        (corpus("meld", ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")), 0.38, True),
    ],
)
def test_a_lower_bound_is_held_against_the_published_best(
    heard: CorpusSummary, low: float | None, expected: bool
) -> None:
    assert (too_good(heard, low, 0.9) is not None) is expected


@pytest.mark.parametrize(("clips", "accuracy", "expected"), [(12, 1.0, True), (12, 0.99, False), (13, 1.0, False)])
def test_no_error_on_fewer_than_100_clips_is_too_good(clips: int, accuracy: float, expected: bool) -> None:
    assert (too_good(corpus("mine", clips=clips), 0.9, accuracy) is not None) is expected


def test_the_table_names_its_source_and_its_seven_corpora() -> None:
    bests = published_bests()
    assert "EmoBox" in bests.source
    assert {name for name, _ in bests.uar} == {"ravdess", "cremad", "iemocap", "savee", "emodb", "meld"}
    assert bests.exempt == {"tess"}
