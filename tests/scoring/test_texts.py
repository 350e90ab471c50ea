import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.scoring.decisions import Decisions, SpeakerCounts, TextCounts, confusion_matrix, count_by_text
from benchmark.scoring.intervals import IntervalMethod, accuracy_interval, uar_interval
from benchmark.scoring.texts import corpus_texts, few_texts

EMOTIONS = ("anger", "fear")
SPEAKERS, TEXTS = 6, 4


def play(*, texts: int = TEXTS) -> tuple[Decisions, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Every speaker says every text with both emotions; the first text is understood, the others at times."""
    cells = [(who, text, emotion) for who in range(SPEAKERS) for text in range(texts) for emotion in range(2)]
    truth = np.array([emotion for _, _, emotion in cells])
    right = np.array([text == 0 or (who + text + emotion) % (2 + who % 2) == 0 for who, text, emotion in cells])
    decisions = Decisions(
        emotions=EMOTIONS, truth=truth, answers=np.where(right, truth, 2), confidence=np.full(len(cells), 0.5)
    )
    speakers = tuple(f"s{who}" for who, _, _ in cells)
    return decisions, speakers, tuple(f"t{text}" for _, text, _ in cells), tuple(EMOTIONS[at] for at in truth)


def by_rows(decisions: Decisions, rows: NDArray[np.int64]) -> SpeakerCounts:
    clips, hits = np.zeros((2, rows.max() + 1, 2), dtype=np.int64)
    np.add.at(clips, (rows, decisions.truth), 1)
    np.add.at(hits, (rows, decisions.truth), decisions.correct)
    return SpeakerCounts(hits=hits, clips=clips)


def test_the_variance_over_texts_is_added_and_widens_the_intervals() -> None:
    decisions, speakers, texts, truth = play()
    found = corpus_texts(texts, speakers, truth)
    counts = by_rows(decisions, np.array([int(name[1:]) for name in speakers]))
    by_text = count_by_text(decisions, found)
    confusion = confusion_matrix(decisions)
    for interval in (uar_interval, accuracy_interval):
        alone, both = interval(confusion, counts), interval(confusion, counts, by_text)
        assert alone is not None
        assert both is not None
        assert (alone.method, both.method) == (IntervalMethod.SPEAKERS, IntervalMethod.TEXTS)
        assert both.low < alone.low - 0.05
        assert both.high > alone.high + 0.05


def test_a_corpus_with_two_texts_of_an_emotion_does_not_stand_for_others() -> None:
    decisions, speakers, texts, truth = play(texts=2)
    found = corpus_texts(texts, speakers, truth)
    assert found is not None
    assert (found.texts, found.fewest, few_texts(found)) == (2, 2, 2)
    assert count_by_text(decisions, found) is None


@pytest.mark.parametrize("unknown", ["text", "speaker", "shared"])
def test_unknown_texts_unknown_speakers_and_texts_of_one_speaker_add_nothing(unknown: str) -> None:
    decisions, speakers, texts, truth = play()
    if unknown == "text":
        assert corpus_texts((None, *texts[1:]), speakers, truth) is None
        # A clip that is not scored need not have a text.
        assert corpus_texts((None, *texts[1:]), speakers, (None, *truth[1:])) is not None
    elif unknown == "speaker":
        assert corpus_texts(texts, (None, *speakers[1:]), truth) is None
    else:
        own = [f"{text} of {speaker}" for text, speaker in zip(texts, speakers, strict=True)]
        assert corpus_texts(own, speakers, truth) is None
    assert count_by_text(decisions, None) is None


def test_texts_of_one_speaker_have_no_variance_of_their_own() -> None:
    decisions, speakers, texts, truth = play()
    own = [text if text != "t3" else f"t3 of {who}" for text, who in zip(texts, speakers, strict=True)]
    shared = count_by_text(decisions, corpus_texts(own, speakers, truth))
    every = count_by_text(decisions, corpus_texts(texts, speakers, truth))
    assert isinstance(shared, TextCounts)
    assert every is not None
    assert shared.texts == TEXTS - 1 + SPEAKERS
    assert shared.hits.tolist() == every.hits[:-1].tolist()
