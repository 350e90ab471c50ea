import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.status import Status
from tests.scoring.conftest import EMOTIONS, RunBuilder, clip_record, labels_of, mostly_right, row_of, unreadable

SCORES = ("coverage", "accuracy", "accuracy_low", "uar", "uar_low", "interval", "macro_f1", "shared_uar", "common_uar")


NO_SCORES = [None] * len(SCORES)


def scores_of(row: LeaderboardRow) -> list[object]:
    return [getattr(row, name) for name in SCORES]


def ranks(board: Leaderboard) -> list[tuple[str, int | None]]:
    return [(row.candidate, row.rank) for row in board.rows]


def test_an_empty_run_is_an_empty_leaderboard(run: RunBuilder) -> None:
    board = run.score()
    assert (board.rows, board.corpora, board.not_evaluated, board.failures) == ((), (), (), {})


def test_a_corpus_without_clips_and_failures_on_all_clips_have_rows(run: RunBuilder) -> None:
    model, corpus = run.candidate("broken"), run.acted_corpus()
    run.add(model, corpus, [None] * len(corpus.clips))
    run.add(model, run.corpus("nothing", []), [])
    failed, nothing = run.score().rows
    assert scores_of(nothing) == NO_SCORES
    assert (nothing.clips, nothing.rank, nothing.entropy, nothing.flags) == (0, None, None, ("no-clips",))
    assert (failed.clips, failed.failed_clips, failed.accuracy, failed.uar) == (160, 160, 0.0, 0.0)
    assert (failed.entropy, failed.collapsed, failed.top_emotion, failed.ece) == (None, None, None, None)
    assert failed.flags == ("at-chance", "majority-like", "failed-clips")


def test_one_clip_and_one_emotion_have_scores_without_ranks(run: RunBuilder) -> None:
    model = run.candidate("a")
    run.add(model, run.corpus("single", [clip_record("a", label="anger", speaker="s1")]), ["anger"])
    clips = [clip_record(str(number), label="anger", speaker=f"s{number % 4}") for number in range(40)]
    run.add(model, run.corpus("angry", clips), ["anger", "fear", "anger"] * 13 + ["anger"])
    single, angry = run.score().rows
    assert (single.clips, single.accuracy, single.uar, single.macro_f1, single.interval) == (1, 1.0, 1.0, 1.0, "wilson")
    assert (single.rank, single.shared_uar, single.ece) == (None, None, None)
    assert single.flags == ("one-emotion", "few-clips", "few-speakers")
    assert (angry.rank, angry.interval, angry.uar) == (None, "speakers", angry.accuracy)


def test_scores_equal_scikit_learns_on_the_stored_answers(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    answers = mostly_right(corpus, 0.4, 0)
    answers[5] = None
    run.add(run.candidate("a"), corpus, answers)
    board = run.score()
    row, truth, given = board.rows[0], labels_of(corpus), [answer or "?" for answer in answers]
    recall = recall_score(truth, given, labels=EMOTIONS, average="macro", zero_division=0)
    assert row.uar == pytest.approx(recall, abs=1e-12)
    assert row.adjusted_uar == pytest.approx((recall - 0.2) / 0.8)
    assert row.macro_f1 == pytest.approx(f1_score(truth, given, labels=EMOTIONS, average="macro", zero_division=0))
    assert (row.accuracy, row.majority_accuracy) == pytest.approx((np.mean(np.array(truth) == given), 0.2))
    assert (row.coverage, row.failed_clips, row.interval, row.rank) == (1.0, 1, "speakers", 1)
    assert (row.uar_low or 0) < recall < (row.uar_high or 0)
    stored = board.model_copy(update={"clip_answers": ()})
    assert Leaderboard.model_validate_json(board.model_dump_json()) == stored
    assert board.summary_corpora == (), "one corpus has no summary"


def test_the_better_candidate_comes_first_and_equal_ones_share_a_rank(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    answers = mostly_right(corpus, 0.1, 1)
    run.add(run.candidate("bad"), corpus, mostly_right(corpus, 0.7, 0))
    run.add(run.candidate("good"), corpus, answers)
    run.add(run.candidate("twin"), corpus, answers)
    assert ranks(run.score()) == [("good", 1), ("twin", 1), ("bad", 3)]


def test_a_seen_corpus_is_scored_and_flagged_and_ranked_only_on_request(run: RunBuilder) -> None:
    corpus = run.acted_corpus("ravdess")
    run.add(run.candidate("cheat", trained_on=("RAVDESS",)), corpus, labels_of(corpus))
    run.add(run.candidate("honest", trained_on=("tess",)), corpus, mostly_right(corpus, 0.5, 0))
    board = run.score()
    assert [(row.candidate, row.rank, row.seen) for row in board.rows] == [("honest", 1, "no"), ("cheat", None, "yes")]
    assert row_of(board, "cheat").uar == 1.0
    assert "seen" in row_of(board, "cheat").flags
    assert ranks(run.score(rank_seen=True)) == [("cheat", 1), ("honest", 2)]


def test_unknown_speakers_give_intervals_over_clips_and_no_ranks(run: RunBuilder) -> None:
    clips = [clip_record(f"{label}{number}", label=label) for label in ("anger", "fear") for number in range(20)]
    corpus = run.corpus("mine", clips)
    run.add(run.candidate("worse"), corpus, mostly_right(corpus, 0.5, 0))
    run.add(run.candidate("better"), corpus, mostly_right(corpus, 0.1, 0))
    board = run.score()
    assert ranks(board) == [("better", None), ("worse", None)]
    assert board.corpora[0].speakers is None
    for row in board.rows:
        assert (row.interval, row.common_uar is None, "few-speakers" in row.flags) == ("clips", False, True)


def test_common_uar_is_over_the_emotions_that_all_ranked_candidates_cover(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    truth = labels_of(corpus)
    run.add(run.candidate("all"), corpus, truth)
    run.add(run.candidate("three", ("anger", "fear", "neutral")), corpus, ["anger"] * len(truth))
    run.add(run.candidate("seen", ("sadness", "fear"), trained_on=("acted",)), corpus, ["fear"] * len(truth))
    board = run.score()
    assert row_of(board, "all").common_uar == 1.0
    three, seen = row_of(board, "three"), row_of(board, "seen")
    assert (three.common_uar, three.coverage, three.uar) == pytest.approx((1 / 3, 0.6, 0.2))
    assert three.collapsed is True
    assert (seen.common_uar, seen.shared_uar) == (None, 0.5)


def test_clips_without_labels_leave_accuracy_empty_and_diversity_works(run: RunBuilder) -> None:
    corpus = run.corpus("mine", [clip_record(str(number)) for number in range(30)])
    run.add(run.candidate("varied"), corpus, ["anger", "fear"] * 15)
    run.add(run.candidate("same"), corpus, [*["neutral"] * 28, None, "neutral"])
    varied, same = run.score().rows
    assert scores_of(varied) == scores_of(same) == NO_SCORES
    assert (varied.clips, same.clips, same.failed_clips) == (30, 29, 1)
    assert varied.effective_emotions == pytest.approx(2.0)
    assert (varied.collapsed, same.collapsed) == (None, None)
    assert varied.flags == ("no-labels",)
    assert same.flags == ("no-labels", "narrow", "failed-clips")


def test_labels_that_map_to_nothing_are_counted_and_left_out(run: RunBuilder) -> None:
    clips = [clip_record(f"a{number}", label="anger", speaker="s1") for number in range(3)]
    corpus = run.corpus("mine", [*clips, clip_record("x", label="qwertz"), clip_record("y"), unreadable("z")])
    run.add(run.candidate("a"), corpus, ["anger"] * 5)
    board = run.score()
    (row,), (summary,) = board.rows, board.corpora
    assert (row.clips, row.unscored_clips, row.failed_clips, row.accuracy) == (3, 1, 1, 1.0)
    assert (summary.unscored_labels, summary.emotion_clips) == ({"qwertz": 1}, {"anger": 3})
    assert summary.label_emotions == {"anger": "anger"}
    assert (summary.clips, [clip.clip for clip in summary.unreadable]) == (5, ["z"])
    assert summary.hours == pytest.approx(5 * 3.6 / 3600)


def test_an_evaluation_that_ended_early_has_a_reason_and_no_part_in_the_ranking(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    run.add(run.candidate("killed"), corpus, labels_of(corpus)[:12], failure="The worker died of SIGKILL.")
    run.add(run.candidate("stopped", ("anger", "fear")), corpus, [*labels_of(corpus)[:12], None])
    run.add(run.candidate("whole"), corpus, mostly_right(corpus, 0.5, 0))
    board = run.score()
    assert ranks(board) == [("whole", 1), ("killed", None), ("stopped", None)]
    for name, failed in (("killed", 0), ("stopped", 1)):
        row = row_of(board, name)
        assert scores_of(row) == NO_SCORES
        assert (row.entropy, row.clips, row.failed_clips, row.flags[0]) == (None, 12, failed, "incomplete")
    assert board.rows[0].common_uar == board.rows[0].uar
    assert board.failures == {
        "killed": "acted: The worker died of SIGKILL.",
        "stopped": "acted: no answer is stored for 147 of 160 clips; `bench run` asks for what is missing.",
    }


def test_speakers_of_clips_that_are_not_scored_do_not_matter(run: RunBuilder) -> None:
    whole = run.acted_corpus("first")
    corpus = run.corpus("mine", [clip_record("x", label="qwertz"), *whole.clips, clip_record("y", label="qwertz")])
    run.add(run.candidate("a"), corpus, ["anger", *mostly_right(whole, 0.3, 0), "fear"])
    row = row_of(run.score(), "a", corpus="mine")
    assert (row.rank, row.interval, row.clips, row.unscored_clips) == (1, "speakers", 160, 2)


def test_a_corpus_that_a_candidate_never_came_to_is_an_incomplete_row(run: RunBuilder) -> None:
    first, second = run.acted_corpus("first"), run.acted_corpus("second")
    for name, wrong in (("timed", 0.5), ("untimed", 0.7)):
        run.add(run.candidate(name), first, mostly_right(first, wrong, 0))
    run.timed(run.verifications[0])
    board = run.score(run.record(interrupted=True))
    assert [(row.candidate, row.corpus, row.clips, row.latency_p50_ms, row.flags) for row in board.rows] == [
        ("timed", "first", 160, 100.0, ()),
        ("untimed", "first", 160, None, ()),
        ("timed", "second", 0, 100.0, ("incomplete",)),
        ("untimed", "second", 0, None, ("incomplete",)),
    ]
    assert board.failures["untimed"] == f"{second.name}: not evaluated before the run ended."


def test_candidates_not_evaluated_are_in_the_table_with_their_status(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    run.candidate("gone", (), status=Status.NOT_FOUND, reason="No such repository.", revision=None, size_bytes=None)
    run.candidate("small", ("anger", "fear"))
    run.candidate("late")
    run.add(run.candidate("good"), corpus, mostly_right(corpus, 0.2, 0))
    board = run.score(run.record(ineligible={"small": "It has 2 emotions; 5 were asked for."}, interrupted=True))
    assert [(row.candidate, row.rank, row.corpus, row.emotions, row.flags) for row in board.rows[1:]] == [
        ("gone", None, None, None, ("not-found",)),
        ("small", None, None, 2, ("usable", "fallback")),
        ("late", None, None, 5, ("usable",)),
    ]
    assert [(absent.candidate, absent.status, absent.fallback, absent.reason) for absent in board.not_evaluated] == [
        ("gone", "not-found", False, "No such repository."),
        ("small", "usable", True, "It has 2 emotions; 5 were asked for."),
        ("late", "usable", False, "The run was stopped before its turn."),
    ]


def test_each_device_has_a_row_with_the_scores_of_the_evaluation(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    model = run.candidate("a")
    run.add(model, corpus, mostly_right(corpus, 0.2, 0))
    run.timed(model, calls=30)
    run.timed(model, calls=9, device="cuda", failure="The worker died.")
    run.timed(model, dtype="bfloat16")
    run.add(run.candidate("b"), corpus, mostly_right(corpus, 0.7, 1))
    board = run.score()
    on_cpu, on_gpu, unscored, untimed = board.rows
    assert ranks(board) == [("a", 1), ("a", 1), ("a", None), ("b", 2)]
    assert [row.device for row in (on_cpu, on_gpu, untimed)] == ["cpu", "cuda", "cpu"]
    assert scores_of(on_cpu) == scores_of(on_gpu)
    assert (on_cpu.latency_p50_ms, on_cpu.latency_p90_ms, on_cpu.latency_p99_ms) == (100.0, 100.0, None)
    assert (on_cpu.rtfx, on_cpu.load_s, on_cpu.peak_memory_mb) == (30.0, 1.5, 500.0)
    assert (on_gpu.latency_p50_ms, on_gpu.rtfx, on_gpu.load_s) == (None, None, 1.5)
    assert (untimed.latency_p50_ms, untimed.load_s) == (None, None)
    assert scores_of(unscored) == NO_SCORES
    assert (unscored.dtype, unscored.latency_p50_ms, unscored.clips) == ("bfloat16", 100.0, None)
    assert unscored.flags == ("latency-only",)
    assert board.failures == {"a": "latency on cuda: The worker died."}
    assert (board.segment_s, board.threads) == (3.0, 2)


def test_an_evaluation_on_another_device_shows_its_own_scores(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    model = run.candidate("a")
    run.add(model, corpus, mostly_right(corpus, 0.6, 0), device="cuda")
    run.add(model, corpus, labels_of(corpus))
    run.timed(model, device="cuda")
    rows = [(row.device, row.latency_p50_ms, row.uar == 1.0) for row in run.score().rows]
    assert rows == [("cpu", None, True), ("cuda", 100.0, False)]


def test_merges_of_the_corpus_apply_to_candidates_too(run: RunBuilder) -> None:
    clips = [clip_record("1", label="calm"), clip_record("2", label="anger")]
    corpus = run.corpus("mine", clips, merge={"calm": "neutral"})
    run.add(run.candidate("a", ("neutral", "calm", "anger")), corpus, ["calm", "anger"])
    board = run.score()
    assert board.corpora[0].emotion_clips == {"anger": 1, "neutral": 1}
    assert board.corpora[0].label_emotions == {"anger": "anger", "calm": "neutral"}
    assert (board.rows[0].emotions, board.rows[0].top_share) == (3, 0.5)


@pytest.mark.parametrize(
    ("candidate", "corpus"),
    [({"emotions": ("anger", "happiness")}, {}), ({}, {"labels": {"positive": "happiness"}})],
)
def test_coarse_labels_of_candidate_and_corpus_that_stand_for_an_emotion_are_flagged(
    run: RunBuilder, candidate: dict[str, object], corpus: dict[str, object]
) -> None:
    labels = ("anger", "positive")
    clips = [clip_record(f"{number}", label=labels[number % 2], speaker=f"s{number // 2}") for number in range(32)]
    run.add(run.candidate("a", labels, **candidate), run.corpus("mine", clips, **corpus), labels * 16)
    flags = run.score().rows[0].flags
    assert "loose-map" in flags
    assert {"collapsed", "incomplete", "failed-clips"}.isdisjoint(flags)


def test_12_candidates_on_1440_clips_of_24_speakers_take_seconds(run: RunBuilder) -> None:
    corpus = run.acted_corpus("big", speakers=24, repeats=12)
    for number in range(12):
        run.add(run.candidate(f"model {number:02}"), corpus, mostly_right(corpus, 0.02 + 0.06 * number, number))
    started = time.perf_counter()
    board = run.score()
    assert time.perf_counter() - started < 5
    ranked = [row.rank or 0 for row in board.rows]
    assert (ranked[0], ranked) == (1, sorted(ranked))
    assert ranked[-1] > 7


def test_suspicious_scores_are_flagged_with_their_reason(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    answers = mostly_right(corpus, 0.3, 0)
    swap = {"anger": "fear", "fear": "anger"}
    run.add(run.candidate("one"), corpus, answers)
    run.add(run.candidate("twin"), corpus, answers)
    run.add(run.candidate("copy", revision="one-sha"), corpus, mostly_right(corpus, 0.4, 1))
    run.add(run.candidate("swapped"), corpus, [swap.get(label or "", label) for label in mostly_right(corpus, 0.2, 2)])
    run.add(run.candidate("perfect"), corpus, labels_of(corpus))
    run.add(run.candidate("parrot", fixed_window=True), corpus, ["neutral"] * len(answers))
    run.add(run.candidate("honest"), corpus, mostly_right(corpus, 0.3, 7))
    board = run.score()
    assert {row.candidate: row.flags for row in board.rows} == {
        "one": ("near-twins",),
        "twin": ("near-twins",),
        "copy": ("near-twins",),
        "swapped": ("label-permuted",),
        "perfect": ("too-good",),
        "parrot": ("collapsed", "at-chance", "majority-like", "fixed-window"),
        "honest": (),
    }
    reasons = {row.candidate: row.flag_reasons for row in board.rows}
    assert reasons["one"]["near-twins"] == "cannot be told from twin, copy."
    assert reasons["swapped"]["label-permuted"].endswith("fear → anger, anger → fear.")
    assert set(reasons["parrot"]) == {"at-chance", "majority-like"}
    assert (board.corpora[0].text_tie, board.corpora[0].speaker_tie) == (None, 0.0)


def test_a_corpus_that_gives_its_labels_away_is_flagged_in_every_row(run: RunBuilder) -> None:
    clips = [
        clip_record(
            str(number), label=EMOTIONS[number % 3], speaker=f"s{number % 3}{number % 2}", text_id=f"t{number % 3}"
        )
        for number in range(120)
    ]
    clips[1] = replace(clips[1], clip_hash="0")
    run.add(run.candidate("a"), run.corpus("tied", clips), ["anger", "fear", "anger"] * 40)
    board = run.score()
    assert {"duplicates", "text-tied", "speaker-tied"} <= set(board.rows[0].flags)
    assert (board.corpora[0].duplicate_clips, board.corpora[0].text_tie) == pytest.approx((1, 1.0))


def summaries(board: Leaderboard) -> dict[str, LeaderboardRow]:
    return {row.candidate: row for row in board.rows if row.corpus == "*"}


def test_the_summary_is_the_mean_over_corpora_however_many_clips_they_have(run: RunBuilder) -> None:
    corpora = [run.acted_corpus("small", repeats=2), run.acted_corpus("large", repeats=6)]
    for name, wrong in (("worse", 0.6), ("better", 0.2)):
        model = run.candidate(name)
        for corpus in corpora:
            run.add(model, corpus, mostly_right(corpus, wrong, 1))
    board = run.score()
    order = [("small", "better"), ("small", "worse"), ("large", "better"), ("large", "worse")]
    assert [(row.corpus, row.candidate) for row in board.rows] == [*order, ("*", "better"), ("*", "worse")]
    assert board.summary_corpora == ("small", "large")
    for name, row in summaries(board).items():
        own = [(row.adjusted_uar or 0, row.adjusted_uar_low or 0) for row in board.rows[:4] if row.candidate == name]
        mean, reach = np.mean([score for score, _ in own]), sum((score - low) ** 2 for score, low in own) ** 0.5 / 2
        assert (row.adjusted_uar, row.adjusted_uar_low) == pytest.approx((mean, mean - reach))
        assert (row.rank, row.uar, row.clips, row.latency_p50_ms) == (None, None, None, None)


def test_a_corpus_that_a_ranked_candidate_has_seen_or_not_finished_is_left_out(run: RunBuilder) -> None:
    corpora = [run.acted_corpus(name, speakers=4, repeats=2) for name in ("first", "tess", "third", "fourth")]
    for name, trained in (("a", ("tess",)), ("b", ()), ("late", ())):
        model = run.candidate(name, trained_on=trained)
        for corpus in corpora:
            answers = mostly_right(corpus, 0.4, len(name))
            run.add(model, corpus, answers[:10] if (name, corpus.name) == ("late", "third") else answers)
    assert run.score().summary_corpora == ("first", "fourth")
    assert run.score(rank_seen=True).summary_corpora == ("first", "tess", "fourth")


def test_candidates_without_a_rank_take_nothing_from_the_summary_and_get_no_number_without_all_scores(
    run: RunBuilder,
) -> None:
    corpora = [run.acted_corpus(name, speakers=6, repeats=2) for name in ("first", "second")]
    for name, trained in (("a", ()), ("cheat", ("first", "second")), ("broken", ())):
        model = run.candidate(name, trained_on=trained)
        for corpus in corpora:
            run.add(model, corpus, [] if name == "broken" else mostly_right(corpus, 0.4, 0))
    board = run.score()
    rows = summaries(board)
    assert board.summary_corpora == ("first", "second")
    assert [name for name, row in rows.items() if row.adjusted_uar is not None] == ["a"]
    assert rows["broken"].flags == ("incomplete",)
    assert "seen" in rows["cheat"].flags


def test_without_ranks_there_is_nothing_to_summarise(run: RunBuilder) -> None:
    model = run.candidate("a")
    for name in ("first", "second"):
        run.add(model, run.corpus(name, [clip_record(f"{name}{number}") for number in range(5)]), ["anger"] * 5)
    assert summaries(run.score()) == {}


def test_out_of_fold_answers_are_ranked_as_adapted_beside_the_others(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    mine = run.candidate("mine", trained_on=("acted",), trained_speakers=("s0", "s1"))
    other = run.candidate("x", trained_on=("acted",))
    run.add(mine, corpus, answers := mostly_right(corpus, 0.1, 1), adapted=True)
    run.add(other, corpus, mostly_right(corpus, 0.1, 2))
    run.timed(mine)
    board = run.score()
    row = row_of(board, "mine")  # a single one: the timed final model with the out-of-fold answers
    uar = recall_score(labels_of(corpus), answers, average="macro")
    assert row.uar == pytest.approx(uar)
    assert (row.rank, row.seen, row.head) == (1, "no", "trained-here")
    assert (row.interval, row.backend, row.latency_p50_ms) == ("speakers", "torch", 100.0)
    assert (row.flags, row.trained_speakers) == (("adapted",), 2)
    assert row.flag_reasons["adapted"].startswith("160 clips in 5 folds")
    assert (row_of(board, "x").rank, row_of(board, "x").seen) == (None, "yes")


def test_a_corpus_under_another_name_is_seen_where_its_clips_were_heard(run: RunBuilder) -> None:
    corpus = run.acted_corpus("renamed")
    run.add(run.candidate("mine", trained_on=("acted",)), corpus, mostly_right(corpus, 0.1, 1), heard_clips=100)
    row = row_of(run.score(), "mine")
    assert (row.rank, row.seen, row.flags) == (None, "yes", ("seen",))
    assert row.flag_reasons == {"seen": "it was trained on 100 of these 160 clips."}
    assert row_of(run.score(rank_seen=True), "mine").rank == 1


def test_the_summary_of_several_corpora_says_that_it_was_adapted_to_one(run: RunBuilder) -> None:
    mine = run.candidate("mine", trained_on=("acted",))
    for name in ("acted", "calls"):
        corpus = run.acted_corpus(name)
        run.add(mine, corpus, mostly_right(corpus, 0.1, 1), adapted=name == "acted")
    row = row_of(run.score(), "mine", corpus="*")
    assert row.adjusted_uar is not None
    assert row.flags == ("adapted",)
