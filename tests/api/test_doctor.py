import sys
from importlib import metadata
from pathlib import Path

import pytest

from benchmark.api.doctor import doctor
from benchmark.settings import Settings


def test_this_machine_is_sound_and_its_libraries_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0" * 3_000_000)
    diagnosis = doctor(settings=Settings(cache=tmp_path), hub_timeout_s=0.5)
    assert diagnosis.sound
    assert diagnosis.versions["torch"] == metadata.version("torch")
    assert diagnosis.cache.size_mb == 3.0
    (torch, *_) = diagnosis.backends
    assert (torch.name, torch.works, torch.devices[0]) == ("torch", True, "cpu")
    assert diagnosis.protections is not None
    assert diagnosis.protections.clean_environment
    assert diagnosis.protections.no_new_privileges is (sys.platform == "linux")
    # The tests' Hub is a port at which nobody listens.
    assert diagnosis.hub.reached is False
    assert any("Hub does not answer" in problem.what for problem in diagnosis.problems)


def test_a_library_that_is_too_old_or_gone_is_named_with_the_command_that_gets_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = ["torch>=999", "no-such-library>=1", "pytest>=999; extra == 'dev'", "numpy>=2.0"]
    monkeypatch.setattr(metadata, "requires", lambda _name: asked)
    diagnosis = doctor(settings=Settings(cache=tmp_path), hub_timeout_s=0.5)
    assert not diagnosis.sound
    essential = {problem.what.split()[0]: problem.fix for problem in diagnosis.problems if problem.essential}
    assert essential == {
        "torch": 'python -m pip install "torch>=999"',
        "no-such-library": 'python -m pip install "no-such-library>=1"',
    }
