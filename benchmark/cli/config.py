"""`--config FILE`: options from a TOML file, or from the request that a report's JSON holds."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cyclopts import App, ArgumentCollection
from cyclopts.argument import Argument
from cyclopts.token import Token

from benchmark.cli.usage import marks
from benchmark.errors import RequestError
from benchmark.options.declare import EMPTY, Mark, is_empty
from benchmark.settings import expanded

MOST_BYTES = 100_000_000
"""Far more than the largest report has."""
_MOST_BITS = 64  # Python refuses to write numbers of thousands of digits, which TOML can hold
_NEVER_IN_A_FILE = {
    Mark.RUNS_CODE: "runs code",
    Mark.SENDS: "sends, replaces or deletes something",
}


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file.

    Attributes:
        path: The file, as the user named it.
        folder: The base of relative paths.
        content: Options of all commands, and tables of options by command.
    """

    path: Path
    folder: Path
    content: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "ConfigFile":
        """Read a file.

        Raises:
            RequestError: It cannot be read, is neither TOML nor a report's JSON, or holds no request.
        """
        import json
        import tomllib

        try:
            with path.open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
            if len(raw) > MOST_BYTES:
                raise RequestError(f"{path} is larger than {MOST_BYTES // 1_000_000} MB: name another file.")
            text = raw.decode("utf-8")
            content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        except OSError as error:
            raise RequestError(f"{path} cannot be read ({error.strerror}): name another file with --config.") from error
        except (ValueError, RecursionError) as error:  # of JSON, of TOML, and of UTF-8; nested too deeply
            raise RequestError(f"{path} is no valid {path.suffix.lstrip('.') or 'TOML'} ({error}).") from error
        folder = path.absolute().parent
        if path.suffix == ".json":
            request = content.get("request") if isinstance(content, dict) else None
            if not isinstance(request, dict) or not isinstance(request.get("options"), dict):
                raise RequestError(f"{path} holds no request: give a leaderboard.json, or a TOML file.")
            return cls(path, folder / str(request.get("folder", "")), request["options"])
        return cls(path, folder, content)

    def options(self, commands: tuple[str, ...]) -> dict[str, Any]:
        """The options of a command: those at the root, overridden by those of its table."""
        levels = [self.content]
        for command in commands:
            table = levels[-1].get(command)
            levels.append(table if isinstance(table, dict) else {})
        return {
            key.replace("_", "-"): value
            for table in levels
            for key, value in table.items()
            if not isinstance(value, dict)
        }


def apply_config(root: App, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Set the options that neither a flag nor a variable sets from the file; cyclopts calls this.

    Args:
        root: The application with all commands.
        app: The application of the command.
        commands: The words of the command.
        arguments: Its options, as flags and variables set them.

    Raises:
        RequestError: The file cannot be read, or sets an option that does not exist or is not allowed in a file.
    """
    by_key = _by_key(arguments)
    if "config" not in by_key or not by_key["config"].tokens:
        return
    file = ConfigFile.read(expanded(by_key["config"].tokens[-1].value))
    _check_keys(file.content, (), dict(_keys_by_command(root)), file.path)
    for key, value in file.options(commands).items():
        if key not in by_key or by_key[key].tokens:
            continue
        how = marks(by_key[key])
        for mark, reason in _NEVER_IN_A_FILE.items():
            if mark in how:
                raise RequestError(f"{key} in {file.path} is refused, since it {reason}: write --{key} instead.")
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(item, str | int | float) or (isinstance(item, int) and item.bit_length() > _MOST_BITS):
                raise _nonsense(key, file.path)
            if is_empty(item, how):
                raise RequestError(f"{key} in {file.path} {EMPTY}")
            text = str(item).lower() if isinstance(item, bool) else str(item)
            located = _located(text, how, file.folder)
            by_key[key].append(Token(keyword=f"--{key}", value=located, source=str(file.path), index=index))


def _by_key(arguments: ArgumentCollection) -> dict[str, Argument]:
    """The options among the arguments, by their keys in a file."""
    return {
        argument.name.lstrip("-"): argument
        for argument in arguments
        if argument.parse and argument.name.startswith("--")
    }


def _located(text: str, how: Collection[Mark], folder: Path) -> str:
    """Resolve a relative path against the folder of the file."""
    from benchmark.plugins import Group, plugin_names
    from benchmark.registry.locations import absolute, is_address, local_path, looks_like_path, resolved_source

    if folder.resolve() == Path.cwd().resolve():
        return text
    if Mark.PATH in how and is_address(text):
        return text
    if Mark.PATH in how or (Mark.REGISTRY in how and text not in {"demo", *plugin_names(Group.CANDIDATES)}):
        return str(absolute(text, folder))
    if Mark.MODEL in how:
        return str(local_path(text, folder) or text)
    if Mark.SOURCE in how and (":" in text or looks_like_path(text) or (folder / text).exists()):
        return resolved_source(text, folder)
    return text


def _check_keys(
    table: Mapping[str, Any], commands: tuple[str, ...], known: Mapping[tuple[str, ...], list[str]], path: Path
) -> None:
    """Refuse a table that belongs to no command, and a key that no command of the table has."""
    below = {
        name for command, keys in known.items() if command[: len(commands)] == commands for name in (*command, *keys)
    }
    if not below:
        names = {name for command, keys in known.items() for name in (*command, *keys)}
        raise _nonsense(commands[-1], path) if commands[-1] in names else _unknown(commands[-1], path, names)
    for key, value in table.items():
        if isinstance(value, dict):
            _check_keys(value, (*commands, key), known, path)
        elif key.replace("_", "-") not in below:
            command = f" of bench {' '.join(commands)}" if commands else ""
            raise _unknown(".".join((*commands, key)), path, below, of=command)


def _keys_by_command(app: App, commands: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    for name in app:
        if name.startswith("-"):
            continue
        below = app[name]
        if below.default_command is None:
            yield from _keys_by_command(below, (*commands, name))
        else:
            yield (*commands, name), list(_by_key(below.assemble_argument_collection()))


def _nonsense(key: str, path: Path) -> RequestError:
    return RequestError(f"{key} in {path} makes no sense: give a text, a number, true, false, or a list.")


def _unknown(key: str, path: Path, names: set[str], *, of: str = "") -> RequestError:
    close = get_close_matches(key.rpartition(".")[2].replace("_", "-"), sorted(names), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "a key is the name of an option, such as min-emotions."
    return RequestError(f"{path} sets {key}, which is no option{of}: {hint}")
