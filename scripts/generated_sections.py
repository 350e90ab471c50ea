"""Sections of a document that a script writes, between two comments that nobody sees."""

from pathlib import Path

PROTOCOL = Path(__file__).parents[1] / "docs" / "protocol.md"


def write_section(document: Path, name: str, content: str) -> None:
    """Replace what stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.

    Raises:
        ValueError: The document has no such section.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = document.read_text(encoding="utf-8")
    if begin not in text or end not in text:
        raise ValueError(f"{document} has no section {name}.")
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    document.write_text(f"{before}{begin}\n{content.strip()}\n{end}{after}", encoding="utf-8")
