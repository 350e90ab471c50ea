"""Which speech-emotion model to use, for your audio, on your machine, and whether to trust the answer.

`verify` checks which candidates are working emotion classifiers, `describe_corpus` describes a corpus, `run` measures
candidates on corpora, and `predict` applies models to single recordings. `register_models` lets transformers load the
models that bench trains:

    import benchmark

    outcome = benchmark.run("demo", min_emotions=5, output="reports")
    for row in outcome.leaderboard.rows:
        ...

In a notebook and in a script, progress shows unless `progress="silent"`, and outcomes show themselves as tables; see
docs/notebook.ipynb.

Errors are `BenchError`s: a `RequestError` where the request is wrong, an `UnavailableError` where the machine or the
network failed, an `UnmetError` where something has to be done first; the text is one sentence with the remedy.

Functions are imported when they are first used. Modules below this one are not part of the public interface.
"""

import warnings
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
    from benchmark.api.dimensions import DimensionsOutcome as DimensionsOutcome
    from benchmark.api.dimensions import run_dimensions as run_dimensions
    from benchmark.api.drift import DriftOutcome as DriftOutcome
    from benchmark.api.drift import drift as drift
    from benchmark.api.next_clips import NextOutcome as NextOutcome
    from benchmark.api.next_clips import next_clips as next_clips
    from benchmark.api.plan import PlanOutcome as PlanOutcome
    from benchmark.api.plan import plan as plan
    from benchmark.api.predict import PredictOutcome as PredictOutcome
    from benchmark.api.predict import predict as predict
    from benchmark.api.publish import PublishOutcome as PublishOutcome
    from benchmark.api.publish import publish as publish
    from benchmark.api.report import ReportOutcome as ReportOutcome
    from benchmark.api.report import report as report
    from benchmark.api.run import RunOutcome as RunOutcome
    from benchmark.api.run import run as run
    from benchmark.api.shards import ShardOutcome as ShardOutcome
    from benchmark.api.shards import merge as merge
    from benchmark.api.shards import run_shard as run_shard
    from benchmark.api.train import TrainOutcome as TrainOutcome
    from benchmark.api.train import train as train
    from benchmark.api.try_recipes import TryOutcome as TryOutcome
    from benchmark.api.try_recipes import try_recipes as try_recipes
    from benchmark.api.tune import TuneOutcome as TuneOutcome
    from benchmark.api.tune import tune as tune
    from benchmark.api.verify import VerifyOutcome as VerifyOutcome
    from benchmark.api.verify import verify as verify
    from benchmark.errors import BenchError as BenchError
    from benchmark.errors import RequestError as RequestError
    from benchmark.errors import UnavailableError as UnavailableError
    from benchmark.errors import UnmetError as UnmetError
    from benchmark.models.registration import register_models as register_models

_MODULES = {
    "api.choose": ("EnsembleOutcome", "RecommendOutcome", "ensemble", "recommend"),
    "api.compare": ("CompareOutcome", "compare"),
    "api.corpus": ("DescribeOutcome", "describe_corpus"),
    "api.dimensions": ("DimensionsOutcome", "run_dimensions"),
    "api.drift": ("DriftOutcome", "drift"),
    "api.next_clips": ("NextOutcome", "next_clips"),
    "api.plan": ("PlanOutcome", "plan"),
    "api.predict": ("PredictOutcome", "predict"),
    "api.publish": ("PublishOutcome", "publish"),
    "api.report": ("ReportOutcome", "report"),
    "api.run": ("RunOutcome", "run"),
    "api.shards": ("ShardOutcome", "merge", "run_shard"),
    "api.train": ("TrainOutcome", "train"),
    "api.try_recipes": ("TryOutcome", "try_recipes"),
    "api.tune": ("TuneOutcome", "tune"),
    "api.verify": ("VerifyOutcome", "verify"),
    "errors": ("BenchError", "RequestError", "UnavailableError", "UnmetError"),
    "models.registration": ("register_models",),
}
__all__ = [name for names in _MODULES.values() for name in names]


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            with warnings.catch_warnings():
                # In a notebook, tqdm misses ipywidgets for bars of libraries, which bench does not show.
                warnings.filterwarnings("ignore", "IProgress not found")
                return getattr(import_module(f"benchmark.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
