"""Verdicts and statuses: the one declaration of a status is a line here, which reports, page and README read."""

from enum import StrEnum
from typing import Self


class Verdict(StrEnum):
    """Whether a candidate can be used."""

    USABLE = "usable"
    UNDECIDED = "undecided"
    REJECTED = "rejected"


class Status(StrEnum):
    """The reason of a verdict in one word, with its meaning as a sentence in Markdown.

    The order is the order of precedence: where several apply, the first one decides.

    Examples:
        >>> Status.RANDOM_HEAD.verdict, Status("not-found").meaning
        (<Verdict.REJECTED: 'rejected'>, 'There is no such repository or revision.')
    """

    verdict: Verdict
    meaning: str

    def __new__(cls, word: str, verdict: Verdict = Verdict.UNDECIDED, meaning: str = "") -> Self:
        """Make a member; `Status("gated")` only looks one up."""
        status = str.__new__(cls, word)
        status._value_ = word
        status.verdict, status.meaning = verdict, meaning
        return status

    NOT_FOUND = "not-found", Verdict.REJECTED, "There is no such repository or revision."
    GATED = "gated", Verdict.REJECTED, "It exists, and needs an acceptance or a token, or is disabled."
    UNREACHABLE = "unreachable", Verdict.UNDECIDED, "The network or the Hub failed: this says nothing about the model."
    CUSTOM_CODE = "custom-code", Verdict.REJECTED, "It needs code from its repository, which bench never executes."
    CUSTOM_INTERFACE = (
        "custom-interface",
        Verdict.REJECTED,
        "It is made for another toolkit: there is no `config.json` that names a model type.",
    )
    INVALID_CONFIG = "invalid-config", Verdict.REJECTED, "Its configuration does not parse or does not validate."
    UNSUPPORTED_ARCHITECTURE = (
        "unsupported-architecture",
        Verdict.REJECTED,
        "transformers has no audio-classification class for its model type.",
    )
    DIMENSIONAL = "dimensional", Verdict.REJECTED, "It rates arousal, valence or dominance instead of naming emotions."
    WRONG_TASK = "wrong-task", Verdict.REJECTED, "Its head was made for another task, such as speech recognition."
    NO_HEAD = "no-head", Verdict.REJECTED, "It is a bare pre-trained encoder: nothing in it names emotions."
    RANDOM_HEAD = (
        "random-head",
        Verdict.REJECTED,
        "Weights that decide its answers are not in the checkpoint or were saved untrained: it would answer at random.",
    )
    UNNAMED_LABELS = (
        "unnamed-labels",
        Verdict.REJECTED,
        "Its head is trained, but its outputs are only numbered, and the registry does not name them.",
    )
    NOT_EMOTION = "not-emotion", Verdict.REJECTED, "It has named labels, and too few of them are emotions."
    UNSAFE_WEIGHTS = "unsafe-weights", Verdict.REJECTED, "Its weights cannot be read without executing code from them."
    LOAD_FAILED = "load-failed", Verdict.REJECTED, "Loading it raised an error."
    CRASHED = "crashed", Verdict.REJECTED, "The process that loaded or ran it died."
    TIMED_OUT = "timed-out", Verdict.REJECTED, "Loading or running it took longer than the limit."
    OUT_OF_MEMORY = "out-of-memory", Verdict.REJECTED, "Loading or running it took more memory than the limit."
    BROKEN_OUTPUT = (
        "broken-output",
        Verdict.REJECTED,
        "Its answers are not numbers, the same for clearly different inputs, or differ between two loads.",
    )
    SKIPPED = (
        "skipped",
        Verdict.UNDECIDED,
        "It was not loaded, for a limit of user or machine, an interruption, or a failure of this machine.",
    )
    INSPECTED = "inspected", Verdict.UNDECIDED, "Nothing wrong was found without its weights, which were not loaded."
    REPAIRED = (
        "repaired",
        Verdict.USABLE,
        "Usable only because a known non-standard head was rebuilt from the checkpoint's own weights.",
    )
    USABLE = "usable", Verdict.USABLE, "It loads, its head is the checkpoint's own, and it behaves."

    @property
    def precedence(self) -> int:
        """The place in the order of precedence; smaller decides."""
        return list(Status).index(self)
