from pathlib import Path

import pytest

from benchmark.models.backends.onnx_backend import OnnxBackend
from benchmark.models.backends.protocol import BackendError, Streams


def test_reduced_precision_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="in float32, not in bfloat16"):
        OnnxBackend(tmp_path / "model.onnx", dtype="bfloat16", streams=Streams())
