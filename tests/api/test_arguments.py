import pytest

import benchmark
from benchmark.errors import RequestError


def test_one_text_is_a_list_of_one_and_not_its_letters() -> None:
    with pytest.raises(RequestError, match="nowhere"):
        benchmark.run("demo", corpora="folder:nowhere")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"limit": -2}, "limit=-2 makes no sense: give 1 or more"),
        ({"sample": 0}, "sample=0"),
        ({"segment_seconds": -1}, "segment_seconds=-1"),
        ({"latency_seconds": float("nan")}, "latency_seconds=nan"),
        ({"overwrite": "sometimes"}, "choose among never, missing, always"),
        ({"channel": "up"}, "choose among mix, left, right, each"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        benchmark.run("demo", **arguments)  # type: ignore[arg-type]  # wrong on purpose


def test_none_stands_for_the_default() -> None:
    with pytest.raises(RequestError, match="nowhere"):
        benchmark.run("demo", corpora=["folder:nowhere"], limit=None, channel=None, dtype=None)
