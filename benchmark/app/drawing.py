"""Answers as HTML: the waveform with its windows, emotions over time, and what each candidate says.

Texts from outside are escaped here. Colours repeat what stands in words beside them.
"""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from benchmark.app.answers import Recording, best_emotion
from benchmark.reporting.escaping import plain_text
from benchmark.reporting.numbers import clock, counted
from benchmark.results.timelines import Span, Timeline
from benchmark.scoring.flags import FLAG_MEANINGS

STYLES = """
.bench {color: var(--body-text-color); line-height: 1.45}
.bench h2 {font-size: 1.6rem; margin: 0; overflow-wrap: anywhere} .bench h3 {font-size: 1rem; margin: 1.2rem 0 .3rem}
.bench p {margin: .2rem 0} .bench svg {display: block; width: 100%; background: var(--background-fill-secondary)}
.bench .wave {fill: var(--body-text-color)} .bench .window {stroke: var(--body-text-color); opacity: .6}
.bench .axis {display: flex; justify-content: space-between; font-size: .8rem}
.bench .row {display: grid; grid-template-columns: 11rem minmax(0, 1fr) 3.2rem; gap: .1rem .6rem; align-items: center;
  margin: .3rem 0}
.bench .row > :first-child {overflow-wrap: anywhere} .bench .row > :last-child {text-align: right}
.bench .row > p {grid-column: 1 / -1; font-size: .85rem; text-align: left; margin: 0}
.bench summary {cursor: pointer; min-height: 1.75rem}
.bench [role=alert] {border-left: 4px solid #c0392b; padding: .4rem .8rem; overflow-wrap: anywhere}
@media (max-width: 700px) {.bench .row {grid-template-columns: minmax(0, 1fr) 3.2rem}
  .bench .row > svg {grid-column: 1 / -1; grid-row: 2}}
"""
"""The style sheet of the answers."""

START = '<div class="bench"><p>Upload or record something, or take an example.</p></div>'
"""Stands where answers will be."""

_WIDTH = 1000  # of every picture, in its own units; it is stretched to the page
_COLUMNS = 500  # of the waveform
_WAVE_HEIGHT, _WINDOW_ROWS, _WINDOW_STEP = 100, 4, 6
_ROW_HEIGHT = 22
_MOST_WINDOWS = 900
_MOST_STRETCHES = 100
# Of equal lightness, readable on light and dark grounds alike; beside each stands the name of its emotion.
_COLOURS = ("#d1495b", "#3d7ea6", "#c98b0b", "#4f9d69", "#8f5bb5", "#c65d21", "#2a9d8f", "#a0527a", "#7a7f36")
_NO_COLOUR = "#6c757d"


def answers_html(recording: Recording, timelines: Sequence[Timeline], flags: Sequence[Sequence[str]], run: str) -> str:
    """Draw the answers to one recording, the first one at length.

    Args:
        recording: What was asked about.
        timelines: The answers of the candidates.
        flags: The flags of each of them in a run.
        run: Names that run; empty where there is none.
    """
    emotions = dict.fromkeys(name for timeline in timelines for name in timeline.emotions)
    colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(sorted(emotions))}
    parts = [_headline(timelines[0]), _waveform(recording, timelines[0], colours)]
    parts += [_emotions(timelines[0], colours), _stretches(timelines[0])]
    parts += ["<h3>What each candidate says</h3>"]
    parts += [_candidate(*pair, colours, run) for pair in zip(timelines, flags, strict=True)]
    if any(timeline.windows and timeline.tuning is None for timeline in timelines):
        parts.append("<p>Probabilities are the models' own: 0.9 need not mean right nine times in ten.</p>")
    return f'<div class="bench">{"".join(parts)}</div>'


def problem_html(sentence: str) -> str:
    """Show why there is no answer."""
    return f'<div class="bench"><p role="alert">{_text(sentence)}</p></div>'


def _headline(timeline: Timeline) -> str:
    best = best_emotion(timeline)
    if best is None:
        return f'<p role="alert">{_text(timeline.model)}: {_text(timeline.failure or "no answer.")}</p>'
    failure = f'<p role="alert">{_text(timeline.failure)}</p>' if timeline.failure else ""
    windows = f"{counted(len(timeline.windows), 'window')} of {timeline.window_s:g} s"
    of_what = f"{_text(timeline.model)} on {_text(timeline.recording)}, {clock(timeline.duration_s)}, {windows}"
    return f"<h2>{_text(best[0])} {best[1]:.0%}</h2><p>{of_what}</p>{failure}"


def _waveform(recording: Recording, timeline: Timeline, colours: dict[str, str]) -> str:
    """The peaks over the colours of the stretches, and below them where the windows lie, in rows as they overlap."""
    length_s = recording.duration_s
    columns = np.array_split(recording.peaks, min(_COLUMNS, recording.peaks.size))
    heights = np.array([column.max() for column in columns])
    heights = heights / max(float(heights.max()), 1e-6) * _WAVE_HEIGHT / 2
    xs = np.linspace(0, _WIDTH, heights.size + 1)
    middle = _WAVE_HEIGHT / 2
    bars = "".join(
        f"M{left:.0f} {middle - height:.1f}H{right:.0f}V{middle + height:.1f}H{left:.0f}Z"
        for left, right, height in zip(xs[:-1], xs[1:], heights, strict=True)
    )
    every = 1 + len(timeline.windows) // _MOST_WINDOWS
    lines = []
    for index, window in enumerate(timeline.windows[::every]):
        y = _WAVE_HEIGHT + _WINDOW_STEP * (1 + index % _WINDOW_ROWS)
        left, right = (_WIDTH * moment_s / length_s for moment_s in (window.start_s, window.end_s))
        lines.append(f'<path class="window" d="M{left:.1f} {y}H{right:.1f}"/>')
    shown = "" if every == 1 else f", one in {every} is drawn"
    rectangles = _rectangles(timeline.stretches(), length_s, _WAVE_HEIGHT, colours)
    return (
        _svg(
            _WAVE_HEIGHT + _WINDOW_STEP * (_WINDOW_ROWS + 1),
            f"Waveform, and {counted(len(timeline.windows), 'window')} below{shown}",
            f'<g opacity=".45">{rectangles}</g><path class="wave" d="{bars}"/>{"".join(lines)}',
        )
        + f'<div class="axis"><span>{clock(0)}</span><span>windows below the waveform{shown}</span>'
        f"<span>{clock(length_s)}</span></div>"
    )


def _emotions(timeline: Timeline, colours: dict[str, str]) -> str:
    """A row per emotion: its probability over time, and its mean."""
    means, spans = timeline.mean_probabilities(), timeline.spans()
    rows = []
    for index in sorted(range(len(means)), key=lambda emotion: -means[emotion]):
        steps = "".join(
            f"L{_WIDTH * span.start_s / timeline.duration_s:.1f} {_ROW_HEIGHT * (1 - probability):.1f}"
            f"L{_WIDTH * span.end_s / timeline.duration_s:.1f} {_ROW_HEIGHT * (1 - probability):.1f}"
            for span, probability in zip(spans, (own.probabilities[index] for own in timeline.windows), strict=True)
        )
        name = timeline.emotions[index]
        shape = f'<path fill="{colours[name]}" d="M0 {_ROW_HEIGHT}{steps}L{_WIDTH} {_ROW_HEIGHT}Z"/>'
        picture = _svg(_ROW_HEIGHT, f"Probability of {name} over time, {means[index]:.0%} on average", shape)
        rows.append(f'<div class="row"><span>{_text(name)}</span>{picture}<span>{means[index]:.0%}</span></div>')
    return "".join(rows)


def _stretches(timeline: Timeline) -> str:
    stretches = timeline.stretches()
    lines = [
        f"<li>{clock(span.start_s)}–{clock(span.end_s)} {_text(span.emotion)} {span.probability:.0%}</li>"
        for span in stretches[:_MOST_STRETCHES]
    ]
    if len(stretches) > _MOST_STRETCHES:
        lines.append(f"<li>and {len(stretches) - _MOST_STRETCHES} more, in the files</li>")
    title = f"Timeline: {counted(len(stretches), 'stretch', 'stretches')}"
    return f"<details><summary>{title}</summary><ul>{''.join(lines)}</ul></details>" if stretches else ""


def _candidate(timeline: Timeline, flags: Sequence[str], colours: dict[str, str], run: str) -> str:
    best = best_emotion(timeline)
    if best is None:
        answer = f"<p>{_text(timeline.failure or 'no answer')}</p>"
    else:
        rectangles = _rectangles(timeline.stretches(), timeline.duration_s, _ROW_HEIGHT, colours)
        picture = _svg(_ROW_HEIGHT, f"Emotions over time by {timeline.model}", rectangles)
        answer = f"{picture}<span>{best[1]:.0%}</span>"
    said = "" if best is None else f": <b>{_text(best[0])}</b>"
    marks = _flags(flags, run) + "".join(f"<p>{_text(note)}</p>" for note in timeline.notes)
    return f'<div class="row"><span>{_text(timeline.model)}{said}</span>{answer}</div>{marks}'


def _flags(flags: Sequence[str], run: str) -> str:
    if not flags:
        return ""
    meanings = "".join(f"<li><b>{_text(flag)}</b>: {_text(FLAG_MEANINGS.get(flag, ''))}</li>" for flag in flags)
    title = f"Flags in {run}: {', '.join(flags)}"
    return f"<details><summary>{_text(title)}</summary><ul>{meanings}</ul></details>"


def _rectangles(spans: Iterable[Span], length_s: float, height: int, colours: dict[str, str]) -> str:
    rectangles = []
    for span in spans:
        left, width = _WIDTH * span.start_s / length_s, _WIDTH * (span.end_s - span.start_s) / length_s
        rectangles.append(
            f'<rect x="{left:.1f}" width="{width:.1f}" height="{height}" '
            f'fill="{colours.get(span.emotion, _NO_COLOUR)}">'
            f"<title>{_text(span.emotion)} {span.probability:.0%}</title></rect>"
        )
    return "".join(rectangles)


def _svg(height: int, label: str, content: str) -> str:
    return (
        f'<svg role="img" aria-label="{_text(label)}" viewBox="0 0 {_WIDTH} {height}" height="{height}" '
        f'preserveAspectRatio="none">{content}</svg>'
    )


def _text(text: str) -> str:
    return escape(plain_text(text))
