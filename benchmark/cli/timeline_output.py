"""Where `bench predict` writes, and in which form."""

import re
from dataclasses import dataclass
from pathlib import Path

import typer

from benchmark.cli.console import print_note
from benchmark.cli.tables import result_console
from benchmark.cli.timeline_chart import print_timeline
from benchmark.errors import RequestError
from benchmark.reporting.timelines import audacity_labels, timelines_csv, timelines_json
from benchmark.results.files import check_writable, write_atomically
from benchmark.results.timelines import Timeline, Timelines
from benchmark.settings import expanded

_BY_SUFFIX = {".json": "json", ".csv": "csv", ".txt": "audacity"}
_STEM = "predictions"
_REMEDY = "choose another place with -o"
_ONE_TRACK = "A label track holds what one model says to one recording: name a folder for them with -o FOLDER."


@dataclass(frozen=True)
class ChosenOutput:
    """What the user wants written where.

    Attributes:
        form: `chart`, `json`, `csv` or `audacity`.
        path: A file or a folder; None for standard output.
    """

    form: str
    path: Path | None

    @property
    def is_folder(self) -> bool:
        """Whether the path is a folder, there already or to be made."""
        return self.path is not None and (self.path.is_dir() or not self.path.suffix)

    def check(self, *, several: bool) -> None:
        """Find out before the work whether the result will have a place.

        Args:
            several: Whether there are several models or recordings.

        Raises:
            RequestError: One label track cannot hold several answers, or the place cannot be written.
            UnavailableError: The disk is full.
        """
        if self.form == "audacity" and several and not self.is_folder:
            raise RequestError(_ONE_TRACK)
        if self.path is not None:
            check_writable(self.path if self.is_folder else self.path.parent, remedy=_REMEDY)

    def write(self, result: Timelines, *, quiet: bool) -> None:
        """Write the result.

        Raises:
            RequestError: One label track cannot hold several answers, or the place cannot be written.
            UnavailableError: The disk is full.
        """
        if self.form == "chart":
            _print_charts(result)
            return
        if self.form == "audacity":
            files = self._tracks(result)
        else:
            written = timelines_json if self.form == "json" else timelines_csv
            files = {f"{_STEM}.{self.form}": written(result)}
        if self.path is None:
            for text in files.values():
                typer.echo(text, nl=False)
            return
        for name, text in files.items():
            path = write_atomically(self.path / name if self.is_folder else self.path, text, remedy=_REMEDY)
            if not quiet:
                print_note(f"Written: {path}")

    def _tracks(self, result: Timelines) -> dict[str, str]:
        answered = [each for each in result.timelines if each.windows]
        if len(answered) > 1 and not self.is_folder:
            raise RequestError(_ONE_TRACK)
        names: dict[str, str] = {}
        for each in answered:
            names[_track_name(each, answered, taken=names)] = audacity_labels(each)
        return names


def chosen_output(path: Path | None, form: str | None, *, as_json: bool) -> ChosenOutput:
    """Find out what the user wants written where.

    Raises:
        RequestError: `--json` and `--format` contradict each other, or the form cannot be told from the file's name.
    """
    if as_json and form not in {None, "json"}:
        raise RequestError(f"--json and --format {form} contradict each other: leave one out.")
    form = "json" if as_json else form
    if path is None:
        return ChosenOutput(form or "chart", None)
    path = expanded(path)
    form = form or _BY_SUFFIX.get(path.suffix.lower())
    if form in {None, "chart"}:
        raise RequestError(f"In which form shall {path} be written? Add --format json, csv or audacity.")
    return ChosenOutput(form or "", path)


def _print_charts(result: Timelines) -> None:
    console = result_console()
    for place, timeline in enumerate(each for each in result.timelines if each.windows):
        if place:
            console.print()
        print_timeline(console, timeline, all_stretches=not console.is_terminal)


def _track_name(timeline: Timeline, answered: list[Timeline], *, taken: dict[str, str]) -> str:
    """Give a label track a name of its own: that of the recording, and of the model where there are several."""
    stem = _safe(Path(timeline.recording).stem + (f"-{side}" if (side := _side(timeline.recording)) else ""))
    if len({each.model for each in answered}) > 1:
        stem += f".{_safe(timeline.model)}"
    numbers = (f"{stem}{f'-{number}' if number > 1 else ''}.txt" for number in range(1, len(taken) + 2))
    return next(name for name in numbers if name not in taken)


def _side(recording: str) -> str:
    suffix = Path(recording).suffix
    return suffix.partition("#")[2]


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-") or _STEM
