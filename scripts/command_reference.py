"""Write docs/commands.md from the commands themselves: `python -m scripts.command_reference`."""

import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from benchmark.cli.main import app

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
_HEADING = """# All commands

Written from the code by `python -m scripts.command_reference`; do not change it by hand.

`bench --version` tells the version, `bench --install-completion` lets the shell complete commands, options, and the
names of candidates and corpora. `ser-bench` is a second name of `bench`.

- Standard output holds results and nothing else; `--json` prints them as data. What is being done, warnings and errors
  go to standard error.
- A terminal gets colours and bars, unless `NO_COLOR` or `TERM=dumb` is set; a pipe, a file and a CI (`CI=true`) get
  lines. In a narrow window the rows of tables become lists; in a pipe every row is one line.
- What an old encoding does not have is written as `\\uXXXX` on standard output.
- Most options can be set by an environment variable, named in brackets. Several values of a repeatable one stand there
  with spaces between (`BENCH_CORPUS="ravdess calls"`), so that one that holds a space can only be given as an option.

Exit codes: 0 done; 1 done, but something that was asked for does not hold; 2 the request is wrong; 3 the network or the
machine failed; 130 interrupted; 141 nobody read the output to its end.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(reference(), encoding="utf-8")
    print(f"written: {PAGE}")


def reference() -> str:
    """Write the reference of all commands.

    Returns:
        A page of Markdown.
    """
    sections = [_section(name, command) for name, command in _commands(typer.main.get_command(app), "bench")]
    return "\n".join([_HEADING, *sections])


def _commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def _section(name: str, command: Any) -> str:
    text = inspect.cleandoc(command.help or "")
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    usage = " ".join([name, "[OPTIONS]" if options else "", *(_argument_usage(each) for each in arguments)])
    lines = [*(_argument(each) for each in arguments), *(_option(each) for each in options)]
    return "\n".join([f"## {name}", "", f"`{' '.join(usage.split())}`", "", text, "", *lines, ""])


def _argument_usage(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required else f"[{name}]"


def _argument(argument: Any) -> str:
    return f"- `{argument.metavar or argument.name.upper()}`: {argument.help}"


def _option(option: Any) -> str:
    value = "" if option.is_flag else f" {option.metavar or _choices(option.type_descriptor.annotation)}"
    names = ", ".join(f"`{name}{value if name == option.opts[-1] else ''}`" for name in option.opts)
    opposite = "".join(f" or `{name}`" for name in option.secondary_opts)
    facts = ", ".join([f"`{option.envvar}`"] * bool(option.envvar) + ["required"] * bool(option.required))
    default = _default(option)
    ending = f" Default: {default}." if default else ""
    return f"- {names}{opposite}{f' ({facts})' if facts else ''}: {option.help}{ending}"


def _choices(annotation: Any) -> str:
    """The words that an option takes: those of an enumeration, or of a literal type."""
    inner = get_args(annotation)[0] if get_origin(annotation) is list else annotation
    if isinstance(inner, type) and issubclass(inner, Enum):
        return "|".join(str(member.value) for member in inner)
    if get_origin(inner) is Literal:
        return "|".join(map(str, get_args(inner)))
    return str(getattr(inner, "__name__", "value")).upper()


def _default(option: Any) -> str:
    value = option.default
    if option.is_flag:
        return f"`{option.opts[0]}`" if value is True else ""
    if value in (None, [], ()) or callable(value) or option.show_default is False:
        return ""
    return f"`{getattr(value, 'value', value)}`"


if __name__ == "__main__":
    main()
