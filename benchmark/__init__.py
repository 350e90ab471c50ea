"""Which speech-emotion model to use, for your audio, on your machine, and whether to trust the answer.

`verify` finds out which candidates are working emotion classifiers, `run` measures them on your audio:

    import benchmark

    outcome = benchmark.run("demo", min_emotions=5, output="reports")
    for row in outcome.leaderboard.rows:
        ...

Nothing heavy is imported before one of them is used. Everything below this module may move.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.api import RunOutcome as RunOutcome
    from benchmark.api import VerifyOutcome as VerifyOutcome
    from benchmark.api import run as run
    from benchmark.api import verify as verify

__all__ = ["RunOutcome", "VerifyOutcome", "run", "verify"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from benchmark import api  # noqa: PLC0415 - importing the package must stay instant

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
