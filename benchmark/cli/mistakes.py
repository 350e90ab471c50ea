"""What the parser of the command line refuses, each in one sentence that names the option and the remedy."""

from difflib import get_close_matches

from cyclopts import CycloptsError
from cyclopts.argument import Argument
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)
from cyclopts.token import Token

from benchmark.options.declare import Range

_WANTED = {int: "give a whole number", float: "give a number", bool: "give true or false, or the flag alone"}


def sentence(error: CycloptsError) -> str:
    """Write one sentence for a person."""
    command = " ".join(["bench", *(error.command_chain or ())])
    match error:
        case UnknownOptionError():
            names = [name for each in error.argument_collection if each.parse for name in each.names]
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
    return f"{command} has no {what} {word}: {hint}"


def _missing(argument: Argument, keyword: str | None, command: str) -> str:
    name, value = keyword or argument.name, argument.parameter.metavar or "VALUE"
    if not name.startswith("-"):
        return f"{value} is missing: write `{command} {value}`, or see `{command} --help`."
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
    limits = [each for each in argument.parameter.validator or () if isinstance(each, Range)]
    wanted = next((text for kind, text in _WANTED.items() if kind.__name__ in str(argument.hint)), "see --help")
    if limits:
        return limits[0].remedy.replace("give", wanted + " of", 1) if wanted != "see --help" else limits[0].remedy
    return wanted
