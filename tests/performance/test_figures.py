from pathlib import Path

import pytest

from performance.clips import make_clips
from performance.figures import EngineFigures, Figures, ModelFigures, Turn
from performance.report import render


def engine(*turns: tuple[int, float, list[int]], **fields: object) -> EngineFigures:
    made = [Turn(place=place, seconds=seconds, audio_s=8.0, decisions=decisions) for place, seconds, decisions in turns]
    return EngineFigures(turns=made, memory_mb=500.0, **fields)  # type: ignore[arg-type]


@pytest.fixture
def figures() -> Figures:
    """Give figures of a run that was stopped: one engine missed a turn, one failed."""
    model = ModelFigures(what="A model", parameters=95_000_000, gflop_per_s=14.0)
    model.engines = {
        "naive": engine((0, 4.0, [1, 2])),
        "pipeline-1": engine((0, 4.0, [1, 2]), (1, 8.0, [0, 0])),
        "pipeline-default": engine((0, 3.0, [1, 2]), (1, 7.0, [0, 0])),
        "reference": engine((0, 4.0, [1, 2]), (1, 4.0, [0, 0]), details={"engine": "torch float32"}),
        "auto": engine((0, 2.0, [1, 3]), (1, 2.0, [0, 0]), details={"engine": "openvino float32"}),
        "fast": EngineFigures(failure="fast took longer than 180 s"),
        "bare-openvino": engine((0, 1.9, [1, 2])),
    }
    return Figures(
        date="today", machine=["a machine"], models={"base": model}, peak_gflops={"float32": 200.0, "bfloat16": 900.0}
    )


def test_ratios_are_those_of_blocks_that_both_have(figures: Figures) -> None:
    model = figures.models["base"]
    assert model.ratios("auto", "pipeline-1") == [2.0, 4.0]
    assert model.ratios("naive", "pipeline-1") == [1.0]
    assert model.ratios("fast", "pipeline-1") == []
    assert model.ratios("auto", "nobody") == []


def test_decisions_are_held_against_the_reference(figures: Figures) -> None:
    model = figures.models["base"]
    assert model.differing("auto", "reference") == 1
    assert model.differing("naive", "reference") == 0
    assert model.differing("fast", "reference") is None


def test_converting_pays_once_it_has_saved_what_it_cost(figures: Figures) -> None:
    model = figures.models["base"]
    assert model.pays_from("auto", "reference") is None  # nobody knows what it cost
    model.engines["auto"].details |= {"conversion_s": "6.0", "check_s": "4.0"}
    assert model.pays_from("auto", "reference") == 10  # it saves a second a clip
    model.engines["reference"].turns = model.engines["auto"].turns
    assert model.pays_from("auto", "reference") is None


def test_the_page_has_what_was_measured_and_what_failed(figures: Figures) -> None:
    text = render(figures)
    row = "| bench (`--backend auto`) | 1.00 | 4.0 | 3.00 (2.00 to 4.00) | 2.50 (1.50 to 3.50) | 1 of 4 | 28% | 500 |"
    assert row in text
    assert "95% of the bare speed" in text
    assert "fast took longer than 180 s" in text


def test_what_bench_did_again_is_told_apart(figures: Figures) -> None:
    auto = figures.models["base"].engines["auto"]
    auto.turns[0].again_s, auto.redone = 0.5, 1
    assert figures.models["base"].ratios("auto", "bare-openvino", without_again=True) == [1.9 / 1.5]
    assert "(95% to 95%), 127% without re-runs." in render(figures)


def test_figures_are_kept_and_read_back(figures: Figures, tmp_path: Path) -> None:
    figures.save(tmp_path / "build" / "figures.json")
    assert Figures.read(tmp_path / "build" / "figures.json") == figures
    assert "today" in render(Figures(date="today", machine=[]))  # nothing measured is still a page


def test_without_recordings_the_synthetic_voice_is_cut_to_real_lengths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CLIPS", str(tmp_path / "none"))
    clips = make_clips(12, tmp_path / "clips")
    assert len({path.read_bytes() for path in clips.paths}) == 12
    assert 2.9 <= min(clips.seconds) < 3.3
    assert 3.9 < max(clips.seconds) <= 5.3
