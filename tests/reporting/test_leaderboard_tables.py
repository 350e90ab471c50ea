from benchmark.reporting.leaderboard_markdown import leaderboard_markdown
from benchmark.reporting.leaderboard_tables import inference_section
from benchmark.results.inference_record import InferenceRecord
from tests.reporting.conftest import HOSTILE, board, scored, section, table

TORCH = InferenceRecord(candidate="a", asked="auto", backend="torch", dtype="float32", note="Few clips.")


def test_torch_alone_is_not_mentioned() -> None:
    assert inference_section(board(scored(), inference=(TORCH,))) == inference_section(board(scored())) == []


def test_a_faster_engine_is_listed_with_its_difference_from_the_reference() -> None:
    fast = InferenceRecord(
        candidate="a", asked="auto", backend="openvino", dtype="float32", checked_clips=32, largest_difference=2.1e-7,
        allowed=1e-3, redone_below=4e-6, redone_clips=3, conversion_s=5.04, check_s=12.0,
    )  # fmt: skip
    text = leaderboard_markdown(board(scored("a"), inference=(fast, TORCH)))
    (row,) = table(section(text, "What computed the answers"))
    assert list(row.values()) == ["a", "openvino float32", "32 clips", "2.1e-07", "1.0e-03", "3 clips", "5.0", "12.0"]


def test_the_reason_against_a_faster_engine_is_told_and_escaped() -> None:
    rejected = TORCH.model_copy(update={"candidate": HOSTILE[2], "fallbacks": (f"Not taken: {HOSTILE[2]}.",)})
    text = "\n".join(inference_section(board(scored(), inference=(rejected,))))
    assert "Not taken" in text
    assert "<script>" not in text
