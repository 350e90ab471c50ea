import pytest

from benchmark.hub.absence import absent_weights
from benchmark.hub.facts import RepoFile
from benchmark.results.status import Status


@pytest.mark.parametrize(
    ("names", "status", "said"),
    [
        (["model.pt"], Status.UNSAFE_WEIGHTS, "model.pt"),
        (["a.pth", "b.ckpt", "c.pkl", "d.joblib"], Status.UNSAFE_WEIGHTS, "and 1 more"),
        (["weights.bin"], Status.UNSAFE_WEIGHTS, "weights.bin"),
        (["tf_model.h5"], Status.LOAD_FAILED, "TensorFlow only"),
        (["flax_model.msgpack"], Status.LOAD_FAILED, "Flax only"),
        (["onnx/model.onnx"], Status.LOAD_FAILED, "ONNX only"),
        (["tf_model.h5", "model.pt"], Status.LOAD_FAILED, "TensorFlow"),
        (["checkpoint-10/model.safetensors"], Status.LOAD_FAILED, "checkpoint-10/model.safetensors"),
        (["adapter_model.safetensors", "model.pt"], Status.LOAD_FAILED, "an adapter only (adapter_model.safetensors)"),
        (["adapter_model.bin"], Status.LOAD_FAILED, "an adapter only"),
        (
            ["training_args.bin", "optimizer.pt", "rng_state_0.pth", "README.md"],
            Status.LOAD_FAILED,
            "no weights at all",
        ),
        ([], Status.LOAD_FAILED, "no weights at all"),
    ],
)
def test_what_is_there_instead_is_told(names: list[str], status: Status, said: str) -> None:
    found = absent_weights([RepoFile(name, 1) for name in names])
    assert found.status is status
    assert said in found.reason
