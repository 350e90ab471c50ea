"""Plugins that are a file, by the command line and in Python."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

import benchmark
from benchmark.demo.files import checkpoints_path
from benchmark.errors import RequestError
from benchmark.models.heads import DENSE_OUT, layouts
from benchmark.plugins import Group, plugin_names, use_plugin_files
from tests.support.command_line import bench_here, failure

HEAD = """
from benchmark.models.heads import HeadLayout

HEAD = HeadLayout(
    name="renamed",
    layers=(("classifier.first",), ("classifier.second",)),
    model_types=frozenset({"wav2vec2"}),
)
PLUGINS = {"heads": {"renamed": HEAD}}
"""
CORPUS = """
import re
from pathlib import Path

from benchmark.corpora.conventions.naming import Naming, Utterance

Path("ran").touch()


def parse(path):
    match = re.fullmatch(r"(s\\d+)_([a-z]+)_\\d+", path.stem)
    return match and Utterance(label=match[2], speaker=match[1])


NAMING = Naming(corpus="casual", language="en", form="speaker_emotion_take", parse=parse, codes={})
PLUGINS = {"corpora": {"casual": NAMING.read}, "metrics": {"right": "metric.py"}}
"""
METRIC = """
import datasets
import evaluate


class Right(evaluate.Metric):
    def _info(self):
        features = datasets.Features({"predictions": datasets.Value("int32"), "references": datasets.Value("int32")})
        return evaluate.MetricInfo(description="", citation="", features=features)

    def _compute(self, predictions, references):
        return {"right": float(sum(map(int.__eq__, predictions, references)))}
"""


@pytest.fixture(autouse=True)
def _without_plugins_afterwards() -> object:
    yield
    use_plugin_files(())


@pytest.fixture
def casual(tmp_path: Path) -> Path:
    (tmp_path / "casual.py").write_text(CORPUS, encoding="utf-8")
    (tmp_path / "recordings").mkdir()
    random = np.random.default_rng(0)
    for speaker in ("s1", "s2"):
        for label in ("anger", "sadness"):
            for take in range(2):
                samples = random.normal(0, 0.1, 12_000)
                soundfile.write(tmp_path / "recordings" / f"{speaker}_{label}_{take}.wav", samples, 16_000)
    return tmp_path


def test_a_file_runs_only_where_the_command_line_allows_it(casual: Path) -> None:
    corpus = ("corpus", "casual:recordings", "--plugin", "casual.py")
    assert "--plugin casual.py runs its code" in failure(bench_here(*corpus, folder=casual), 2)
    (casual / "bench.toml").write_text("allow-code = true\nplugin = ['casual.py']\n", encoding="utf-8")
    assert "runs code" in failure(bench_here("corpus", "casual:x", "--config", "bench.toml", folder=casual), 2)
    assert not (casual / "ran").exists()
    ended = bench_here(*corpus, "--allow-code", folder=casual)
    assert ended.returncode == 0, ended.stderr
    assert f"Running the code of {casual / 'casual.py'}, as --plugin asks." in ended.stderr
    assert (casual / "ran").exists()
    assert "8 clips" in ended.stdout
    assert "casual" in failure(bench_here("corpus", "casual:recordings", folder=casual), 2)  # no longer there


def test_a_head_of_a_file_is_rebuilt_in_workers(tmp_path: Path) -> None:
    (tmp_path / "heads.py").write_text(HEAD, encoding="utf-8")
    folder = _with_renamed_head(tmp_path / "model")
    before = bench_here("verify", "-m", str(folder), "--json", folder=tmp_path)
    after = bench_here("verify", "-m", str(folder), "--plugin", "heads.py", "--allow-code", "--json", folder=tmp_path)
    (random,), (rebuilt,) = (json.loads(ended.stdout)["candidates"] for ended in (before, after))
    assert (random["status"], rebuilt["status"], rebuilt["head"]) == ("random-head", "repaired", "renamed")
    again = bench_here("verify", "-m", str(folder), "--json", folder=tmp_path)
    assert json.loads(again.stdout)["candidates"][0]["status"] == "random-head"
    outcome = benchmark.verify(models=[str(folder)], plugins=[str(tmp_path / "heads.py")], allow_code=True,
                               output=tmp_path / "out")  # fmt: skip
    assert outcome.report.candidates[0].head == "renamed"
    assert {layout.name for layout in layouts()} == {DENSE_OUT, "renamed"} | {own.name for own in layouts() if own.own}


def _with_renamed_head(folder: Path) -> Path:
    from safetensors.numpy import load_file, save_file  # noqa: PLC0415 - of this test only

    shutil.copytree(checkpoints_path() / "wav2vec2-english", folder)
    weights = load_file(folder / "model.safetensors")
    labels = len(weights["classifier.bias"])
    size = json.loads((folder / "config.json").read_text(encoding="utf-8"))["hidden_size"]
    kept = {name: value for name, value in weights.items() if not name.startswith(("projector.", "classifier."))}
    random = np.random.default_rng(0)
    for name, rows in (("first", size), ("second", labels)):
        kept[f"classifier.{name}.weight"] = random.normal(0, 1, (rows, size)).astype(np.float32)
        kept[f"classifier.{name}.bias"] = random.normal(0, 1, rows).astype(np.float32)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_metric_of_a_file_is_a_column(casual: Path) -> None:
    (casual / "metric.py").write_text(METRIC, encoding="utf-8")
    ended = bench_here(
        "run", "--candidates", "demo", "-m", "wav2vec2-english", "--corpus", "casual:recordings",
        "--plugin", "casual.py", "--metric", "right", "--allow-code", "--latency-seconds", "0", folder=casual,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    rows = json.loads((casual / "reports" / "leaderboard.json").read_text(encoding="utf-8"))["rows"]
    (row,) = [row for row in rows if row["candidate"] == "wav2vec2-english"]
    assert row["metrics"]["right"] == pytest.approx(row["accuracy"] * row["clips"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "it cannot be read (No such file or directory)"),
        ("x = 1", "it has no table such as PLUGINS = "),
        ("PLUGINS = 3", "it has no table such as PLUGINS = "),
        ("PLUGINS = {'head': {}}", "unknown group 'head'; did you mean 'heads'?"),
        ("import no_such_module", "it cannot be used (ModuleNotFoundError: No module named 'no_such_module')"),
        ("PLUGINS = (", "it cannot be used (SyntaxError: "),
    ],
)
def test_what_is_no_plugin_is_said_in_a_sentence(tmp_path: Path, content: str | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "mine.py").write_text(content, encoding="utf-8")
    ended = bench_here("verify", "--candidates", "demo", "--plugin", "mine.py", "--allow-code", folder=tmp_path)
    assert reason in failure(ended, 2)


def test_two_files_cannot_add_the_same(tmp_path: Path) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(f"{HEAD}\nNAME = {name!r}\n", encoding="utf-8")
    use_plugin_files([str(tmp_path / name) for name in ("one.py", "two.py")])
    assert plugin_names(Group.HEADS) == ("renamed",)
    with pytest.raises(RequestError, match=r"Both .*one\.py and .*two\.py add 'renamed'"):
        layouts()
