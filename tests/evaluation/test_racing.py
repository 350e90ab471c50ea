"""Whole races: who leaves, what is computed then, what the reports say of it, and what a repetition changes."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import benchmark
from benchmark.results.leaderboard import LeaderboardRow, deciding_rows
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import EvaluationRecord, RaceStop, RunRecord
from benchmark.scoring.race import LOOKS, RaceJudge
from benchmark.settings import Settings
from tests.support.command_line import bench_here, failure

GOOD, SILENT, FEW = "hubert-german", "hubert-always-neutral", "wav2vec2-four"
CANDIDATES = (GOOD, SILENT, FEW)
NOTHING_COMPUTED = shutil.ignore_patterns("temporary", "predictions", "converted", "runs", "logs")
NOT_RUNS = shutil.ignore_patterns("temporary", "runs")


def hold(folder: Path, cache: Path, **options: Any) -> benchmark.RunOutcome:
    """Hold a race of candidates of the demo."""
    request: dict[str, Any] = {
        "candidates": "demo", "models": CANDIDATES, "corpora": ["demo"], "race": "speakers", "latency_seconds": 0,
    }  # fmt: skip
    return benchmark.run(**request | options, output=folder, settings=Settings(cache=cache, jobs=1))


def stops(record: RunRecord) -> dict[str, RaceStop | None]:
    return {own.candidate: own.stopped for own in record.evaluations}


@dataclass(frozen=True)
class Held:
    """A race on a cache without predictions."""

    outcome: benchmark.RunOutcome
    cache: Path
    folder: Path

    @property
    def rows(self) -> Mapping[str, LeaderboardRow]:
        rows = deciding_rows(self.outcome.leaderboard.rows)
        return {candidate: row for (candidate, corpus), row in rows.items() if corpus == "demo"}

    def answered(self, evaluation: EvaluationRecord) -> set[str]:
        return set(PredictionStore(self.cache).read(evaluation.setup))

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def held(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Held:
    folder = tmp_path_factory.mktemp("race")
    shutil.copytree(demo_run / ".bench", folder / "cache", ignore=NOTHING_COMPUTED)
    outcome = hold(folder / "reports", folder / "cache", latency_seconds=0.05, format="latex")
    return Held(outcome, folder / "cache", folder / "reports")


def test_who_cannot_win_is_asked_the_clips_of_its_looks_and_no_others(held: Held) -> None:
    assert (held.outcome.exit_code, held.outcome.problems) == (0, ())
    (corpus,) = held.outcome.record.corpora
    stopped = stops(held.outcome.record)
    assert stopped[GOOD] is None
    for evaluation in held.outcome.record.evaluations:
        last = LOOKS if evaluation.stopped is None else evaluation.stopped.look
        asked = {clip.clip_hash for clip in corpus.clips if clip.look is not None and clip.look <= last}
        assert held.answered(evaluation) == asked
    assert {name for name, stop in stopped.items() if stop is not None and stop.leader == GOOD} == {SILENT, FEW}


def test_stopped_candidates_have_no_score_and_no_rank_and_their_speed_and_variety(held: Held) -> None:
    row = held.rows[SILENT]
    assert (row.rank, row.uar, row.accuracy, row.may_be_best, row.compared_uar) == (None, None, None, None, None)
    assert row.stopped_of == 112
    assert row.stopped_after == len(held.answered(held.outcome.record.evaluations[1])) < 112
    assert row.effective_emotions == pytest.approx(1)
    assert row.latency_p50_ms is not None
    assert "stopped" in row.flags
    assert "incomplete" not in row.flags
    assert held.rows[GOOD].rank == 1
    assert held.outcome.leaderboard.pairs == ()


def test_every_report_says_so_where_it_shows_a_score(held: Held, capsys: pytest.CaptureFixture[str]) -> None:
    row = held.rows[SILENT]
    words = f"stopped after {row.stopped_after} of 112 clips"
    assert row.stopped == words
    assert f"**{SILENT}** ({words})" in held.text("leaderboard.md")  # the verdict
    assert any(
        line.startswith("|") and SILENT in line and words in line for line in held.text("leaderboard.md").splitlines()
    )
    assert words in held.text("leaderboard.tex")
    rows = json.loads(held.text("leaderboard.json"))["rows"]
    (own,) = [row for row in rows if row["candidate"] == SILENT]
    assert (own["uar"], own["stopped_after"], own["stopped_of"]) == (None, row.stopped_after, 112)
    assert ",stopped_after,stopped_of," in held.text("leaderboard.csv").splitlines()[0]
    table = pq.read_table(held.folder / "predictions.parquet")
    assert table.column("candidate").to_pylist().count(SILENT) == row.stopped_after
    (line,) = [line for line in held.outcome.leaderboard.corpora[0].left_out if line.kind == "race"]
    assert line.sentence.startswith("2 of 3 candidates were stopped by the race")
    assert line.sentence in held.text("leaderboard.md")
    chosen = benchmark.recommend(settings=Settings(cache=held.cache))
    reasons = {own.candidate: own.reasons for own in chosen.recommendation.excluded}
    assert reasons[SILENT] == (f"on demo it was {words} by a race",)
    printed = bench_here("report", "-o", "again", folder=held.folder, BENCH_CACHE=str(held.cache))
    assert words in printed.stdout
    assert "incomplete" not in printed.stdout


def test_stored_answers_change_no_stop(demo_run: Path, held: Held, tmp_path: Path) -> None:
    """On a cache in which a run without a race has answered everything, the race ends as it does on an empty one."""
    shutil.copytree(demo_run / ".bench", tmp_path / "cache", ignore=NOT_RUNS)
    again = hold(tmp_path / "reports", tmp_path / "cache")
    assert stops(again.record) == stops(held.outcome.record)
    rows = {row.candidate: row for row in again.leaderboard.rows}
    for name, row in held.rows.items():
        assert (rows[name].uar, rows[name].rank, rows[name].stopped) == (row.uar, row.rank, row.stopped)
        assert rows[name].effective_emotions == row.effective_emotions


@pytest.mark.slow
def test_an_interrupted_race_ends_as_if_it_had_not_been(
    demo_run: Path, held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(demo_run / ".bench", tmp_path / "cache", ignore=NOTHING_COMPUTED)
    decide = RaceJudge.stops

    def interrupt(judge: RaceJudge, *arguments: Any, look: int, **keywords: Any) -> dict[str, RaceStop]:
        if look == LOOKS - 1:
            raise KeyboardInterrupt
        return decide(judge, *arguments, look=look, **keywords)

    with monkeypatch.context() as context:
        context.setattr(RaceJudge, "stops", interrupt)
        first = hold(tmp_path / "first", tmp_path / "cache")
    assert first.exit_code == 130
    whole = stops(held.outcome.record)
    early = {name: stop for name, stop in whole.items() if stop is not None and stop.look < LOOKS - 1}
    assert early
    assert {name: stop for name, stop in stops(first.record).items() if stop is not None} == early
    second = hold(tmp_path / "second", tmp_path / "cache")
    assert (second.exit_code, stops(second.record)) == (0, whole)


@pytest.mark.slow
def test_equal_candidates_run_to_the_end_and_a_table_of_answers_is_compared(demo_run: Path, tmp_path: Path) -> None:
    """Two copies of one candidate: none is worse. A table that is always right leads, and lets both leave."""
    shutil.copytree(demo_run / ".bench", tmp_path / "cache", ignore=NOTHING_COMPUTED)
    checkpoint = Path(benchmark.__file__).parent / "demo" / "checkpoints" / GOOD
    for name in ("one", "two"):
        shutil.copytree(checkpoint, tmp_path / name)
    copies: dict[str, Any] = {
        "candidates": None,
        "corpora": ["demo:"],
        "models": (str(tmp_path / "one"), str(tmp_path / "two")),
    }
    equal = hold(tmp_path / "reports", tmp_path / "cache", **copies)
    assert list(stops(equal.record).values()) == [None, None]
    (line,) = [line for line in equal.leaderboard.corpora[0].left_out if line.kind == "race"]
    assert line.sentence.startswith("0 of 2 candidates were stopped by the race: it ran to its end")
    table = tmp_path / "answers.csv"
    clips = equal.record.corpora[0].clips
    table.write_text("file,predicted\n" + "".join(f"{clip.clip},{clip.label}\n" for clip in clips), encoding="utf-8")
    labels = sorted({clip.label or "" for clip in clips})
    others = dict(zip(labels, labels[1:] + labels[:1], strict=True))
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(
        "file,predicted\n" + "".join(f"{clip.clip},{others[clip.label or '']}\n" for clip in clips), encoding="utf-8"
    )
    raced = hold(
        tmp_path / "with", tmp_path / "cache", **copies, predictions=(f"right={table}", f"wrong={wrong}"), race="table"
    )
    stopped = stops(raced.record)
    assert [stopped[name] for name in ("right", "wrong")] == [None, None]
    assert all(
        stop is not None and stop.leader == "right" for name, stop in stopped.items() if name not in {"right", "wrong"}
    )
    rows = deciding_rows(raced.leaderboard.rows)
    assert rows["wrong", "demo"].uar == 0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--corpus", "demo", "--corpus", "demo-long"), "--race is held on one corpus, and these are 2"),
        (("--corpus", "demo-unlabelled"), "A race is decided by right answers, and the labels of demo-unlabelled"),
        (("--corpus", "demo", "--perturb", "gain:-12dB"), "--race asks some candidates a part of the clips"),
        (("--corpus", "demo", "--shard", "1/2"), "--race decides after each look by the answers of all candidates"),
        (("--corpus", "demo", "--speaker", "f1"), "A race needs 8 speakers to tell who is worse"),
    ],
)  # fmt: skip
def test_what_cannot_be_raced_is_refused_before_work(options: tuple[str, ...], reason: str, tmp_path: Path) -> None:
    ended = bench_here("run", "--candidates", "demo", *options, "--race", folder=tmp_path)
    assert failure(ended).startswith(f"Error: {reason}")
    assert not any(tmp_path.rglob("leaderboard.*"))
