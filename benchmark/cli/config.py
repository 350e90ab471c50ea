"""`--config FILE`: options from a TOML file, or from the request that a report's JSON holds."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from cyclopts import App, ArgumentCollection
from cyclopts.argument import Argument
from cyclopts.token import Token

from benchmark.errors import RequestError
from benchmark.options.declare import Mark
from benchmark.settings import expanded

_NEVER_IN_A_FILE = {
    Mark.RUNS_CODE: "runs code",
    Mark.SENDS: "sends, replaces or deletes something",
}


@dataclass(frozen=True)
class ConfigFile:
    """What a file sets.

    Attributes:
        path: The file, as the user named it.
        folder: What relative paths in it count from.
        shared: The options for every command that has them.
        tables: The options of single commands, by their names.
    """

    path: Path
    folder: Path
    shared: Mapping[str, Any]
    tables: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "ConfigFile":
        """Read a file.

        Raises:
            RequestError: It cannot be read, is neither TOML nor a report's JSON, or holds no request.
        """
        try:
            text = path.read_text(encoding="utf-8")
            content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        except OSError as error:
            raise RequestError(f"{path} cannot be read ({error.strerror}): name another file with --config.") from error
        except ValueError as error:  # of JSON, of TOML, and of UTF-8
            raise RequestError(f"{path} is no valid {path.suffix.lstrip('.') or 'TOML'} ({error}).") from error
        folder = path.absolute().parent
        if path.suffix == ".json":
            request = content.get("request") if isinstance(content, dict) else None
            if not isinstance(request, dict) or not isinstance(request.get("options"), dict):
                raise RequestError(f"{path} holds no request: give a leaderboard.json, or a TOML file.")
            return cls(path, folder / str(request.get("folder", "")), request["options"], {})
        tables = {key: value for key, value in content.items() if isinstance(value, dict)}
        return cls(path, folder, {key: value for key, value in content.items() if key not in tables}, tables)

    def options(self, commands: tuple[str, ...]) -> dict[str, Any]:
        """Give what it sets for a command: the shared options, overridden by those of its table."""
        found, table = dict(self.shared), self.tables
        for command in commands:
            table = table.get(command, {})
            found |= {key: value for key, value in table.items() if not isinstance(value, dict)}
        return {key.replace("_", "-"): value for key, value in found.items()}


def apply_config(root: App, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill in from the file what neither a flag nor a variable sets; the parser of the command line calls this.

    Args:
        root: The application of all commands, whose options a file may set.
        app: The application of the command.
        commands: The words of the command.
        arguments: Its options, with what flags and variables set.

    Raises:
        RequestError: The file cannot be read, or sets what is no option or must not stand in a file.
    """
    by_key = _by_key(arguments)
    if "config" not in by_key or not by_key["config"].tokens:
        return
    file = ConfigFile.read(expanded(by_key["config"].tokens[-1].value))
    _refuse_unknown(file, root)
    for key, value in file.options(commands).items():
        if key not in by_key or by_key[key].tokens:
            continue
        argument = by_key[key]
        marks = _marks(argument)
        for mark, reason in _NEVER_IN_A_FILE.items():
            if mark in marks:
                raise RequestError(f"{key} in {file.path} is refused, since it {reason}: write --{key} instead.")
        for index, text in enumerate(_texts(key, value, file.path)):
            located = _located(text, marks, file.folder)
            argument.append(Token(keyword=f"--{key}", value=located, source=str(file.path), index=index))


def _by_key(arguments: ArgumentCollection) -> dict[str, Argument]:
    """Give the arguments that are options by the keys that a file has for them."""
    return {
        argument.name.lstrip("-"): argument
        for argument in arguments
        if argument.parse and argument.name.startswith("--")
    }


def _marks(argument: Argument) -> frozenset[Mark]:
    return frozenset(extra for extra in get_args(argument.field_info.annotation)[1:] if isinstance(extra, Mark))


def _texts(key: str, value: object, path: Path) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, str | int | float):
            raise _nonsense(key, path)
        yield str(item).lower() if isinstance(item, bool) else str(item)


def _located(text: str, marks: frozenset[Mark], folder: Path) -> str:
    """Let a relative path count from the folder of the file."""
    from benchmark.plugins import Group, plugin_names
    from benchmark.registry.locations import absolute, local_path, looks_like_path, resolved_source

    if folder.resolve() == Path.cwd().resolve():
        return text
    if Mark.PATH in marks or (Mark.REGISTRY in marks and text not in {"demo", *plugin_names(Group.CANDIDATES)}):
        return str(absolute(text, folder))
    if Mark.MODEL in marks:
        return str(local_path(text, folder) or text)
    if Mark.SOURCE in marks and (":" in text or looks_like_path(text) or (folder / text).exists()):
        return resolved_source(text, folder)
    return text


def _refuse_unknown(file: ConfigFile, root: App) -> None:
    """Refuse a key that no command has, and one in the table of a command that does not have it."""
    known = {commands: set(keys) for commands, keys in _all_keys(root, ())}
    names = sorted({name for commands in known for name in commands} | {key for keys in known.values() for key in keys})
    for key in file.shared:
        if key.replace("_", "-") not in names:
            raise _unknown(key, file.path, names)
    for commands, table_key in _keys_of_tables(file.tables, ()):
        below = {
            name for command in known if command[: len(commands)] == commands for name in (*command, *known[command])
        }
        if not below:
            raise (
                _nonsense(commands[-1], file.path)
                if commands[-1] in names
                else _unknown(commands[-1], file.path, names)
            )
        if table_key is not None and table_key.replace("_", "-") not in below:
            name = f"{'.'.join(commands)}.{table_key}"
            raise _unknown(name, file.path, sorted(below), of=f" of bench {' '.join(commands)}")


def _all_keys(app: App, commands: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    for name in app:
        if name.startswith("-"):
            continue
        below = app[name]
        if below.default_command is None:
            yield from _all_keys(below, (*commands, name))
        else:
            yield (*commands, name), list(_by_key(below.assemble_argument_collection()))


def _keys_of_tables(
    tables: Mapping[str, Any], commands: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str | None]]:
    for name, table in tables.items():
        yield (*commands, name), None
        yield from (((*commands, name), key) for key, value in table.items() if not isinstance(value, dict))
        inner = {key: value for key, value in table.items() if isinstance(value, dict)}
        yield from _keys_of_tables(inner, (*commands, name))


def _nonsense(key: str, path: Path) -> RequestError:
    return RequestError(f"{key} in {path} makes no sense: give a text, a number, true, false, or a list.")


def _unknown(key: str, path: Path, names: list[str], *, of: str = "") -> RequestError:
    close = get_close_matches(key.rpartition(".")[2].replace("_", "-"), names, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "a key is the name of an option, such as min-emotions."
    return RequestError(f"{path} sets {key}, which is no option{of}: {hint}")
