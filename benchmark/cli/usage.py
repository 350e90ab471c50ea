"""Help in pipes and narrow windows, refused arguments, and error messages for wrong ones."""

import re
from difflib import get_close_matches
from textwrap import fill
from typing import Any, get_args

from cyclopts import App, ArgumentCollection, CycloptsError
from cyclopts.argument import Argument
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)
from cyclopts.help import HelpEntry, HelpPanel
from cyclopts.token import Token
from cyclopts.utils import UNSET
from rich.console import Console, ConsoleOptions

from benchmark.errors import RequestError
from benchmark.options.declare import EMPTY, Mark, is_empty, ranges

_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false, or the flag alone"}
_WHOLE = re.compile(r"[+-]?[0-9]+")
_UNBROKEN = Console(width=10_000, color_system=None)


class PlainHelp:
    """Help without frames: the names of an option, and below them its description, indented."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Print the options or commands of a panel."""
        if not panel.entries:
            return
        lines = [f"{panel.title}:"]
        rows = [(", ".join(entry.display_labels_with_metavar), _facts(entry)) for entry in panel.entries]
        width = max(len(names) for names, _ in rows)
        for names, facts in rows:
            if panel.format == "command":
                lines.append(_filled(f"  {names:<{width}}  {facts}", console, indent=width + 4))
            else:
                lines += [_filled(f"  {names}", console), _filled(f"      {facts}", console, indent=6)]
        _print("\n".join(lines), console)

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        """Print the usage line."""
        _print(_filled(f"Usage: {_plain(usage).removeprefix('Usage: ')}", console), console)

    def render_description(self, console: Console, options: ConsoleOptions, description: Any) -> None:
        """Print the description of the command."""
        for paragraph in _plain(description).split("\n\n"):
            _print(_filled(paragraph, console), console)


def _print(text: str, console: Console) -> None:
    console.print(f"{text}\n", highlight=False, markup=False, soft_wrap=True)


def _filled(text: str, console: Console, indent: int = 0) -> str:
    return fill(text, console.width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def _facts(entry: HelpEntry) -> str:
    facts = [
        f"[{title}: {text}]"
        for title, text in (
            ("choices", ", ".join(entry.choices or ())),
            ("env var", ", ".join(entry.env_var or ())),
            ("default", entry.default or ""),
        )
        if text
    ]
    return " ".join([_plain(entry.description), *facts])


def _plain(text: Any) -> str:
    with _UNBROKEN.capture() as captured:
        _UNBROKEN.print(text, highlight=False)
    return captured.get().strip()


def refuse_fractions(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Refuse 2.5 for a whole number, which cyclopts rounds to 2."""
    for argument in arguments:
        for token in argument.tokens if _kind(argument) == "int" else ():
            if not _WHOLE.fullmatch(token.value.strip()):
                raise CoercionError(argument=argument, token=token, target_type=int)


def refuse_empty(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Refuse an empty text, of which cyclopts makes the current folder where a path is wanted.

    An empty variable counts as unset.
    """
    for argument in arguments:
        for token in argument.tokens:
            if token.implicit_value is UNSET and is_empty(token.value, marks(argument)):
                raise RequestError(f"{token.keyword or argument.name} {EMPTY}")


def marks(argument: Argument) -> frozenset[Mark]:
    """How an option is marked in its declaration."""
    return frozenset(mark for mark in get_args(argument.field_info.annotation)[1:] if isinstance(mark, Mark))


def _kind(argument: Argument) -> str:
    return next((kind for kind in _KINDS if re.search(rf"\b{kind}\b", str(argument.hint))), "")


def sentence(error: CycloptsError) -> str:
    """Describe an error in one sentence."""
    command = " ".join(["bench", *(error.command_chain or ())])
    match error:
        case UnknownOptionError():
            names = [name for argument in error.argument_collection if argument.parse for name in argument.names]
            return _unknown("option", error.token.keyword or error.token.value, names, command)
        case UnknownCommandError():
            word = next(iter(error.unused_tokens or ()), "")
            names = [name for name in error.app or () if not name.startswith("-")]
            return _unknown("command", word, names, command)
        case UnusedCliTokensError():
            extra = " ".join(error.unused_tokens or ())
            return f"{command} does not take {extra!r}: leave it out, or see `{command} --help`."
        case MissingArgumentError() if error.argument is not None:
            return _missing(error.argument, error.keyword, command)
        case CoercionError() | ValidationError() if error.argument is not None:
            return _wrong(error, error.argument)
    return " ".join(str(error).split())


def _unknown(what: str, word: str, names: list[str], command: str) -> str:
    close = get_close_matches(word, names, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"`{command} --help` lists them all."
    return f"{command} has no {'option' if word.startswith('-') else what} {word}: {hint}"


def _missing(argument: Argument, keyword: str | None, command: str) -> str:
    name = keyword or argument.name
    value = argument.parameter.metavar or (argument.get_choices() and "CHOICE") or "VALUE"
    if not name.startswith("-"):
        return f"{name.upper()} is missing: `{command} --help` shows how the command is written."
    variable = "".join(f", or set {variable}" for variable in argument.parameter.env_var or ())
    return f"{name} needs a value: write {name} {value}{'' if keyword else variable}."


def _wrong(error: CoercionError | ValidationError, argument: Argument) -> str:
    token = error.token if isinstance(error, CoercionError) else None
    token = token or (argument.tokens[-1] if argument.tokens else Token())
    source = f"{token.source}: " if token.source not in {"", "cli", "env"} else ""
    shown = f"{source}{token.keyword or argument.name} {token.value}".rstrip()
    if choices := argument.get_choices():
        close = get_close_matches(token.value, choices, n=1)
        hint = f"did you mean {close[0]}? It takes " if close else "choose among "
        return f"{shown} is unknown: {hint}{', '.join(choices)}."
    limits = [limit.remedy.removeprefix("give ") for limit in ranges(argument.parameter)]
    remedy = ", ".join([_KINDS.get(_kind(argument), "another value"), *limits])
    return f"{shown} makes no sense: give {remedy}."
