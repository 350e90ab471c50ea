import torch

from benchmark.hub.tensor_listing import ITEM_BYTES


def test_every_type_is_one_of_torch_and_has_its_size() -> None:
    assert {name: getattr(torch, name).itemsize for name in ITEM_BYTES} == ITEM_BYTES
