"""A verification that was stopped: what was found out until then, and that the rest was not."""

from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Finding, Verification
from benchmark.verification.verdict import undecided

_NOT_REACHED = (
    "The verification was interrupted before this candidate's turn was over; the same command goes on from here."
)


class InterruptedVerificationError(KeyboardInterrupt):
    """Somebody pressed Ctrl-C; what does not know of this class ends as always then.

    Attributes:
        verifications: One per candidate, in the registry's order; those that were not finished are `skipped`.
    """

    def __init__(self, verifications: tuple[Verification, ...]) -> None:
        super().__init__()
        self.verifications = verifications


def unfinished(candidate: Candidate) -> Verification:
    """Give the verdict on a candidate that the interruption came before."""
    return undecided(candidate, Finding(status=Status.SKIPPED, reason=_NOT_REACHED))
