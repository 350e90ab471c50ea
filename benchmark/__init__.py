"""Which speech-emotion model to use, for your audio, on your machine, and whether to trust the answer.

`verify` finds out which candidates are working emotion classifiers, `describe_corpus` what a corpus holds, and `run`
measures the one on the other:

    import benchmark

    outcome = benchmark.run("demo", min_emotions=5, output="reports")
    for row in outcome.leaderboard.rows:
        ...

Nothing heavy is imported before one of them is used. Everything below this module may move.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.api import RunOutcome as RunOutcome
    from benchmark.api import run as run
    from benchmark.choosing import EnsembleOutcome as EnsembleOutcome
    from benchmark.choosing import RecommendOutcome as RecommendOutcome
    from benchmark.choosing import ensemble as ensemble
    from benchmark.choosing import recommend as recommend
    from benchmark.describing import DescribeOutcome as DescribeOutcome
    from benchmark.describing import describe_corpus as describe_corpus
    from benchmark.verifying import VerifyOutcome as VerifyOutcome
    from benchmark.verifying import verify as verify

__all__ = [
    "DescribeOutcome",
    "EnsembleOutcome",
    "RecommendOutcome",
    "RunOutcome",
    "VerifyOutcome",
    "describe_corpus",
    "ensemble",
    "recommend",
    "run",
    "verify",
]
_ROOMS = {
    "EnsembleOutcome": "benchmark.choosing",
    "RecommendOutcome": "benchmark.choosing",
    "ensemble": "benchmark.choosing",
    "recommend": "benchmark.choosing",
    "DescribeOutcome": "benchmark.describing",
    "describe_corpus": "benchmark.describing",
    "VerifyOutcome": "benchmark.verifying",
    "verify": "benchmark.verifying",
}


def __getattr__(name: str) -> object:
    if name in __all__:
        # Importing the package must stay instant, and verifying needs far less than running.
        return getattr(import_module(_ROOMS.get(name, "benchmark.api")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
