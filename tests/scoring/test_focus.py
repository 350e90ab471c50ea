import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmark.errors import RequestError
from benchmark.results.analyses import FocusScore
from benchmark.scoring.focus import SortedClips, emotion_names
from tests.scoring.conftest import RunBuilder, clip_record, mostly_right


def focused(run: RunBuilder, *emotions: str) -> dict[str, FocusScore]:
    return {score.candidate: score for score in run.score(focus=emotions).focus}


def test_sorted_once_every_weighting_gives_what_scikit_learn_gives() -> None:
    generator = np.random.default_rng(1)
    positive, chances = generator.random(300) < 0.3, generator.integers(0, 40, 300) / 40
    clips = SortedClips(positive, chances)
    for weights in (generator.integers(0, 3, 300), generator.random(300) < 0.7, np.ones(300)):
        expected = [
            score(positive, chances, sample_weight=weights) for score in (average_precision_score, roc_auc_score)
        ]
        assert clips.measures(weights) == pytest.approx(expected, abs=1e-12)


def test_a_good_candidate_finds_it_with_an_interval_over_speakers(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    run.add(run.candidate("good"), corpus, mostly_right(corpus, 0.2, 0))
    run.add(run.candidate("perfect"), corpus, mostly_right(corpus, 0.0, 0))
    run.add(run.candidate("deaf"), corpus, ["anger"] * len(corpus.clips))
    run.add(run.candidate("other", ("fear", "sadness")), corpus, ["fear"] * len(corpus.clips))
    scores = focused(run, "anger")
    good, perfect, deaf, other = (scores[name] for name in ("good", "perfect", "deaf", "other"))
    assert (good.interval, good.clips, good.share) == ("speakers", 32, 0.2)
    assert 0.5 < (good.auroc_low or 0) < (good.auroc or 0) < (good.auroc_high or 0) < 1
    assert (good.average_precision_low or 0) < (good.average_precision or 0) < (good.average_precision_high or 0)
    assert (perfect.auroc, perfect.average_precision, perfect.interval) == (1.0, 1.0, "wilson")
    assert (deaf.auroc, deaf.average_precision) == pytest.approx((0.5, 0.2))
    assert (other.auroc, other.average_precision, other.interval) == (None, None, None)


def test_unknown_speakers_give_intervals_over_clips(run: RunBuilder) -> None:
    clips = [clip_record(f"{label}{n}", label=label) for label in ("anger", "fear") for n in range(20)]
    corpus = run.corpus("mine", clips)
    run.add(run.candidate("a"), corpus, mostly_right(corpus, 0.3, 0))
    score = focused(run, "anger")["a"]
    assert score.interval == "clips"
    assert (score.auroc_low or 0) < (score.auroc or 0) < (score.auroc_high or 0)


def test_a_clip_that_could_not_be_processed_is_found_last(run: RunBuilder) -> None:
    clips = [clip_record(f"{label}{n}", label=label, speaker=f"s{n}") for label in ("anger", "fear") for n in range(4)]
    run.add(run.candidate("a"), run.corpus("mine", clips), [None, *["anger"] * 3, *["fear"] * 4])
    assert focused(run, "anger")["a"].auroc == pytest.approx(0.75)


def test_an_emotion_that_no_clip_or_every_clip_has_cannot_be_looked_for(run: RunBuilder) -> None:
    corpus = run.corpus("mine", [clip_record(str(number), label="anger") for number in range(5)])
    run.add(run.candidate("a"), corpus, ["anger"] * 5)
    assert focused(run, "anger", "fear") == {}


def test_an_unknown_emotion_is_refused_with_the_nearest() -> None:
    assert emotion_names(["Wut", "anger", "fear"]) == ("anger", "fear")
    with pytest.raises(RequestError, match="angerr"):
        emotion_names(["angerr"])
