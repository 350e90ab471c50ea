"""What is told of the engines that computed the answers: a section of `leaderboard.md`."""

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.numbers import counted
from benchmark.reporting.tables import Column, bullets, markdown_table
from benchmark.results.inference import InferenceRecord
from benchmark.results.leaderboard import Leaderboard


def inference_sections(leaderboard: Leaderboard) -> list[str]:
    """Say what computed the answers, and how far that was held against torch in float32.

    Args:
        leaderboard: A finished run.

    Returns:
        Blocks of Markdown; none where torch answered in float32 and nobody asked for anything else.
    """
    fast = [record for record in leaderboard.inference if record.largest_difference is not None]
    fallen = [(record, reason) for record in leaderboard.inference for reason in record.fallbacks]
    blocks: list[str] = []
    if fast:
        blocks += [
            "The reference is torch in float32, one clip at a time. What is faster answered some clips beside it "
            "first; afterwards the clips whose two best answers were close were done again in the reference, or in "
            "float32 that was held against it, so that no decision rests on the difference (see `docs/speed.md`).",
            markdown_table(fast, _COLUMNS),
        ]
    if fallen:
        blocks.append(bullets(f"{markdown_text(record.candidate)}: {markdown_text(text)}" for record, text in fallen))
    return ["## What computed the answers", *blocks] if blocks else []


def _engine(record: InferenceRecord) -> str:
    together = f", {record.batch} at a time" if record.batch > 1 else ""
    return f"{record.backend} {record.dtype}{together}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


_COLUMNS = (
    Column[InferenceRecord]("candidate", lambda record: markdown_text(record.candidate)),
    Column[InferenceRecord]("backend", lambda record: markdown_text(_engine(record))),
    Column[InferenceRecord]("compared on", lambda record: counted(record.checked_clips, "clip"), numeric=True),
    Column[InferenceRecord]("largest difference", lambda record: _ratio(record.largest_difference), numeric=True),
    Column[InferenceRecord]("allowed", lambda record: _ratio(record.allowed), numeric=True),
    Column[InferenceRecord]("done again", lambda record: counted(record.redone_clips, "clip"), numeric=True),
    Column[InferenceRecord]("conversion (s)", lambda record: _seconds(record.conversion_s), numeric=True),
    Column[InferenceRecord]("comparison (s)", lambda record: _seconds(record.check_s), numeric=True),
)
