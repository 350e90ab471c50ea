"""Perturbations of audio, to see whether predictions survive them: how they are written, and what they do.

The exact definitions stand in `docs/protocol.md`, Robustness. The samples are the same whatever the blocks.
"""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmark.audio.waveform import resampled_blocks
from benchmark.errors import RequestError

FORMS = ("noise:20dB", "gain:-12dB", "lowpass:4k", "telephone", "clip", "clip:0.3", "speed:1.1")
"""One example of each form."""
DEFAULT_CLIP_LEVEL = 0.3
_NUMBER = r"[+-]?\d{1,6}(?:\.\d{1,3})?"
_KILO = 1000


class Kind(StrEnum):
    """Kind of perturbation."""

    NOISE = "noise"
    """White noise is added, so many dB below the clip's own level."""
    GAIN = "gain"
    """It is made louder or softer by so many dB."""
    LOWPASS = "lowpass"
    """What lies above so many Hz is taken away."""
    TELEPHONE = "telephone"
    """It goes through a telephone: 300 to 3400 Hz, 8 kHz, µ-law."""
    CLIP = "clip"
    """What is beyond this share of its peak is cut off."""
    SPEED = "speed"
    """It is played so many times as fast, its pitch with it."""


@dataclass(frozen=True)
class Perturbation:
    """One perturbation of every clip.

    Attributes:
        kind: Which.
        amount: dB, Hz, a share or a factor; None for the telephone.

    Examples:
        >>> Perturbation(Kind.LOWPASS, 3400.0).name
        'lowpass:3.4k'
    """

    kind: Kind
    amount: float | None = None

    @property
    def name(self) -> str:
        """The canonical text, as it is stored: `noise:20dB`."""
        if self.amount is None:
            return self.kind.value
        amount = self.amount / _KILO if self.kind is Kind.LOWPASS else self.amount
        return f"{self.kind}:{amount:.10g}{_FORMS[self.kind].unit}"

    def leaves_alone(self, sampling_rate: int) -> bool:
        """Whether audio of this rate stays as it is.

        Examples:
            >>> lowpass = Perturbation(Kind.LOWPASS, 4000.0)
            >>> lowpass.leaves_alone(8000), lowpass.leaves_alone(16000)
            (True, False)
        """
        return self.kind is Kind.LOWPASS and self.amount is not None and 2 * self.amount >= sampling_rate


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How an amount is written, and its bounds."""

    lowest: float
    highest: float
    unit: str = ""
    pattern: str = ""
    nothing: float | None = None
    otherwise: float | None = None


_FORMS = {
    Kind.NOISE: _Form(lowest=-20, highest=100, unit="dB", pattern="dB"),
    Kind.GAIN: _Form(lowest=-60, highest=60, unit="dB", pattern="dB", nothing=0),
    Kind.LOWPASS: _Form(lowest=100, highest=96_000, unit="k", pattern="k(?:Hz)?|Hz"),
    Kind.CLIP: _Form(lowest=0.01, highest=0.99, otherwise=DEFAULT_CLIP_LEVEL),
    Kind.SPEED: _Form(lowest=0.25, highest=4, nothing=1),
}


def parse_perturbations(texts: Iterable[str]) -> tuple[Perturbation, ...]:
    """Parse the perturbations that a user names.

    Args:
        texts: Forms such as `noise:20dB`; a text may hold several, with commas between them.

    Raises:
        RequestError: A form is unknown, lacks its unit, has no number or one out of range, or is given twice.

    Examples:
        >>> [perturbation.name for perturbation in parse_perturbations(["noise:20db,telephone", "clip"])]
        ['noise:20dB', 'telephone', 'clip:0.3']
    """
    found: list[Perturbation] = []
    for text in texts:
        for form in filter(None, (piece.strip() for piece in text.split(","))):
            perturbation = _parse(form)
            if perturbation in found:
                raise RequestError(f"The perturbation {perturbation.name} is asked for twice: leave one out.")
            found.append(perturbation)
    return tuple(found)


def perturbation_named(name: str) -> Perturbation:
    """Parse one stored name; raises `RequestError` where it is none."""
    return _parse(name)


def _parse(text: str) -> Perturbation:
    name, colon, given = (part.strip() for part in text.partition(":"))
    if name.lower() not in set(Kind):
        raise _refused(text, "is unknown")
    kind = Kind(name.lower())
    form = _FORMS.get(kind)
    if form is None:
        if colon:
            raise _refused(text, "takes no amount")
        return Perturbation(kind)
    if not colon and form.otherwise is not None:
        return Perturbation(kind, form.otherwise)
    return Perturbation(kind, _amount(text, given, form))


def _amount(text: str, given: str, form: _Form) -> float:
    written = re.fullmatch(rf"({_NUMBER})\s*({form.pattern})", given, re.IGNORECASE | re.ASCII)
    if written is None:
        bare = re.fullmatch(_NUMBER, given, re.ASCII) is not None
        raise _refused(text, "lacks its unit" if bare else "has no amount that can be read")
    amount = float(written[1]) * (_KILO if written[2].lower().startswith("k") else 1)
    if not form.lowest <= amount <= form.highest:
        unit = "Hz" if form.unit == "k" else form.unit
        raise _refused(text, f"is out of range, which is {form.lowest:g} to {form.highest:g} {unit}".rstrip())
    if amount == form.nothing:
        raise _refused(text, "changes nothing")
    return amount


def _refused(text: str, why: str) -> RequestError:
    return RequestError(f"The perturbation {text!r} {why}: write it as one of {', '.join(FORMS)}.")


Blocks = Iterable[NDArray[np.float32]]
_FILTER_ORDER = 8
_TELEPHONE_RATE = 8_000
_TELEPHONE_BAND_HZ = (300, 3_400)
# Of a band-pass scipy makes twice as many poles: the same steepness on both sides.
_TELEPHONE_ORDER = 4


@dataclass(frozen=True)
class Level:
    """How loud a whole clip is.

    Attributes:
        rms: Root mean square of its samples.
        peak: The largest of them, without its sign.
    """

    rms: float
    peak: float


def needs_level(perturbation: Perturbation) -> bool:
    """Whether the level of the whole clip must be known before its first sample is perturbed."""
    return perturbation.kind in {Kind.NOISE, Kind.CLIP}


def measure_level(blocks: Blocks) -> Level:
    """Measure a clip that comes block by block.

    Sums run strictly from the first sample to the last, so that the blocks do not matter.

    Examples:
        >>> measure_level([np.array([0.5, -0.5], dtype=np.float32), np.array([-1.0], dtype=np.float32)])
        Level(rms=0.7071067811865476, peak=1.0)
    """
    squares, samples, peak = 0.0, 0, 0.0
    for block in blocks:
        if block.size:
            squares = float(np.cumsum(np.append(squares, block.astype(np.float64) ** 2))[-1])
            samples += block.size
            peak = max(peak, float(np.abs(block).max()))
    return Level((squares / samples) ** 0.5 if samples else 0.0, peak)


def perturbed_blocks(
    blocks: Blocks, sampling_rate: int, perturbation: Perturbation, *, seed: str, level: Level | None
) -> Iterator[NDArray[np.float32]]:
    """Perturb a clip while it is read.

    Args:
        blocks: Mono samples, shape (samples,).
        sampling_rate: Samples per second.
        perturbation: Where it `leaves_alone` this rate, the blocks come as they are.
        seed: Decides the noise: the clip's content hash.
        level: Of the whole clip, for noise and clipping; None for the others.

    Yields:
        Blocks at the same rate; at least one sample where there was one.

    Raises:
        ValueError: The level is needed and not given.

    Examples:
        >>> louder = Perturbation(Kind.GAIN, 20.0)
        >>> list(perturbed_blocks([np.array([0.5], dtype=np.float32)], 16000, louder, seed="", level=None))
        [array([5.], dtype=float32)]
    """
    if needs_level(perturbation) and level is None:
        raise ValueError(f"{perturbation.name} needs the level of the whole clip")
    if perturbation.leaves_alone(sampling_rate):
        yield from blocks
        return
    amount, loudness = perturbation.amount or 0.0, level or Level(0.0, 0.0)
    match perturbation.kind:
        case Kind.NOISE:
            yield from _noisy(blocks, loudness.rms * 10 ** (-amount / 20), seed)
        case Kind.GAIN:
            factor = np.float32(10 ** (amount / 20))
            yield from (block * factor for block in blocks)
        case Kind.LOWPASS:
            from scipy import signal  # noqa: PLC0415 - slow to import, and options of commands need only the names

            cut = signal.butter(_FILTER_ORDER, amount, "lowpass", fs=sampling_rate, output="sos")
            yield from _filtered(blocks, cut)
        case Kind.TELEPHONE:
            yield from _telephoned(blocks, sampling_rate)
        case Kind.CLIP:
            limit = np.float32(amount * loudness.peak)
            yield from (np.clip(block, -limit, limit) for block in blocks)
        case Kind.SPEED:
            yield from resampled_blocks(blocks, sampling_rate * amount, sampling_rate)


def _noisy(blocks: Blocks, deviation: float, seed: str) -> Iterator[NDArray[np.float32]]:
    digest = hashlib.sha256(seed.encode()).digest()
    random = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
    for block in blocks:
        yield (block + deviation * random.standard_normal(block.size)).astype(np.float32)


def _filtered(blocks: Blocks, sections: NDArray[np.float64]) -> Iterator[NDArray[np.float32]]:
    from scipy import signal  # noqa: PLC0415 - as above

    state = np.zeros((len(sections), 2))
    for block in blocks:
        filtered, state = signal.sosfilt(sections, block.astype(np.float64), zi=state)
        yield filtered.astype(np.float32)


def _telephoned(blocks: Blocks, sampling_rate: int) -> Iterator[NDArray[np.float32]]:
    from scipy import signal  # noqa: PLC0415 - as above

    band = signal.butter(_TELEPHONE_ORDER, _TELEPHONE_BAND_HZ, "bandpass", fs=_TELEPHONE_RATE, output="sos")
    narrow = _filtered(resampled_blocks(blocks, sampling_rate, _TELEPHONE_RATE), band)
    return resampled_blocks((_companded(block) for block in narrow), _TELEPHONE_RATE, sampling_rate)


def _companded(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Through the eight bits of G.711 µ-law and back, by libsndfile's tables, which end at full scale."""
    line = io.BytesIO()
    soundfile.write(line, np.clip(block, -1.0, 1.0), _TELEPHONE_RATE, format="RAW", subtype="ULAW")
    line.seek(0)
    decoded, _ = soundfile.read(
        line, dtype="float32", samplerate=_TELEPHONE_RATE, channels=1, format="RAW", subtype="ULAW"
    )
    return np.asarray(decoded, dtype=np.float32)
