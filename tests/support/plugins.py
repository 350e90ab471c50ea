"""Plugin packages as pip installs them: modules beside a folder with the metadata."""

import tomllib
from collections.abc import Mapping
from pathlib import Path


def install(folder: Path, *, pyproject: str, files: Mapping[str, str]) -> Path:
    """Install a package, its name and entry points from the text of a `pyproject.toml`, into a folder; return it."""
    project = tomllib.loads(pyproject)["project"]
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    metadata = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
    )
    lines = [
        line
        for group, entries in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
