"""What the command line says of itself: help in pipes and narrow windows, and what is wrong with a call."""

import re
from difflib import get_close_matches
from textwrap import fill
from typing import Any

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
from rich.console import Console, ConsoleOptions

from benchmark.options.declare import Range

_WANTED = {"int": "a whole number", "float": "a number", "bool": "true or false, or the flag alone"}
_WHOLE = re.compile(r"[+-]?[0-9]+")
_UNBROKEN = 10_000


class PlainHelp:
    """Help without frames: a line with the names of an option, and below it what it does, indented."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Print the options or commands of a panel."""
        if not panel.entries:
            return
        self._print(console, f"{panel.title}:")
        rows = [(", ".join(entry.display_labels_with_metavar), _facts(entry)) for entry in panel.entries]
        width = max(len(names) for names, _ in rows)
        for names, facts in rows:
            if panel.format == "command":
                self._print(console, f"  {names:<{width}}  {facts}", " " * (width + 4))
            else:
                self._print(console, f"  {names}")
                self._print(console, f"      {facts}", " " * 6)
        console.print()

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:
        """Print how the command is written."""
        self._print(console, f"Usage: {_plain(usage).removeprefix('Usage: ')}")
        console.print()

    def render_description(self, console: Console, options: ConsoleOptions, description: Any) -> None:
        """Print what the command does."""
        for paragraph in _plain(description).split("\n\n"):
            self._print(console, paragraph)
            console.print()

    def _print(self, console: Console, text: str, indent: str = "") -> None:
        lines = fill(text, console.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        console.print(lines, highlight=False, markup=False, soft_wrap=True)


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
    console = Console(width=_UNBROKEN, color_system=None)
    with console.capture() as captured:
        console.print(text, highlight=False)
    return captured.get().strip()


def refuse_fractions(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Refuse 2.5 where a whole number is asked for, of which the parser of the command line would make 2."""
    for argument in arguments:
        for token in argument.tokens if _kind(argument) == "int" else ():
            if not _WHOLE.fullmatch(token.value.strip()):
                raise CoercionError(argument=argument, token=token, target_type=int)


def _kind(argument: Argument) -> str:
    return next((kind for kind in _WANTED if re.search(rf"\b{kind}\b", str(argument.hint))), "")


def sentence(error: CycloptsError) -> str:
    """Write one sentence for a person."""
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
    token = _token(error, argument)
    choices = argument.get_choices() or ()
    shown = f"{_source(token)}{token.keyword or argument.name} {token.value}".rstrip()
    if choices:
        close = get_close_matches(token.value, choices, n=1)
        hint = f"did you mean {close[0]}? It takes " if close else "choose among "
        return f"{shown} is unknown: {hint}{', '.join(choices)}."
    return f"{shown} makes no sense: {_remedy(argument)}."


def _token(error: CoercionError | ValidationError, argument: Argument) -> Token:
    token = error.token if isinstance(error, CoercionError) else None
    return token or (argument.tokens[-1] if argument.tokens else Token())


def _source(token: Token) -> str:
    return f"{token.source}: " if token.source not in {"", "cli", "env"} else ""


def _remedy(argument: Argument) -> str:
    limits = [validator.remedy.removeprefix("give ") for validator in _validators(argument)]
    return "give " + ", ".join([_WANTED.get(_kind(argument), "another value"), *limits])


def _validators(argument: Argument) -> list[Range]:
    validators = argument.parameter.validator
    return [limit for limit in validators if isinstance(limit, Range)] if isinstance(validators, tuple) else []
