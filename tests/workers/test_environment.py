"""Which environment variables a worker has, and that its parent keeps its own."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmark.workers.answers import Returned
from benchmark.workers.environment import COMPUTE_ENVIRONMENT, started_with
from benchmark.workers.process import Limits
from benchmark.workers.protection import WorkerKind
from benchmark.workers.worker import Worker

PATIENT_S = 60.0
SECRETS = {
    "HF_TOKEN": "hf_secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "NVIDIA_API_KEY": "secret",
    "HTTPS_PROXY": "http://user:secret@proxy",
    "SOMETHING_ELSE": "secret",
}


def environment_of(kind: WorkerKind, log: Path) -> dict[str, Any]:
    with Worker("tests.workers.actors:Actor", log=log, limits=Limits(threads=2), kind=kind) as worker:
        answer = worker.call("facts", timeout_s=PATIENT_S)
    assert isinstance(answer, Returned), answer
    variables = answer.value["environment"]
    assert isinstance(variables, dict)
    return variables


def test_a_worker_that_computes_has_what_libraries_need_and_no_credentials(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**SECRETS, "LC_TIME": "C", "TORCH_LOGS": "recompiles", "OMP_NUM_THREADS": "7"}.items():
        monkeypatch.setenv(name, value)
    variables = environment_of(WorkerKind.COMPUTE, log)
    assert variables.keys() & SECRETS.keys() == set()
    assert {name: variables.get(name) for name in COMPUTE_ENVIRONMENT} == dict(COMPUTE_ENVIRONMENT)
    assert {name: variables[name] for name in ("LC_TIME", "TORCH_LOGS", "PATH", "OMP_NUM_THREADS")} == {
        "LC_TIME": "C", "TORCH_LOGS": "recompiles", "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "2",
    }  # fmt: skip


def test_a_worker_that_fetches_has_the_environment_of_the_user(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    variables = environment_of(WorkerKind.FETCH, log)
    assert SECRETS.items() <= variables.items()
    assert "HF_HUB_OFFLINE" not in variables


def test_the_environment_is_put_back_after_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE_BEFORE", "old")
    before, inherited = dict(os.environ), subprocess.check_output(["env"])
    with pytest.raises(KeyError), started_with({"THERE_BEFORE": "new", "NOT_THERE_BEFORE": "new"}):
        raise KeyError
    assert (dict(os.environ), sorted(subprocess.check_output(["env"]).splitlines())) == (
        before,
        sorted(inherited.splitlines()),
    )
