"""The files of docs/scale: valid by the schemas of those who read them, and each task runs its own shard."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

SCALE = Path(__file__).parents[2] / "docs" / "scale"
WORKFLOWS = sorted((Path(__file__).parents[2] / ".github" / "workflows").glob("*.yml"))


def run(*command: object, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def complaints(folder: Path, *arguments: object) -> str:
    ended = run(sys.executable, "-m", "check_jsonschema", *arguments, folder=folder)
    return ended.stdout + ended.stderr if ended.returncode else ""


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., str]:
    """Give a function that runs a script with a `bench` that prints its arguments and its cache."""
    program = tmp_path / "bin" / "bench"
    program.parent.mkdir()
    program.write_text('#!/bin/bash\necho "$BENCH_CACHE" "$@"\n', encoding="utf-8")
    program.chmod(0o755)

    def runs(*command: object, **variables: str) -> str:
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        ended = run(*command, folder=tmp_path, **{"PATH": path, **variables})
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    return runs


def test_workflows_are_valid_by_the_schema_of_github(tmp_path: Path) -> None:
    schema = ("--builtin-schema", "vendor.github-workflows")
    assert complaints(tmp_path, *schema, SCALE / "ci-matrix.yml", *WORKFLOWS) == ""
    broken = (SCALE / "ci-matrix.yml").read_text("utf-8").replace("runs-on", "runs-in")
    (tmp_path / "broken.yml").write_text(broken, encoding="utf-8")
    assert complaints(tmp_path, *schema, tmp_path / "broken.yml") != ""


def test_the_job_is_valid_by_the_schema_of_kubernetes(tmp_path: Path) -> None:
    schema = ("--schemafile", Path(__file__).parent / "kubernetes_job.json")
    assert complaints(tmp_path, *schema, SCALE / "kubernetes.yaml") == ""
    broken = (SCALE / "kubernetes.yaml").read_text("utf-8").replace("completionMode", "mode")
    (tmp_path / "broken.yaml").write_text(broken, encoding="utf-8")
    assert "'mode' was unexpected" in complaints(tmp_path, *schema, tmp_path / "broken.yaml")


def test_a_task_of_the_slurm_array_runs_its_shard(task: Callable[..., str]) -> None:
    variables = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "20", "SLURM_SUBMIT_DIR": "/home/me"}
    environment = variables | {"BENCH_CACHE": ""}
    printed = task("bash", SCALE / "slurm.sbatch", "--corpus", "folder:my clips", **environment)
    assert printed == "/home/me/.bench run --shard 3/20 --corpus folder:my clips"


def test_a_pod_of_the_indexed_job_runs_its_shard(task: Callable[..., str]) -> None:
    spec: dict[str, Any] = yaml.safe_load((SCALE / "kubernetes.yaml").read_text("utf-8"))["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    variables = {own["name"]: own["value"] for own in container["env"]}
    assert variables["SHARDS"] == str(spec["completions"])
    printed = task(*container["command"], *container["args"], **variables, JOB_COMPLETION_INDEX="0")
    assert printed.startswith("/work/.bench run ")
    assert printed.endswith(" --shard 1/20")


def test_the_matrix_runs_all_shards() -> None:
    jobs: dict[str, Any] = yaml.safe_load((SCALE / "ci-matrix.yml").read_text("utf-8"))["jobs"]
    indices = jobs["shard"]["strategy"]["matrix"]["index"]
    assert indices == list(range(1, len(indices) + 1))
    assert any(
        f'--shard "${{{{ matrix.index }}}}/{len(indices)}"' in step.get("run", "") for step in jobs["shard"]["steps"]
    )


def test_the_submitit_array_runs_all_shards_and_merges_them(tmp_path: Path) -> None:
    (tmp_path / "submitit.py").write_text(
        "class Job:\n"
        "    def wait(self): pass\n"
        "class AutoExecutor:\n"
        "    def __init__(self, folder): pass\n"
        "    def update_parameters(self, **parameters): pass\n"
        "    def map_array(self, function, items): return [Job() for item in items if function(item) == 0]\n",
        encoding="utf-8",
    )
    (tmp_path / "benchmark.py").write_text(
        "from types import SimpleNamespace\n"
        "def run_shard(**options): print(options['shard']); return SimpleNamespace(exit_code=0)\n"
        "def merge(caches, output): print(caches, output); return SimpleNamespace(exit_code=0)\n",
        encoding="utf-8",
    )
    ended = run(sys.executable, SCALE / "submitit_array.py", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    *shards, merged = ended.stdout.splitlines()
    assert shards == [f"{index}/20" for index in range(1, 21)]
    assert merged == "['.bench'] reports"
