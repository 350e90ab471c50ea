"""What `bench next` writes: the table to fill in, and the page that plays its clips."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from benchmark.reporting.escaping import csv_text, plain_text
from benchmark.reporting.html_page.page import asset, policy
from benchmark.reporting.html_page.recordings import file_address
from benchmark.reporting.numbers import counted
from benchmark.results.schema import Stored
from benchmark.scoring.next_clips import CHOSEN_FOR, Purpose


class ChosenClip(Stored):
    """A clip to label.

    Attributes:
        location: The path of its recording, or its address.
        start_s: Where it begins in the recording; None for the whole of it.
        label: What was filled in before; None where it is to be labelled.
    """

    location: str
    is_address: bool = False
    start_s: float | None = None
    stop_s: float | None = None
    label: str | None = None
    speaker: str | None = None


class ChosenClips(Stored):
    """The clips to label next, those that were labelled before first.

    Attributes:
        labels: What the candidates can answer, by canonical names.
        left: How many clips without a label there are to choose from, these included.
    """

    corpus: str
    purpose: Purpose
    clips: tuple[ChosenClip, ...]
    labels: tuple[str, ...]
    left: int

    @property
    def to_label(self) -> int:
        """How many clips have no label yet."""
        return sum(clip.label is None for clip in self.clips)


def chosen_table(chosen: ChosenClips, folder: Path) -> str:
    """Write the table as CSV, with paths relative to its folder."""
    has_stretches = any(clip.start_s is not None for clip in chosen.clips)
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(["file", *(("start", "stop") if has_stretches else ()), "label", "speaker", CHOSEN_FOR])
    for clip in chosen.clips:
        times = [_seconds(clip.start_s), _seconds(clip.stop_s)] if has_stretches else []
        file = clip.location if clip.is_address else _relative(Path(clip.location), folder)
        texts = (csv_text(clip.label or ""), csv_text(clip.speaker or ""))
        writer.writerow([file, *times, *texts, chosen.purpose.value])
    return content.getvalue()


def chosen_page(chosen: ChosenClips, table: Path) -> str:
    """Write a page that plays the clips, in the order of the table, without the candidates' answers."""
    styles = [asset(f"styles/{name}.css") for name in ("base", "tables", "print")]
    title = Markup("{}: clips to label").format(plain_text(chosen.corpus))
    explained = (
        f"Listen, and write the emotion into the column label of {table.name}, one of: {', '.join(chosen.labels)}. "
        "What the candidates answer is not shown, so that it does not influence you."
    )
    rows = [_row(number, clip, table.parent) for number, clip in enumerate(chosen.clips, start=2)]
    parts = [
        Markup('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'),
        Markup('<meta http-equiv="Content-Security-Policy" content="{}">').format(policy([], styles)),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">'),
        Markup("<title>{}</title>").format(title),
        *(Markup("<style>{}</style>").format(style) for style in styles),
        Markup("</head>\n<body>\n<main>\n<h1>{}</h1>\n<p>{}</p>").format(title, plain_text(explained)),
        Markup('<table>\n<thead><tr><th scope="col">line</th><th scope="col">clip</th>'),
        Markup('<th scope="col">speaker</th><th scope="col">file</th><th scope="col">label</th></tr></thead>\n<tbody>'),
        *rows,
        Markup("</tbody>\n</table>\n</main>\n</body>\n</html>\n"),
    ]
    return "\n".join(map(str, parts))


def chosen_summary(chosen: ChosenClips, files: Sequence[Path]) -> str:
    """Say in the terminal how many clips there are to label, and what to do with the table."""
    table = files[0]
    why = "separate the candidates" if chosen.purpose is Purpose.PICK else "are a sample to estimate scores from"
    return (
        f"{counted(chosen.to_label, 'clip')} of {chosen.left:,} without a label of {plain_text(chosen.corpus)} {why}.\n"
        f"Fill in the column label of {table}, then: bench run --corpus table:{table}\n"
    )


def _row(number: int, clip: ChosenClip, folder: Path) -> Markup:
    stretch = "" if clip.start_s is None else f"{clip.start_s:g}–{_seconds(clip.stop_s)} s"
    if clip.is_address:
        player = Markup("")  # a page of bench loads nothing from a network
    else:
        stop = "" if clip.stop_s is None else f",{clip.stop_s:g}"
        address = file_address(Path(clip.location), folder) + (
            "" if clip.start_s is None else f"#t={clip.start_s:g}{stop}"
        )
        player = Markup('<audio controls preload="none" src="{}"></audio>').format(address)
    cells = (number, player, plain_text(clip.speaker or ""), plain_text(f"{clip.location} {stretch}"), clip.label or "")
    return Markup("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>").format(*cells)


def _seconds(value: float | None) -> str:
    return "" if value is None else repr(value)


def _relative(path: Path, folder: Path) -> str:
    """The path from the folder of the table; it begins with `./` or `../`, so that no name is read as a formula."""
    try:
        relative = Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive of Windows
        return str(path.absolute())
    return relative if relative.startswith("../") else f"./{relative}"
