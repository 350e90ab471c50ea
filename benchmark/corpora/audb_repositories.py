"""Databases in the repositories of audb's settings: their headers, tables and recordings.

audb and audformat are not asked to load a database: they read headers with a YAML loader that can run code, and
unpickle tables that an archive brings along. Here they look up repositories, and interpret what was read safely.
"""

import logging
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from benchmark.audio.decoding import UndecodableAudio
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.folder import AUDIO_SUFFIXES
from benchmark.corpora.streaming import SpooledRow
from benchmark.corpora.table import MOST_BYTES, MOST_ROWS
from benchmark.errors import RequestError, UnavailableError, shorten

logger = logging.getLogger(__name__)
_VERSION = re.compile(r"\w[\w.+-]*", re.ASCII)
_TABLE_ID = re.compile(r"[\w.-]+")
_LISTED = 20


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Say in one sentence why a database cannot be fetched."""
    import audbackend  # noqa: PLC0415 - with the extra only

    try:
        yield
    except (RequestError, UnavailableError):
        raise
    except (audbackend.BackendError, ConnectionError, TimeoutError) as error:
        raise UnavailableError(f"The database {name} could not be fetched: {_one_line(error)}.") from error
    except Exception as error:  # audformat's own are plain exceptions, and a header may say anything
        logger.info("the database %s cannot be read", name, exc_info=True)
        raise RequestError(f"The database {name} cannot be read: {_one_line(error)}.") from error


def _one_line(error: BaseException) -> str:
    error = getattr(error, "exception", error)  # what a backend raised
    return (" ".join(str(error).split())[:300] or type(error).__name__).rstrip(".")


@dataclass(frozen=True)
class Repository:
    """An open repository that has a version of a database."""

    interface: Any
    name: str
    version: str

    def fetch(self, path: Path, *remote: str, version: str | None = None) -> Path:
        """Copy a file of the database to `path`."""
        self.interface.get_file(self.interface.join("/", self.name, *remote), str(path), version or self.version)
        if path.stat().st_size > MOST_BYTES and path.suffix != ".zip":
            raise RequestError(f"The database {self.name} has a file {remote[-1]} of more than {MOST_BYTES:,} bytes.")
        return path


@contextmanager
def open_repository(name: str, version: str) -> Iterator[Repository]:
    """Open the first repository of audb's settings that has a version of a database."""
    failures: list[str] = []
    known: list[str] = []
    for interface in _open_repositories(failures):
        header = interface.join("/", name, "db.yaml")
        if interface.exists(header, version):
            yield Repository(interface, name, version)
            return
        known += interface.versions(header, suppress_backend_errors=True)
    if failures:
        raise UnavailableError(f"The database {name} could not be looked up: {'; '.join(failures)}.")
    has = f"it has {shorten(sorted(set(known)), _LISTED)}" if known else "no repository of audb's settings has it"
    raise RequestError(f"There is no version {version} of the database {name}: {has}.")


def latest_version(name: str) -> str:
    """Find the newest version of a database.

    Raises:
        RequestError: No repository has the database.
        UnavailableError: No repository has it, and one cannot be opened.
    """
    import audeer  # noqa: PLC0415 - with the extra only

    failures: list[str] = []
    versions: list[str] = []
    for interface in _open_repositories(failures):
        versions += interface.versions(interface.join("/", name, "db.yaml"), suppress_backend_errors=True)
    # A version names a folder of the cache.
    if versions := [version for version in versions if _VERSION.fullmatch(version)]:
        return str(audeer.sort_versions(versions)[-1])
    if failures:
        raise UnavailableError(f"The database {name} could not be looked up: {'; '.join(failures)}.")
    raise RequestError(
        f"No repository of audb's settings has a database {name}: check the name, and `repositories:` in "
        "~/.config/audb.yaml."
    )


def _open_repositories(failures: list[str]) -> Iterator[Any]:
    """Open the repositories of audb's settings one after the other; those that cannot be opened are noted."""
    import audb  # noqa: PLC0415 - with the extra only
    import audbackend  # noqa: PLC0415

    for repository in audb.config.REPOSITORIES:
        try:
            interface = repository.create_backend_interface()
            interface.backend.open()
        except (audbackend.BackendError, ValueError) as error:
            failures.append(f"the repository {repository.name} cannot be opened ({_one_line(error)})")
            continue
        try:
            yield interface
        finally:
            interface.backend.close()


@dataclass(frozen=True)
class Database:
    """The header of a database, and a function that loads one of its tables."""

    header: Any
    load: Callable[[str], Any]

    @classmethod
    def fetch(cls, repository: Repository) -> "Database":
        """Fetch the header; tables are fetched when they are loaded."""
        import audformat  # noqa: PLC0415 - with the extra only

        with tempfile.TemporaryDirectory() as folder:
            path = repository.fetch(Path(folder, "db.yaml"), "db.yaml")
            # With a safe loader, as audformat's own runs what a header asks for.
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise RequestError(f"The header of the database {repository.name} is no mapping.")
        header = audformat.Database.load_header_from_yaml(content)
        dependencies = _dependencies(repository)
        loaded: dict[str, Any] = {}

        def load(table_id: str) -> Any:
            if table_id not in loaded:
                _load_table(repository, header, dependencies, table_id)
                loaded[table_id] = header[table_id]
            return loaded[table_id]

        return cls(header, load)


def _dependencies(repository: Repository) -> Any:
    """The list of files of a database."""
    import audb  # noqa: PLC0415 - with the extra only

    dependencies = audb.Dependencies()
    with tempfile.TemporaryDirectory() as folder:
        if repository.interface.exists(
            repository.interface.join("/", repository.name, "db.parquet"), repository.version
        ):
            dependencies.load(str(repository.fetch(Path(folder, "db.parquet"), "db.parquet")))
        else:
            archive = repository.fetch(Path(folder, "db.zip"), "db.zip")
            dependencies.load(str(_extract(archive, "db.csv", Path(folder, "db.csv"))))
    return dependencies


def _load_table(repository: Repository, header: Any, dependencies: Any, table_id: str) -> None:
    """Load the rows of a table into the header, from a folder that holds nothing else."""
    if not _TABLE_ID.fullmatch(table_id):
        raise RequestError(f"The database {repository.name} has a table with the name {table_id!r}.")
    with tempfile.TemporaryDirectory() as folder:
        name = f"db.{table_id}"
        if f"{name}.csv" in dependencies.tables:
            version = dependencies.version(f"{name}.csv")
            archive = repository.fetch(Path(folder, "table.zip"), "meta", f"{table_id}.zip", version=version)
            _extract(archive, f"{name}.csv", Path(folder, f"{name}.csv"))
        else:
            version = dependencies.version(f"{name}.parquet")
            repository.fetch(Path(folder, f"{name}.parquet"), "meta", f"{table_id}.parquet", version=version)
        header[table_id].load(str(Path(folder, name)))
    if len(header[table_id].df) > MOST_ROWS:
        raise RequestError(f"The table {table_id} of {repository.name} has more than {MOST_ROWS:,} rows.")


def _extract(archive: Path, member: str, path: Path) -> Path:
    """Extract one member of an archive, and nothing that it brings along."""
    with zipfile.ZipFile(archive) as content:
        if content.getinfo(member).file_size > MOST_BYTES:
            raise RequestError(f"{member} has more than {MOST_BYTES:,} bytes.")
        path.write_bytes(content.read(member))
    return path


def fetch_media(repository: Repository, files: Sequence[str], reader: AudioReader) -> Iterator[SpooledRow]:
    """Fetch recordings, each archive once."""
    dependencies = _dependencies(repository)
    archives: dict[tuple[str, str], list[str]] = {}
    for file in files:
        if (failure := _why_no_recording(file, dependencies)) is not None:
            yield SpooledRow(file, None, failure, {})
        else:
            archives.setdefault((dependencies.archive(file), dependencies.version(file)), []).append(file)
    with tempfile.TemporaryDirectory() as folder:
        for (archive, version), members in archives.items():
            path = repository.fetch(Path(folder, "media.zip"), "media", f"{archive}.zip", version=version)
            with zipfile.ZipFile(path) as content:
                for file in members:
                    yield _read_member(content, file, reader)
            path.unlink()


def _why_no_recording(file: str, dependencies: Any) -> str | None:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        return f"It lies outside the database, at {file}."
    if path.suffix.lower() not in AUDIO_SUFFIXES:
        return f"{file} is no recording by its name."
    if file not in dependencies or dependencies.removed(file):
        return "The database does not have it."
    return None


def _read_member(content: zipfile.ZipFile, file: str, reader: AudioReader) -> SpooledRow:
    try:
        reader.check_size(content.getinfo(file).file_size)
        return SpooledRow(file, content.read(file), None, {})
    except KeyError:
        return SpooledRow(file, None, "Its archive does not hold it.", {})
    except UndecodableAudio as error:
        return SpooledRow(file, None, error.reason, {})
