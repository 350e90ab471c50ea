"""The part of an inspection worker that reads pickles."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.hub.torch_pickles import read_pickle


class PickleActor:
    def read_pickle(self, content: NDArray[np.uint8], name: str) -> dict[str, Any]:
        return read_pickle(content, name)
