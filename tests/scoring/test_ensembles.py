from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.errors import RequestError
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.predictions import Prediction
from benchmark.results.runs import RunRecord
from benchmark.scoring import ensembles
from benchmark.scoring.answers import Answers
from benchmark.scoring.decisions import open_decisions, uar
from tests.scoring.conftest import EMOTIONS, RunBuilder, clip_record, mostly_right, random_answers, row_of


def same_clips(number: int, clips: int = 80) -> list[Answers]:
    """Candidates with different classes and failures, some better than others, on the clips of the first."""
    first = random_answers(0, clips, classes=4)
    members = []
    for seed in range(number):
        own = random_answers(seed, clips, classes=2 + seed % 3)
        truth = np.array([own.classes.index(t) if t in own.classes else 0 for t in first.truth])
        better = own.probabilities.copy()
        better[np.arange(clips), truth] += 0.3 * (seed % 4)
        members.append(replace(first, source=better, classes=own.classes))
    return members


def vote_on_clip(members: list[Answers], clip: int) -> dict[str, float]:
    answering = [member for member in members if not np.isnan(member.probabilities[clip]).any()]
    names = {name for member in answering for name in member.classes}
    means = {
        name: float(np.mean([m.probabilities[clip, m.classes.index(name)] for m in answering if name in m.classes]))
        for name in names
    }
    return {name: mean / sum(means.values()) for name, mean in means.items()}


def test_the_vote_is_the_mean_over_those_that_cover_an_emotion_counted_clip_by_clip() -> None:
    members = same_clips(5)
    together = ensembles.soft_vote(members)
    for clip, row in enumerate(together.probabilities):
        expected = vote_on_clip(members, clip)
        if not expected:
            assert np.isnan(row).all()
            continue
        assert row == pytest.approx([expected.get(name, 0.0) for name in together.classes])


def test_a_clip_that_one_member_could_not_process_is_answered_by_the_others() -> None:
    first, second = same_clips(2)
    broken = replace(first, source=np.full_like(first.probabilities, np.nan))
    assert np.array_equal(ensembles.soft_vote([broken, second]).answered, second.answered)
    assert not ensembles.soft_vote([broken, broken]).answered.any()
    assert np.array_equal(ensembles.soft_vote([first, first, first]).chosen, first.chosen)


def test_members_are_those_that_trying_all_in_turn_gives() -> None:
    candidates = same_clips(5)
    clips = np.random.default_rng(0).random(80) < 0.6
    part = [
        replace(
            candidate,
            source=candidate.probabilities[clips],
            truth=tuple(np.array(candidate.truth, dtype=object)[clips]),
            speakers=tuple(np.array(candidate.speakers, dtype=object)[clips]),
        )
        for candidate in candidates
    ]
    chosen: list[int] = []
    for _ in range(3):
        teams = {index: [part[member] for member in (*chosen, index)] for index in range(5) if index not in chosen}
        chosen.append(max(teams, key=lambda index: uar(open_decisions(ensembles.soft_vote(teams[index]))) or 0.0))
    assert ensembles.best_members(candidates, 3, clips) == tuple(chosen)


def test_nobody_is_chosen_on_the_speakers_that_score_him() -> None:
    candidates = same_clips(6)
    half = ensembles.first_half(candidates[0])
    assert half is not None
    spoilt = []
    for seed, candidate in enumerate(candidates):
        noise = np.random.default_rng(100 + seed).dirichlet(np.ones(len(candidate.classes)), size=80)
        spoilt.append(replace(candidate, source=np.where(half[:, None], noise, candidate.probabilities)))
    before, after = ensembles.cross_fitted(candidates, 2), ensembles.cross_fitted(spoilt, 2)
    assert before is not None
    assert after is not None
    answers, teams = before
    assert teams[0] == after[1][0]
    for team, clips in zip(teams, (half, ~half), strict=True):
        alone = ensembles.soft_vote([candidates[member] for member in team])
        names = [answers.classes[index] if index >= 0 else None for index in answers.chosen[clips]]
        assert names == [alone.classes[index] if index >= 0 else None for index in alone.chosen[clips]]


def test_speakers_are_halved_whole_and_always_equally_and_there_have_to_be_two() -> None:
    (answers,) = same_clips(1)
    half, again = ensembles.first_half(answers), ensembles.first_half(answers)
    assert half is not None
    assert again is not None
    assert np.array_equal(half, again)
    sides = set(zip(answers.speakers, half.tolist(), strict=True))
    assert len(sides) == len(set(answers.speakers))
    assert {side for _, side in sides} == {True, False}
    assert ensembles.first_half(replace(answers, speakers=("s",) * 80)) is None
    assert ensembles.cross_fitted([replace(answers, speakers=(None,) * 80)] * 2, 2) is None


@pytest.fixture
def two(run: RunBuilder) -> RunRecord:
    corpus = run.acted_corpus(speakers=1, repeats=1)
    for name in ("first", "second"):
        run.add(run.candidate(name, id=f"org/{name}"), corpus, ["anger"] * len(corpus.clips))
    run.candidate("never run")
    return run.record()


def test_members_are_named_by_name_or_id_or_requested_by_number(two: RunRecord) -> None:
    named = ensembles.EnsembleRequest(name="second + first", members=("second", "first"))
    assert ensembles.ensemble_request(["org/second", "first"], two) == named
    assert ensembles.ensemble_request(["best:3"], two) == ensembles.EnsembleRequest(name="best:3", best=3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["first", "secondd"], "did not evaluate 'secondd'.*second"),
        (["first", "never run"], "did not evaluate 'never run'"),
        (["first", "org/first"], "at least 2 members"),
        (["best:1"], "best:2 or more"),
        (["best:x"], "did not evaluate 'best:x'"),
    ],
)
def test_a_request_for_no_ensemble_is_refused(two: RunRecord, words: list[str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        ensembles.ensemble_request(words, two)


def scored(run: RunBuilder, *words: str) -> Leaderboard:
    record = run.record()
    return run.score(record, ensemble=ensembles.ensemble_request(words, record) if words else None)


def logits_of(prediction: Prediction) -> NDArray[np.float32]:
    assert prediction.logits is not None
    return prediction.logits


@pytest.fixture
def four(run: RunBuilder) -> RunBuilder:
    corpus = run.acted_corpus()
    for seed, (name, ms) in enumerate((("a", 10.0), ("b", 20.0), ("c", 40.0), ("d", 80.0))):
        candidate = run.candidate(name, trained_on=())
        run.add(candidate, corpus, mostly_right(corpus, 0.4, seed))
        run.timed(candidate, calls_ms=(ms,) * 30, load_s=1.0)
    generator = np.random.default_rng(0)
    for predictions in run.stored.values():  # no two answers are equally probable
        for clip, prediction in predictions.items():
            logits = generator.normal(logits_of(prediction), 0.2).astype(np.float32)
            predictions[clip] = replace(prediction, logits=logits)
    return run


def test_a_majority_of_members_decides_and_costs_are_summed(four: RunBuilder) -> None:
    (corpus,) = four.corpora
    stored = [four.stored[evaluation.setup.key] for evaluation in four.evaluations[:3]]
    hits = dict.fromkeys(EMOTIONS, 0)
    for clip in corpus.clips:
        logits = [logits_of(predictions[clip.clip_hash or ""]).astype(np.float64) for predictions in stored]
        chances = [np.exp(values) / np.exp(values).sum() for values in logits]
        hits[clip.label or ""] += EMOTIONS[int(np.argmax(np.mean(chances, axis=0)))] == clip.label
    row = row_of(scored(four, "a", "b", "c"), "a + b + c")
    assert row.uar == pytest.approx(np.mean([hits[name] / 32 for name in EMOTIONS]))
    assert row.uar_low is not None
    assert (row.latency_p50_ms, row.rtfx) == pytest.approx((70.0, 3.0 / 0.070))
    assert (row.load_s, row.size_mb, row.parameters, row.device) == (3.0, 12.0, 3000, "cpu")
    assert (row.latency_p90_ms, row.revision, row.head) == (None, None, None)
    four.latencies.pop()
    untimed = row_of(scored(four, "a", "d"), "a + d")
    assert (untimed.latency_p50_ms, untimed.size_mb) == (None, 8.0)


def test_an_ensemble_changes_no_other_row_and_has_no_rank(four: RunBuilder) -> None:
    without, with_it = scored(four), scored(four, "a", "b", "c")
    assert [row for row in with_it.rows if "ensemble" not in row.flags] == list(without.rows)
    row = with_it.rows[-1]
    assert (row.candidate, row.rank, row.seen, row.flags[0]) == ("a + b + c", None, "no", "ensemble")
    assert row.flag_reasons["ensemble"] == "the mean probabilities of a, b, c."


def test_the_best_are_named_and_cost_what_the_dearer_team_costs(four: RunBuilder) -> None:
    row = row_of(scored(four, "best:2"), "best:2")
    assert "hal" in row.flag_reasons["ensemble"], "half or halves"
    assert row.latency_p50_ms in {30.0, 50.0, 90.0, 60.0, 100.0, 120.0}
    assert row.uar is not None


def test_a_candidate_that_has_seen_the_corpus_is_not_chosen_and_taints_a_named_ensemble(four: RunBuilder) -> None:
    (corpus,) = four.corpora
    four.add(four.candidate("seen", trained_on=("acted",)), corpus, mostly_right(corpus, 0.0, 9))
    assert "seen" not in row_of(scored(four, "best:3"), "best:3").flag_reasons["ensemble"].replace("unseen", "")
    tainted = row_of(scored(four, "a", "seen"), "a + seen")
    assert tainted.seen == "yes"
    assert "seen" in tainted.flags


def test_without_labels_named_members_vote_and_the_best_cannot_be_chosen(run: RunBuilder) -> None:
    corpus = run.corpus("calls", [clip_record(f"c{number}") for number in range(30)])
    for name in ("a", "b"):
        run.add(run.candidate(name), corpus, ["anger"] * 10 + ["fear"] * 20)
    named = row_of(scored(run, "a", "b"), "a + b")
    assert (named.uar, named.top_emotion) == (None, "fear")
    assert named.top_share == pytest.approx(2 / 3)
    assert "without labels nobody can say" in scored(run, "best:2").failures["best:2"]


def test_a_member_that_did_not_answer_all_clips_and_too_few_candidates_are_reasons(four: RunBuilder) -> None:
    (corpus,) = four.corpora
    four.add(four.candidate("half"), corpus, mostly_right(corpus, 0.1, 1)[:10])
    assert scored(four, "a", "half").failures["a + half"] == "acted: half did not answer all clips."
    assert "4 candidates" in scored(four, "best:9").failures["best:9"]


def test_an_ensemble_with_an_adapted_member_is_adapted(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    run.add(run.candidate("other"), corpus, mostly_right(corpus, 0.3, 1))
    run.add(run.candidate("mine"), corpus, mostly_right(corpus, 0.3, 2), adapted=True)
    request = ensembles.EnsembleRequest(name="both", members=("other", "mine"))
    row = row_of(run.score(ensemble=request), "both")
    assert row.flags == ("ensemble", "adapted")
