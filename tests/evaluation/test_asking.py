"""The same answers to the bit, whatever the order, the number of jobs, and however often a run was stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.sources import AudioFile
from benchmark.evaluation.engines import EngineChoice, is_installed
from benchmark.evaluation.evaluate import Evaluation, RunOptions
from benchmark.evaluation.sessions import ModelSession
from benchmark.progress import Silent
from benchmark.results.store import PredictionStore
from benchmark.settings import Settings
from benchmark.workers import worker

SetUp = Callable[..., Evaluation]
RATE = 16_000
ROOT = Path(__file__).parents[2]

# Ends itself as the kernel would, once a few answers are on the disk and a few more are not.
KILLED = """
import os, signal, sys
from pathlib import Path
from benchmark.evaluation import asking
from benchmark.results.store import PredictionStore
import benchmark
asking._FLUSH_CLIPS = 4
add, parts = PredictionStore.add, []
def counted(self, setup, predictions):
    add(self, setup, predictions)
    parts.append(setup)
    if len(parts) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
PredictionStore.add = counted
benchmark.run(models=[sys.argv[1]], corpora=["folder:" + sys.argv[2]], latency_seconds=0, find_speech=False,
              backend="torch", output="reports")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with twelve recordings of many lengths."""
    place = tmp_path_factory.mktemp("twelve")
    random = np.random.default_rng(11)
    for number, seconds in enumerate(random.uniform(0.2, 1.5, 12)):
        soundfile.write(place / f"{number:02d}.wav", random.normal(0, 0.1, int(seconds * RATE)), RATE)
    return place


def corpus(folder: Path, *, backwards: bool = False, kept: int = 12) -> Corpus:
    paths = sorted(folder.glob("*.wav"), reverse=backwards)[:kept]
    clips = tuple(Clip(name=path.name, audio=AudioFile(path)) for path in paths)
    return Corpus(name="twelve", source="folder:twelve", clips=clips, available_clips=len(clips))


def logits(run: Evaluation) -> dict[tuple[str, str], NDArray[np.float32]]:
    """Run, and give what was stored, by candidate and clip hash."""
    result = run.run(Silent())
    assert [record.failure for record in result.evaluations] == [None, None]
    return {
        (record.candidate, clip.clip_hash or ""): np.asarray(run.store.read(record.setup)[clip.clip_hash or ""].logits)
        for record in result.evaluations
        for clip in result.corpora[0].clips
    }


@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_order_and_jobs_and_a_stop_in_between_change_no_bit(
    evaluation: SetUp, folder: Path, tmp_path: Path, backend: str
) -> None:
    if not is_installed(backend):
        pytest.skip(f"{backend} is not installed")
    options = RunOptions(latency_budget_s=0, engines=EngineChoice(backend=backend))

    def set_up(name: str, *, jobs: int = 1, backwards: bool = False, kept: int = 12) -> Evaluation:
        run = evaluation(settings=Settings(cache=tmp_path / name, jobs=jobs), options=options)
        environment = run.environment.model_copy(update={"cores": jobs})  # one thread each, however many jobs
        return replace(
            run, environment=environment, corpora=[corpus(folder, backwards=backwards, kept=kept)],
            store=PredictionStore(tmp_path / name),
        )  # fmt: skip

    expected = logits(set_up("plain"))
    assert len(expected) == 24
    logits(set_up("resumed", kept=5))
    for run in (set_up("backwards", backwards=True), set_up("together", jobs=2), set_up("resumed")):
        found = logits(run)
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[key], expected[key]) for key in expected)


def test_a_run_whose_process_was_killed_goes_on_where_it_was_and_a_further_one_starts_no_worker(
    subjects: dict[str, object], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import benchmark  # noqa: PLC0415 - as the killed process does

    checkpoint = str(subjects["hubert"].folder)  # type: ignore[attr-defined]
    command = [sys.executable, "-c", KILLED, checkpoint, str(folder), "2"]
    cache = tmp_path / ".bench"
    ended = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "BENCH_CACHE": str(cache), "PYTHONPATH": str(ROOT)}, check=False,
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    asked: list[int] = []
    predict = ModelSession.predict

    def counted(self: ModelSession, samples: NDArray[np.float32]) -> object:
        asked.append(samples.size)
        return predict(self, samples)

    monkeypatch.setattr(ModelSession, "predict", counted)

    def run() -> int | None:
        outcome = benchmark.run(
            models=[checkpoint], corpora=[f"folder:{folder}"], latency_seconds=0, find_speech=False, backend="torch",
            devices=["cpu"], output=tmp_path / "reports", settings=Settings(cache=cache),
        )  # fmt: skip
        return outcome.leaderboard.rows[0].clips

    assert run() == 12
    assert len(asked) == 12 - 2 * 4

    def refuse(start: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(worker, "start_process", refuse)
    assert run() == 12
