import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmark.cli.commands import doctor
from benchmark.results.environment import BackendFact, Diagnosis, FolderFact, HubFact, Problem, ProtectionFact
from tests.support.command_line import Bench


def test_what_is_broken_is_exit_3_with_its_fix_and_no_token_is_shown(bench_process: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {"BENCH_CACHE": str(tmp_path / "file" / "cache"), "HF_TOKEN": "hf_verysecret", "HF_HUB_OFFLINE": "1"}
    ended = bench_process("doctor", "--json", **environment)
    assert ended.returncode == 3, ended.stderr
    diagnosis = json.loads(ended.stdout)
    (broken,) = [problem for problem in diagnosis["problems"] if problem["essential"]]
    assert broken["fix"] == "choose another folder with BENCH_CACHE"
    assert diagnosis["hub"]["token"] is True
    assert any(problem["fix"] == "unset HF_HUB_OFFLINE" for problem in diagnosis["problems"])
    assert "verysecret" not in ended.stdout + ended.stderr
    assert ended.stderr == ""


def test_every_fact_and_every_problem_is_in_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    folder = FolderFact(path="/store", size_mb=None, free_gb=1.5, writable=True)
    diagnosis = Diagnosis(
        created=datetime(2026, 11, 21, tzinfo=UTC),
        platform="Linux",
        python="3.12.1",
        executable="/usr/bin/python",
        processor="AMD EPYC",
        cores=2,
        memory_gb=16,
        free_memory_gb=8,
        processor_features=("avx512_bf16",),
        versions={"torch": "2.13.0", "numpy": "2.4.6"},
        backends=(BackendFact(name="torch", version="2.13.0", works=True, devices=("cpu",)), BackendFact(name="onnx")),
        cache=folder,
        hub_cache=folder.model_copy(update={"size_mb": 1234.0, "at_least": True}),
        hub=HubFact(endpoint="https://hub", offline=False, token=True, reached=True, seconds=0.2),
        protections=ProtectionFact(clean_environment=True, no_new_privileges=True, landlock=7, no_sockets=False),
        audio_formats={"wav": True, "m4a": False},
        problems=(Problem(what="It is broken.", fix="pip install it", essential=True),),
    )
    doctor._print(diagnosis)
    shown = " ".join(capsys.readouterr().out.split())
    for words in (
        *("torch 2.13.0 on cpu", "onnx not installed", "avx512_bf16", "numpy 2.4.6", "not there yet", "1.5 GB free"),
        *("at least 1,234 MB", "answers in 0.2 s, with a token", "broken It is broken. pip install it"),
        *("no credentials, no new privileges, write only into", "(Landlock 7); not enforced here: no sockets"),
    ):
        assert words in shown
    assert "m4a" not in shown
