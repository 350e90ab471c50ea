"""`corpus-<name>.md` and `corpus-<name>.json`: the description of a corpus, for reading and for programs."""

import re
import unicodedata
from pathlib import Path

from benchmark.reporting.corpus_markdown import corpus_markdown
from benchmark.reporting.json_documents import corpus_json
from benchmark.results.description import CorpusDescription
from benchmark.results.files import write_atomically

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST = 80


def write_description(description: CorpusDescription, folder: Path) -> tuple[Path, ...]:
    """Write the description of a corpus.

    Args:
        description: The corpus, described.
        folder: Where reports go; created where it is missing.

    Returns:
        Where the files lie, the one for reading first.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full or fails.
    """
    stem = f"corpus-{file_stem(description.name)}"
    return (
        write_atomically(folder / f"{stem}.md", corpus_markdown(description)),
        write_atomically(folder / f"{stem}.json", corpus_json(description)),
    )


def file_stem(name: str) -> str:
    """Make of a corpus's name what every file system takes; letters of all scripts stay.

    Examples:
        >>> file_stem("my-calls"), file_stem("../콜센터 2026"), file_stem("***")
        ('my-calls', '콜센터-2026', 'unnamed')
    """
    return _UNSAFE.sub("-", unicodedata.normalize("NFC", name)).strip(".-")[:_LONGEST] or "unnamed"
