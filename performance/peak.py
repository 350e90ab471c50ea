"""How many floating-point operations a second this machine does in matrix products, as torch computes them."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from performance.engines import Engine, Probabilities

_SIDE = 2048
_REPEATS = 6


class MatrixProducts(Engine):
    """Multiplies square matrices in float32 and in bfloat16; its clips are only a reason to be asked."""

    def __init__(self, folder: Path) -> None:
        import torch  # noqa: PLC0415

        self._matrices = {
            name: torch.randn(_SIDE, _SIDE).to(dtype)
            for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
        }
        self._best: dict[str, float] = {}

    def answer(self, clips: Sequence[Path]) -> list[Probabilities]:
        """Multiply; the fastest product of the run counts."""
        for name, matrix in self._matrices.items():
            for _ in range(_REPEATS):
                begin = time.perf_counter()
                matrix @ matrix
                gflops = 2 * _SIDE**3 / (time.perf_counter() - begin) / 1e9
                self._best[name] = max(self._best.get(name, 0.0), gflops)
        return [np.zeros(0) for _ in clips]

    def details(self) -> dict[str, str]:
        """The best of each format, in GFLOP/s."""
        return {name: f"{value:.1f}" for name, value in self._best.items()}
