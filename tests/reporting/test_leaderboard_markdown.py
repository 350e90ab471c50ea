import csv
import io
import re
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len

from benchmark.reporting.csv_and_json import groups_csv, leaderboard_csv, pairs_csv, robustness_csv
from benchmark.reporting.leaderboard_corpora import agreement_section
from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.results.analyses import (
    CandidateGroups,
    ClassScores,
    CorpusAgreement,
    CorpusGroups,
    EmotionScore,
    FailedClips,
    FocusScore,
    GroupScore,
    GroupSize,
    LeftOutGroup,
    PairAgreement,
    PairComparison,
    Robustness,
    Voter,
)
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from benchmark.results.runs import ClipRecord
from benchmark.results.status import Status
from benchmark.scoring.flags import FLAG_MEANINGS
from tests.reporting.conftest import absent, board, described, scored, section, table


def text_of(*rows: LeaderboardRow, **changes: Any) -> str:
    return leaderboard_markdown(board(*rows, **changes))


def right(text: str) -> list[dict[str, str]]:
    return table(section(text, "How right"))


def fast(text: str) -> list[dict[str, str]]:
    return table(section(text, "How fast"))


@pytest.fixture(scope="module")
def report(realistic_board: Leaderboard) -> str:
    return leaderboard_markdown(realistic_board)


def test_scores_stand_with_interval_rank_and_baseline(report: str) -> None:
    rows = right(report)
    assert [row["rank"] for row in rows] == ["1", "1", "3", "4", "4", "–"]
    third = [rows[2][title] for title in ("UAR", "accuracy", "majority")]
    assert third == ["0.44 [0.39–0.49]", "0.46 [0.42–0.50]", "0.13"]
    assert (rows[5]["candidate"], rows[5]["flags"]) == ("ehcalabres/seen", "seen")


def test_a_kind_of_interval_is_named_above_the_table_and_several_in_a_column(report: str) -> None:
    assert "95 % interval over speakers" in section(report, "How right")
    alone = text_of(scored("a", interval="clips", rank=None))
    assert "In brackets: 95 % interval over clips, at least so wide." in section(alone, "How right")
    assert "[0.39–0.49, at least so wide]" in alone.partition("## ")[0]
    mixed = text_of(scored("a"), scored("b", interval="wilson"))
    assert [row["interval"] for row in right(mixed)] == ["speakers", "wilson"]


def contenders(number: int, **corpus: Any) -> Leaderboard:
    """The first of three candidates, or more of them, may be the best."""
    rows = [
        scored(name, rank=1, rank_high=number, may_be_best=place < number, regret_high=0.05 + place / 10)
        for place, name in enumerate("abc")
    ]
    return board(*rows, corpora=(described(**corpus),))


def test_who_may_be_the_best_is_named_before_any_table_with_what_choosing_it_can_cost() -> None:
    head = leaderboard_markdown(contenders(2)).split("## ", maxsplit=1)[0]
    assert (
        "On **ravdess** 2 candidates may still be the best, the highest UAR first: **a**, UAR 0.44 [0.39–0.49] (may "
        "cost 0.05); **b**, UAR 0.44 [0.39–0.49] (may cost 0.15)." in head
    )
    assert "On **ravdess** the best is **a**, UAR 0.44 [0.39–0.49]." in leaderboard_markdown(contenders(1))


@pytest.mark.parametrize(("speakers", "too_few"), [(7, True), (8, False)])
def test_nobody_is_called_the_best_with_fewer_than_8_speakers(speakers: int, too_few: bool) -> None:
    text = leaderboard_markdown(contenders(1, speakers=speakers))
    sentence = (
        f"there are **too few speakers to choose** ({speakers}; 8 are needed). 1 candidate may still be the best: "
    )
    assert (sentence in text) is too_few
    assert ("the best is **a**" in text) is not too_few


def test_a_range_of_ranks_stands_with_who_may_be_the_best_and_the_cost() -> None:
    rows = right(leaderboard_markdown(contenders(2)))
    assert [(row["rank"], row["may be best"], row["may cost"]) for row in rows] == [
        ("1–2", "yes", "0.05"), ("1–2", "yes", "0.15"), ("1–2", "–", "0.25"),
    ]  # fmt: skip


def test_pairs_stand_in_a_table_of_which_the_rest_is_in_a_file() -> None:
    pair = PairComparison(
        corpus="ravdess", candidate="a", other="b|c", p=0.01, p_adjusted=0.03,
        uar_difference=0.1, uar_difference_low=-0.021, uar_difference_high=0.22,
    )  # fmt: skip
    pairs = [pair.model_copy(update={"other": f"b{number}"}) for number in range(46)]
    text = leaderboard_markdown(board(scored()).model_copy(update={"pairs": (pair,)}))
    (row,) = table(section(text, "Pairs on ravdess"))
    assert pairs_csv([pair]).splitlines()[1] == "ravdess,a,b|c,0.1,-0.021,0.22,0.01,0.03"
    assert list(row.values()) == ["a", r"b\|c", "0.10 [−0.02 to 0.22]", "0.03"]
    text = leaderboard_markdown(board(scored()).model_copy(update={"pairs": tuple(pairs)}))
    assert "`pairs.csv` has 1 more pair." in text


USELESS = scored("a", uar=0.13, uar_low=0.1, uar_high=0.2, collapsed=True)
UNRANKED = (scored("seen", rank=None, uar=0.9, seen="yes"), scored("b", rank=None), scored("c", rank=None, uar=0.3))


def unranked(row: dict[str, Any] | None = None, **corpus: Any) -> Leaderboard:
    return board(scored(**({"rank": None} | (row or {}))), corpora=(described(**corpus),))


def unlabelled(**corpus: Any) -> Leaderboard:
    return unranked({"uar": None}, emotion_clips={}, label_emotions={}, **corpus)


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (
            board(USELESS),
            "the only one that is ranked is **a**, UAR 0.13 [0.10–0.20], not shown to be better than guessing, which "
            "answers nearly always the same.",
        ),
        (
            board(*UNRANKED),
            "nothing is ranked: ranks need scored clips of three speakers, and of two for each emotion. The highest "
            "UAR, which may be chance, is that of **b**",
        ),
        (
            board(scored("a", flags=("few-speakers",))),
            "**a**, UAR 0.44 [0.39–0.49], better than guessing for these speakers.",
        ),
        (board(scored("a", flags=("cannot-tell",))), ", not shown to be better than guessing."),
        (
            board(scored("a"), corpora=(described(guessing_p=0.26),)),
            "- On **ravdess** nobody is shown to beat guessing: guessing alone makes a best candidate like this one in "
            "26 % of cases. On **ravdess** the only one that is ranked is **a**",
        ),
        (
            board(
                scored("a", compared_uar=0.62),
                corpora=(described(emotion_clips={"anger": 9, "fear": 9, "e|vy": 1}, rare_emotions=("e|vy",)),),
            ),
            "**, over 2 emotions without *e\\|vy* (1 clip), the only one that is ranked is **a**, UAR 0.62 [",
        ),
        (unranked(speakers=None), "nothing is ranked: 1,440 clips name no speaker, and clips of one speaker are not"),
        (unranked(emotion_clips={"anger": 9}), "nothing is ranked: all scored clips have one emotion"),
        (unranked({"seen": "yes"}), "nothing is ranked: all candidates were trained on it"),
        (unranked({"uar": None}), "nothing is ranked: no candidate has answered all clips"),
        (unlabelled(clips=0), "nothing is ranked: not one clip could be read."),
        (unlabelled(tied_clips=1000, minority_clips=440), "nothing is ranked: its raters agree on no clip."),
        (unlabelled(unscored_labels={"LABEL_7": 9}), "nothing is ranked: none of its labels means an emotion."),
        (board(), "**No candidate was evaluated.** The reasons stand below."),
        (board(corpora=()), "**No candidate was evaluated.**"),
        (
            board(not_evaluated=(absent("a", Status.USABLE, emotions=4, fallback=True),)),
            "None has 5 emotions or more; `--min-emotions 4` would let some in.",
        ),
        (board(not_evaluated=(absent("a", Status.UNREACHABLE),)), "- **a** (unreachable)"),
    ],
)
def test_the_best_is_named_without_praise_or_the_reason_why_there_is_none(run: Leaderboard, sentence: str) -> None:
    assert sentence in leaderboard_markdown(run)


def test_what_spoils_the_scores_comes_loudly_and_first(realistic_board: Leaderboard) -> None:
    synthetic = realistic_board.corpora[0].model_copy(update={"synthetic": True})
    update = {"interrupted": True, "corpora": (synthetic,)}
    head = leaderboard_markdown(realistic_board.model_copy(update=update)).split("\n- On ")[0]
    assert re.findall(r"^> \*\*(.*?)\*\*", head, flags=re.MULTILINE) == [
        "Interrupted",
        "Limited to 100 clips per corpus",
        "Incomplete",
        "ravdess is synthetic",
    ]
    assert "\n> " not in text_of(scored())


def test_a_corpus_is_described_before_its_scores() -> None:
    small = described(clips=50, emotion_clips={"anger": 30, "fear": 15}, selection="speaker 21, 22")
    text = text_of(scored(), corpora=(small,))
    assert "Scored: 45 clips." in text
    assert "only speaker 21, 22" in text
    text = section(text_of(scored(), corpora=(described(merge={"calm": "neutral"}),)), "ravdess")
    for fact in (
        "1,440 clips by 24 speakers, 1.48 hours, from table:corpora/ravdess/metadata.csv.",
        "8 emotions: anger 192, calm 192",
        "a UAR of 0.125; always answering *anger*, an accuracy of 0.13.",
        "Merged: calm → neutral.",
        "Labels read as: angry → anger, surprised → surprise.",
    ):
        assert fact in text


def test_what_is_left_out_stands_in_one_list_with_the_corpus(realistic_board: Leaderboard) -> None:
    lines = section(leaderboard_markdown(realistic_board), "ravdess").partition("Left out, or treated specially:")[2]
    assert lines.strip().splitlines()[:2] == [
        "- 1 of 1,441 clips cannot be read, such as bad\\|clip.wav (is empty): left out.",
        "- 8 of 1,440 clips mean no emotion (xxx 8): not scored.",
    ]
    assert "Left out" not in text_of(scored())


def test_an_interval_stands_at_the_score_that_it_is_around() -> None:
    (row,) = right(text_of(scored(uar=0.5, compared_uar=0.62, uar_low=0.55, uar_high=0.7)))
    assert (row["UAR"], row["compared UAR"]) == ("0.50", "0.62 [0.55–0.70]")
    assert "compared UAR" not in right(text_of(scored()))[0]


def test_flags_of_all_rows_stand_once_and_every_flag_is_explained() -> None:
    text = text_of(scored("a", flags=("collapsed", "synthetic")), scored("b", flags=("synthetic",)))
    assert "Flags of all rows: synthetic." in text
    assert [row["flags"] for row in right(text)] == ["collapsed", "–"]
    legend = section(text, "How to read this")
    assert f"- **synthetic**: {FLAG_MEANINGS['synthetic']}" in legend
    assert f"- **collapsed**: {FLAG_MEANINGS['collapsed']}" in legend
    assert FLAG_MEANINGS["narrow"] not in legend


def test_a_median_stands_with_its_interval_and_who_was_not_timed_long_enough_is_named() -> None:
    known = {"latency_p50_low_ms": 200.0, "latency_p50_high_ms": 209.0}
    rows = scored("a", **known, latency_stopped_by="precise"), scored("b|c", **known, latency_stopped_by="time")
    text = text_of(*rows)
    assert [row["p50 ms"] for row in fast(text)] == ["204 [200–209]", "204 [200–209]"]
    assert "Not within 3 % of it when the time was over: b\\|c;" in text


def test_latency_stands_once_per_device_the_fastest_first(report: str) -> None:
    rows = fast(report)
    assert [row["p50 ms"] for row in rows] == ["99.9", "204", "204", "204", "204", "1,843"]
    assert "p99 ms" not in rows[0]
    gpu = scored("a", device="cuda", latency_p50_ms=4.04)
    corpora = (described(), described("other"))
    text = text_of(scored("a"), gpu, scored("b"), scored("b", corpus="other"), corpora=corpora)
    cells = [(row["candidate"], row["device"], row["p50 ms"]) for row in fast(text)]
    assert cells == [("a", "cpu", "204"), ("b", "cpu", "204"), ("a", "cuda", "4.0")]


def test_a_score_that_is_the_same_on_two_devices_stands_once_and_one_that_differs_names_the_device() -> None:
    assert len(right(text_of(scored("a"), scored("a", device="cuda")))) == 1
    different = text_of(scored("a"), scored("a", device="cuda", uar=0.3))
    assert [row["device"] for row in right(different)] == ["cpu", "cuda"]


def test_a_number_format_that_was_only_timed_is_not_listed_as_if_it_had_been_scored() -> None:
    timed = LeaderboardRow(candidate="a", corpus="ravdess", device="cpu", dtype="bfloat16", backend="torch",
                           latency_p50_ms=71.4, flags=("latency-only",))  # fmt: skip
    text = text_of(scored("a"), timed)
    assert len(right(text)) == 1
    assert [row["dtype"] for row in fast(text)] == ["bfloat16", "float32"]


def test_a_repaired_candidate_bears_its_mark_in_every_table(report: str) -> None:
    rows = [line for line in report.splitlines() if line.startswith("|") and "harshit345" in line]
    assert ["harshit345/xlsr (repaired)" in line for line in rows] == [True] * 3


def test_who_was_not_evaluated_is_named_with_status_and_reason(report: str) -> None:
    fallback = section(report, "Fallback: usable, with fewer than 5 emotions")
    assert "- **superb/four** (usable, 4 emotions): The reason of usable." in fallback
    assert "- **org/unreachable** (unreachable): The reason of unreachable." in section(report, "Undecided")
    assert "- **org/random-head** (random-head): The reason of random-head." in section(report, "Rejected")
    assert "- **firdhokk/whisper**: The worker was killed by SIGKILL" in section(report, "Failures")


def test_a_corpus_without_labels_has_no_accuracy_and_says_why() -> None:
    names = "rank accuracy accuracy_low accuracy_high uar uar_low uar_high interval macro_f1 common_uar shared_uar"
    empty = dict.fromkeys([*names.split(), "majority_accuracy", "coverage", "ece"])
    rows = (scored("z", corpus="calls", **empty), scored("a", corpus="calls", **empty, flags=("narrow",)))
    corpus = described("calls", emotion_clips={}, label_emotions={}, speakers=None)
    text = text_of(*rows, corpora=(corpus,))
    assert "On **calls** nothing is ranked: without labels nobody can say what is right." in text
    calls = section(text, "calls")
    assert [row["candidate"] for row in table(calls)] == ["z", "a"]
    assert {"UAR", "accuracy", "rank", "coverage"}.isdisjoint(table(calls)[0])
    assert table(calls)[1]["flags"] == "narrow"
    assert "**UAR**" not in text


def test_evidence_is_referred_to_and_logs_where_there_are_any() -> None:
    usable = absent("a", Status.USABLE, emotions=4, fallback=True).model_copy(update={"log": "logs/a.log"})
    crashed = absent("b", Status.CRASHED).model_copy(update={"log": "logs/b.log"})
    text = text_of(not_evaluated=(usable, crashed))
    introduction = section(text, "Not evaluated")
    assert "evidence into `verification.md` and `.json`" in introduction
    assert "Logs are below `.bench`, or below `$BENCH_CACHE`" in introduction
    assert "Log: logs/b.log" in text
    assert "logs/a.log" not in text
    assert "Logs are" not in text_of(not_evaluated=(usable,))


def test_100_candidates_are_all_there_in_aligned_tables() -> None:
    text = text_of(*(scored(f"org/model-{number:03}", rank=number + 1) for number in range(100)))
    assert len(right(text)) == len(fast(text)) == 100
    assert len({cell_len(line) for line in section(text, "How right").splitlines() if line.startswith("|")}) == 1


def test_several_corpora_are_summarised_apart_from_their_rankings() -> None:
    whole = {"corpus": "*", "adjusted_uar": 0.31, "adjusted_uar_low": 0.2, "adjusted_uar_high": 0.4}
    rows = (
        *(scored(name, corpus=corpus) for corpus in ("ravdess", "b|c") for name in ("a", "late")),
        LeaderboardRow(candidate="a", size_mb=378.3, **whole),
        LeaderboardRow(candidate="late", corpus="*", flags=("incomplete",)),
    )
    corpora = (described(), described("b|c"))
    text = text_of(*rows, corpora=corpora, summary_corpora=("ravdess", "b|c"))
    assert r"- Over **ravdess, b\|c** together, **a** is furthest from guessing: 0.31 [0.20–0.40]" in text
    cells = table(section(text, "All corpora"))
    assert [list(row.values()) for row in cells] == [
        ["a", "0.31 [0.20–0.40]", "0.44", "0.44", "–"],
        ["late", "–", "0.44", "0.44", "incomplete"],
    ]
    assert len(fast(text)) == 2
    assert "All corpora" not in text_of(scored("a"))


def hostile_board(text: str) -> Leaderboard:
    """A run in which everything that comes from outside is the same text."""
    corpus = described(
        text, source=text, selection=text, unscored_labels={text: 2}, label_emotions={text: "anger"},
        unreadable=(ClipRecord(clip=text, clip_hash=None, duration_s=None, failure=text),),
    )  # fmt: skip
    scores = (GroupScore(group=text, uar=0.6, uar_low=0.5, uar_high=0.7, interval="speakers"),)
    groups = CorpusGroups(
        corpus=text, column=text, emotions=(text,), groups=(GroupSize(group=text, clips=10, speakers=3),),
        candidates=(CandidateGroups(candidate=text, scores=scores, best=text, worst=text, gap=0.0, gap_low=0.0),),
        left_out=(LeftOutGroup(group=text, clips=1, reason=text),),
    )  # fmt: skip
    voter = Voter(candidate=text, clips=1, distribution={text: 1.0}, confidence=0.5, twin_of=text)
    pair = PairAgreement(first=text, second=text, agreement=1.0, kappa=None)
    agreement = CorpusAgreement(
        corpus="calls", clips=1, shared_emotions=(text,), voters=(voter,), pairs=(pair,), alpha=0.5, model="one-coin"
    )
    return board(
        scored(text, corpus=text, top_emotion=text, flags=(text,), flag_reasons={text: text}, head=text, device=text),
        corpora=(corpus,), failures={text: text}, registry=text, groups=(groups,), agreements=(agreement,),
        not_evaluated=(absent(text, Status.CRASHED).model_copy(update={"reason": text, "log": text}),),
        robustness=(Robustness(candidate=text, corpus=text, perturbation=text, clips=1, unchanged=1.0, problem=text),),
        failed_clips=(FailedClips(candidate=text, corpus=text, reason=text, clips=12, examples=(text,)),),
    )  # fmt: skip


def test_strings_from_outside_stay_text_in_every_place(attack: str) -> None:
    run = hostile_board(attack)
    text = leaderboard_markdown(run) + "\n".join(agreement_section(run, "calls"))
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    assert sum(token.type == "table_open" for token in tokens) == 6
    kinds = {child.type for token in tokens for child in token.children or []}
    known = {"text", "text_special", "strong_open", "strong_close", "em_open", "em_close", "code_inline", "softbreak"}
    assert kinds <= known
    assert not re.search(r"<(script|a|img|s|javascript)\b", parser.render(text))


def test_no_cell_of_a_table_for_programs_runs_as_a_formula(attack: str) -> None:
    run = hostile_board(attack)
    for text in (leaderboard_csv(run), groups_csv(run.groups), robustness_csv(run.robustness)):
        rows = list(csv.reader(io.StringIO(text)))
        assert len({len(row) for row in rows}) == 1
        assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@\t\r") or "\n" in cell]


def test_several_raters_have_their_ceiling_and_what_is_kept_apart() -> None:
    corpus = described(rated_clips=1440, tied_clips=12, minority_clips=1, human_uar=0.71, human_accuracy=0.74)
    text = text_of(scored(soft_cross_entropy=1.234, soft_jensen_shannon=0.321), corpora=(corpus,))
    for fact in ("UAR of 0.71 and an accuracy of 0.74", "in nats"):
        assert fact in text
    assert right(text)[0]["soft JSD"] == "0.32"
    without = text_of(scored())
    assert "rater" not in without
    assert "soft" not in without


def test_what_a_flag_rests_on_stands_once_per_candidate() -> None:
    rows = [scored("a", device=device, flags=("near-twins",), flag_reasons={"near-twins": "cannot be told from *b*."})
            for device in ("cpu", "cuda")]  # fmt: skip
    text = text_of(*rows)
    assert text.count(r"- a, **near-twins**: cannot be told from \*b\*.") == 1
    assert "What the flags rest on" not in text_of(scored("a", flags=("seen",)))


def test_emotions_stand_one_by_one_with_what_the_first_candidate_answers() -> None:
    def classes(name: str, hits: int) -> ClassScores:
        wrong = EmotionScore(emotion="b|c", clips=2, answered=0, precision=None, recall=0.0, f1=0.0)
        right = EmotionScore(emotion="anger", clips=10, answered=10, precision=0.9, recall=hits / 10, f1=hits / 10)
        return ClassScores(candidate=name, corpus="ravdess", emotions=(right, wrong), confusion=((9, 0, 1), (1, 0, 1)))

    rows = (scored("first", weighted_f1=0.5, brier=0.61), scored("second"))
    text = text_of(*rows, classes=(classes("second", 4), classes("first", 9)))
    emotions = section(text.partition("## Emotion by emotion")[2], "On ravdess")
    recalls, confusion = emotions.split("What first answers:")
    assert [list(row.values()) for row in table(recalls)] == [
        ["first", "0.90 / 0.90", "0.00 / –", "0.50", "0.61"],
        ["second", "0.40 / 0.90", "0.00 / –", "–", "–"],
    ]
    assert [list(row.values()) for row in table(confusion)] == [["anger", "9", "0", "1"], [r"b\|c", "1", "0", "1"]]
    assert "Emotion by emotion" not in text_of(scored("a"))


def test_a_focused_emotion_has_a_section_even_where_no_corpus_has_it() -> None:
    found = FocusScore(candidate="a", corpus="ravdess", emotion="anger", clips=192, share=0.1333, average_precision=0.5,
                       average_precision_low=0.4, average_precision_high=0.6, auroc=0.8, auroc_low=0.7,
                       auroc_high=0.9, interval="speakers")  # fmt: skip
    other = FocusScore(candidate="b", corpus="ravdess", emotion="anger", clips=192, share=0.1333)
    text = text_of(scored("a"), focus=(other, found), focused=("anger", "boredom"))
    cells = table(section(text, "Looking for anger"))
    assert [list(row.values()) for row in cells] == [
        ["a", "0.50 [0.40–0.60]", "0.80 [0.70–0.90]", "speakers"],
        ["b", "–", "–", "cannot express it"],
    ]
    assert "average precision of 0.13" in text
    assert "No corpus has scored clips both with and without it." in section(text, "Looking for boredom")


def test_a_number_of_the_users_own_metric_is_a_column() -> None:
    text = text_of(scored("a", metrics={"kappa": -0.1234}), scored("b"))
    assert [row["kappa"] for row in right(text)] == ["-0.123", "–"]


@pytest.mark.parametrize(
    ("flags", "sentence"), [((), "nobody with a number was trained"), (("seen",), "`--rank-seen`")]
)
def test_a_summary_says_whether_seen_corpora_count(flags: tuple[str, ...], sentence: str) -> None:
    rows = (scored("a"), LeaderboardRow(candidate="a", corpus="*", adjusted_uar=0.3, flags=flags))
    assert sentence in section(text_of(*rows, summary_corpora=("ravdess",)), "All corpora")


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (1, "is **mine**, UAR 0.70 [0.60–0.80]; the best as it is, **other**, UAR 0.70 [0.60–0.80]."),
        (0, "is **mine**, UAR 0.70 [0.60–0.80]; none is ranked as it is."),
    ],
)
def test_the_best_adapted_candidate_and_the_best_as_it_is_are_named_apart(others: int, sentence: str) -> None:
    scores = {"uar": 0.7, "uar_low": 0.6, "uar_high": 0.8}
    rows = [scored("mine", rank=1, flags=("adapted",), **scores), scored("other", rank=2, **scores)][: 1 + others]
    text = text_of(*rows)
    assert f"The best that was *adapted* to this corpus, on speakers it has not heard, {sentence}" in text
    assert "- **adapted**: Trained on other speakers of this corpus" in text


def test_what_a_flag_rests_on_stands_once_for_all_candidates_that_it_is_the_same_for() -> None:
    reasons = {"silence-tells": "UAR 0.55.", "near-twins": "x."}
    rows = [
        scored("a", flags=tuple(reasons), flag_reasons=reasons),
        scored("b", flags=tuple(reasons), flag_reasons=reasons),
        scored("c", flags=("silence-tells",), flag_reasons={"silence-tells": "UAR 0.55."}),
    ]
    text = text_of(*rows)
    assert "- all, **silence-tells**: UAR 0.55." in text
    assert "- a, b, **near-twins**: x." in text


def test_what_an_hour_of_audio_costs_stands_beside_the_speed_where_a_price_was_given() -> None:
    row = scored("a", latency_p50_ms=150.0, rtfx=20.0, cost_per_hour=0.025, device="cpu")
    text = text_of(row, price_per_hour=0.5)
    assert fast(text)[0]["cost per hour"] == "0.025"
    assert "an hour of this machine costs 0.50." in text
    unpriced = text_of(row.model_copy(update={"cost_per_hour": None}))
    assert "cost per hour" not in unpriced
