"""What can be done to audio to see whether answers survive it: names, forms, and what a user may ask for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from benchmark.errors import RequestError

FORMS = ("noise:20dB", "gain:-12dB", "lowpass:4k", "telephone", "clip", "clip:0.3", "speed:1.1")
"""One example of each form that can be asked for."""

DEFAULT_CLIP_LEVEL = 0.3
_NUMBER = r"[+-]?\d{1,6}(?:\.\d{1,3})?"
_KILO = 1000


class Kind(StrEnum):
    """What is done."""

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
    """One thing that is done to every clip.

    Attributes:
        kind: What is done.
        amount: How much of it: dB, Hz, a share or a factor; None for the telephone.

    Examples:
        >>> Perturbation(Kind.LOWPASS, 3400.0).name
        'lowpass:3.4k'
    """

    kind: Kind
    amount: float | None = None

    @property
    def name(self) -> str:
        """How it is asked for and stored: always the same text for the same thing."""
        if self.amount is None:
            return self.kind.value
        amount = self.amount / _KILO if self.kind is Kind.LOWPASS else self.amount
        return f"{self.kind}:{amount:.10g}{_FORMS[self.kind].unit}"

    def leaves_alone(self, sampling_rate: int) -> bool:
        """Whether it has nothing to take away from audio of this rate.

        Examples:
            >>> lowpass = Perturbation(Kind.LOWPASS, 4000.0)
            >>> lowpass.leaves_alone(8000), lowpass.leaves_alone(16000)
            (True, False)
        """
        return self.kind is Kind.LOWPASS and self.amount is not None and 2 * self.amount >= sampling_rate


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How an amount is written, and which are taken."""

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
    """Read what a user asks for.

    Args:
        texts: Forms such as `noise:20dB`, each text one or several with commas between them.

    Returns:
        In the order asked for.

    Raises:
        RequestError: A form is unknown, lacks its unit, has no number or one out of range, or is asked for twice.

    Examples:
        >>> [each.name for each in parse_perturbations(["noise:20db,telephone", "clip"])]
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
    """Find what a stored name stands for.

    Raises:
        RequestError: The name is none.
    """
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
