from pathlib import Path
from typing import Any

import pytest

from benchmark.errors import RequestError
from benchmark.results.cache_check import check_cache
from benchmark.results.tuning import TunedModel, find_tuning, store_tuning
from tests.support.finished_runs import verification
from tests.support.tunings import tuning


def model(**fields: Any) -> TunedModel:
    return TunedModel.of(verification("model", **fields), merges={}, preprocessor=None)


def test_the_newest_tuning_of_a_model_is_found(tmp_path: Path) -> None:
    for temperature in (2.0, 3.0):
        store_tuning(tmp_path, tuning(model(), temperature=temperature))
    assert find_tuning(tmp_path, model(), "model").applied.temperature == 3.0


def test_a_tuning_of_another_revision_or_other_merges_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"model is not tuned in .*: tune it by `bench tune model --corpus …`"):
        find_tuning(tmp_path, model(), "model")
    store_tuning(tmp_path, tuning(model()))
    with pytest.raises(RequestError, match="was tuned at revision 0000000, and this is revision fffffff"):
        find_tuning(tmp_path, model(revision="f" * 40), "model")
    merged = TunedModel.of(verification("model"), merges={"sadness": "neutral"}, preprocessor=None)
    with pytest.raises(RequestError, match=r"tuned without --merge, .*, for anger, happiness, neutral, sadness"):
        find_tuning(tmp_path, merged, "model")


def test_a_damaged_tuning_is_set_aside_and_not_used(tmp_path: Path) -> None:
    store_tuning(tmp_path, tuning(model()))
    (path,) = tmp_path.glob("*/*/tuning-*.json")
    path.write_text(path.read_text().replace("2.0", "9.0", 1))
    with pytest.raises(RequestError, match="is not tuned"):
        find_tuning(tmp_path, model(), "model")
    assert check_cache(tmp_path).damaged == ()
    assert list(tmp_path.glob("*/*/*.damaged"))
