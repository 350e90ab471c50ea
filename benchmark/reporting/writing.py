"""The files of a report, each written whole or not at all."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.reporting.csv_and_json import (
    groups_csv,
    leaderboard_csv,
    leaderboard_json,
    robustness_csv,
    verification_csv,
    verification_json,
)
from benchmark.reporting.html_page.page import leaderboard_html
from benchmark.reporting.html_page.recordings import Recordings
from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.reporting.verification_markdown import DEFAULT_FALLBACK_BELOW, verification_markdown
from benchmark.results.files import write_atomically
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.runs import RunRecord
from benchmark.results.verification import VerificationReport


@dataclass(frozen=True, kw_only=True)
class WrittenReports:
    """Where the files of one report lie.

    Attributes:
        markdown: For reading.
        csv: For spreadsheets and programs.
        json: Everything, in full precision.
        html: For looking, sorting and listening; None for a verification.
        robustness: Which answers survive perturbed audio; None where the run perturbed nothing.
        groups: How right everybody is on parts of the corpora; None where nothing was scored.
    """

    markdown: Path
    csv: Path
    json: Path
    html: Path | None = None
    robustness: Path | None = None
    groups: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files, the one for reading first."""
        more = (path for path in (self.html, self.robustness, self.groups) if path is not None)
        return self.markdown, self.csv, self.json, *more


def write_verification(
    report: VerificationReport, folder: Path, *, fallback_below: int = DEFAULT_FALLBACK_BELOW
) -> WrittenReports:
    """Write `verification.md`, `.csv` and `.json`.

    Args:
        report: The verdicts on all candidates.
        folder: Where reports go; created where it is missing.
        fallback_below: Usable candidates with fewer emotions stand in a section of their own.

    Returns:
        Where they lie.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full or fails.
    """
    return WrittenReports(
        markdown=write_atomically(
            folder / "verification.md", verification_markdown(report, fallback_below=fallback_below)
        ),
        csv=write_atomically(folder / "verification.csv", verification_csv(report)),
        json=write_atomically(folder / "verification.json", verification_json(report)),
    )


def write_leaderboard(
    leaderboard: Leaderboard,
    folder: Path,
    *,
    record: RunRecord | None = None,
    recordings: Recordings | None = None,
) -> WrittenReports:
    """Write `leaderboard.md`, `.csv`, `.json` and `.html`, and `groups.csv` and `robustness.csv`.

    The last two are written where anything was scored, and where the run perturbed audio; those of a former run are
    taken away where this one has nothing to say in them.

    Args:
        leaderboard: The scored run.
        folder: Where reports go; created where it is missing.
        record: The run, for the evidence of the verdicts in the page; None where it is not known.
        recordings: Where the page's audio comes from, and how much of it is embedded; None for no audio.

    Returns:
        Where they lie.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full or fails.
    """
    page = leaderboard_html(leaderboard, folder, record=record, recordings=recordings)
    return WrittenReports(
        markdown=write_atomically(folder / "leaderboard.md", leaderboard_markdown(leaderboard)),
        csv=write_atomically(folder / "leaderboard.csv", leaderboard_csv(leaderboard)),
        json=write_atomically(folder / "leaderboard.json", leaderboard_json(leaderboard)),
        html=write_atomically(folder / "leaderboard.html", page),
        robustness=_write_or_remove(
            folder / "robustness.csv", robustness_csv(leaderboard.robustness) if leaderboard.robustness else None
        ),
        groups=_write_or_remove(folder / "groups.csv", groups_csv(leaderboard.groups) if leaderboard.groups else None),
    )


def _write_or_remove(path: Path, content: str | None) -> Path | None:
    if content is not None:
        return write_atomically(path, content)
    path.unlink(missing_ok=True)
    return None
