import csv
import io
from pathlib import Path
from typing import Any

from benchmark.reporting.csv_and_json import ROBUSTNESS_COLUMNS
from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.reporting.leaderboard_robustness import cue_sections, robustness_sections
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.analyses import CandidateCues, Robustness
from benchmark.results.leaderboard import Leaderboard, LeaderboardRow
from tests.reporting.conftest import board, scored, table


def perturbed(candidate: str = "a", perturbation: str = "noise:20dB", **changes: object) -> Robustness:
    """Build the scores of one candidate under one perturbation; `changes` replace fields."""
    base = {
        "candidate": candidate, "corpus": "ravdess", "perturbation": perturbation, "clips": 1440, "unchanged": 0.9123,
        "uar": 0.5, "perturbed_uar": 0.45, "uar_loss": 0.05, "uar_loss_low": 0.01, "uar_loss_high": 0.09,
        "interval": "speakers",
    }  # fmt: skip
    return Robustness.model_validate(base | changes)


def robustness_of(rows: tuple[LeaderboardRow, ...], *results: Robustness) -> str:
    return "\n\n".join(robustness_sections(board(*rows, robustness=results)))


def test_without_changed_audio_there_are_no_sections(realistic_board: Leaderboard) -> None:
    assert robustness_sections(realistic_board) == cue_sections(realistic_board) == []


def test_perturbed_candidates_stand_in_the_order_of_the_corpus_with_a_column_for_each_perturbation() -> None:
    results = perturbed("a"), perturbed("a", "telephone", unchanged=0.5), perturbed("b", "telephone", unchanged=0.8)
    text = leaderboard_markdown(board(scored("b"), scored("a"), robustness=results))
    shares = text.partition("## How robust")[2].partition("Loss of UAR")[0]
    assert table(shares) == [
        {"candidate": "b", "noise:20dB": "–", "telephone": "0.80"},
        {"candidate": "a", "noise:20dB": "0.91", "telephone": "0.50"},
    ]
    assert "1,440 clips" in shares


def test_a_loss_is_bold_only_if_its_interval_excludes_zero_and_absent_without_labels() -> None:
    text = robustness_of(
        tuple(map(scored, "abcd")),
        perturbed("a"),
        perturbed("b", uar_loss=-0.02, uar_loss_low=-0.05, uar_loss_high=0.01),
        perturbed("c", uar_loss=-0.05, uar_loss_low=-0.09, uar_loss_high=-0.01),
        perturbed("d", uar_loss_low=None),
    )
    losses = [row["noise:20dB"] for row in table(text.partition("Loss of UAR")[2])]
    assert losses == ["**0.05 [0.01, 0.09]**", "−0.02 [−0.05, 0.01]", "**−0.05 [−0.09, −0.01]**", "0.05"]
    assert "over speakers" in text
    assert "too narrow" in robustness_of((scored("a"),), perturbed(interval="clips"))
    unlabelled: dict[str, Any] = dict.fromkeys(
        ("uar", "perturbed_uar", "uar_loss", "uar_loss_low", "uar_loss_high", "interval")
    )
    assert "Loss of UAR" not in robustness_of((scored("a"),), perturbed(**unlabelled))


def test_failures_and_clips_without_change_are_remarked() -> None:
    ended: dict[str, object] = {"clips": 0, "unchanged": None, "uar_loss": None, "problem": "Its worker ended."}
    results = (perturbed("a", failed_clips=3), perturbed("a", "lowpass:4k", untouched_clips=1200))
    text = robustness_of((scored("a"), scored("b")), *results, perturbed("b", "noise:20dB", **ended))
    assert "**a**, noise:20dB: 3 of 1,440 clips could not be processed" in text
    assert "lowpass:4k has nothing to remove from 1,200 clips" in text
    assert "**b**, noise:20dB: Its worker ended." in text


def test_a_candidate_that_always_answers_the_same_is_not_called_robust() -> None:
    rows = (scored("a"), scored("b", collapsed=True, flags=("collapsed",)))
    text = robustness_of(rows, perturbed("a"), perturbed("b", unchanged=1.0))
    assert "b answers nearly always the same" in text
    assert "a answers" not in text


def test_robustness_is_written_in_full_and_that_of_a_former_run_is_removed(tmp_path: Path) -> None:
    leaderboard = board(scored("a"), robustness=(perturbed("a", uar_loss=1 / 3),))
    written = write_leaderboard(leaderboard, tmp_path)
    assert written[-1] == tmp_path / "robustness.csv"
    (cells,) = csv.DictReader(io.StringIO(written[-1].read_text(encoding="utf-8")))
    assert tuple(cells) == ROBUSTNESS_COLUMNS
    assert (float(cells["uar_loss"]), cells["problem"]) == (1 / 3, "")
    read = Leaderboard.read(written[2])
    assert read is not None
    assert read.robustness == leaderboard.robustness
    assert written[-1] not in write_leaderboard(board(scored("a")), tmp_path)
    assert not written[-1].exists()


def test_cues_have_a_table_and_a_sentence_of_their_own_and_those_beyond_chance_are_bold() -> None:
    def ablated(perturbation: str, worth: float, candidate: str = "a") -> Robustness:
        ends = {"worth_low": worth - 0.05, "worth_high": worth + 0.05}
        return perturbed(candidate, perturbation, worth=worth, worth_p=0.01, **ends)

    cues = tuple(
        CandidateCues(candidate=name, corpus="ravdess", shown=("scramble:100ms",), sentence=f"{name} hears order.")
        for name in ("b", "a")
    )
    results = (
        ablated("loudness", 0.06), ablated("scramble:100ms", 0.2), ablated("scramble:100ms", 0.1, "b"),
        perturbed("a", "telephone"),
    )  # fmt: skip
    text = leaderboard_markdown(board(scored("a"), scored("b"), robustness=results, cues=cues))
    part = text.partition("## What they listen to")[2].partition("\n## ")[0]
    assert table(part) == [
        {"candidate": "a", "loudness": "0.06 [0.01, 0.11]", "order of sounds": "**0.20 [0.15, 0.25]**"},
        {"candidate": "b", "loudness": "–", "order of sounds": "**0.10 [0.05, 0.15]**"},
    ]
    assert "**a**: a hears order." in part
    assert "b hears order." not in part
    robust = text.partition("## How robust")[2].partition("## What they listen to")[0]
    assert "telephone" in robust
    assert "scramble" not in robust
