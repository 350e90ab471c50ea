import json
import re
import shutil
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import benchmark
from benchmark.settings import Settings
from tests.support.command_line import Bench, failure
from tests.support.damage import flip
from tests.support.finished_runs import FinishedRun, corpus, verification
from tests.support.without_torch import bench_without_torch


@pytest.fixture
def report(bench: Bench) -> Bench:
    return partial(bench, "report")


@pytest.fixture
def finished(tmp_path: Path) -> FinishedRun:
    run = FinishedRun(tmp_path / ".bench", corpus("first"), corpus("second"))
    run.add(verification("good"), wrong=0.1)
    run.add(verification("poor", ("anger", "sadness")), wrong=0.5, seed=1)
    run.save()
    return run


def leaderboard(folder: Path) -> dict[str, list[dict[str, object]]]:
    content: dict[str, list[dict[str, object]]] = json.loads((folder / "leaderboard.json").read_text("utf-8"))
    return content


def test_all_reports_of_the_latest_run_are_written_without_torch(finished: FinishedRun, tmp_path: Path) -> None:
    ended = bench_without_torch("report", "--by", "language", folder=tmp_path, cache=finished.cache)
    assert ended.returncode == 0, ended.stderr
    assert "On **first** the best is **good**, UAR" in ended.stdout
    assert ended.stderr.splitlines()[-1].startswith("Open reports/leaderboard.html. Next: `bench recommend` chooses")
    written = {path.name for path in (tmp_path / "reports").iterdir()}
    assert {f"leaderboard.{ending}" for ending in ("md", "csv", "json", "html")} | {"predictions.parquet"} <= written
    assert {row["candidate"] for row in leaderboard(tmp_path / "reports")["rows"]} == {"good", "poor"}
    clips = sum(len(corpus.clips) for corpus in finished.corpora)
    assert pq.read_table(tmp_path / "reports" / "predictions.parquet").num_rows == 2 * clips


def test_a_price_gives_each_timed_row_what_an_hour_of_audio_costs(
    finished: FinishedRun, report: Bench, tmp_path: Path
) -> None:
    assert len(finished.latencies) > 1
    assert report("--price-per-hour", 0.5).returncode == 0
    timed = [row for row in leaderboard(tmp_path / "reports")["rows"] if row["rtfx"] is not None]
    assert [row["cost_per_hour"] for row in timed] == [pytest.approx(0.5 / float(str(row["rtfx"]))) for row in timed]
    assert "an hour of this machine costs 0.50." in (tmp_path / "reports" / "leaderboard.md").read_text("utf-8")
    shown = re.compile(r'"speed":\s*\[[^]]*"cost_per_hour"')
    assert shown.search((tmp_path / "reports" / "leaderboard.html").read_text("utf-8"))
    assert report().returncode == 0
    assert not shown.search((tmp_path / "reports" / "leaderboard.html").read_text("utf-8"))


def test_a_report_that_cannot_be_written_whole_leaves_the_former_one(
    finished: FinishedRun, report: Bench, tmp_path: Path
) -> None:
    assert finished.cache.is_dir()
    reports = tmp_path / "reports"
    assert report("-m", "good").returncode == 0
    (reports / "predictions.parquet").unlink()
    (reports / "predictions.parquet").mkdir()  # the last file of the set
    before = {path.name: path.read_bytes() for path in reports.iterdir() if path.is_file()}
    assert "there is a folder of that name" in failure(report())
    assert {path.name: path.read_bytes() for path in reports.iterdir() if path.is_file()} == before


def test_damaged_answers_are_announced_once_and_the_report_is_incomplete_until_the_run_is_repeated(
    finished: FinishedRun, report: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    flip(next(finished.cache.glob("org__good/*/predictions/*/part-*.parquet")), bit=4000)
    for announced in (True, False):
        ended = report()
        assert ended.returncode == 1
        assert "no answer is stored for" in ended.stderr
        assert ("is damaged: its content is not what was written (SHA-256)" in caplog.text) == announced
        caplog.clear()


def test_a_selection_is_reported_as_if_the_run_had_asked_for_it_alone(
    finished: FinishedRun, report: Bench, tmp_path: Path
) -> None:
    ended = report("-m", "org/g*", "--corpus", "second", "--merge", "sadness=anger", "-o", "chosen", "--json")
    assert ended.returncode == 0, ended.stderr
    content = json.loads(ended.stdout)
    assert [row["candidate"] for row in content["rows"]] == ["good"]
    (summary,) = content["corpora"]
    assert (summary["name"], summary["merge"]) == ("second", {"sadness": "anger"})
    rows = pq.read_table(tmp_path / "chosen" / "predictions.parquet").to_pylist()
    assert {(row["candidate"], row["corpus"]) for row in rows} == {("good", "second")}
    assert "sadness" not in {row["emotion"] for row in rows}


@pytest.mark.usefixtures("finished")
def test_candidates_with_too_few_emotions_are_listed_and_without_others_the_exit_code_is_1(
    report: Bench, tmp_path: Path
) -> None:
    assert report("--min-emotions", 3).returncode == 0
    (other,) = leaderboard(tmp_path / "reports")["not_evaluated"]
    assert (other["candidate"], other["reason"]) == ("poor", "It distinguishes 2 emotions; at least 3 were asked for.")
    line = failure(report("--min-emotions", 99), 1)
    assert "No candidate was eligible" in line
    assert "Lower --min-emotions" in line
    assert len(leaderboard(tmp_path / "reports")["not_evaluated"]) == 2


def test_corrected_labels_change_the_reports_and_no_model_is_asked(finished: FinishedRun, tmp_path: Path) -> None:
    lines = ["file,label,speaker"]
    for clip in finished.corpora[0].clips:
        (tmp_path / clip.clip).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / clip.clip).touch()
        lines.append(f"{clip.clip},anger,{clip.speaker}")
    (tmp_path / "first.csv").write_text("\n".join(lines), encoding="utf-8")
    ended = bench_without_torch("report", "--relabel", "table:first.csv", folder=tmp_path, cache=finished.cache)
    assert ended.returncode == 0, ended.stderr
    first, second = leaderboard(tmp_path / "reports")["corpora"]
    assert first["emotion_clips"] == {"anger": len(finished.corpora[0].clips)}
    assert second["emotion_clips"] == dict.fromkeys(("anger", "happiness", "neutral", "sadness"), 24)


def test_speakers_are_taken_from_file_names_and_a_run_is_ranked_again(
    finished: FinishedRun, report: Bench, tmp_path: Path
) -> None:
    lines = ["file,label", *(f"{clip.clip},{clip.label}" for clip in finished.corpora[0].clips)]
    (tmp_path / "first.csv").write_text("\n".join(lines), encoding="utf-8")
    for arguments, speakers in (((), None), (("--speaker-pattern", r"/(\d)/"), 8)):
        ended = report("--relabel", "table:first.csv", *arguments)
        assert ended.returncode == 0, ended.stderr
        written = leaderboard(tmp_path / "reports")
        assert written["corpora"][0]["speakers"] == speakers
        assert ("at least so wide" in " ".join(ended.stdout.split())) == (speakers is None)
        assert all((row["rank"] is None) == (speakers is None) for row in written["rows"] if row["corpus"] == "first")
    assert "Speakers that are taken from file names: 8 (0, 1, 2, 3, 4, …)." in ended.stderr
    assert "say how the corpus of --relabel is read" in failure(report("--speaker-pattern", r"/(\d)/"))


def test_how_many_clips_keep_their_labels_is_said_where_a_table_names_some_only(
    finished: FinishedRun, report: Bench, tmp_path: Path
) -> None:
    clips = finished.corpora[0].clips
    lines = ["file,label,speaker", *(f"{clip.clip},anger,{clip.speaker}" for clip in clips[:90])]
    (tmp_path / "first.csv").write_text("\n".join(lines), encoding="utf-8")
    ended = report("--relabel", "table:first.csv")
    assert ended.returncode == 0, ended.stderr
    assert f"does not name {len(clips) - 90} of the {len(clips)} clips that the run heard" in ended.stderr
    lines += [f"{clip.clip},anger,{clip.speaker}" for clip in clips[90:]]
    (tmp_path / "first.csv").write_text("\n".join(lines), encoding="utf-8")
    assert "does not name" not in report("--relabel", "table:first.csv").stderr


def test_labels_of_another_corpus_are_refused(finished: FinishedRun, report: Bench, tmp_path: Path) -> None:
    (tmp_path / "other.wav").touch()
    (tmp_path / "first.csv").write_text("file,label\nother.wav,anger\n", encoding="utf-8")
    assert "names none of the clips" in failure(report("--relabel", "table:first.csv"))
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "cut off"), ("{", "cut off"), ('{"schema_version": 99}', "newer version of bench"), ("[1]", "cut off")],
)
def test_a_record_that_cannot_be_read_is_one_sentence(
    report: Bench, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "run.json").write_text(content, encoding="utf-8")
    assert message in failure(report("--run", "run.json"))


def test_without_a_run_and_with_an_unknown_candidate_the_remedy_is_named(
    report: Bench, request: pytest.FixtureRequest
) -> None:
    assert "make one with `bench run`" in failure(report())
    request.getfixturevalue("finished")
    assert "did you mean 'good'?" in failure(report("-m", "goood"))


def test_lost_predictions_are_an_incomplete_row_exit_1_and_no_crash(
    finished: FinishedRun, report: Bench, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / ".bench" / "org__good")
    ended = report()
    assert "good is incomplete: first: no answer is stored for" in failure(ended, 1)
    assert ended.stdout.startswith("The run is incomplete: good did not come to its end.")
    assert '"complete": false' in (tmp_path / "reports" / "leaderboard.json").read_text()
    flags = {row["candidate"]: row["flags"] for row in leaderboard(tmp_path / "reports")["rows"]}
    assert "incomplete" in str(flags["good"])


def test_a_paper_gets_its_tables_signatures_and_published_figures(tmp_path: Path, report: Bench) -> None:
    run = FinishedRun(tmp_path / ".bench", corpus("iemocap"), corpus("mine", speakers=9))
    run.add(verification("a_b & Söhne"), wrong=0.3)
    run.add(verification("poor"), wrong=0.6, seed=1)
    run.save()
    ended = report("--format", "latex", "--published", "--json")
    assert ended.returncode == 0, ended.stderr
    content = json.loads(ended.stdout)
    signatures = {row["corpus"]: row["signature"] for row in content["rows"]}
    assert signatures["iemocap"] != signatures["mine"]
    assert [(score["corpus"], score["uar"]) for score in content["published"]] == [("iemocap", 0.74), ("mine", None)]
    assert not any(score["measured_here"] for score in content["published"])
    assert {entry["corpus"]: entry["signatures"][0] for entry in content["cite"]["corpora"]} == signatures
    texts = {
        ending: (tmp_path / f"reports/leaderboard.{ending}").read_text("utf-8") for ending in ("md", "html", "tex")
    }
    assert r"a\_b \& Söhne" in texts["tex"]
    for text in texts.values():
        assert "EmoBox" in text
        assert "No published" in text
        assert "not measured here" in text
        assert signatures["mine"] in text.replace(r"\allowbreak{}", "")
        assert "@software{bench," in text
    assert report("--json").returncode == 0
    assert not (tmp_path / "reports" / "leaderboard.tex").exists()
    assert leaderboard(tmp_path / "reports")["published"] is None
    assert "EmoBox" not in (tmp_path / "reports" / "leaderboard.md").read_text("utf-8")


def test_the_library_reports_as_the_command_does(finished: FinishedRun, tmp_path: Path) -> None:
    outcome = benchmark.report(models=["good"], output=tmp_path / "own", settings=Settings(cache=finished.cache))
    assert outcome.exit_code == 0
    assert {row.candidate for row in outcome.leaderboard.rows} == {"good"}
    assert all(path.exists() for path in outcome.files)
