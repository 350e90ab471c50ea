"""Write docs/commands.md from the commands themselves: `python -m scripts.command_reference`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from cyclopts import App
from cyclopts.argument import Argument

from benchmark.cli.main import app

_SHARED_FROM = 4  # commands
PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
_HEADING = """# All commands

Written from the code by `python -m scripts.command_reference`; do not change it by hand.

`bench --version` shows the version. `bench --install-completion` lets the shell complete commands, options, and the
names of candidates and corpora; `bench --show-completion` prints the script for that. Both take the name of the shell
(bash, zsh, fish or powershell), by default the current one. Install it again after an update of bench. `ser-bench` is a
second name of `bench`.

- Standard output holds results only; `--json` prints them as data. Progress, warnings and errors go to standard error.
- A terminal gets colours and bars, unless `NO_COLOR` or `TERM=dumb` is set; a pipe, a file and a CI (`CI=true`) get
  lines. A narrow window gets fewer columns, or lists, and no broken word; in a pipe every row is one line.
- Characters that the encoding of standard output lacks are written as `\\uXXXX`.
- Most options can be set by an environment variable, named in brackets. Values of a repeatable option are separated by
  spaces (`BENCH_CORPUS="ravdess calls"`); a value that contains a space can only be given as an option.
- `--config FILE` reads options from a TOML file. Keys are flags without dashes (`min-emotions = 5`). Keys at the root
  apply to all commands that have the option; keys in a table (`[run]`, `[cache.ls]`) apply to that command and override
  the root. Flags override variables, and variables override the file. Relative paths count from the file. Options that
  send, replace, delete or run something (`--push`, `--force`, `--metric`) are refused in a file.
- `leaderboard.json` holds the options of its run as `request`; `bench run --config reports/leaderboard.json` repeats
  it.

Exit codes: 0 done and complete; 1 incomplete, or a condition of the request does not hold; 2 invalid request; 3 the
network or the machine failed; 130 interrupted; 141 the reader of a pipe closed it early.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(reference(), encoding="utf-8")
    print(f"written: {PAGE}")


def reference() -> str:
    """Write the reference of all commands, as a page of Markdown; what many commands share is described once."""
    listed = list(commands(app, "bench"))
    counts = Counter(line for _, command in listed for line in _option_lines(command))
    shared = [line for line, count in counts.items() if count >= _SHARED_FROM]
    sections = [_section(name, command, shared) for name, command in listed]
    return "\n".join([_HEADING, "## Options of many commands", "", *shared, "", *sections])


def commands(group: App, name: str = "") -> Iterator[tuple[str, App]]:
    """Give all commands below an application with what a user types for them."""
    for word in group:
        if word.startswith("-"):
            continue
        command = group[word]
        if command.default_command is not None:
            yield f"{name} {word}".strip(), command
        yield from commands(command, f"{name} {word}".strip())


def _section(name: str, command: App, shared: Sequence[str]) -> str:
    positional = [argument for argument in _arguments(command) if argument.field_info.is_positional]
    options = _option_lines(command)
    usage = " ".join([name, "[OPTIONS]" if options else "", *map(_positional_usage, positional)])
    lines = [f"- `{_title(argument)}`: {argument.parameter.help}" for argument in positional]
    lines += [line for line in options if line not in shared]
    if also := [_flag(line) for line in options if line in shared]:
        lines.append(f"- Also {', '.join(also)}.")
    return "\n".join([f"## {name}", "", f"`{' '.join(usage.split())}`", "", command.help, "", *lines, ""])


def _arguments(command: App) -> list[Argument]:
    return [argument for argument in command.assemble_argument_collection() if argument.show]


def _option_lines(command: App) -> list[str]:
    return [_option(argument) for argument in _arguments(command) if not argument.field_info.is_positional]


def _flag(line: str) -> str:
    """The long name of the option that a line describes."""
    names = line.split(": ", 1)[0].split(" (", 1)[0].split(" or ", 1)[0]
    return f"`{names.rsplit('`', 2)[-2].split()[0]}`"


def _title(argument: Argument) -> str:
    return next(iter(argument.parameter.name or [argument.name])).upper()


def _positional_usage(argument: Argument) -> str:
    return _title(argument) if argument.required else f"[{_title(argument)}]"


def _option(argument: Argument) -> str:
    parameter = argument.parameter
    value = parameter.metavar or "|".join(argument.get_choices() or ())
    *first, last = sorted((name for name in argument.names if name not in argument.negatives), key=len)
    names = ", ".join(f"`{name}`" for name in [*first, f"{last} {value}".strip()])
    opposite = "".join(f" or `{name}`" for name in argument.negatives)
    facts = ", ".join([*(f"`{variable}`" for variable in parameter.env_var or ()), *["required"] * argument.required])
    show = argument.show_default
    shown = show if isinstance(show, str) else show(argument.field_info.default) if callable(show) else None
    ending = f" Default: `{shown}`." if shown else ""
    return f"- {names}{opposite}{f' ({facts})' if facts else ''}: {parameter.help}{ending}"


if __name__ == "__main__":
    main()
