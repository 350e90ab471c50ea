"""The built distributions are complete: code, data, demo and both commands."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = (
    *("benchmark", "tests", "scripts", "performance", "docs", "reports/README.md", ".ci/run"),
    *("pyproject.toml", "MANIFEST.in", "Makefile", "constraints.txt", "candidates.yaml", ".pre-commit-config.yaml"),
    *("README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE"),
)
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.py[cod]", ".*_cache")
LARGEST_WHEEL = 10_000_000  # bytes; the demo's checkpoints and recordings take less than 9 MB of it


@dataclass(frozen=True)
class Built:
    """A source distribution, and the wheel that was built from it."""

    wheel: Path
    source_files: frozenset[str]
    wheel_files: frozenset[str]

    def read(self, name: str) -> bytes:
        with zipfile.ZipFile(self.wheel) as archive:
            return archive.read(name)

    @property
    def metadata(self) -> Message:
        (name,) = [name for name in self.wheel_files if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(self.read(name).decode())


def run(*arguments: str | Path, cwd: Path, **environment: str) -> str:
    command, variables = [str(argument) for argument in arguments], os.environ | environment
    ended = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    for tool in ("build", "setuptools"):
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed: pip install -e '.[dev]'")
    # A copy is free of the leftovers of earlier builds.
    checkout, target = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("built")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, checkout / name, ignore=LEFTOVERS)
        elif (ROOT / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    # Builds the wheel from the source distribution; without isolation nothing is downloaded.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, checkout, cwd=target)
    (wheel,), (source,) = target.glob("*.whl"), target.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        wheel_files = frozenset(archive.namelist())
    with tarfile.open(source) as tar:
        source_files = frozenset(member.name.partition("/")[2] for member in tar if member.isfile())
    return Built(wheel, source_files, wheel_files)


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(built: Built) -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "benchmark").rglob("*") if path.is_file()}
    assert {name for name in files if "__pycache__" not in name} - built.wheel_files == set()
    assert {"benchmark/py.typed", "benchmark/demo/registry.yaml"} <= built.wheel_files
    for folder in ("checkpoints", "recordings"):
        assert any(name.startswith(f"benchmark/demo/{folder}/") for name in built.wheel_files)
    assert built.read("benchmark/registry/candidates.yaml") == (ROOT / "candidates.yaml").read_bytes()
    name, version, *_ = built.wheel.name.split("-")
    assert {file.split("/")[0] for file in built.wheel_files} == {"benchmark", f"{name}-{version}.dist-info"}
    assert built.wheel.stat().st_size < LARGEST_WHEEL


def test_the_metadata_names_the_versions_of_python_and_the_licence(built: Built) -> None:
    assert built.metadata["Name"] == "ser-bench"
    assert built.metadata["Requires-Python"] == ">=3.11"
    assert built.metadata["License-Expression"] == "Apache-2.0"
    assert built.metadata.get_payload(), "README.md is the page of the package"


def test_the_package_index_can_show_the_description(built: Built) -> None:
    assert "PASSED" in run(sys.executable, "-m", "twine", "check", "--strict", built.wheel, cwd=built.wheel.parent)


def test_the_source_distribution_can_be_tested_and_checked(built: Built) -> None:
    needed = {name for name in SOURCES if (ROOT / name).is_file()}
    tests = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")}
    assert (needed | tests) - built.source_files == set()


def test_commands_demo_and_registry_work_outside_the_checkout(built: Built, tmp_path: Path) -> None:
    site = tmp_path / "site"
    options = ("--no-index", "--no-deps", "--disable-pip-version-check", "--quiet", "--target", site)
    run(sys.executable, "-m", "pip", "install", *options, built.wheel, cwd=tmp_path)
    where = run(sys.executable, "-c", "import benchmark; print(benchmark.__file__)", cwd=tmp_path, PYTHONPATH=str(site))
    assert Path(where.strip()).is_relative_to(site)
    assert "verify" in run(site / "bin" / "ser-bench", "--help", cwd=tmp_path, PYTHONPATH=str(site))
    assert run(site / "bin" / "bench", "candidates", "--candidates", "demo", cwd=tmp_path, PYTHONPATH=str(site))
    assert "superb/" in run(site / "bin" / "bench", "candidates", cwd=tmp_path, PYTHONPATH=str(site))
