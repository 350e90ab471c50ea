"""The groups of options that several commands share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group

from benchmark.errors import RequestError
from benchmark.options.declare import KEYWORD_ONLY, Mark, Options, Range, option
from benchmark.plugins import use_plugin_files
from benchmark.progress import ProgressOption
from benchmark.settings import Settings

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext

    from benchmark.registry.schema import Registry

MODELS = Group("Models", sort_key=1)
CORPUS = Group("Corpora and clips", sort_key=2)
INFERENCE = Group("Inference and latency", sort_key=3)
TRAINING = Group("Training", sort_key=4)
SCORES = Group("Scores", sort_key=5)
RESULT = Group("Result", sort_key=6)
CONSOLE = Group("Console", sort_key=7)

MAX_CLIP_MB = 2000.0

Texts = Sequence[str]
Channel = Literal["mix", "left", "right", "each"]


def nobody_to_ask(question: str) -> bool | None:
    """Answer neither yes nor no, as there is no terminal."""
    return None


def complete_candidates(context: "CompletionContext") -> list[tuple[str, str]]:
    """Complete candidates of the registry on the command line, with their notes."""
    registry = _registry(context)
    return [(candidate.name, candidate.note or candidate.id) for candidate in registry.candidates] if registry else []


def complete_corpora(context: "CompletionContext") -> list[tuple[str, str]]:
    """Complete corpora of the registry on the command line, with their sources."""
    registry = _registry(context)
    return [(name, corpus.source) for name, corpus in registry.corpora.items()] if registry else []


def _registry(context: "CompletionContext") -> "Registry | None":
    from benchmark.errors import BenchError  # noqa: PLC0415 - only the shell's completion needs a registry
    from benchmark.registry.loading import find_registry  # noqa: PLC0415

    try:
        return find_registry(context["--candidates"].raw)
    except (BenchError, OSError):
        return None  # the command itself reports what is wrong with it


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class JsonOptions(Options):
    """Options of all commands."""

    as_json: Annotated[bool, option("--json", CONSOLE)] = False
    """Print the result as JSON on standard output, and nothing else."""
    config: Annotated[Path | None, option("--config", CONSOLE, metavar="FILE")] = None
    """Read options from a TOML file, or from the request in a report's JSON."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class QuietOptions(JsonOptions):
    """Options of commands that write messages."""

    quiet: Annotated[bool, option("--quiet", CONSOLE)] = False
    """Show warnings and results only."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ConsoleOptions(QuietOptions):
    """Options of commands that take long."""

    verbose: Annotated[bool, option("--verbose", CONSOLE)] = False
    """Show what is being done."""
    log_file: Annotated[Path | None, option("--log-file", CONSOLE, metavar="FILE"), Mark.PATH] = None
    """Keep a log of what is being done in this file."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Caller(Options):
    """Folders and limits, which only Python sets."""

    settings: Annotated[Settings | None, KEYWORD_ONLY] = None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class WatchingCaller(Caller):
    """Receives the progress of long work; only Python sets it."""

    progress: Annotated[ProgressOption, KEYWORD_ONLY] = "auto"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AskedCaller(Caller):
    """Confirms large downloads and uploads; only Python sets it."""

    confirm: Annotated[Callable[[str], bool | None], KEYWORD_ONLY] = nobody_to_ask


Candidates = Annotated[
    str | Path | None,
    option(
        "--candidates",
        MODELS,
        help="Registry of candidates. Default: candidates.yaml in this folder, else the packaged one.",
        metavar="FILE|demo",
    ),
    Mark.REGISTRY,
]
StoredRun = Annotated[
    str | None,
    option(
        "--run",
        RESULT,
        help="Which run: what --name called it, its file in .bench/runs, or the beginning of that; `bench runs` lists "
        "them. Default: the latest finished.",
        metavar="NAME|FILE",
    ),
]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CodeOptions(Options):
    """Code of the user's."""

    allow_code: Annotated[bool, option("--allow-code", MODELS, variable=None), Mark.RUNS_CODE] = False
    """Run code of your own: the programs of candidates with a `command`, and the files of --plugin and --metric."""
    plugins: Annotated[Texts, option("--plugin", MODELS, metavar="FILE", variable=None), Mark.RUNS_CODE] = ()
    """Python file that adds heads, corpora, backends or metrics, as a package may. Repeatable."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_allowed("--plugin", self.plugins)
        use_plugin_files(self.plugins)

    def require_allowed(self, flag: str, files: Sequence[str]) -> None:
        """Refuse files whose code would run, unless that is allowed.

        Raises:
            RequestError: It is not.
        """
        if files and not self.allow_code:
            raise RequestError(
                f"{flag} {files[0]} runs its code, which bench does only where allowed: add --allow-code."
            )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RegistryOptions(CodeOptions):
    """The registry."""

    candidates: Candidates = None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CandidateOptions(CodeOptions):
    """The registry and a selection of its candidates."""

    candidates: Candidates = field(default=None, kw_only=False)
    models: Annotated[Texts, option("--model -m", MODELS, metavar="ID", completer=complete_candidates), Mark.MODEL] = ()
    """Only this candidate: a name or id of the registry, any Hub id, or a local folder. Repeatable."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LoadOptions(CodeOptions):
    """Download and loading of checkpoints."""

    repair_heads: Annotated[bool, option("--repair-heads", MODELS, negatable=True)] = True
    """Rebuild known heads that transformers has no class for, from the checkpoint's own weights."""
    max_download_gb: Annotated[float | None, option("--max-download-gb", MODELS, metavar="GB", within=Range(0))] = None
    """Download at most so much in all; what is over it is skipped. Default: 5, and more after asking."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MergeOptions(Options):
    """Merges of emotions."""

    merge: Annotated[Texts, option("--merge", SCORES, metavar="A=B")] = ()
    """Count emotion A as B, in labels and answers, such as calm=neutral. Repeatable."""
    merge_preset: Annotated[str | None, option("--merge-preset", SCORES, choices=("sentiment", "arousal", "big4"))] = (
        None
    )
    """Merges of one name; `bench labels --merge-preset NAME` shows them. What --merge says counts more."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RareClassOptions(Options):
    """Emotions with few clips or a single speaker."""

    rare_classes: Annotated[Literal["keep", "drop"] | None, option("--rare-classes", SCORES)] = None
    """Emotions with fewer than five clips or a single speaker: `keep` scores them, and leaves them out of intervals,
    pairs and ranks; `drop` removes them everywhere. Default: keep, or as the run did.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RecordingOptions(Options):
    """Limits of recordings."""

    max_clip_mb: Annotated[float, option("--max-clip-mb", CORPUS, metavar="MB", within=Range(0))] = MAX_CLIP_MB
    """Neither fetch nor decode a recording whose file is larger."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ColumnOptions(Options):
    """The columns of tables and datasets."""

    columns: Annotated[Texts, option("--column", CORPUS, metavar="ROLE=NAME")] = ()
    """Which column of a table or dataset holds what, such as label=emotion_code or speaker=agent, where its name does
    not say so. Repeatable.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SpeakerOptions(Options):
    """Speakers that stand in file names."""

    speaker_pattern: Annotated[str | None, option("--speaker-pattern", CORPUS, metavar="REGEX")] = None
    """Take speakers that are unknown from file names: the first group of this regular expression, such as
    '^([^_]+)_' for anna_01.wav. `bench corpus` offers patterns.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ClipOptions(SpeakerOptions, ColumnOptions, RecordingOptions):
    """Selection of clips and channels."""

    limit: Annotated[int | None, option("--limit", CORPUS, metavar="N", within=Range(1))] = None
    """At most so many clips of each corpus: for a first look, not for a decision."""
    speakers: Annotated[Texts, option("--speaker", CORPUS, metavar="NAME")] = ()
    """Only clips of this speaker, as the corpus writes it. Repeatable."""
    languages: Annotated[Texts, option("--language", CORPUS, metavar="CODE")] = ()
    """Only clips in this language, as the corpus writes it. Repeatable."""
    only_labels: Annotated[Texts, option("--only-label", CORPUS, metavar="LABEL")] = ()
    """Only clips with this label, or of this emotion. Repeatable."""
    sample: Annotated[int | None, option("--sample", CORPUS, metavar="N", within=Range(1))] = None
    """At most so many clips of each corpus, drawn so that each label keeps its share."""
    seed: Annotated[int, option("--seed", CORPUS, metavar="S")] = 0
    """Which sample --sample draws."""
    channel: Annotated[Channel | None, option("--channel", CORPUS)] = None
    """What of stereo recordings is heard; `each` makes both sides of a call clips of their own. Default: as the
    registry says, else mix.
    """
    find_speech: Annotated[bool, option("--find-speech", CORPUS, negatable=True)] = True
    """Find out how much of each clip is speech; an hour of audio takes about half a minute, once."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ScoreOptions(Options):
    """Optional scores."""

    focus: Annotated[Texts, option("--focus", SCORES, metavar="EMOTION")] = ()
    """Tell how well each candidate finds this one emotion among all others, such as anger. Repeatable."""
    rank_seen: Annotated[bool, option("--rank-seen", SCORES)] = False
    """Rank candidates on corpora that they were trained on, too; they stay flagged."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class StoreOptions(Options):
    """The store that machines share."""

    store: Annotated[str | Path | None, option("--store", RESULT, metavar="ADDRESS"), Mark.PATH] = None
    """Share answers, verdicts and runs with other machines at s3://BUCKET/PREFIX, gs://, az:// or in a folder: what is
    there is not computed again, and what is new is written there.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class OutputOptions(Options):
    """The folder of the reports."""

    output: Annotated[str | Path, option("--output -o", RESULT, metavar="FOLDER"), Mark.PATH] = "reports"
    """Where the reports are written."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PaperOptions(Options):
    """What a paper needs beside the reports."""

    format: Annotated[Literal["latex"] | None, option("--format", RESULT, variable="BENCH_REPORT_FORMAT")] = None
    """latex: write leaderboard.tex as well, tables for a paper (booktabs)."""
    published: Annotated[bool, option("--published", RESULT)] = False
    """Show beside the scores what papers report on the corpus with the same emotions; it was not measured here."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PriceOptions(Options):
    """What computing costs."""

    price_per_hour: Annotated[float | None, option("--price-per-hour", RESULT, metavar="PRICE", within=Range(0))] = None
    """What an hour of this machine costs, in any currency, such as 0.50: shows what each candidate costs per hour of
    audio.
    """


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class WorkOptions(OutputOptions):
    """Workers and exit codes."""

    jobs: Annotated[int, option("--jobs", INFERENCE, metavar="N", within=Range(1))] = 1
    """Workers that compute at once; they share the cores."""
    strict: Annotated[bool, option("--strict", RESULT)] = False
    """Exit 1 where a status differs from the registry's `expect`, 3 where a candidate could not be reached."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class EngineOptions(Options):
    """What computes."""

    backend: Annotated[str, option("--backend", INFERENCE, metavar="NAME")] = "auto"
    """What computes on the CPU: torch, openvino, onnxruntime, or what an installed package adds. auto takes the fastest
    that is installed and decides as torch does; a model for which that does not hold is left to torch.
    """
    dtype: Annotated[Literal["float32", "bfloat16", "float16"] | None, option("--dtype", INFERENCE)] = None
    """In which number format, if the decisions stay those of float32. Default: float32."""
    fast: Annotated[bool, option("--fast", INFERENCE)] = False
    """Take bfloat16 where the processor computes in it; the decisions stay those of float32."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class InferenceOptions(EngineOptions):
    """Inference, latency and perturbations."""

    devices: Annotated[Texts, option("--device", INFERENCE, choices=("cpu", "cuda"))] = ()
    """Where to run and to measure latency. Repeatable. Default: the CPU, and the GPU where torch sees one."""
    batch_size: Annotated[int | None, option("--batch-size", INFERENCE, metavar="N", within=Range(1, 256))] = None
    """How many windows torch computes together, if the decisions stay those of one at a time. Default: 1 on the CPU;
    16 on a GPU where that is faster.
    """
    perturb: Annotated[Texts, option("--perturb", INFERENCE, metavar="FORM,…")] = ()
    """Ask again about every clip after it was perturbed, and tell which answers stay and what UAR is lost: noise:20dB
    (white, below the clip's own level), gain:-12dB, lowpass:4k, telephone (300–3400 Hz, 8 kHz, µ-law), clip or
    clip:0.3 (of its peak), speed:1.1, or what --ablate does. Commas between several, or repeated.
    """
    ablate: Annotated[bool, option("--ablate", INFERENCE)] = False
    """Ask again about every clip without loudness, pitch movement, the order of sounds or what lies above 400 Hz, and
    with its pauses alone, and tell what UAR each is worth.
    """
    segment_seconds: Annotated[float, option("--segment-seconds", INFERENCE, metavar="S", within=Range(0.1, 30))] = 3.0
    """Length of the segments that latency is measured on."""
    latency_seconds: Annotated[float, option("--latency-seconds", INFERENCE, metavar="S", within=Range(0))] = 20.0
    """Time for the latency of one candidate on one device; 0 measures none."""
    overwrite: Annotated[Literal["never", "missing", "always"], option("--overwrite", INFERENCE)] = "missing"
    """Which answers to compute where some are stored: none, those that are missing, or all."""
