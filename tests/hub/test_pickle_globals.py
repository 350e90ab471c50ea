import pickle
import random

import pytest
from torch._utils import IMPORT_MAPPING
from torch._weights_only_unpickler import _get_allowed_globals

from benchmark.hub.pickle_globals import ALLOWED, forbidden_globals, global_name


class Calls:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1",)


def test_exactly_those_names_are_allowed_that_torch_allows() -> None:
    assert set(_get_allowed_globals()) == ALLOWED


def test_names_of_python_2_become_those_that_torch_makes_of_them() -> None:
    assert IMPORT_MAPPING["__builtin__"] == "builtins"
    assert {global_name(f"__builtin__ {name}") for name in ("set", "complex", "bytearray")} < ALLOWED


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_call_is_found_in_every_protocol(protocol: int) -> None:
    assert forbidden_globals(pickle.dumps({"weights": [1, Calls()]}, protocol)) == ("builtins.eval",)


def test_names_in_the_memo_do_not_hide_a_call() -> None:
    hidden = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x8c\x01x0h\x00h\x01\x93."
    assert forbidden_globals(hidden) == ("posix.system",)


def test_what_was_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = pickle.dumps([Calls(), "x" * 1000], 2)
    assert forbidden_globals(whole[:-500]) == ("builtins.eval",)


def test_noise_is_no_trouble() -> None:
    randomly = random.Random(1)  # noqa: S311 - repeatable, guards no secret
    for _ in range(300):
        forbidden_globals(b"\x80\x02" + randomly.randbytes(200))


def test_names_are_few_and_short_and_storable() -> None:
    many = b"".join(b"cx" + str(number).encode() + b"y" * 500 + b"\nz\n0" for number in range(100))
    names = forbidden_globals(many + b".")
    assert len(names) == 20
    assert max(map(len, names)) <= 120
