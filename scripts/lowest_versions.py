"""Print the oldest versions that pyproject.toml allows, as constraints for pip: `python scripts/lowest_versions.py`.

What has no lower bound there, the tools of the tests, is as in constraints.txt. All else is left to pip: pins of today
exclude many an old version. Only the standard library is used, since nothing is installed yet.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[.*?\])?(>=(?P<lowest>[0-9.]+))?")


def lowest_versions() -> Iterator[str]:
    """Give a line for each direct dependency, those of the extras included."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = {_folded(line.partition("==")[0]): line for line in lines if "==" in line}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    direct = dict.fromkeys(sum(extras, project["dependencies"]))
    for match in filter(None, map(_REQUIREMENT.match, direct)):
        yield f"{match['name']}=={match['lowest']}" if match["lowest"] else pins[_folded(match["name"])]


def _folded(name: str) -> str:
    return name.lower().replace("_", "-")


if __name__ == "__main__":
    print("\n".join(lowest_versions()))
