"""Perturbations of audio, to see whether predictions survive them: how they are written, and what they do.

The exact definitions stand in `docs/protocol.md`, Robustness. The samples are the same whatever the blocks.
"""

import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmark.audio.cues import equal_loudness, pauses_alone, scrambled, sections
from benchmark.audio.pitch import flatten_pitch
from benchmark.audio.waveform import resampled_blocks
from benchmark.errors import RequestError

FORMS = (
    *("noise:20dB", "gain:-12dB", "lowpass:4k", "telephone", "clip", "clip:0.3", "speed:1.1"),
    *("loudness", "flat-pitch", "scramble:100ms", "pauses"),
)
"""One example of each form."""
CUES = {
    "loudness": "loudness",
    "flat-pitch": "pitch movement",
    "scramble:100ms": "order of sounds",
    "lowpass:0.4k": "sound above 400 Hz",
    "pauses": "pauses alone",
}
"""What `--ablate` does to each clip, with the cue that it takes away; `pauses` takes all others away."""
ONLY_CUE = "pauses"
"""The ablation that leaves its cue and nothing else."""
_NUMBER = r"[+-]?\d{1,6}(?:\.\d{1,3})?"
_KILO = 1000
_MS_PER_S = 1000
_FILTER_ORDER = 8
_TELEPHONE_RATE = 8_000
_TELEPHONE_BAND_HZ = (300, 3_400)
# Of a band-pass scipy makes twice as many poles: the same steepness on both sides.
_TELEPHONE_ORDER = 4

Samples = NDArray[np.float32]
Blocks = Iterable[Samples]


class Kind(StrEnum):
    """Kind of perturbation."""

    NOISE = "noise"
    GAIN = "gain"
    LOWPASS = "lowpass"
    TELEPHONE = "telephone"
    CLIP = "clip"
    SPEED = "speed"
    LOUDNESS = "loudness"
    FLAT_PITCH = "flat-pitch"
    SCRAMBLE = "scramble"
    PAUSES = "pauses"


@dataclass(frozen=True)
class Perturbation:
    """One perturbation of every clip.

    Attributes:
        kind: What is done.
        amount: Of noise, dB below the clip's own level; of gain, dB; of a lowpass, Hz; of clipping, a share of the
            clip's peak; of speed, a factor; of scrambling, milliseconds. None for the others.
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
        """Whether audio of this rate stays as it is."""
        return self.kind is Kind.LOWPASS and self.amount is not None and 2 * self.amount >= sampling_rate


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How an amount is written, its bounds, the one that changes nothing, and the one that may be left out."""

    lowest: float
    highest: float
    unit: str = ""
    pattern: str = ""
    nothing: float | None = None
    default: float | None = None


_FORMS = {
    Kind.NOISE: _Form(lowest=-20, highest=100, unit="dB", pattern="dB"),
    Kind.GAIN: _Form(lowest=-60, highest=60, unit="dB", pattern="dB", nothing=0),
    Kind.LOWPASS: _Form(lowest=100, highest=96_000, unit="k", pattern="k(?:Hz)?|Hz"),
    Kind.CLIP: _Form(lowest=0.01, highest=0.99, default=0.3),
    Kind.SPEED: _Form(lowest=0.25, highest=4, nothing=1),
    Kind.SCRAMBLE: _Form(lowest=20, highest=5_000, unit="ms", pattern="ms"),
}


def parse_perturbations(texts: Iterable[str], *, ablate: bool = False) -> tuple[Perturbation, ...]:
    """Parse the perturbations that a user names.

    Args:
        texts: Forms such as `noise:20dB`; a text may hold several, with commas between them.
        ablate: Add those of `CUES`.

    Raises:
        RequestError: As for `parse_perturbation`, or a perturbation is given twice.

    Examples:
        >>> [perturbation.name for perturbation in parse_perturbations(["noise:20db,telephone", "clip"])]
        ['noise:20dB', 'telephone', 'clip:0.3']
    """
    perturbations: list[Perturbation] = []
    for text in texts:
        for form in filter(None, (piece.strip() for piece in text.split(","))):
            perturbation = parse_perturbation(form)
            if perturbation in perturbations:
                raise RequestError(f"The perturbation {perturbation.name} is asked for twice: leave one out.")
            perturbations.append(perturbation)
    ablations = map(parse_perturbation, CUES if ablate else ())
    return tuple(dict.fromkeys((*perturbations, *ablations)))


def parse_perturbation(text: str) -> Perturbation:
    """Parse one form, such as a stored name.

    Raises:
        RequestError: It is unknown, lacks its unit, has no number or one out of range, or changes nothing.
    """
    name, colon, given = (part.strip() for part in text.partition(":"))
    if name.lower() not in set(Kind):
        raise _refused(text, "is unknown")
    kind = Kind(name.lower())
    form = _FORMS.get(kind)
    if form is None:
        if colon:
            raise _refused(text, "takes no amount")
        return Perturbation(kind)
    if not colon and form.default is not None:
        return Perturbation(kind, form.default)
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
    """Perturb a clip while it is read, in blocks of mono samples; of one sample at least one is left.

    Args:
        perturbation: What is done; where it `leaves_alone` this rate, the blocks come as they are.
        seed: Decides the noise: the clip's content hash.
        level: Of the whole clip, for noise and clipping; None for the others.

    Raises:
        ValueError: The level is needed and not given.
    """
    if needs_level(perturbation) and level is None:
        raise ValueError(f"{perturbation.name} needs the level of the whole clip")
    if perturbation.leaves_alone(sampling_rate):
        yield from blocks
        return
    from scipy.signal import butter  # noqa: PLC0415 - slow to import, and options of commands need only the names

    amount, loudness = perturbation.amount or 0.0, level or Level(0.0, 0.0)
    match perturbation.kind:
        case Kind.NOISE:
            yield from _noisy(blocks, loudness.rms * 10 ** (-amount / 20), seed)
        case Kind.GAIN:
            factor = np.float32(10 ** (amount / 20))
            yield from (block * factor for block in blocks)
        case Kind.LOWPASS:
            yield from _filtered(blocks, butter(_FILTER_ORDER, amount, "lowpass", fs=sampling_rate, output="sos"))
        case Kind.TELEPHONE:
            band = butter(_TELEPHONE_ORDER, _TELEPHONE_BAND_HZ, "bandpass", fs=_TELEPHONE_RATE, output="sos")
            narrow = _filtered(resampled_blocks(blocks, sampling_rate, _TELEPHONE_RATE), band)
            yield from resampled_blocks(map(_companded, narrow), _TELEPHONE_RATE, sampling_rate)
        case Kind.CLIP:
            limit = np.float32(amount * loudness.peak)
            yield from (np.clip(block, -limit, limit) for block in blocks)
        case Kind.SPEED:
            yield from resampled_blocks(blocks, sampling_rate * amount, sampling_rate)
        case Kind.LOUDNESS | Kind.FLAT_PITCH | Kind.SCRAMBLE | Kind.PAUSES:
            yield from map(_cue_removal(perturbation, sampling_rate, seed), sections(blocks, sampling_rate))


def _cue_removal(perturbation: Perturbation, sampling_rate: int, seed: str) -> Callable[[Samples], Samples]:
    """What is done to each section of a clip."""
    match perturbation.kind:
        case Kind.LOUDNESS:
            return lambda section: equal_loudness(section, sampling_rate)
        case Kind.FLAT_PITCH:
            return lambda section: flatten_pitch(section, sampling_rate)
        case Kind.SCRAMBLE:
            random, piece_s = _random(seed), (perturbation.amount or 0.0) / _MS_PER_S
            return lambda section: scrambled(section, sampling_rate, piece_s, random)
    return lambda section: pauses_alone(section, sampling_rate)


def _random(seed: str) -> np.random.Generator:
    digest = hashlib.sha256(seed.encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


def _noisy(blocks: Blocks, deviation: float, seed: str) -> Iterator[NDArray[np.float32]]:
    random = _random(seed)
    for block in blocks:
        yield (block + deviation * random.standard_normal(block.size)).astype(np.float32)


def _filtered(blocks: Blocks, sections: NDArray[np.float64]) -> Iterator[NDArray[np.float32]]:
    from scipy.signal import sosfilt  # noqa: PLC0415 - as above

    state = np.zeros((len(sections), 2))
    for block in blocks:
        filtered, state = sosfilt(sections, block.astype(np.float64), zi=state)
        yield filtered.astype(np.float32)


def _companded(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Through the eight bits of G.711 µ-law and back, by libsndfile's tables, which end at full scale."""
    line = io.BytesIO()
    soundfile.write(line, np.clip(block, -1.0, 1.0), _TELEPHONE_RATE, format="RAW", subtype="ULAW")
    line.seek(0)
    decoded, _ = soundfile.read(
        line, dtype="float32", samplerate=_TELEPHONE_RATE, channels=1, format="RAW", subtype="ULAW"
    )
    return np.asarray(decoded, dtype=np.float32)
