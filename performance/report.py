"""`docs/performance.md`, from the figures."""

import statistics
from collections.abc import Iterable, Sequence

from performance.figures import EngineFigures, Figures, ModelFigures

_NAMES = {
    "naive": "a loop: `from_pretrained`, processor and model per clip",
    "pipeline-1": 'pipeline("audio-classification"), batch 1',
    "pipeline-default": "the same, its threads left as a user finds them: they spin while they wait",
    "pipeline-8": 'pipeline("audio-classification"), batch 8',
    "reference": "bench, reference (`--backend torch`)",
    "auto": "bench (`--backend auto`)",
    "fast": "bench, `--fast`",
    "bare-torch": "torch's forward passes alone, float32",
    "bare-openvino": "OpenVINO's forward passes alone, float32, a stream per core",
    "bare-bfloat16": "OpenVINO's forward passes alone, bfloat16, a stream per core",
}
_OURS = ("reference", "auto", "fast")
_BARE_OF = {
    "torch float32": "bare-torch",
    "openvino float32": "bare-openvino",
    "openvino bfloat16": "bare-bfloat16",
}
_PIPELINES = ("pipeline-1", "pipeline-default")
_REFERENCE = "reference"


def render(figures: Figures) -> str:
    """Write the measured part of the page.

    Args:
        figures: What was measured.

    Returns:
        Markdown.
    """
    return "\n\n".join(block for block in _blocks(figures) if block)


def _blocks(figures: Figures) -> Iterable[str]:
    yield f"Measured on {figures.date}."
    yield "\n".join(f"- {line}" for line in [*figures.machine, *_conditions(figures)])
    for name, model in figures.models.items():
        yield from _of_model(name, model, figures)
    yield from _repeated(figures)
    yield from _start_up(figures)
    yield from _decoding(figures)
    if figures.notes:
        yield "### What was not measured"
        yield "\n".join(f"- {note}" for note in figures.notes)


def _conditions(figures: Figures) -> list[str]:
    lines = [f"Clips: {figures.clips}, {figures.audio_s:.0f} s of audio in all."]
    if figures.peak_gflops:
        peaks = ", ".join(f"{value:,.0f} GFLOP/s in {name}" for name, value in figures.peak_gflops.items())
        lines.append(f"Best matrix product of torch in the same run, 2,048 × 2,048: {peaks}.")
    if figures.others is not None:
        lines.append(f"Other processes used {figures.others:.0%} of the processors meanwhile.")
    return lines


def _of_model(name: str, model: ModelFigures, figures: Figures) -> Iterable[str]:
    yield f"### {name}"
    answered = max((engine.clips() for engine in model.engines.values()), default=0)
    yield (
        f"{model.what}; {model.parameters / 1e6:.1f} M weights, {model.gflop_per_s:.1f} GFLOP per second of audio; "
        f"{answered} clips."
    )
    titles = ["engine", "clips/s", "RTFx", "× pipeline", "× by default"]
    titles += ["decisions that differ", "share of peak", "memory MB"]
    rows = [_row(key, engine, model, figures) for key, engine in model.engines.items() if engine.turns]
    yield _table(titles, rows)
    lines = [line for key in _OURS if key in model.engines for line in _of_bench(key, model.engines[key], model)]
    failed = [f"{_NAMES[key]}: {engine.failure}." for key, engine in model.engines.items() if engine.failure]
    yield "\n".join(f"- {line}" for line in [*lines, *failed])


def _of_bench(key: str, engine: EngineFigures, model: ModelFigures) -> Iterable[str]:
    """The engine, its parity with the reference, and its speed beside the bare engine, in one line."""
    if not engine.turns:
        return
    details = engine.details
    text = f"{_NAMES[key]}: {details.get('engine', '?')}, first after {engine.first_s:.1f} s"
    if "checked_clips" in details:
        pays = model.pays_from(key, _REFERENCE)
        text += (
            f"; parity on {details['checked_clips']} clips: {details['largest_difference']}; "
            f"{engine.redone} of {engine.clips()} re-run; conversion {details['conversion_s']} s, "
            f"comparison {details['check_s']} s, {f'pays from {pays} clips' if pays else 'never pays'}"
        )
    other = _BARE_OF.get(details.get("engine", ""), "")
    if ratios := model.ratios(key, other):
        text += f"; {statistics.median(ratios):.0%} of the bare speed ({_range(ratios, percent=True)})"
        if engine.redone:
            alone = statistics.median(model.ratios(key, other, without_again=True))
            text += f", {alone:.0%} without re-runs"
    yield f"{text}." + (f" {details['fallbacks']}" if details.get("fallbacks") else "")


def _row(key: str, engine: EngineFigures, model: ModelFigures, figures: Figures) -> list[str]:
    beside_pipelines = [model.ratios(key, pipeline) for pipeline in _PIPELINES]
    differing = model.differing(key, _REFERENCE)
    is_reduced = key == "bare-bfloat16" or engine.details.get("engine", "").endswith("bfloat16")
    peak = figures.peak_gflops.get("bfloat16" if is_reduced else "float32")
    beside = engine.details.get("parent_mb")
    return [
        _NAMES[key],
        f"{engine.clips_per_second():.2f}",
        f"{engine.rtfx():.1f}",
        *(f"{statistics.median(ratios):.2f} ({_range(ratios)})" if ratios else "" for ratios in beside_pipelines),
        "" if differing is None or key == _REFERENCE else f"{differing} of {engine.clips()}",
        f"{engine.rtfx() * model.gflop_per_s / peak:.0%}" if peak else "",
        f"{engine.memory_mb:,.0f}" + (f" + {beside}" if beside else ""),
    ]


def _repeated(figures: Figures) -> Iterable[str]:
    if not {"first", "second", "start"} <= figures.repeated.keys():
        return
    first, second, start = (figures.repeated[key] for key in ("first", "second", "start"))
    yield "### The same run again"
    yield (
        f"`bench run` on {figures.repeated['clips']:.0f} clips, one model of base size, without latency: "
        f"{first:.1f} s the first time (verification included; the model was converted already), {second:.1f} s the "
        f"second. Start-up (the same command with one clip, whose predictions are stored): {start:.1f} s. "
        f"Beyond start-up the second run takes {max(0.0, second - start) / max(1e-9, first - start):.1%} of the first, "
        "and loads no model."
    )


def _start_up(figures: Figures) -> Iterable[str]:
    if not figures.start_up:
        return
    yield "### Start-up"
    rows = [
        [name, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f} to {max(seconds):.2f}"]
        for name, seconds in figures.start_up.items()
    ]
    yield _table(["what", "s, median", "range"], rows)


def _decoding(figures: Figures) -> Iterable[str]:
    if not figures.decoding:
        return
    yield "### Decoding"
    fastest = _fastest_core_ms(figures)
    rows = [
        [name, f"{cost:.2f}", f"{cost / fastest:.1%}" if fastest else ""] for name, cost in figures.decoding.items()
    ]
    yield (
        "Cost of a clip before inference: decoding, hashing, resampling to 16 kHz. The share is relative to the time "
        "of the fastest engine on all cores, for the fastest model of base size."
    )
    yield _table(["format", "ms of one core per s of audio", "share of `--fast`"], rows)


def _fastest_core_ms(figures: Figures) -> float:
    """Milliseconds of core time per second of audio that the fastest way of bench takes."""
    fast = [
        model.engines["fast"].rtfx()
        for model in figures.models.values()
        if "fast" in model.engines and model.engines["fast"].turns and model.parameters > 10_000_000  # noqa: PLR2004
    ]
    return figures.repeated.get("cores", 1) * 1000 / max(fast) if fast else 0.0


def _range(values: Sequence[float], *, percent: bool = False) -> str:
    if percent:
        return f"{min(values):.0%} to {max(values):.0%}"
    return f"{min(values):.2f} to {max(values):.2f}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
