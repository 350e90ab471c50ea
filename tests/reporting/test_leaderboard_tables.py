from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.reporting.leaderboard_tables import inference_section
from benchmark.results.inference import InferenceRecord
from benchmark.results.leaderboard import Leaderboard
from tests.reporting.conftest import HOSTILE


def with_inference(board: Leaderboard, *records: InferenceRecord) -> Leaderboard:
    return board.model_copy(update={"inference": records})


FAST = InferenceRecord(
    candidate="a",
    asked="auto",
    backend="openvino",
    dtype="float32",
    checked_clips=32,
    largest_difference=2.1e-7,
    allowed=1e-3,
    redone_below=4e-6,
    redone_clips=3,
    conversion_s=5.04,
    check_s=12.0,
)


def test_torch_alone_is_not_worth_a_word(realistic_board: Leaderboard) -> None:
    plain = InferenceRecord(candidate="a", asked="auto", backend="torch", dtype="float32", note="Few clips.")
    assert inference_section(with_inference(realistic_board, plain)) == []
    assert inference_section(realistic_board) == []


def test_how_close_a_faster_engine_came_is_told(realistic_board: Leaderboard) -> None:
    text = leaderboard_markdown(with_inference(realistic_board, FAST))
    assert "## What computed the answers" in text
    (line,) = [line for line in text.splitlines() if "openvino float32" in line and line.startswith("| a ")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[2:] == ["32 clips", "2.1e-07", "1.0e-03", "3 clips", "5.0", "12.0"]


def test_why_a_faster_engine_was_not_taken_is_told_and_escaped(realistic_board: Leaderboard) -> None:
    fallen = InferenceRecord(
        candidate=HOSTILE[2], asked="auto", backend="torch", dtype="float32", fallbacks=(f"Not taken: {HOSTILE[2]}.",)
    )
    text = "\n".join(inference_section(with_inference(realistic_board, fallen)))
    assert "Not taken" in text
    assert "<script>" not in text
