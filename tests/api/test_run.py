"""A candidate that bench has trained, from its folder to every report."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sklearn.metrics import balanced_accuracy_score

import benchmark
from benchmark.demo.files import checkpoints_path, demo_clips
from benchmark.registry.loading import load_registry
from benchmark.registry.trained import register_candidate
from benchmark.results.status import Status
from benchmark.results.training_record import OUT_OF_FOLD_FILE, TrainingRecord
from benchmark.settings import Settings
from tests.support.trained_folders import demo_answers, trained_folder

ANSWERS = demo_answers(wrong=0.03)
SPEAKERS = ("f1", "f2", "f3", "f4", "m1", "m2", "m3", "m4")
OTHERS = ("hubert-german", "hubert-always-neutral")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained candidate, a registry with it and with the demo's candidates, and a finished run."""
    folder = tmp_path_factory.mktemp("adapted")
    model = trained_folder(folder / "mine", ANSWERS)
    record = TrainingRecord.of_folder(model)
    assert record is not None
    registry = register_candidate(folder / "own.yaml", model, record, languages=("en",))
    with registry.open("a") as file:
        file.write("".join(f"- id: {checkpoints_path() / name}\n" for name in OTHERS))
    run(folder, "demo:")
    return folder


def settings(folder: Path) -> Settings:
    return Settings(cache=folder / ".bench", jobs=1)


def run(folder: Path, corpus: str) -> benchmark.RunOutcome:
    return benchmark.run(
        folder / "own.yaml",
        corpora=[corpus],
        latency_seconds=0,
        find_speech=False,
        backend="torch",
        output=folder / "reports",
        settings=settings(folder),
    )


def test_the_score_is_that_of_scikit_learn_and_ranked_beside_the_others(folder: Path) -> None:
    outcome = benchmark.report(output=folder / "again", settings=settings(folder))
    rows = {row.candidate: row for row in outcome.leaderboard.rows}
    table = pq.read_table(folder / "mine" / OUT_OF_FOLD_FILE).to_pydict()
    assert rows["mine"].uar == pytest.approx(balanced_accuracy_score(table["label"], table["predicted"]), abs=1e-9)
    assert {row.rank is not None for row in rows.values()} == {True}
    assert rows["mine"].rank == 1 < (rows["hubert-always-neutral"].rank or 0)
    mine = rows["mine"]
    assert (mine.head, mine.seen, mine.interval, mine.trained_speakers) == ("trained-here", "no", "speakers+texts", 8)
    assert (mine.flags, mine.clips) == (("adapted", "length-tied", "level-tied", "silence-tells", "synthetic"), 112)
    assert (outcome.leaderboard.complete, outcome.exit_code) == (True, 0)
    assert outcome.record.verifications[0].status is Status.USABLE
    for name in ("leaderboard.md", "leaderboard.html"):
        assert "to this corpus, on speakers it has not heard" in (folder / "again" / name).read_text()
    assert "mine (repaired)" not in (folder / "again" / "leaderboard.md").read_text()


def test_the_exported_predictions_are_the_out_of_fold_answers(folder: Path) -> None:
    exported = pq.read_table(folder / "reports" / "predictions.parquet").to_pylist()
    own = {row["clip_hash"]: row for row in exported if row["candidate"] == "mine"}
    assert [own[clip_hash]["predicted"] for clip_hash in ANSWERS.clip_hashes] == list(ANSWERS.predicted)
    assert {row["backend"] for row in own.values()} == {"out-of-fold"}


def test_other_commands_take_the_run(folder: Path) -> None:
    own = settings(folder)
    ensemble = benchmark.ensemble(["mine", "hubert-german"], output=folder / "ensemble", settings=own)
    (voted,) = [row for row in ensemble.leaderboard.rows if "ensemble" in row.flags]
    assert "adapted" in voted.flags
    recommended = benchmark.recommend(write=folder / "pick.yaml", settings=own)
    best, as_is = (recommended.recommendation.best(adapted=kind) for kind in (True, False))
    assert (best and best.candidate, as_is and as_is.candidate) == ("mine", "hubert-german")
    assert load_registry(folder / "pick.yaml").candidates[0].trained_speakers == SPEAKERS
    compared = benchmark.compare(folder / "reports", folder / "reports", settings=own)
    assert {change.presence for change in compared.comparison.rows} == {"both"}
    published = benchmark.publish(repo="me/results", candidates=["mine"], output=folder / "published", settings=own)
    assert published.complete
    (row,) = json.loads((folder / "published" / "dataset" / "leaderboard.json").read_text())["rows"]
    assert (row["head"], row["flags"]) == ("trained-here", "adapted length-tied level-tied silence-tells synthetic")
    assert (
        "Trained on other speakers of what they are scored on"
        in (folder / "published" / "dataset" / "README.md").read_text()
    )


def test_a_renamed_corpus_with_a_clip_that_no_fold_has_answered_is_not_ranked(folder: Path) -> None:
    for clip in list(demo_clips())[:56]:
        home = folder / "renamed" / (clip.emotion or "") / clip.speaker
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip.path, home)
    new = folder / "renamed" / "anger" / "m1" / "new.flac"
    new.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(next(demo_clips("unlabelled")).path, new)
    outcome = run(folder, f"folder:{folder / 'renamed'}")
    rows = {row.candidate: row for row in outcome.leaderboard.rows if row.corpus == "renamed"}
    assert (rows["mine"].rank, rows["mine"].seen, rows["mine"].head) == (None, "yes", "standard")
    assert rows["mine"].flag_reasons["seen"] == "it was trained on 56 of these 57 clips."
    assert rows["hubert-german"].seen == "unknown"
