"""Hooks of mkdocs for the documentation site (`make docs`).

The pages are written for readers of the repository: links to files outside `docs/` become plain text on the site, and
the file name of a code block becomes its title. The report of a run on the demo is added as `demo.html`.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

DEMO_REPORT = Path("build/demo/leaderboard.html")
"""Written by `make docs`."""

_LINK = re.compile(r"\[([^\]]+)\]\((\.\.?/[^)#\s]+)(?:#[^)]*)?\)")
_NAMED_BLOCK = re.compile(r"^```(\w+) (\S+)$", re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """Add the report of the demo."""
    root = Path(config.config_file_path).parent
    if not (root / DEMO_REPORT).is_file():
        raise PluginError(f"{DEMO_REPORT} is missing: build the site with `make docs`.")
    files.append(File.generated(config, "demo.html", abs_src_path=str(root / DEMO_REPORT)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Adapt what only repositories show well."""
    docs, folder = Path(config.docs_dir).resolve(), Path(page.file.abs_src_path).resolve().parent

    def without_link(match: "re.Match[str]") -> str:
        target = (folder / match[2]).resolve()
        if target.is_relative_to(docs):
            return match[0]
        if not target.exists():
            raise PluginError(f"{page.file.src_uri} links to {match[2]}, which is missing.")
        return match[1]

    return _NAMED_BLOCK.sub(r'```\1 title="\2"', _LINK.sub(without_link, markdown))
