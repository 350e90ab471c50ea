"""Which speech-emotion model to use, for your audio, on your machine, and whether to trust the answer.

`verify` finds out which candidates are working emotion classifiers, `describe_corpus` what a corpus holds, and `run`
measures the one on the other; `predict` hears single recordings:

    import benchmark

    outcome = benchmark.run("demo", min_emotions=5, output="reports")
    for row in outcome.leaderboard.rows:
        ...

What goes wrong is a `BenchError`: a `RequestError` where what was asked for is wrong, an `UnavailableError` where the
machine or the network failed; its text is one sentence that tells the fix.

Nothing heavy is imported before one of them is used. Everything below this module may move.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.api.choose import EnsembleOutcome as EnsembleOutcome
    from benchmark.api.choose import RecommendOutcome as RecommendOutcome
    from benchmark.api.choose import ensemble as ensemble
    from benchmark.api.choose import recommend as recommend
    from benchmark.api.compare import CompareOutcome as CompareOutcome
    from benchmark.api.compare import compare as compare
    from benchmark.api.corpus import DescribeOutcome as DescribeOutcome
    from benchmark.api.corpus import describe_corpus as describe_corpus
    from benchmark.api.predict import PredictOutcome as PredictOutcome
    from benchmark.api.predict import predict as predict
    from benchmark.api.publish import PublishOutcome as PublishOutcome
    from benchmark.api.publish import publish as publish
    from benchmark.api.report import ReportOutcome as ReportOutcome
    from benchmark.api.report import report as report
    from benchmark.api.run import RunOutcome as RunOutcome
    from benchmark.api.run import run as run
    from benchmark.api.verify import VerifyOutcome as VerifyOutcome
    from benchmark.api.verify import verify as verify
    from benchmark.errors import BenchError as BenchError
    from benchmark.errors import RequestError as RequestError
    from benchmark.errors import UnavailableError as UnavailableError

__all__ = [
    "BenchError",
    "CompareOutcome",
    "DescribeOutcome",
    "EnsembleOutcome",
    "PredictOutcome",
    "PublishOutcome",
    "RecommendOutcome",
    "ReportOutcome",
    "RequestError",
    "RunOutcome",
    "UnavailableError",
    "VerifyOutcome",
    "compare",
    "describe_corpus",
    "ensemble",
    "predict",
    "publish",
    "recommend",
    "report",
    "run",
    "verify",
]
_PLACES = {
    "EnsembleOutcome": "benchmark.api.choose",
    "RecommendOutcome": "benchmark.api.choose",
    "ensemble": "benchmark.api.choose",
    "recommend": "benchmark.api.choose",
    "DescribeOutcome": "benchmark.api.corpus",
    "describe_corpus": "benchmark.api.corpus",
    "PredictOutcome": "benchmark.api.predict",
    "predict": "benchmark.api.predict",
    "PublishOutcome": "benchmark.api.publish",
    "publish": "benchmark.api.publish",
    "ReportOutcome": "benchmark.api.report",
    "report": "benchmark.api.report",
    "CompareOutcome": "benchmark.api.compare",
    "compare": "benchmark.api.compare",
    "RunOutcome": "benchmark.api.run",
    "run": "benchmark.api.run",
    "VerifyOutcome": "benchmark.api.verify",
    "verify": "benchmark.api.verify",
    "BenchError": "benchmark.errors",
    "RequestError": "benchmark.errors",
    "UnavailableError": "benchmark.errors",
}


def __getattr__(name: str) -> object:
    if name in _PLACES:
        # Importing the package must stay instant, and verifying needs far less than running.
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
