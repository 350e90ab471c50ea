"""Record what a user of the command line sees, and compare two records: a safety net for refactorings.

    python -m scripts.safety_net record FOLDER [--only SECTION ...] [--keep-work]
    python -m scripts.safety_net compare BEFORE AFTER [--only SECTION ...]

`record` runs the command line of the checkout that it stands in, in subprocesses, and keeps exit codes, both streams
and all files that were written. It takes about fifteen minutes on two idle cores; `--only` records single sections:

- `interface`: help of all commands, environment variables, signatures of the Python API, completion, entry points.
- `mistakes`: wrong options, missing files, broken tables, registries and configurations.
- `verify`: the demo, broken checkpoints, the models of `$BENCH_SHARED` (else ../shared).
- `replicas`: a replica of each candidate of the packaged registry, on a Hub on loopback.
- `hub`: commands that ask the Hub; faults of the Hub.
- `demo`: runs on the demo: first, second, --fast, --backend torch, many options.
- `interrupted`: runs that SIGINT ends, and their continuation.
- `runs`: runs on real recordings: RAVDESS actors 21 to 24 and EmoDB, with the shared models.
- `results`: what reads finished runs: recommend, ensemble, compare, report, publish, cache.
- `clips`: corpus, predict, labels, candidates, doctor.
- `plugins`: the packages of docs/guides.

`compare` prints each difference and exits 1 if there are any. Times, dates, temporary paths, ports, load of the machine
and the flag `noisy` do not count; numbers may differ by 1e-6, decisions not at all. Nothing in it imports the package:
it keeps working while modules move.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from scripts.safety_net_compare import compare_records
from scripts.safety_net_inputs import (
    MISTAKES,
    SIGNATURES,
    write_broken_checkpoints,
    write_mistakes,
    write_plugin,
    write_recordings,
)

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("BENCH_SHARED") or ROOT.parent / "shared").resolve()
PATIENCE_S = 1200
INTERRUPT_AFTER_S = 3.0
PARALLEL = 3

_MODELS = str(SHARED / "models" / "candidates.yaml")
_DEMO = ("--candidates", "demo")
_NO_LATENCY = ("--latency-seconds", "0")
_COMMANDS = (
    *("verify", "run", "candidates", "labels", "discover", "recommend", "report", "compare", "ensemble", "corpus"),
    *("predict", "doctor", "publish", "cache", "cache ls", "cache prune"),
)
_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "DISABLE_SAFETENSORS_CONVERSION": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_ENDPOINT": "http://127.0.0.1:9",
    "COLUMNS": "120",
    "PYTHONPATH": str(ROOT),
}
_FORGOTTEN = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS")


class Section:
    """Runs commands in one working folder and keeps what they give.

    Args:
        folder: Where the cases are kept, one folder each.
        work: The current folder of the commands, with their cache.
    """

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder, self.work = folder, work
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
        for name in _FORGOTTEN:
            self.environment.pop(name, None)
        self.environment |= _ENVIRONMENT | {"BENCH_CACHE": str(work / ".bench"), "HF_HOME": str(work / "hf")}
        self._program = work / "bin" / "bench"
        self._program.parent.mkdir(parents=True)
        scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
        module, function = scripts["bench"].split(":")
        self._program.write_text(f"from {module} import {function}\n{function}()\n", encoding="utf-8")

    def bench(self, case: str, *arguments: str, files: Sequence[str] = (), **environment: str) -> None:
        """Run a command and keep exit code, streams and `files` (paths below the working folder, or folders)."""
        self.keep(case, [str(self._program), *arguments], files, environment)

    def keep(self, case: str, command: Sequence[str], files: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run Python with `command` and keep what it gives."""
        started = time.monotonic()
        try:
            ended = subprocess.run(
                [sys.executable, *command],
                cwd=self.work,
                env=self.environment | dict(environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
            )
            code, stdout, stderr = ended.returncode, ended.stdout, ended.stderr
        except subprocess.TimeoutExpired as error:
            code, stdout, stderr = -1, error.stdout or b"", (error.stderr or b"") + b"\nit took too long"
        self._store(case, command, code, stdout, stderr, files)
        print(f"  {time.monotonic() - started:6.1f} s  exit {code}  {case}", flush=True)

    def interrupt(self, case: str, *arguments: str) -> None:
        """Run a command, and send SIGINT some seconds after inference has begun; the last line of stderr is kept."""
        process = subprocess.Popen(
            [sys.executable, str(self._program), *arguments],
            cwd=self.work,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        timer = threading.Timer(INTERRUPT_AFTER_S, process.send_signal, (signal.SIGINT,))
        last = ""
        for line in process.stderr or ():
            last = line
            if line.startswith("Listening (") and not timer.is_alive():
                timer.start()
        code = process.wait(PATIENCE_S)
        timer.cancel()
        self._store(case, arguments, code, b"", last.encode(), ())
        print(f"          exit {code}  {case}", flush=True)

    def _store(
        self, case: str, command: Sequence[str], code: int, stdout: bytes, stderr: bytes, files: Sequence[str]
    ) -> None:
        place = self.folder / case
        place.mkdir(parents=True)
        (place / "result.json").write_text(json.dumps({"command": list(command), "exit": code}, indent=1) + "\n")
        (place / "stdout.txt").write_bytes(stdout)
        (place / "stderr.txt").write_bytes(stderr)
        for name in files:
            source = self.work / name
            if source.is_dir():
                shutil.copytree(source, place / "files" / name, dirs_exist_ok=True)
            elif source.exists():
                (place / "files" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, place / "files" / name)


def record_interface(section: Section) -> None:
    """Keep help, signatures, completion and entry points."""
    section.bench("version", "--version")
    section.bench("help", "--help", COLUMNS="200")
    for command in _COMMANDS:
        section.bench(f"help-{command.replace(' ', '-')}", *command.split(), "--help", COLUMNS="200")
    section.keep("signatures", ["-c", SIGNATURES], (), {})
    words = (
        *("bench ", "bench ca", "bench run --m", "bench run --candidates demo -m ", "bench run --backend "),
        *("bench run --candidates demo --corpus ", "bench cache ", "bench labels --candidates demo hub"),
    )
    for number, line in enumerate(words):
        typed = {"_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        section.bench(f"completion-{number}", **typed)


def record_mistakes(section: Section) -> None:
    """Keep what is said to wrong requests; nothing is computed."""
    write_mistakes(section.work)
    with ThreadPoolExecutor(PARALLEL) as pool:
        for number, (arguments, environment) in enumerate(MISTAKES):
            # With one cache for all, the verdicts that a case finds there would depend on which ran before.
            own = {"BENCH_CACHE": str(section.work / f".bench-{number:02d}")}
            pool.submit(section.bench, f"{number:02d}", *arguments, **{**own, **environment})


def record_verify(section: Section) -> None:
    """Verify the demo, broken checkpoints and the shared models."""
    section.bench("demo-inspect", "verify", *_DEMO, "--depth", "inspect", "--json", "-o", "inspect", files=["inspect"])
    section.bench("demo-load", "verify", *_DEMO, "--depth", "load", "--json", "-o", "load", files=["load"])
    section.bench("demo", "verify", *_DEMO, "--strict", "-o", "demo", files=["demo"])
    section.bench("demo-again", "verify", *_DEMO, "--json", "--verbose", "-o", "again", files=["again"])
    section.bench("demo-no-repair", "verify", *_DEMO, "-m", "wav2vec2-foreign-head", "--no-repair-heads", "-o", "plain")
    broken = [word for name in write_broken_checkpoints(section.work, ROOT) for word in ("-m", f"./{name}")]
    section.bench("broken", "verify", *broken, "--json", "-o", "broken", files=["broken"])
    section.bench("unexpected", "verify", "--candidates", "unexpected.yaml", "--strict", "--depth", "inspect")
    section.bench("shared", "verify", "--candidates", _MODELS, "--json", "-o", "shared", files=["shared"])


def record_replicas(section: Section) -> None:
    """Verify the replicas of the packaged registry."""
    with _hub(section) as server:
        from tests.support.replicas import publish_replicas  # noqa: PLC0415 - imports transformers: slow

        _fix_seeds()
        publish_replicas(server, section.work / "replicas")
        asked = ("verify", "--candidates", str(ROOT / "candidates.yaml"), "--strict")
        section.bench("inspect", *asked, "--depth", "inspect", "-o", "inspect", files=["inspect"])
        section.bench("probe", *asked, "--free-cache", "--json", "-o", "probe", files=["probe"])
        section.bench("again", *asked, "-o", "again", files=["again"])
        section.bench("limit", *asked, "--max-download-gb", "0.000001", "--refresh", "-o", "limit", files=["limit"])


def record_hub(section: Section) -> None:
    """Ask a small Hub: searches, labels, candidates by id, a run with a converted model, and faults."""
    from tests.support.hub_server import Fault, Trouble  # noqa: PLC0415 - only here

    with _hub(section) as server:
        for number, name in enumerate(("wav2vec2-english", "hubert-german", "wav2vec2-foreign-head", "wav2vec2-ctc")):
            card = {"language": ["en"], "license": "mit", "datasets": ["org/RAVDESS"]}
            info = {"tags": ["en"] if number else ["ko"], "cardData": card, "downloads": number}
            server.add(f"org/emotion-{name}", ROOT / "benchmark" / "demo" / "checkpoints" / name, info=info)
        server.add("org/gated", ROOT / "benchmark" / "demo" / "checkpoints" / "wav2vec2-four", gated=True)
        section.bench("discover", "discover", "--write", "found.yaml", files=["found.yaml"])
        section.bench("discover-json", "discover", "--json", "--language", "ko", "--sort", "likes")
        section.bench("discover-nothing", "discover", "--search", "nobody", "--write", "none.yaml")
        section.bench("discover-exists", "discover", "--write", "found.yaml")
        section.bench("labels", "labels", "org/emotion-hubert-german")
        section.bench("verify", "verify", "--candidates", "found.yaml", "--json", "-o", "found", files=["found"])
        section.bench("gated", "verify", "-m", "org/gated", "-m", "org/nobody", "--json", "-o", "gated")
        asked = ("run", "--candidates", "found.yaml", "--corpus", "demo:", "--limit", "28", *_NO_LATENCY)
        section.bench("run", *asked, "-o", "run", files=["run"])
        section.bench("publish", "publish", "--repo", "me/results", "-o", "publish", files=["publish"])
        server.break_("org/emotion-hubert-german", Fault(500))
        server.break_("org/emotion-wav2vec2-ctc", Fault(Trouble.TRUNCATE, at="safetensors"))
        section.bench("faults", "verify", "--candidates", "found.yaml", "--refresh", "--strict", "-o", "faults")
    section.bench("unreachable", "verify", "-m", "org/emotion-hubert-german", "--refresh", "--json", "-o", "gone")


def record_demo(section: Section) -> None:
    """Run on the demo."""
    run = ("run", *_DEMO)
    section.bench("first", *run, *_NO_LATENCY, "-o", "first", files=["first"])
    section.bench("second", *run, *_NO_LATENCY, "--json", "-o", "second", files=["second"])
    section.bench("fast", *run, "--corpus", "demo", *_NO_LATENCY, "--fast", "-o", "fast", files=["fast"])
    section.bench("torch", *run, "--corpus", "demo", *_NO_LATENCY, "--backend", "torch", "-o", "torch", files=["torch"])
    part = ("--corpus", "demo", "-m", "hubert-german", "-m", "ast-english-five")
    section.bench("timed", *run, *part, "--latency-seconds", "0.2", "--json", "-o", "timed", files=["timed"])
    environment = {"BENCH_MIN_EMOTIONS": "5", "BENCH_LIMIT": "28", "BENCH_LATENCY_SECONDS": "0", "BENCH_JSON": "1"}
    environment |= {"BENCH_CORPUS": "demo", "BENCH_OUTPUT": "by-variables", "BENCH_MERGE": "fear=surprise"}
    section.bench("by-variables", *run, files=["by-variables"], **environment)
    options = ("--sample", "40", "--seed", "3", "--perturb", "noise:20dB,telephone", "--focus", "anger", "--batch-size")
    more = (*options, "4", "--embed-audio", "2", "--by", "text_id", "--merge-preset", "big4", "--overwrite", "always")
    section.bench("options", *run, *part, *more, *_NO_LATENCY, "-o", "options", files=["options"])
    chosen = ("--speaker", "f1", "--only-label", "anger", "--only-label", "sadness", "--no-find-speech", "--rank-seen")
    section.bench("selection", *run, "--corpus", "demo", *chosen, *_NO_LATENCY, "-o", "selection", files=["selection"])
    section.bench("nobody", *run, "--min-emotions", "99", "-o", "nobody", files=["nobody"])


def record_interrupted(section: Section) -> None:
    """Interrupt runs, and go on with them."""
    run = ("run", *_DEMO, "--corpus", "demo", *_NO_LATENCY, "--backend", "torch")
    section.interrupt("interrupted", *run, "-o", "interrupted")
    section.bench("resumed", *run, "-o", "resumed", files=["resumed"])
    section.bench("never", *run, "--overwrite", "never", "-o", "never", files=["never"])
    if (SHARED / "corpora").is_dir():
        run = ("run", "--candidates", _MODELS, "--corpus", "emodb-4", "--limit", "80", *_NO_LATENCY)
        section.interrupt("interrupted-recordings", *run, "-o", "interrupted")
        section.bench("resumed-recordings", *run, "-o", "resumed", files=["resumed"])


def record_runs(section: Section) -> None:
    """Run the shared models on real recordings."""
    run = ("run", "--candidates", _MODELS, "--corpus", "ravdess-heldout", "--corpus", "emodb-4", *_NO_LATENCY)
    most = ("--limit", "120")
    section.bench("auto", *run, *most, "-o", "auto", files=["auto"])
    section.bench("auto-again", *run, *most, "--json", "-o", "again", files=["again"])
    section.bench("torch", *run, "--backend", "torch", "--limit", "40", "-o", "torch", files=["torch"])
    section.bench("fast", *run, "--fast", "--limit", "40", "-o", "fast", files=["fast"])
    section.bench("float16", *run, "--dtype", "float16", "--limit", "10", "-o", "half", files=["half"])


def record_results(section: Section) -> None:
    """Read what finished runs left."""
    run = ("run", *_DEMO, "--corpus", "demo", *_NO_LATENCY)
    section.bench("run-old", *run, "--limit", "56", "-o", "old", files=["old/verification.csv"])
    section.bench("run-new", *run, "--min-emotions", "5", "-o", "new", files=["new/verification.csv"])
    section.bench("recommend", "recommend", "--json")
    section.bench("recommend-table", "recommend", "--min-uar", "0.5", "--write", "chosen.yaml", files=["chosen.yaml"])
    section.bench("recommend-nobody", "recommend", "--max-size-mb", "0.1", "--language", "de")
    names = ("hubert-german", "wav2vec2-english", "wavlm-korean")
    section.bench("ensemble", "ensemble", *names, "-o", "ensemble", files=["ensemble"])
    section.bench("ensemble-best", "ensemble", "best:3", "--json", "-o", "best", files=["best"])
    section.bench("ensemble-one", "ensemble", "hubert-german")
    section.bench("compare", "compare", "old", "new")
    section.bench("compare-json", "compare", "old", "new", "--json", "-o", "changes.md", files=["changes.md"])
    section.bench("compare-gate", "compare", "old", "new", "--fail-on", "uar<+0.5", "--fail-on", "coverage<-0.02")
    asked = ("--merge", "fear=surprise", "--focus", "anger", "-m", "hubert*", "-m", "wav2vec2-english")
    section.bench("report", "report", *asked, "-o", "part", files=["part"])
    section.bench("report-relabel", "report", "--relabel", "demo:", "--rank-seen", "--json", "-o", "relabelled")
    section.bench("publish", "publish", "--repo", "me/results", "--corpus", "demo", "-m", "*")
    section.bench("cache-ls", "cache", "ls", "--json")
    section.bench("cache-ls-table", "cache", "ls", "--kind", "predictions", "--candidate", "*hubert*")
    section.bench("cache-prune-dry", "cache", "prune", "--kind", "verifications", "--dry-run", "--json")
    section.bench("cache-prune-asks", "cache", "prune", "--all")
    section.bench("cache-prune", "cache", "prune", "--kind", "predictions", "--candidate", "*hubert*", "--yes")
    section.bench("cache-ls-after", "cache", "ls", "--json")
    section.bench("rerun", *run, "--min-emotions", "5", "-o", "rerun", files=["rerun"])


def record_clips(section: Section) -> None:
    """Describe corpora, predict recordings, and list labels, candidates and the machine."""
    write_recordings(section.work, SHARED)
    section.bench("corpus-demo", "corpus", "demo:", *_DEMO, "--json", "-o", "d", files=["d"])
    section.bench("corpus-folder", "corpus", "folder:calls", *_DEMO, "--channel", "each", "-o", "f", files=["f"])
    section.bench("corpus-table", "corpus", "clips.csv", *_DEMO, "--json", "-o", "t", files=["t"])
    section.bench("corpus-emodb", "corpus", "emodb-4", "--candidates", _MODELS, "--limit", "40", "-o", "e", files=["e"])
    section.bench("corpus-ravdess", "corpus", f"{SHARED}/corpora/ravdess", "--limit", "30", *_DEMO, "-o", "r")
    predict = ("predict", *_DEMO, "hubert-german")
    section.bench("predict", *predict, "calls/long.wav")
    section.bench("predict-json", *predict, "calls/long.wav", "calls/stereo.wav", "--channel", "each", "--json")
    section.bench("predict-csv", *predict, "calls/long.wav", "--window", "2", "--hop", "0.5", "--format", "csv")
    several = ("-m", "hubert-german", "-m", "wav2vec2-foreign-head", "calls", "--merge-preset", "big4")
    section.bench("predict-folder", "predict", *_DEMO, *several, "-o", "all.json", files=["all.json"])
    section.bench("predict-audacity", *predict, "calls", "--format", "audacity", "-o", "tracks", files=["tracks"])
    section.bench("predict-refused", "predict", *_DEMO, "wav2vec2-ctc", "calls/long.wav")
    listen = ("run", *_DEMO, "-m", "hubert-german", "-m", "wav2vec2-four", *_NO_LATENCY, "--skip-silence")
    section.bench("run-folder", *listen, "--corpus", "folder:calls", "-o", "run-folder", files=["run-folder"])
    section.bench("run-table", *listen, "--corpus", "table:clips.csv", "-o", "run-table", files=["run-table"])
    section.bench("labels", "labels", "hubert-german", "wavlm-korean", "clips.csv", *_DEMO)
    section.bench("labels-json", "labels", "hubert-german", *_DEMO, "--merge-preset", "sentiment", "--json")
    section.bench("labels-preset", "labels", "--merge-preset", "arousal")
    section.bench("labels-template", "labels", "clips.csv", *_DEMO, "--edit-template", "mine.yaml", files=["mine.yaml"])
    section.bench("candidates", "candidates")
    section.bench("candidates-json", "candidates", *_DEMO, "--json")
    section.bench("candidates-shared", "candidates", "--candidates", _MODELS)
    section.bench("doctor", "doctor")
    section.bench("doctor-json", "doctor", "--json")


def record_plugins(section: Section) -> None:
    """Install the packages of docs/guides, one after the other, and use them."""
    write_recordings(section.work, SHARED)
    checkpoint = str(ROOT / "benchmark" / "demo" / "checkpoints" / "wav2vec2-four")
    run = ("run", "-m", checkpoint, "--corpus", "table:clips.csv", *_NO_LATENCY)
    uses: Mapping[str, Sequence[tuple[str, ...]]] = {
        "corpus": [("corpus", "casual:casual", *_DEMO, "-o", "casual-out")],
        "metric": [(*run, "--metric", "mean-precision", "-o", "metric-out")],
        "candidate": [("candidates", "--candidates", "ours"), ("candidates", "--candidates", "theirs")],
        "head": [("verify", "-m", checkpoint, "-o", "head-out")],
        "backend": [(*run, "--backend", "script", "-o", "backend-out"), (*run, "--backend", "nobody")],
    }
    for guide, commands in uses.items():
        folder = write_plugin(ROOT, guide, section.work / "site" / guide)
        path = os.pathsep.join([str(ROOT), str(folder)])
        for number, command in enumerate(commands):
            section.bench(f"{guide}-{number}", *command, files=[f"{guide}-out", "casual-out"], PYTHONPATH=path)


SECTIONS: Mapping[str, Callable[[Section], None]] = {
    "interface": record_interface,
    "mistakes": record_mistakes,
    "verify": record_verify,
    "replicas": record_replicas,
    "hub": record_hub,
    "demo": record_demo,
    "interrupted": record_interrupted,
    "runs": record_runs,
    "results": record_results,
    "clips": record_clips,
    "plugins": record_plugins,
}
_NEED_SHARED = frozenset({"runs"})


@contextmanager
def _hub(section: Section) -> Iterator["HubServer"]:  # type: ignore[name-defined]  # noqa: F821 - imported below
    from tests.support.hub_server import HubServer  # noqa: PLC0415 - only some sections need it

    before = section.environment["HF_ENDPOINT"]
    with HubServer() as server:
        section.environment["HF_ENDPOINT"] = server.url
        yield server
        section.environment["HF_ENDPOINT"] = before


def _fix_seeds() -> None:
    import torch  # noqa: PLC0415 - slow

    torch.manual_seed(0)


def record(folder: Path, sections: Sequence[str], *, keep_work: bool) -> None:
    """Record sections into `folder`; a section that is there already is replaced."""
    for name in sections:
        if name in _NEED_SHARED and not (SHARED / "corpora").is_dir():
            print(f"{name}: left out, there is no {SHARED}/corpora; set BENCH_SHARED")
            continue
        place = folder / name
        if place.exists():
            shutil.rmtree(place)
        place.mkdir(parents=True)
        # A short path of constant length: the layout of some tables depends on it.
        work = Path(tempfile.mkdtemp(prefix="net-", dir="/tmp"))
        print(f"{name} in {work}", flush=True)
        started = time.monotonic()
        SECTIONS[name](Section(place, work))
        paths = {"<WORK>": str(work), "<CHECKOUT>": str(ROOT), "<SHARED>": str(SHARED)}
        (place / "paths.json").write_text(json.dumps(paths, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
        if not keep_work:
            shutil.rmtree(work, ignore_errors=True)


def main() -> None:
    """Record or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record")
    recording.add_argument("folder", type=Path)
    recording.add_argument("--keep-work", action="store_true", help="leave the working folders in /tmp")
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    for command in (recording, comparing):
        command.add_argument("--only", nargs="+", choices=tuple(SECTIONS), default=tuple(SECTIONS), metavar="SECTION")
    arguments = parser.parse_args()
    if arguments.command == "record":
        # A shell starts jobs in the background with SIGINT ignored, and the commands would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        record(arguments.folder.absolute(), arguments.only, keep_work=arguments.keep_work)
        return
    differences = compare_records(arguments.before, arguments.after, arguments.only)
    for difference in differences:
        print(difference)
    print(f"{len(differences)} differences", file=sys.stderr)
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
