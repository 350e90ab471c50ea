import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.lowest_versions import lowest_versions

ROOT = Path(__file__).parents[2]


def test_every_direct_dependency_has_a_lower_bound_which_is_its_constraint() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    constraints = {canonicalize_name(line.name): line for line in map(Requirement, lowest_versions())}
    for requirement in map(Requirement, project["dependencies"]):
        (lowest,) = [bound.version for bound in requirement.specifier if bound.operator == ">="]
        assert str(constraints[canonicalize_name(requirement.name)].specifier) == f"=={lowest}"
    for requirement in map(Requirement, project["optional-dependencies"]["dev"]):
        (exact,) = constraints[canonicalize_name(requirement.name)].specifier
        assert exact.operator == "=="
        assert Version(exact.version) in requirement.specifier
