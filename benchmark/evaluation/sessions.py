"""A loaded model in a worker of its own, as the evaluation talks to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmark.evaluation.subjects import Subject
from benchmark.settings import Settings
from benchmark.workers.answers import Answer, Returned
from benchmark.workers.limits import Limits
from benchmark.workers.worker import Worker
