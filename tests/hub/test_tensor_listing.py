import pytest
import torch

from benchmark.hub.tensor_listing import BYTES, FROM_SAFETENSORS, FROM_STORAGE, decode


def test_every_type_is_one_of_torch_and_has_its_size() -> None:
    for name in {*FROM_SAFETENSORS.values(), *FROM_STORAGE.values()} | set(BYTES):
        kind = getattr(torch, name)
        if name in BYTES:
            assert kind.itemsize == BYTES[name]


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
def test_numbers_are_those_that_torch_reads(name: str) -> None:
    numbers = torch.tensor([0.0, -0.0, 1.5, -2.25, 1e-7, float("inf")], dtype=getattr(torch, name))
    content = numbers.view(torch.uint8).numpy().tobytes()
    assert decode(content, name) == tuple(numbers.double().tolist())
