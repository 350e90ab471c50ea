"""Whether a run bears out that a head was rebuilt as its authors had it: by the score that they have published."""

import math

from benchmark.results.leaderboard import LeaderboardRow
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.scoring.flags import Flag
from benchmark.scoring.seen import main_name

CONFIRMED_WITHIN = 0.10
"""How far a score may lie from the published one."""


def with_confirmation(row: LeaderboardRow, verification: Verification) -> LeaderboardRow:
    """Say of a scored row whether it confirms the repair of its candidate.

    The weights of a rebuilt head do not tell its activation, which is assumed. Nothing is chosen by this: the score
    only speaks for or against what was assumed before.

    Args:
        row: The row of the candidate on one corpus, scored.
        verification: What is known of the candidate.

    Returns:
        The row, with the flag `repair-confirmed` where all published scores are met, or with the reason why not beside
        the flag `repaired`; as it was where nothing is published on its corpus.
    """
    said, corpus = verification.published, row.corpus
    if verification.status is not Status.REPAIRED or said is None or corpus is None:
        return row
    if main_name(said.corpus) != main_name(corpus):
        return row
    pairs = [
        (name, published, measured)
        for name, published, measured in (("UAR", said.uar, row.uar), ("accuracy", said.accuracy, row.accuracy))
        if published is not None and measured is not None and math.isfinite(measured)
    ]
    if not pairs:
        return row
    told = ", ".join(f"{name} {measured:.2f} here and {published:.2f} published" for name, published, measured in pairs)
    if all(abs(measured - published) <= CONFIRMED_WITHIN for _, published, measured in pairs):
        raised = {*row.flags, Flag.REPAIR_CONFIRMED.value}
        reasons = {Flag.REPAIR_CONFIRMED.value: f"{told}."}
    else:
        raised = set(row.flags)
        reasons = {Flag.REPAIRED.value: f"{told}: not confirmed."}
    flags = tuple(flag.value for flag in Flag if flag.value in raised)
    return row.model_copy(update={"flags": flags, "flag_reasons": row.flag_reasons | reasons})
