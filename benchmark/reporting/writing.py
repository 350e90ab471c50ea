"""The files of a report, which take their names together.

All functions raise a `RequestError` if the folder cannot be written, and an `UnavailableError` if the disk is full.
"""

from pathlib import Path

from benchmark.reporting.csv_and_json import (
    groups_csv,
    leaderboard_csv,
    leaderboard_json,
    pairs_csv,
    robustness_csv,
    verification_csv,
    verification_json,
)
from benchmark.reporting.html_page.page import leaderboard_html
from benchmark.reporting.html_page.recordings import Recordings
from benchmark.reporting.leaderboard_latex import leaderboard_latex
from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.reporting.verification_markdown import DEFAULT_FALLBACK_BELOW, verification_markdown
from benchmark.results.files import FileSet, joined
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.runs import RunRecord
from benchmark.results.verification import VerificationReport


def write_verification(
    report: VerificationReport,
    folder: Path,
    *,
    fallback_below: int = DEFAULT_FALLBACK_BELOW,
    together: FileSet | None = None,
) -> tuple[Path, ...]:
    """Write `verification.md`, `.csv` and `.json`; the folder is created if it is missing.

    Args:
        report: The verdicts on all candidates.
        folder: The folder of the reports.
        fallback_below: Usable candidates with fewer emotions have a section of their own in the Markdown.
        together: Other files with which they take their names.
    """
    contents = {
        "verification.md": verification_markdown(report, fallback_below=fallback_below),
        "verification.csv": verification_csv(report),
        "verification.json": verification_json(report),
    }
    with joined(together) as files:
        return tuple(files.write(folder / name, content) for name, content in contents.items())


def write_leaderboard(
    leaderboard: Leaderboard,
    folder: Path,
    *,
    record: RunRecord | None = None,
    recordings: Recordings | None = None,
    latex: bool = False,
    together: FileSet | None = None,
) -> tuple[Path, ...]:
    """Write `leaderboard.md`, `.csv`, `.json`, `.html` and `.tex`, `robustness.csv`, `groups.csv` and `pairs.csv`.

    `leaderboard.tex` is written if asked for, the last three if the run perturbed audio, if anything was scored, and if
    two candidates are ranked; else those of a former run are removed.

    Args:
        leaderboard: The scored run.
        folder: The folder of the reports; created if it is missing.
        record: The run, for the evidence of the verdicts in the page.
        recordings: The audio for the page, and how much of it is embedded; None for no audio.
        latex: Whether `leaderboard.tex` is written.
        together: Other files with which they take their names.
    """
    if leaderboard.request is not None:
        leaderboard = leaderboard.model_copy(update={"request": leaderboard.request.seen_from(folder)})
    contents = {
        "leaderboard.md": leaderboard_markdown(leaderboard),
        "leaderboard.csv": leaderboard_csv(leaderboard),
        "leaderboard.json": leaderboard_json(leaderboard),
        "leaderboard.html": leaderboard_html(leaderboard, folder, record=record, recordings=recordings),
        "leaderboard.tex": leaderboard_latex(leaderboard) if latex else None,
        "robustness.csv": robustness_csv(leaderboard.robustness) if leaderboard.robustness else None,
        "groups.csv": groups_csv(leaderboard.groups) if leaderboard.groups else None,
        "pairs.csv": pairs_csv(leaderboard.pairs) if leaderboard.pairs else None,
    }
    written = []
    with joined(together) as files:
        for name, content in contents.items():
            if content is None:
                files.remove(folder / name)
            else:
                written.append(files.write(folder / name, content))
    return tuple(written)
