"""Runs of several machines that share a store: nothing is computed twice, and whatever fails, nothing is lost."""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmark.api import store as command_store
from benchmark.evaluation.evaluate import Evaluated, Evaluation
from benchmark.progress import Silent
from benchmark.results.speech_shares import read_speech_shares, save_speech_shares
from benchmark.settings import Settings
from tests.support.command_line import bench_here, failure, run_bench
from tests.support.equal_reports import report_differences
from tests.support.object_store import BUCKET, ObjectStore, object_store, refusing_store, s3_environment

NOT_VERDICTS = shutil.ignore_patterns("temporary", "predictions", "converted", "runs", "logs")
REQUEST = ("--candidates", "demo", "-m", "hubert-german", "--corpus", "demo", "--limit", 6, "--latency-seconds", 0)
HIDDEN = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


def address(prefix: str) -> str:
    return f"s3://{BUCKET}/{prefix}"


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    """Give an S3 server that all tests and the processes that they start find."""
    with object_store() as started, pytest.MonkeyPatch.context() as patch:
        for name, value in (s3_environment(started.url) | {"AWS_SECRET_ACCESS_KEY": HIDDEN}).items():
            patch.setenv(name, value)
        yield started


@pytest.fixture(scope="module")
def first(server: ObjectStore, demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a run that has filled the store at `filled`."""
    folder = with_verdicts(demo_run, tmp_path_factory.mktemp("first"))
    ended = bench_here("run", *REQUEST, "--store", address("filled"), folder=folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def with_verdicts(demo_run: Path, folder: Path) -> Path:
    """Give a folder whose cache has verdicts and no answer."""
    shutil.copytree(demo_run / ".bench", folder / ".bench", ignore=NOT_VERDICTS)
    return folder


def differences(first: Path, second: Path) -> list[str]:
    return report_differences(first / "reports", second / "reports", str(first), str(second))


def computed(folder: Path) -> list[str]:
    """The logs of the workers that the commands in a folder have started, but those of the store."""
    return sorted(path.name for path in (folder / ".bench/logs").glob("*") if path.name != "store.log")


class Warnings(Silent):
    """Keeps the warnings of a command."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def happens(condition: Callable[[], bool]) -> bool:
    """Wait until something holds, or too long."""
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_an_empty_cache_and_a_filled_store_load_no_model_and_give_the_same_reports(first: Path, tmp_path: Path) -> None:
    ended = bench_here("run", *REQUEST, "--store", address("filled"), folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert computed(tmp_path) == []
    assert differences(first, tmp_path) == []
    assert "s3://" not in (tmp_path / "reports/leaderboard.json").read_text()


def test_the_runs_of_others_are_listed_and_reported_from_an_empty_cache(first: Path, tmp_path: Path) -> None:
    run = next((first / ".bench/runs").glob("*.json")).stem
    listed = bench_here("runs", "--store", address("filled"), folder=tmp_path)
    assert run in listed.stdout
    shown = bench_here("runs", "show", run, folder=tmp_path, BENCH_STORE=address("filled"))
    assert "hubert-german" in shown.stdout
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings/bench.toml").write_text(f'store = "{address("filled")}"\n')
    ended = bench_here("report", "--run", run, "--config", "settings/bench.toml", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    written = {path.name for path in (first / "reports").iterdir() if not path.name.startswith("verification")}
    assert {path.name for path in (tmp_path / "reports").iterdir()} == written
    assert (tmp_path / "reports/predictions.parquet").read_bytes() == (
        first / "reports/predictions.parquet"
    ).read_bytes()


def test_two_runs_at_once_end_with_the_reports_of_one(first: Path, demo_run: Path, tmp_path: Path) -> None:
    here, there = (with_verdicts(demo_run, tmp_path / name) for name in ("here", "there"))
    request = ("run", *REQUEST, "--store", address("both"))
    with ThreadPoolExecutor() as pool:
        other = pool.submit(run_bench, *request, folder=there)
        for ended in (bench_here(*request, folder=here), other.result()):
            assert ended.returncode == 0, ended.stderr
    (tmp_path / "later").mkdir()
    assert bench_here(*request, folder=tmp_path / "later").returncode == 0
    assert computed(tmp_path / "later") == []
    for folder in (here, there, tmp_path / "later"):
        assert differences(first, folder) == []


def test_shards_in_caches_of_their_own_are_merged_from_the_store(first: Path, demo_run: Path, tmp_path: Path) -> None:
    for shard in (3, 1, 2):
        folder = with_verdicts(demo_run, tmp_path / f"machine-{shard}")
        ended = bench_here("run", *REQUEST, "--store", address("shards"), "--shard", f"{shard}/3", folder=folder)
        assert ended.returncode == 0, ended.stderr
        assert f"bench merge --store {address('shards')}" in ended.stderr
    merging = tmp_path / "fourth"
    merging.mkdir()
    ended = bench_here("merge", "--store", address("shards"), folder=merging)
    assert ended.returncode == 0, ended.stderr
    same = [str(folder) for folder in (first, merging)]
    assert report_differences(first / "reports", merging / "reports", *same, ignored=["folder"]) == []
    assert "bench merge needs to know" in failure(bench_here("merge", folder=merging))


def test_a_server_that_goes_away_costs_nothing_but_the_upload(
    first: Path, demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_verdicts(demo_run, tmp_path / "own")
    request = ("run", *REQUEST, "--store", address("gone"))
    run = Evaluation.run
    with object_store() as other, monkeypatch.context() as patch:

        def stop_before_it_is_computed(self: Evaluation, *args: Any) -> Evaluated:
            other.stop()
            return run(self, *args)

        patch.setattr(Evaluation, "run", stop_before_it_is_computed)
        patch.setattr(command_store, "UPLOAD_EVERY_S", 0.5)
        ended = bench_here(*request, folder=folder, AWS_ENDPOINT_URL=other.url)
    error = failure(ended, 1)
    assert error.startswith(f"Error: The store {address('gone')} cannot be")
    assert "The results are in" in error and "the same command uploads them later." in error
    assert differences(first, folder) == []
    shutil.rmtree(folder / ".bench/logs")
    for own in (folder, tmp_path):  # with another server: the same command uploads what the first one lacked
        again = bench_here(*request, folder=own)
        assert again.returncode == 0, again.stderr
        assert computed(own) == []


def test_damaged_objects_are_named_and_not_used(first: Path, server: ObjectStore, tmp_path: Path) -> None:
    for name in server.names("filled/"):
        content = server.read(name)
        harmed = name.endswith(".parquet")
        server.put(name.replace("filled", "harmed", 1), content[:100] + b"?" + content[101:] if harmed else content)
    ended = bench_here("report", "--store", address("harmed"), folder=tmp_path)
    assert "incomplete" in failure(ended, 1)
    told = [line for line in ended.stderr.replace("\n", " ").split("Warning: ") if "is damaged: its content" in line]
    assert len(told) == 1
    assert "It is not used; delete it there." in told[0]


@pytest.mark.parametrize(
    ("store", "code", "words"),
    [
        ("s3://nowhere/team", 2, "There is no bucket for the store s3://nowhere/team"),
        ("s3://", 2, "names no bucket"),
        ("ftp://host/team", 2, "bench keeps no results at ftp://"),
        ("nowhere", 2, "There is no folder nowhere for a store"),
        ("file://host/team", 2, "is a file of another machine"),
        (".bench", 2, "--store names the cache itself"),
        (f"s3://key:{HIDDEN}@bucket", 2, "more than a bucket and a prefix"),
    ],
)
def test_a_wrong_store_is_one_sentence(store: str, code: int, words: str, server: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / ".bench").mkdir()
    ended = bench_here("verify", "--candidates", "demo", "--store", store, folder=tmp_path)
    assert words in failure(ended, code)
    assert HIDDEN not in ended.stderr + ended.stdout


def test_wrong_credentials_end_the_command_before_anything_is_computed(server: ObjectStore, tmp_path: Path) -> None:
    with refusing_store() as url:
        ended = bench_here(
            "run", *REQUEST, "--store", address("refused"), "--verbose", folder=tmp_path, AWS_ENDPOINT_URL=url
        )
    assert f"The store {address('refused')} cannot be written" in failure(ended, 3)
    assert HIDDEN not in ended.stderr + ended.stdout
    assert computed(tmp_path) == []


def test_what_is_new_is_uploaded_meanwhile_and_a_store_that_is_back_lacks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_store, "UPLOAD_EVERY_S", 0.01)
    root, cache, progress = tmp_path / "store", tmp_path / "cache", Warnings()
    root.mkdir()
    with command_store.open_store(root, Settings(cache=cache), progress) as store:
        store.fetch_verdicts([])
        save_speech_shares(cache, "detector", {"a": 0.5})
        assert happens(lambda: read_speech_shares(root, "detector") == {"a": 0.5})
        root.rename(tmp_path / "away")
        save_speech_shares(cache, "detector", {"b": 0.5})
        assert happens(lambda: len(progress.warnings) > 0)
        store.upload()
        code, (problem,) = store.judged((0, ()))
        gone = f"The store {root} is gone: is its file system still mounted?"
        assert (code, problem) == (1, f"{gone} The results are in {cache}: the same command uploads them later.")
        (tmp_path / "away").rename(root)
        store.upload()
        assert store.judged((0, ())) == (0, ())
    assert progress.warnings == [f"{gone} The run goes on, and uploads later what it computes."]
    assert read_speech_shares(root, "detector") == {"a": 0.5, "b": 0.5}


def test_a_folder_serves_as_a_store_and_verdicts_are_shared(demo_run: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    candidates = ("verify", "--candidates", "demo", "-m", "hubert-german")
    one, two = with_verdicts(demo_run, tmp_path / "one"), tmp_path / "two"
    two.mkdir()
    for folder, store in ((one, "../store"), (two, f"file://{tmp_path}/store")):
        ended = bench_here(*candidates, "--store", store, folder=folder)
        assert ended.returncode == 0, ended.stderr
    assert computed(two) == []
    assert len(list((tmp_path / "store").rglob("verification-*.json"))) == 1
