from pathlib import Path

import benchmark
from benchmark.results.tuning import find_tuning
from benchmark.settings import Settings
from tests.support.tunings import distorted_run


def test_a_tuning_with_merges_names_them_for_the_next_command_and_shows_itself(tmp_path: Path) -> None:
    settings = Settings(cache=distorted_run(tmp_path / ".bench", factor=3.0).cache)
    outcome = benchmark.tune("model", merge=["sadness=neutral"], settings=settings, output=tmp_path / "reports")
    assert (outcome.exit_code, outcome.problems) == (0, ())
    assert outcome.tuning is not None
    assert outcome.tuning.model.classes == ("anger", "happiness", "neutral")
    assert find_tuning(settings.cache, outcome.tuning.model, "model") == outcome.tuning
    next_command = (tmp_path / "reports" / "tuning.md").read_text().splitlines()[-1]
    assert next_command == "Next: `bench predict --tuned --merge sadness=neutral model FILE…` applies it."
    assert "the calibration error falls from" in repr(outcome)
    assert "Risk and coverage" in outcome._repr_html_()


def test_what_cannot_be_tuned_shows_the_reason(tmp_path: Path) -> None:
    settings = Settings(cache=distorted_run(tmp_path / ".bench", speakers=2, repeats=30).cache)
    outcome = benchmark.tune("model", settings=settings, output=tmp_path / "reports")
    assert (outcome.exit_code, outcome.tuning, outcome.files) == (1, None, ())
    assert "nothing can be tuned" in repr(outcome)
    assert "add speakers" in outcome._repr_html_()
