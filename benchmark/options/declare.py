"""Declaration of options: each is an annotated field of a frozen dataclass.

The flag, environment variable, configuration key, help, choices and limits on the command line, the keyword of the
Python function and docs/commands.md follow from this declaration. The help is the string below the field:

    @dataclass(frozen=True, kw_only=True)
    class SampleOptions(Options):
        sample: Annotated[int | None, option("--sample", CORPUS, metavar="N", within=Range(1))] = None
        \"\"\"At most so many clips of each corpus.\"\"\"
"""

import ast
import inspect
import math
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from functools import cache, wraps
from inspect import Parameter as Argument
from inspect import cleandoc, signature
from itertools import pairwise
from pathlib import Path
from textwrap import fill
from typing import Annotated, Literal, ParamSpec, TypeVar, cast, get_args, get_origin, get_type_hints

from cyclopts import Group, Parameter

from benchmark.errors import RequestError

_Keywords = ParamSpec("_Keywords")
_Options = TypeVar("_Options")
_Result = TypeVar("_Result")

KEYWORD_ONLY = Parameter(parse=False)
"""Marks a keyword that only the Python function has."""

Value = str | int | float | bool | tuple[str, ...] | None
EMPTY = "is empty: leave it out, or give it a value; is the variable set that it comes from?"
"""The end of the message about an option that names nothing."""


class Mark(Enum):
    """How a configuration file treats an option, and whether it may be empty."""

    PATH = "a file or folder"
    REGISTRY = "a file, or the name of a registry"
    MODEL = "a name, an id, or a local folder"
    SOURCE = "the name of a corpus, or a SPEC, which may hold a path"
    SENDS = "sends or deletes something"
    RUNS_CODE = "runs code"
    MAY_BE_EMPTY = "an empty text means something"


@dataclass(frozen=True)
class Range:
    """The numbers that an option accepts.

    Examples:
        >>> Range(1, 256).remedy, Range(0).holds(math.inf)
        ('give 1 to 256', False)
    """

    least: float
    most: float = math.inf

    @property
    def remedy(self) -> str:
        """The end of an error message."""
        return f"give {self.least:g} or more" if self.most == math.inf else f"give {self.least:g} to {self.most:g}"

    def holds(self, value: object) -> bool:
        """Whether the range contains a number; true for anything else."""
        return not isinstance(value, int | float) or (self.least <= value <= self.most and value != math.inf)

    def __call__(self, kind: object, value: object) -> None:
        """Refuse a value of the command line."""
        if not self.holds(value):
            raise ValueError(self.remedy)


def option(
    flags: str,
    panel: Group,
    *,
    help: str | None = None,
    metavar: str | None = None,
    variable: str | None = "",
    within: Range | None = None,
    choices: Sequence[str] = (),
    negatable: bool = False,
    completer: Callable[..., object] | None = None,
) -> Parameter:
    """Declare an option.

    Args:
        flags: The long flag and, after a space, the short one; for a positional argument its name in the help.
        panel: The section of `--help`.
        help: The help, if there is no string below the field.
        metavar: The name of the value in `--help`.
        variable: The environment variable; derived from the flag by default; None for none.
        within: The numbers that it accepts.
        choices: The words that the command line accepts, if the type is no Literal.
        negatable: Whether `--no-…` turns it off.
        completer: Gives the values that the shell offers.
    """
    names = flags.split() if flags.startswith("-") else [flags]
    key = names[0].lstrip("-")
    derived = f"BENCH_{key.upper().replace('-', '_')}"
    return Parameter(
        name=names,
        help=help,
        group=panel,
        metavar=metavar,
        env_var=() if variable is None or not flags.startswith("-") else variable or derived,
        env_var_split=_split_variable,
        validator=within or (),
        choices=choices or None,
        negative=f"--no-{key}" if negatable else (),
        show_default=f"--{key}" if negatable else _shown_default,
        completer=completer,
        allow_repeating=True,
        json_dict=False,
        json_list=False,
    )


def _shown_default(value: object) -> str | None:
    return None if value is None or value is False or value == () else str(value)


def _split_variable(kind: object, value: str, *, delimiter: str | None = None) -> list[str]:
    """Split an environment variable at spaces if the option is repeatable; an empty variable counts as unset."""
    if "Sequence" in str(kind):
        return value.split()
    return [_SWITCHES.get(value.strip().lower(), value)] if value.strip() else []


_SWITCHES = {"on": "true", "off": "false"}


@dataclass(frozen=True)
class Declared:
    """The declaration of one option.

    Attributes:
        keyword: The name in Python.
        help: The help text.
        kind: The type, without `Annotated`.
        parameter: Flags, variable, limits and panel.
        marks: How a configuration file treats it.
        default: The default value; `MISSING` for a required option.
    """

    keyword: str
    help: str
    kind: object
    parameter: Parameter
    marks: frozenset[Mark]
    default: object

    @property
    def key(self) -> str:
        """The key in configuration files and stored requests: the flag without dashes."""
        return next(iter(self.parameter.name or ()), self.keyword).lstrip("-")

    @property
    def is_positional(self) -> bool:
        """Whether the command line has it without a flag."""
        return not any(name.startswith("-") for name in self.parameter.name or ())

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it accepts; empty for any."""
        literals = [part for part in (self.kind, *get_args(self.kind)) if get_origin(part) is Literal]
        return get_args(literals[0]) if literals else ()

    def checked(self, value: object) -> object:
        """Validate a value; a string for a repeatable option becomes a tuple of one instead of its letters.

        Raises:
            RequestError: The value is empty, or none of the choices or numbers that the option accepts.
        """
        if self.kind == Sequence[str]:
            values = [value] if isinstance(value, str | Path) else value
            value = tuple(map(str, values)) if isinstance(values, Sequence) else values
        if is_empty(value, self.marks):
            raise RequestError(f"{self.keyword} {EMPTY}")
        if isinstance(value, tuple):
            return value
        if self.choices and value is not None and value not in self.choices:
            raise RequestError(f"{self.keyword}={value!r} is unknown: choose among {', '.join(self.choices)}.")
        for limits in ranges(self.parameter):
            if not limits.holds(value):
                raise RequestError(f"{self.keyword}={value!r} makes no sense: {limits.remedy}.")
        return value


def is_empty(value: object, marks: Collection[object]) -> bool:
    """Whether a value is a text without a character that shows, or has one among several, and may not be so.

    An empty path would be the current folder, and an empty name any.
    """
    texts = value if isinstance(value, tuple) else (value,)
    blank = any(isinstance(text, str) and not text.strip() for text in texts)
    return blank and Mark.MAY_BE_EMPTY not in marks


def ranges(parameter: Parameter) -> list[Range]:
    """List the ranges that an option is limited to, which is at most one."""
    validators = parameter.validator
    return [limits for limits in validators if isinstance(limits, Range)] if isinstance(validators, tuple) else []


@cache
def declarations(group: type) -> Mapping[str, Declared]:
    """List the options of a dataclass by their Python names, without keywords that only Python has."""
    hints = get_type_hints(group, include_extras=True)
    docs: dict[str, str] = {}
    for base in reversed(group.__mro__[:-2]):
        docs |= _documented_fields(base.__module__).get(base.__name__, {})
    declared = {}
    for field in fields(group):
        kind, *extras = get_args(hints[field.name])
        parameter = next(extra for extra in extras if isinstance(extra, Parameter))
        if parameter.parse is not False:
            marks = frozenset(extra for extra in extras if isinstance(extra, Mark))
            text = parameter.help or docs.get(field.name, "")
            declared[field.name] = Declared(field.name, text, kind, parameter, marks, field.default)
    return declared


@cache
def _documented_fields(module: str) -> dict[str, dict[str, str]]:
    """Read the strings below the fields of the classes of a module, by class and field."""
    docs: dict[str, dict[str, str]] = {}
    for group in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(group, ast.ClassDef):
            for field, text in pairwise(group.body):
                match field, text:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(doc))):
                        docs.setdefault(group.name, {})[name] = " ".join(doc.split())
    return docs


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Options:
    """A group of options; the groups of a command are its base classes."""

    def __post_init__(self) -> None:
        """Validate the values.

        Raises:
            RequestError: A value is out of range or unknown.
        """
        for name, declared in self._declared().items():
            object.__setattr__(self, name, declared.checked(getattr(self, name)))

    def _declared(self) -> Mapping[str, Declared]:
        group: type = type(self)
        return declarations(group)

    def given(self) -> dict[str, Value]:
        """The values that differ from the defaults, by key."""
        return {
            declared.key: str(value) if isinstance(value, Path) else value
            for name, declared in self._declared().items()
            if (value := getattr(self, name)) != declared.default
        }

    def command_line(self, command: str) -> str:
        """Write the command line with these options."""
        words = ["bench", *command.split()]
        for key, value in self.given().items():
            if isinstance(value, bool):
                words.append(f"--{'' if value else 'no-'}{key}")
            else:
                for text in value if isinstance(value, tuple) else (value,):
                    words += [f"--{key}", str(text)]
        return shlex.join(words)


def keywords(
    function: Callable[[_Options], _Result], options: Callable[_Keywords, _Options]
) -> Callable[_Keywords, _Result]:
    """Turn `run_with(options)` into the public function `run(**options)`.

    Args:
        function: Takes the options; its name ends in `_with`.
        options: The dataclass of the options.
    """

    def call(*args: _Keywords.args, **kwargs: _Keywords.kwargs) -> _Result:
        return function(options(*args, **kwargs))

    parameters = [
        parameter.replace(annotation=get_args(parameter.annotation)[0])
        for parameter in signature(options).parameters.values()
    ]
    described = [
        fill(f"{name}: {declared.help}", 116, initial_indent="    ", subsequent_indent=" " * 8)
        for name, declared in declarations(cast("type", options)).items()
    ]
    call.__name__ = call.__qualname__ = function.__name__.removesuffix("_with")
    call.__module__ = function.__module__
    call.__doc__ = "\n".join([cleandoc(function.__doc__ or ""), "", "Keyword Args:", *described])
    call.__signature__ = signature(function).replace(parameters=parameters)  # type: ignore[attr-defined]
    return call


def command(function: Callable[..., int]) -> Callable[..., int]:
    """Turn a function of groups of options into one with a parameter for each option, which cyclopts parses."""
    groups = {name: group for name, group in get_type_hints(function).items() if name != "return"}
    options = [declared for group in groups.values() for declared in declarations(group).values()]
    parameters = [
        Argument(
            declared.keyword,
            Argument.POSITIONAL_ONLY if declared.is_positional else Argument.KEYWORD_ONLY,
            default=Argument.empty if declared.default is MISSING else declared.default,
            annotation=Annotated[(declared.kind, declared.parameter, Parameter(help=declared.help), *declared.marks)],
        )
        for declared in sorted(options, key=lambda declared: not declared.is_positional)
    ]
    flat = signature(function).replace(parameters=parameters)

    @wraps(function)
    def call(*args: object, **kwargs: object) -> int:
        values = flat.bind(*args, **kwargs).arguments
        return function(
            **{
                name: group(**{keyword: values[keyword] for keyword in declarations(group) if keyword in values})
                for name, group in groups.items()
            }
        )

    paragraphs = cleandoc(function.__doc__ or "").split("\n\n")
    call.__doc__ = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    call.__signature__ = flat  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call
