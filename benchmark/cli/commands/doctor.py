"""`bench doctor`: check what this machine has and lacks for running models."""

from typing import TYPE_CHECKING

from benchmark.errors import EXIT_ENVIRONMENT
from benchmark.options.declare import command
from benchmark.options.shared import JsonOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmark.results.environment import Diagnosis, FolderFact, HubFact, ProtectionFact


@command
def doctor(*, console: JsonOptions) -> int:
    """Show versions, devices, backends, caches, access to the Hub and formats of audio, and what is missing.

    Changes nothing. Exits 3 where something is missing that bench cannot do without.
    """
    import tempfile
    from pathlib import Path

    from benchmark.settings import Settings
    from benchmark.workers.process import start_server

    settings = Settings()
    # It imports torch in the meantime. Where there is no cache, none is made.
    start_server(settings.temporary if settings.cache.is_dir() else Path(tempfile.gettempdir()))

    from benchmark.api import doctor as machine
    from benchmark.reporting.escaping import json_text

    diagnosis = machine.doctor()
    if console.as_json:
        print(json_text(diagnosis.model_dump_json(indent=2)))
    else:
        _print(diagnosis)
    return 0 if diagnosis.sound else EXIT_ENVIRONMENT


def _print(diagnosis: "Diagnosis") -> None:
    from benchmark.cli.tables import print_line, print_table

    print_table(["what", "found"], _rows(diagnosis))
    if diagnosis.problems:
        rows = [
            ("broken" if problem.essential else "missing", problem.what, problem.fix) for problem in diagnosis.problems
        ]
        print_table(["", "problem", "what helps"], rows)
    else:
        print_line("Nothing is missing.")


def _rows(diagnosis: "Diagnosis") -> "Iterator[tuple[str, str]]":
    features = f" ({', '.join(diagnosis.processor_features)})" if diagnosis.processor_features else ""
    yield "system", f"{diagnosis.platform}, Python {diagnosis.python}"
    yield "python", diagnosis.executable
    yield "processor", f"{diagnosis.processor}, {diagnosis.cores} cores{features}"
    yield "memory", f"{diagnosis.memory_gb:g} GB, {diagnosis.free_memory_gb:g} GB free"
    yield "GPU", ", ".join(diagnosis.gpus) or "none that torch sees"
    for backend in diagnosis.backends:
        devices = f" on {', '.join(backend.devices)}" if backend.devices else ""
        state = "not installed" if backend.version is None else backend.version + devices
        yield f"backend {backend.name}", state if backend.works is not False else f"{backend.version}, broken"
    shown = {backend.name for backend in diagnosis.backends}
    installed = {name: version for name, version in diagnosis.versions.items() if version and name not in shown}
    yield "libraries", ", ".join(f"{name} {version}" for name, version in installed.items())
    yield "bench's store", _folder(diagnosis.cache)
    yield "Hub's cache", _folder(diagnosis.hub_cache)
    yield "Hub", _hub(diagnosis.hub)
    yield "workers", _protections(diagnosis.protections)
    yield "audio", ", ".join(name for name, decodable in diagnosis.audio_formats.items() if decodable)


def _folder(folder: "FolderFact") -> str:
    least = "at least " if folder.at_least else ""
    size = "not there yet" if folder.size_mb is None else f"{least}{folder.size_mb:,.0f} MB"
    return f"{folder.path}: {size}, {folder.free_gb:g} GB free"


def _protections(fact: "ProtectionFact | None") -> str:
    if fact is None:
        return "none could be started"
    measures = {
        "no credentials": fact.clean_environment,
        "no new privileges": fact.no_new_privileges,
        "write only into their own folders" + (f" (Landlock {fact.landlock})" if fact.landlock else ""): fact.landlock
        > 0,
        "no sockets": fact.no_sockets,
    }
    enforced = ", ".join(name for name, is_on in measures.items() if is_on)
    missing = ", ".join(name for name, is_on in measures.items() if not is_on)
    return "; ".join(filter(None, (enforced, missing and f"not enforced here: {missing}")))


def _hub(hub: "HubFact") -> str:
    token = "with a token" if hub.token else "no token"
    if hub.offline:
        return f"{hub.endpoint}: offline, {token}"
    if not hub.reached:
        return f"{hub.endpoint}: no answer, {token}"
    return f"{hub.endpoint}: answers in {hub.seconds or 0:.1f} s, {token}"
