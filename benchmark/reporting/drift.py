"""What `bench drift` writes: `drift.md` and `drift.json`, a verdict with the differences and how to settle a doubt."""

from collections.abc import Callable
from pathlib import Path

from benchmark.errors import listed
from benchmark.reporting.csv_and_json import model_json
from benchmark.reporting.escaping import markdown_text, plain_text
from benchmark.reporting.markdown import Column, bullets, document, markdown_table, section
from benchmark.reporting.numbers import counted, fraction, moment, with_interval
from benchmark.results.files import FileSet
from benchmark.scoring.drift import FALL, POWER, SPEAKERS, ComparedCorpus, Difference, Drift, LabelDesign
from benchmark.scoring.rates import EmotionRate

_HZ = "Hz"
_LEAST_P = 0.001


def write_drift(drift: Drift, folder: Path) -> tuple[Path, ...]:
    """Write the comparison into a folder, which is created where it is missing.

    Returns:
        The Markdown and the JSON file.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full or fails.
    """
    with FileSet() as files:
        return (
            files.write(folder / "drift.md", drift_markdown(drift)),
            files.write(folder / "drift.json", model_json(drift)),
        )


def drift_verdict(drift: Drift) -> str:
    """Say in one or two sentences whether the new recordings differ, and what that means."""
    old, new = plain_text(drift.old.name), plain_text(drift.new.name)
    if not drift.differences:
        return f"Nothing of {new} can be compared with {old}: the run needs three recordings or more."
    if drift.drifted:
        found = [f"{own.quantity} ({_change(own, own.change)})" for own in drift.differences if own.differs]
        return f"{new} differs from {old} in {listed(found)}: what the run measured need not hold there."
    text = f"No difference that matters was found between {new} and {old}."
    if left := [own.quantity for own in drift.differences if own.is_open]:
        text += f" For want of {drift.units} none is excluded either in {listed(left)}."
    return text


def drift_markdown(drift: Drift) -> str:
    """Write the comparison for people, as a document in Markdown that is as readable in a terminal."""
    sizes = map(_size, (drift.old, drift.new), (drift.units, drift.units))
    return document(
        [
            f"# Drift: {markdown_text(drift.new.name)}",
            f"**{markdown_text(drift_verdict(drift))}**",
            f"{'; '.join(sizes)}. Run of {moment(drift.run)}.",
            markdown_table(drift.differences, _COLUMNS),
            f"Means over {drift.units}, of durations geometric ones. A quantity differs where p < 0.05 after Holm's "
            "correction, and the change is as large as `matters from`.",
            *_rates(drift),
            *_labels(drift),
            *section("## Notes", bullets(map(markdown_text, drift.notes))),
        ]
    )


def _size(corpus: ComparedCorpus, units: str) -> str:
    text = f"{markdown_text(corpus.name)}: {counted(corpus.clips, 'clip')}"
    return f"{text} of {counted(corpus.units, 'speaker')}" if units == SPEAKERS else text


def _rates(drift: Drift) -> list[str]:
    """How often each emotion occurs in the new recordings."""
    if not drift.rates or drift.candidate is None:
        return []
    candidate, old = markdown_text(drift.candidate), markdown_text(drift.old.name)
    meaning = (
        f"Corrected for the errors of {candidate} on {old}: this holds where the new recordings differ from {old} in "
        "how often each emotion occurs, and in nothing else."
    )
    if all(rate.corrected is None for rate in drift.rates):
        meaning = f"Not corrected: that takes labelled clips of {old} of three speakers that {candidate} has not seen."
    elif drift.sounds_different:
        meaning += " **They differ in more: do not rely on it.**"
    return ["## Emotions in the new recordings", markdown_table(drift.rates, _RATE_COLUMNS), meaning]


def _labels(drift: Drift) -> list[str]:
    """How many labels settle the doubt."""
    if drift.candidate is None:
        return []
    candidate = markdown_text(drift.candidate)
    if not drift.designs:
        return [
            f"The run does not say how many labels would find a fall of {candidate}'s UAR by {fraction(FALL)}: its "
            "speakers are unknown or too few, or its own error hides such a fall."
        ]
    return [
        "## Labels that settle the doubt",
        f"{candidate} has a UAR of {fraction(drift.uar)} on {markdown_text(drift.old.name)}. A fall by "
        f"{fraction(FALL)} on new speakers is found in {100 * POWER:.0f} % of the cases by any of these:",
        markdown_table(drift.designs, _DESIGN_COLUMNS),
        "`bench next N --for score` chooses the clips of a run on the new recordings.",
    ]


def _amount(difference: Difference, value: float) -> str:
    """Write a value in the unit of its quantity, of hertz in kHz."""
    number = value / 1000 if difference.unit == _HZ else value
    unit = "kHz" if difference.unit == _HZ else difference.unit
    text = f"{abs(number):.1f} {unit}" if unit else f"{abs(number):.2f}"
    return f"−{text}" if value < 0 and float(text.partition(" ")[0]) else text


def _change(difference: Difference, value: float) -> str:
    return ("+" if value > 0 else "") + _amount(difference, value)


def _interval(difference: Difference) -> str:
    change, low, high = (_change(difference, value) for value in (difference.change, difference.low, difference.high))
    return f"{change} [{low.partition(' ')[0]} to {high.partition(' ')[0]}]"


def _value(pick: Callable[[Difference], float]) -> Callable[[Difference], str]:
    return lambda difference: _amount(difference, pick(difference))


_DifferenceColumn = Column[Difference]
_COLUMNS = (
    _DifferenceColumn("quantity", lambda difference: markdown_text(difference.quantity)),
    _DifferenceColumn("run", _value(lambda difference: difference.old), numeric=True),
    _DifferenceColumn("new", _value(lambda difference: difference.new), numeric=True),
    _DifferenceColumn("change", _interval, numeric=True),
    _DifferenceColumn("matters from", _value(lambda difference: difference.least), numeric=True),
    _DifferenceColumn("p", lambda own: f"<{_LEAST_P}" if own.p < _LEAST_P else f"{own.p:.3f}", numeric=True),
    _DifferenceColumn("differs", lambda difference: "**yes**" if difference.differs else "no"),
)
_RATE_COLUMNS: tuple[Column[EmotionRate], ...] = (
    Column("emotion", lambda rate: markdown_text(rate.emotion)),
    Column("counted", lambda rate: fraction(rate.counted), numeric=True),
    Column("corrected", lambda rate: with_interval(rate.corrected, rate.low, rate.high), numeric=True),
)
_DESIGN_COLUMNS: tuple[Column[LabelDesign], ...] = (
    Column("clips of each speaker", lambda design: f"{design.clips_per_speaker:,}", numeric=True),
    Column("speakers", lambda design: f"{design.speakers:,}", numeric=True),
    Column("labels", lambda design: f"{design.labels:,}", numeric=True),
)
