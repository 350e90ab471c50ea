"""Facts that are written twice agree, and links between the documents work."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

import benchmark

ROOT = Path(__file__).parents[1]
AUDIO = (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".opus")
SYNTHETIC = ROOT / "benchmark/demo/recordings"  # tests/scripts/test_write_recordings.py: of no person
LARGEST_FILE = 4_000_000  # bytes; the largest checkpoint of the demo is smaller
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
ONLY_ON_THE_SITE = {"demo.html"}  # scripts/site_hooks.py adds it
LOCAL = re.compile(r"(?![a-z]+:)")  # no https:, no mailto:


def pins() -> dict[NormalizedName, Requirement]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def committed() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()]


def test_constraints_are_exact_versions_that_the_package_and_make_accept() -> None:
    pinned = pins()
    assert [str(pin) for pin in pinned.values() if not re.fullmatch(r"==[0-9][0-9a-z.]*", str(pin.specifier))] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for requirement in map(Requirement, project["dependencies"] + project["optional-dependencies"]["dev"]):
        pin = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(str(pin.specifier).removeprefix("==")), f"{requirement} but {pin}"
    assert f"TORCH := {pinned[canonicalize_name('torch')]}\n" in (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.parametrize("tool", ["ruff", "codespell"])
def test_a_commit_is_checked_by_the_version_that_make_check_uses(tool: str) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    (revision,) = [repo["rev"] for repo in hooks if f"/{tool}" in repo["repo"]]
    assert f"=={revision.removeprefix('v')}" == str(pins()[canonicalize_name(tool)].specifier)


def test_no_recordings_but_the_synthetic_ones_and_no_large_files_are_committed() -> None:
    files = committed()
    recordings = [path for path in files if path.suffix.lower() in AUDIO]
    assert [path for path in recordings if not path.is_relative_to(SYNTHETIC)] == []
    assert [path for path in files if path.stat().st_size > LARGEST_FILE] == []


def test_every_link_between_the_documents_leads_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in committed()
        if page.suffix == ".md"
        for link in LINK.findall(page.read_text("utf-8"))
        if LOCAL.match(link) and link not in ONLY_ON_THE_SITE and not (page.parent / link).exists()
    ]
    assert dead == []


def test_the_page_on_python_has_every_public_name() -> None:
    documented = re.findall(r"^::: benchmark\.(\w+)$", (ROOT / "docs" / "api.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(documented) == sorted(benchmark.__all__)
