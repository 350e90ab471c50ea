import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from benchmark.results.analyses import CandidateCues, Robustness
from benchmark.scoring.cues import guessing_p_value
from benchmark.scoring.decisions import SpeakerCounts
from tests.scoring.conftest import RunBuilder, clip_record, labels_of, mostly_right

FORMS = ("loudness", "flat-pitch", "scramble:100ms", "lowpass:0.4k", "pauses")


def ablated(run: RunBuilder, **answers: list[str | None]) -> tuple[CandidateCues, dict[str, Robustness]]:
    """A candidate that is mostly right, and as right without a cue, but for these answers, and guesses from pauses."""
    corpus = run.acted_corpus(speakers=8)
    model = run.candidate("a")
    run.add(model, corpus, mostly_right(corpus, 0.2, 1))
    usual = {"pauses": mostly_right(corpus, 0.8, 3)}
    for form in FORMS:
        name = form.partition(":")[0].replace("-", "_")
        run.add(model, corpus, (usual | answers).get(name, mostly_right(corpus, 0.2, 1)), perturbation=form)
    board = run.score()
    (cues,) = board.cues
    return cues, {row.perturbation: row for row in board.robustness}


def test_a_cue_is_worth_what_is_lost_without_it_and_pauses_what_they_score_above_guessing(run: RunBuilder) -> None:
    corpus = RunBuilder().acted_corpus(speakers=8)
    cues, rows = ablated(run, scramble=mostly_right(corpus, 0.7, 2))
    scramble, pauses = rows["scramble:100ms"], rows["pauses"]
    assert scramble.worth == scramble.uar_loss
    assert (scramble.worth_low, scramble.worth_high) == (scramble.uar_loss_low, scramble.uar_loss_high)
    assert pauses.worth == pytest.approx((pauses.perturbed_uar or 0) - 1 / 5)
    assert (pauses.worth_low or 0) < (pauses.worth or 0) < (pauses.worth_high or 0)
    assert cues.shown == ("scramble:100ms",)
    assert cues.sentence == (
        f"UAR falls without order of sounds ({scramble.worth:.3f}); loudness, pitch movement and sound above 400 Hz "
        "are not shown to matter; the pauses alone are not shown to be better than guessing."
    )


def test_pauses_that_give_labels_away_and_a_candidate_that_is_better_without_a_cue_are_named(run: RunBuilder) -> None:
    corpus = RunBuilder().acted_corpus(speakers=8)
    cues, _ = ablated(run, loudness=labels_of(corpus), pauses=mostly_right(corpus, 0.4, 3))
    assert set(cues.shown) == {"loudness", "pauses"}
    assert "UAR rises without loudness" in cues.sentence
    assert "so that the recording gives some labels away" in cues.sentence


def test_cues_are_named_only_after_holms_correction(run: RunBuilder) -> None:
    corpus = RunBuilder().acted_corpus(speakers=8)
    found = set()
    for wrong in np.linspace(0.24, 0.36, 7):
        cues, rows = ablated(RunBuilder(), flat_pitch=mostly_right(corpus, float(wrong), 5))
        row = rows["flat-pitch"]
        reach = (row.worth_high or 0) - (row.worth or 0)
        error = reach / t.ppf(0.975, 7)
        p_value = 2 * t.sf(abs(row.worth or 0) / error, 7)
        assert row.worth_p == pytest.approx(p_value, rel=0.01)
        found.add((p_value <= 0.05, p_value <= 0.05 / 5, "flat-pitch" in cues.shown))
    assert found <= {(False, False, False), (True, False, False), (True, True, True)}
    assert (True, False, False) in found


def test_without_speakers_nothing_is_said_to_matter(run: RunBuilder) -> None:
    clips = [clip_record(f"{emotion}{number}", label=emotion) for emotion in ("anger", "fear") for number in range(50)]
    corpus, model = run.corpus("alone", clips), run.candidate("a")
    run.add(model, corpus, labels_of(corpus))
    run.add(model, corpus, ["fear"] * 100, perturbation="loudness")
    board = run.score()
    (cues,) = board.cues
    assert cues.shown == ()
    assert "cannot be shown" in cues.sentence
    assert board.robustness[0].worth == 0.5


def test_other_perturbations_are_no_cues(run: RunBuilder) -> None:
    corpus, model = run.acted_corpus(), run.candidate("a")
    run.add(model, corpus, labels_of(corpus))
    run.add(model, corpus, labels_of(corpus), perturbation="telephone")
    board = run.score()
    assert (board.cues, board.robustness[0].worth) == ((), None)


def test_p_against_guessing_is_about_that_of_a_t_test_over_speakers() -> None:
    clips = np.full((12, 4), 10)
    hits = np.random.default_rng(0).binomial(clips, 0.29)
    expected = ttest_1samp((hits / clips).mean(axis=1), 0.25).pvalue
    assert guessing_p_value(SpeakerCounts(hits=hits, clips=clips)) == pytest.approx(expected, rel=0.3)
    assert guessing_p_value(SpeakerCounts(hits=np.full((4, 2), 5), clips=np.full((4, 2), 10))) == 1.0
    assert guessing_p_value(SpeakerCounts(hits=clips, clips=clips)) < 1e-6
