"""What a user writes to ask for an ensemble: names of candidates, or `best:3`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.emotions.suggestions import did_you_mean
from benchmark.errors import RequestError
from benchmark.results.runs import RunRecord
from benchmark.scoring.ensembles import FEWEST_MEMBERS

_BEST = re.compile(r"best:(\d{1,4})")


@dataclass(frozen=True)
class EnsembleRequest:
    """An ensemble that is asked for.

    Attributes:
        name: What tables call it.
        members: The candidates that vote; empty where they are to be chosen.
        best: How many are to be chosen; None where they are named.
    """

    name: str
    members: tuple[str, ...] = ()
    best: int | None = None


def ensemble_request(words: Sequence[str], record: RunRecord) -> EnsembleRequest:
    """Read what a user asks for.

    Args:
        words: Names or ids of candidates that the run evaluated, or `best:N` alone.
        record: The run.

    Raises:
        RequestError: A candidate was not evaluated, or there are fewer than two.
    """
    if len(words) == 1 and (found := _BEST.fullmatch(words[0])):
        size = int(found[1])
        if size < FEWEST_MEMBERS:
            raise RequestError(f"{words[0]} is no ensemble; ask for best:{FEWEST_MEMBERS} or more.")
        return EnsembleRequest(name=words[0], best=size)
    evaluated = list(dict.fromkeys(evaluation.candidate for evaluation in record.evaluations))
    ids = {each.id: each.candidate for each in record.verifications if each.candidate in evaluated}
    members = tuple(dict.fromkeys(word if word in evaluated else ids.get(word, word) for word in words))
    for member in members:
        if member not in evaluated:
            hint = did_you_mean(member, evaluated) or f"; it evaluated {', '.join(evaluated) or 'none'}"
            raise RequestError(f"this run did not evaluate {member!r}{hint}")
    if len(members) < FEWEST_MEMBERS:
        raise RequestError(f"an ensemble has at least {FEWEST_MEMBERS} members; name another, or ask for best:3.")
    return EnsembleRequest(name=" + ".join(members), members=members)
