from pathlib import Path

import pytest
from sklearn.metrics import recall_score

from benchmark.errors import RequestError
from benchmark.evaluation.metrics import user_metrics
from benchmark.progress import Silent
from benchmark.settings import Settings

UAR = Path(__file__).parents[2] / "docs" / "metrics" / "uar.py"
TEXT = """
import datasets
import evaluate

class Named(evaluate.Metric):
    def _info(self):
        text = datasets.Value("string")
        features = datasets.Features({"predictions": text, "references": text})
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

    def _compute(self, predictions, references):
        if "none of these" in predictions:
            raise ValueError("what is this?")
        return {"named": float("fear" in references), "list": [1, 2], "other": 2}
"""


def test_our_own_module_gives_users_of_evaluate_the_uar(tmp_path: Path) -> None:
    truth, answers = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 3, 3]
    with user_metrics([str(UAR)], Settings(cache=tmp_path), Silent()) as (metric,):
        numbers = metric.compute(truth, answers, ["anger", "fear", "sadness", "none of these"])
    assert numbers == {"uar": pytest.approx(recall_score(truth, answers, labels=[0, 1, 2], average="macro"))}


def test_a_metric_that_takes_text_gets_names_and_one_that_fails_costs_no_run(tmp_path: Path) -> None:
    path = tmp_path / "named.py"
    path.write_text(TEXT)
    names = ["anger", "fear", "none of these"]
    with user_metrics([str(path)], Settings(cache=tmp_path), Silent()) as (metric,):
        assert metric.compute([0, 1], [0, 0], names) == {"named": 1.0, "named.other": 2.0}
        assert metric.compute([0, 1], [0, 2], names) == {"named": None}


@pytest.mark.parametrize(("name", "problem"), [("accuracy", "no such file"), ("broken.py", "cannot be loaded")])
def test_what_is_not_there_or_no_metric_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text("raise RuntimeError('boom')\n")
    with pytest.raises(RequestError, match=problem), user_metrics([name], Settings(cache=tmp_path), Silent()):
        pass
