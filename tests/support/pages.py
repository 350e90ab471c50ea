"""The code blocks of a page of documentation.

A block is written in a fence with its language. A second word is the file that its content goes into; `bash` blocks are
commands, one a line, run in their order; `python` blocks without a file are scripts; `text` is for reading only.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One code block; language and file are the words after the fence."""

    language: str
    file: str | None
    content: str

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands of a `bash` block, with continuation lines joined."""
        if self.language != "bash":
            return ()
        joined = self.content.replace("\\\n", " ")
        return tuple(line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def blocks_of(page: Path) -> tuple[Block, ...]:
    """List the code blocks of a page."""
    blocks = []
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        language, _, file = match["info"].strip().partition(" ")
        blocks.append(Block(language, file.strip() or None, match["content"]))
    return tuple(blocks)


def prose_of(page: Path) -> str:
    """Give a page without its code blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))
