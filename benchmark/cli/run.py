"""`bench run`: how right, how fast and how varied the usable candidates are on the user's audio."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from benchmark.cli import options
from benchmark.cli.completion import complete_corpora


class Device(StrEnum):
    """Where models run."""

    CPU = "cpu"
    CUDA = "cuda"


def run(
    candidates: options.Candidates = None,
    model: options.Models = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option(
            "--corpus",
            envvar="BENCH_CORPUS",
            metavar="NAME|SPEC",
            help="What to run on: a corpus of the registry, folder:DIR, table:FILE, ravdess:DIR and other corpora, "
            "hf:ID[:split], or a path. Repeatable. "
            "Default: all corpora of the registry.",
            show_default=False,
            autocompletion=complete_corpora,
        ),
    ] = None,
    min_emotions: Annotated[
        int,
        typer.Option(
            "--min-emotions",
            envvar="BENCH_MIN_EMOTIONS",
            metavar="N",
            min=1,
            help="Run only candidates that distinguish at least so many emotions.",
        ),
    ] = 2,
    device: Annotated[
        list[Device] | None,
        typer.Option(
            "--device",
            envvar="BENCH_DEVICE",
            help="Where to run and to measure latency. Repeatable. Default: the CPU, and the GPU where torch sees one.",
            show_default=False,
        ),
    ] = None,
    backend: Annotated[
        str,
        typer.Option(
            "--backend",
            envvar="BENCH_BACKEND",
            metavar="auto|torch|openvino|onnxruntime|NAME",
            help="What computes on the CPU, or the NAME of what an installed package adds. auto takes the fastest that "
            "is installed and decides as torch does; a model for which that does not hold is left to torch.",
        ),
    ] = "auto",
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(
            "--dtype",
            envvar="BENCH_DTYPE",
            help="In which number format, if the decisions stay those of float32. Default: float32.",
            show_default=False,
        ),
    ] = None,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            envvar="BENCH_FAST",
            help="Take bfloat16 where the processor computes in it; the decisions stay those of float32.",
        ),
    ] = False,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            envvar="BENCH_BATCH_SIZE",
            metavar="N",
            min=1,
            max=256,
            help="How many windows torch computes together, if the decisions stay those of one at a time. Default: 1 "
            "on the CPU; 16 on a GPU where that is faster.",
            show_default=False,
        ),
    ] = None,
    merge: options.Merge = None,
    merge_preset: options.MergePreset = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            envvar="BENCH_LIMIT",
            metavar="N",
            min=1,
            help="At most so many clips of each corpus: for a first look, not for a decision.",
            show_default=False,
        ),
    ] = None,
    speaker: options.Speakers = None,
    language: options.Languages = None,
    only_label: options.OnlyLabels = None,
    sample: options.Sample = None,
    seed: options.Seed = 0,
    channel: options.Channel = None,
    find_speech: options.FindSpeech = True,
    skip_silence: options.SkipSilence = False,
    min_speech: options.MinSpeech = 0.0,
    focus: options.Focus = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            envvar="BENCH_METRIC",
            metavar="PATH",
            help="A local module of the library evaluate, whose numbers are added to the table; its code is run. "
            "Repeatable.",
            show_default=False,
        ),
    ] = None,
    rank_seen: options.RankSeen = False,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            envvar="BENCH_BY",
            metavar="COLUMN",
            help="Take the scores apart by this column of the corpora too, such as age; by sex, language and duration "
            "they always are. Repeatable.",
            show_default=False,
        ),
    ] = None,
    perturb: Annotated[
        list[str] | None,
        typer.Option(
            "--perturb",
            envvar="BENCH_PERTURB",
            metavar="FORM,…",
            help="Ask again about every clip after it was perturbed, and tell which answers stay and what UAR is lost: "
            "noise:20dB (white, below the clip's own level), gain:-12dB, lowpass:4k, telephone (300–3400 Hz, 8 kHz, "
            "µ-law), clip or clip:0.3 (of its peak), speed:1.1. Commas between several, or repeated.",
            show_default=False,
        ),
    ] = None,
    segment_seconds: Annotated[
        float,
        typer.Option(
            "--segment-seconds",
            envvar="BENCH_SEGMENT_SECONDS",
            metavar="S",
            min=0.1,
            max=30.0,
            help="Length of the segments that latency is measured on.",
        ),
    ] = 3.0,
    latency_seconds: Annotated[
        float,
        typer.Option(
            "--latency-seconds",
            envvar="BENCH_LATENCY_SECONDS",
            metavar="S",
            min=0.0,
            help="Time for the latency of one candidate on one device; 0 measures none.",
        ),
    ] = 20.0,
    overwrite: Annotated[
        Literal["never", "missing", "always"],
        typer.Option(
            "--overwrite",
            envvar="BENCH_OVERWRITE",
            help="Which answers to compute where some are stored: none, those that are missing, or all.",
        ),
    ] = "missing",
    output: options.Output = Path("reports"),
    embed_audio: Annotated[
        int,
        typer.Option(
            "--embed-audio",
            envvar="BENCH_EMBED_AUDIO",
            metavar="N",
            min=0,
            help="Put the recordings of N clips of each corpus into leaderboard.html, those that most candidates get "
            "wrong or disagree on; whoever gets the page can listen to them. The others are links to local files.",
        ),
    ] = 0,
    repair_heads: options.RepairHeads = True,
    max_download_gb: options.MaxDownload = None,
    jobs: options.Jobs = 1,
    strict: options.Strict = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log_file: options.LogFile = None,
) -> None:
    """Measure the usable candidates on your audio: how right, how fast, how varied.

    Verifies first what is not verified yet, and writes leaderboard.html, .md, .csv and .json, predictions.parquet, and
    verification.md, .csv and .json.
    """
    from benchmark.api.run import run as run_candidates
    from benchmark.cli.console import ConsoleProgress, set_up_logging
    from benchmark.cli.summaries import finish_scored

    set_up_logging(verbose=verbose, log_file=log_file)
    progress = ConsoleProgress(quiet=quiet)
    outcome = run_candidates(
        candidates,
        models=model or (),
        corpora=corpus or (),
        min_emotions=min_emotions,
        devices=[each.value for each in device or ()],
        backend=backend,
        dtype=dtype,
        fast=fast,
        batch_size=batch_size,
        merge=merge or (),
        merge_preset=merge_preset,
        limit=limit,
        speakers=speaker or (),
        languages=language or (),
        only_labels=only_label or (),
        sample=sample,
        seed=seed,
        channel=None if channel is None else channel.value,
        find_speech=find_speech,
        skip_silence=skip_silence,
        min_speech=min_speech,
        focus=focus or (),
        metrics=metric or (),
        rank_seen=rank_seen,
        by=by or (),
        perturb=perturb or (),
        segment_seconds=segment_seconds,
        latency_seconds=latency_seconds,
        overwrite=overwrite,
        output=output,
        embed_audio=embed_audio,
        jobs=jobs,
        strict=strict,
        repair_heads=repair_heads,
        max_download_gb=max_download_gb,
        progress=progress,
        confirm=progress.confirm,
    )
    finish_scored(outcome, as_json=as_json, quiet=quiet)
