"""How an option is declared: once, as an annotated field of a frozen dataclass.

Flag, environment variable, configuration key, help, choices and limits of the command line, the keyword of the Python
function and docs/commands.md all read the same declaration, of which the help is what stands below the field:

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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from functools import cache, wraps
from inspect import Parameter as Argument
from inspect import cleandoc, signature
from itertools import pairwise
from pathlib import Path
from textwrap import fill
from typing import Annotated, Literal, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from cyclopts import Group, Parameter

from benchmark.errors import RequestError

_Keywords = ParamSpec("_Keywords")
_Options = TypeVar("_Options")
_Result = TypeVar("_Result")

KEYWORD_ONLY = Parameter(parse=False)
"""A keyword of the Python function that the command line does not have."""

Value = str | int | float | bool | tuple[str, ...] | None
"""What an option holds."""


class Mark(Enum):
    """What else a configuration file has to know of an option."""

    PATH = "a file or folder"
    REGISTRY = "a file, or the name of a registry"
    MODEL = "a name, an id, or a local folder"
    SOURCE = "the name of a corpus, or a SPEC, which may hold a path"
    SENDS = "sends or deletes something"
    RUNS_CODE = "runs code"


@dataclass(frozen=True)
class Range:
    """The numbers that an option takes.

    Examples:
        >>> Range(1, 256).remedy, Range(0).holds(math.inf)
        ('give 1 to 256', False)
    """

    least: float
    most: float = math.inf

    @property
    def remedy(self) -> str:
        """What to give instead."""
        return f"give {self.least:g} or more" if self.most == math.inf else f"give {self.least:g} to {self.most:g}"

    def holds(self, value: object) -> bool:
        """Whether a number is one of them; anything but a number is."""
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
        flags: The long flag, then a short one if there is one; what help calls it, for a positional argument.
        panel: Where `--help` shows it.
        help: What it does, where that does not stand below the field.
        metavar: What `--help` writes for its value.
        variable: Its environment variable; by default derived from the flag, and None for none.
        within: The numbers it takes.
        choices: The words it takes on the command line, where its type does not say so.
        negatable: Whether `--no-…` turns it off.
        completer: What the shell offers as values.
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
    """Read an environment variable: several values stand with spaces between, and an empty one says nothing."""
    if "Sequence" in str(kind):
        return value.split()
    return [_SWITCHES.get(value.strip().lower(), value)] if value.strip() else []


_SWITCHES = {"on": "true", "off": "false"}


@dataclass(frozen=True)
class Declared:
    """One option as it was declared.

    Attributes:
        keyword: Its name in Python.
        help: What it does.
        kind: Its type, without what the declaration adds.
        parameter: Its flags, variable, help and panel.
        marks: What a configuration file has to know of it.
        default: Its value where a user says nothing; `MISSING` where one has to be given.
    """

    keyword: str
    help: str
    kind: object
    parameter: Parameter
    marks: frozenset[Mark]
    default: object

    @property
    def key(self) -> str:
        """Its key in a configuration file and in a stored request: the flag without its dashes."""
        return next(iter(self.parameter.name or ()), self.keyword).lstrip("-")

    @property
    def is_positional(self) -> bool:
        """Whether the command line has it without a flag."""
        return not any(name.startswith("-") for name in self.parameter.name or ())

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it takes; empty where it takes others."""
        literals = [part for part in (self.kind, *get_args(self.kind)) if get_origin(part) is Literal]
        return get_args(literals[0]) if literals else ()

    @property
    def range(self) -> Range | None:
        """The numbers that it takes."""
        validators = self.parameter.validator
        return (
            validators[0] if isinstance(validators, tuple) and validators and isinstance(validators[0], Range) else None
        )

    def checked(self, value: object) -> object:
        """Refuse what makes no sense, and let one text stand for a list of one.

        A text where several are expected would otherwise be taken letter by letter: of a path, the first is the root of
        all files.

        Raises:
            RequestError: The value is none of the choices or numbers that the option takes.
        """
        if self.kind == Sequence[str]:
            given = [value] if isinstance(value, str | Path) else value
            return tuple(map(str, given)) if isinstance(given, Sequence) else given
        if self.choices and value is not None and value not in self.choices:
            raise RequestError(f"{self.keyword}={value!r} is unknown: choose among {', '.join(self.choices)}.")
        if self.range is not None and not self.range.holds(value):
            raise RequestError(f"{self.keyword}={value!r} makes no sense: {self.range.remedy}.")
        return value


def declarations(group: type) -> Mapping[str, Declared]:
    """Give the options of a dataclass by their Python names; keywords that are none are left out."""
    hints = get_type_hints(group, include_extras=True)
    docs: dict[str, str] = {}
    for base in reversed(group.__mro__[:-1]):
        docs |= _documented_fields(base.__module__).get(base.__name__, {})
    found = {}
    for each in fields(group):
        kind, *extras = get_args(hints[each.name]) if get_origin(hints[each.name]) is Annotated else (hints[each.name],)
        parameters = [extra for extra in extras if isinstance(extra, Parameter)]
        if parameters and parameters[0].parse is not False:
            marks = frozenset(extra for extra in extras if isinstance(extra, Mark))
            text = parameters[0].help or docs.get(each.name, "")
            found[each.name] = Declared(each.name, text, kind, parameters[0], marks, each.default)
    return found


@cache
def _documented_fields(module: str) -> dict[str, dict[str, str]]:
    """Give the strings below the fields of the classes of a module, by class and field."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        each.name: {
            ast.unparse(field.target): " ".join(text.value.value.split())
            for field, text in pairwise(each.body)
            if isinstance(field, ast.AnnAssign)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        }
        for each in tree.body
        if isinstance(each, ast.ClassDef)
    }


@dataclass(frozen=True, kw_only=True)
class Options:
    """A group of options; the groups of a command are its base classes."""

    def __post_init__(self) -> None:
        """Check what was given.

        Raises:
            RequestError: A value makes no sense.
        """
        for name, declared in declarations(type(self)).items():
            object.__setattr__(self, name, declared.checked(getattr(self, name)))

    def given(self) -> dict[str, Value]:
        """Give the options that are not as by default, by their keys."""
        values = {declared: getattr(self, name) for name, declared in declarations(type(self)).items()}
        return {
            declared.key: str(value) if isinstance(value, Path) else value
            for declared, value in values.items()
            if declared.default is MISSING or value != declared.default
        }

    def command_line(self, command: str) -> str:
        """Write the command that gives these options."""
        return shlex.join(
            ["bench", *command.split(), *(word for item in self.given().items() for word in _words(*item))]
        )


def _words(key: str, value: Value) -> list[str]:
    if isinstance(value, bool):
        return [f"--{'' if value else 'no-'}{key}"]
    return [word for each in (value if isinstance(value, tuple) else (value,)) for word in (f"--{key}", str(each))]


def keywords(
    function: Callable[[_Options], _Result], options: Callable[_Keywords, _Options], name: str
) -> Callable[_Keywords, _Result]:
    """Make the Python function of a command: called with keywords, it gives the function their options.

    Args:
        function: What takes the options.
        options: The dataclass of the options.
        name: The name of the function that users call.
    """

    def call(*args: _Keywords.args, **kwargs: _Keywords.kwargs) -> _Result:
        return function(options(*args, **kwargs))

    parameters = [_plain(parameter) for parameter in signature(options).parameters.values()]
    returns = signature(function).return_annotation
    call.__name__ = call.__qualname__ = name
    call.__module__ = function.__module__
    call.__doc__ = f"{cleandoc(function.__doc__ or '')}\n\nOptions:\n{_described(options)}"
    call.__signature__ = signature(function).replace(parameters=parameters, return_annotation=returns)  # type: ignore[attr-defined]
    return call


def command(function: Callable[..., int]) -> Callable[..., int]:
    """Make the function that the command line calls of one that takes groups of options.

    Args:
        function: Each of its parameters is a group of options, by keyword.

    Returns:
        A function with a parameter for each option, which is what the parser of the command line reads.
    """
    groups = {name: group for name, group in get_type_hints(function).items() if name != "return"}
    declared = [each for group in groups.values() for each in declarations(group).values()]
    parameters = [
        Argument(
            each.keyword,
            Argument.POSITIONAL_ONLY if each.is_positional else Argument.KEYWORD_ONLY,
            default=Argument.empty if each.default is MISSING else each.default,
            annotation=Annotated[(each.kind, each.parameter, Parameter(help=each.help), *each.marks)],
        )
        for each in sorted(declared, key=lambda each: not each.is_positional)
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

    call.__signature__ = flat  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call


def _plain(parameter: Argument) -> Argument:
    annotation = parameter.annotation
    return parameter.replace(annotation=get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation)


def _described(options: object) -> str:
    if not isinstance(options, type):
        return ""
    return "\n".join(
        fill(f"{name}: {declared.help}", 116, initial_indent="    ", subsequent_indent=" " * 8)
        for name, declared in declarations(options).items()
    )
