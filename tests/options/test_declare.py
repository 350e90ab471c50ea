from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from cyclopts import Group

import benchmark
from benchmark.errors import RequestError
from benchmark.options.declare import EMPTY, Options, Range, keywords, option

PANEL = Group("Panel")


@dataclass(frozen=True, kw_only=True)
class Example(Options):
    corpora: Annotated[Sequence[str], option("--corpus", PANEL)] = ()
    """A corpus."""
    limit: Annotated[int | None, option("--limit", PANEL, within=Range(1, 9))] = None
    """At most so many."""
    dtype: Annotated[Literal["float32", "bfloat16"], option("--dtype", PANEL)] = "float32"
    """A format."""
    speech: Annotated[bool, option("--speech", PANEL, negatable=True)] = True
    """Find speech."""


def test_one_text_where_several_are_expected_is_a_list_of_one() -> None:
    assert Example(corpora="calls/2026").corpora == ("calls/2026",)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"limit": -1}, "limit=-1 makes no sense: give 1 to 9."),
        ({"limit": float("nan")}, "limit=nan makes no sense: give 1 to 9."),
        ({"dtype": "int8"}, "dtype='int8' is unknown: choose among float32, bfloat16."),
        ({"corpora": ("calls", " ")}, f"corpora {EMPTY}"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(RequestError) as problem:
        Example(**wrong)  # type: ignore[arg-type]
    assert str(problem.value) == sentence


def test_only_what_is_not_as_by_default_is_given_and_its_command_gives_the_same() -> None:
    options = Example(corpora=("a b", "c"), speech=False)
    assert options.given() == {"corpus": ("a b", "c"), "speech": False}
    assert options.command_line("run") == "bench run --corpus 'a b' --corpus c --no-speech"


def test_a_function_of_options_is_called_with_keywords_and_describes_them() -> None:
    def describe_with(options: Example) -> int | None:
        """Describe."""
        return options.limit

    describe = keywords(describe_with, Example)
    assert describe(limit=3) == 3
    assert describe.__name__ == "describe"
    assert "limit: At most so many." in (describe.__doc__ or "")
    with pytest.raises(TypeError, match="limits"):
        describe(limits=3)  # type: ignore[call-arg]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"overwrite": "sometimes"}, {"segment_seconds": 0.0}])
def test_the_functions_refuse_what_makes_no_sense_before_any_work(wrong: dict[str, object]) -> None:
    with pytest.raises(RequestError, match=next(iter(wrong))):
        benchmark.run("demo", **wrong)  # type: ignore[arg-type]
