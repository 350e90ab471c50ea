"""Orders of candidates without labels, held against the order that the hidden labels give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmark.results.analyses import Voter
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.scoring.decisions import uar
from benchmark.scoring.evaluations import Evaluation, join_evaluation
from benchmark.scoring.labels import label_clips
from benchmark.scoring.leaderboard import FindPredictions
from benchmark.scoring.metrics import accuracy
from benchmark.scoring.twins import near_twins
from benchmark.scoring.unlabelled import agreement
from scripts.noisy_checkpoints import Member

FEWEST = 4
"""Candidates: an order of three is right by chance in one of six draws."""
DRAWS, DRAWN = 100, 8
SEED = 20_260_301
_Kept = Callable[[Member], bool]


@dataclass(frozen=True, eq=False)
class Hidden:
    """What everybody answered on a corpus whose labels are known to us alone.

    Attributes:
        corpus: What tables call it.
        clips: How many it has.
        members: The candidates that answered all of it.
        evaluations: What they answered, in the same order.
    """

    corpus: str
    clips: int
    members: tuple[Member, ...]
    evaluations: tuple[Evaluation, ...]


@dataclass(frozen=True)
class Orders:
    """How far orders without labels agree with the true one: Spearman's rho, NaN where there is no order.

    Attributes:
        candidates: How many were ordered.
        estimate: By the accuracy that the model of Dawid and Skene gives them.
        majority: By how often they say what most say.
        confidence: By the mean probability of their answers.
        estimate_of_accuracy: As `estimate`, held against the order by true accuracy instead of UAR.
    """

    candidates: int
    estimate: float
    majority: float
    confidence: float
    estimate_of_accuracy: float


def hidden_corpora(record: RunRecord, find: FindPredictions, members: Sequence[Member]) -> tuple[Hidden, ...]:
    """Join the stored answers of a run with the candidates that gave them.

    Args:
        record: The run.
        find: Finds the stored predictions of a setup.
        members: The candidates, by the names of the run.
    """
    return tuple(
        _hidden(record, corpus, find, {member.name: member for member in members}) for corpus in record.corpora
    )


def _hidden(record: RunRecord, corpus: CorpusRecord, find: FindPredictions, members: Mapping[str, Member]) -> Hidden:
    verifications = {verification.candidate: verification for verification in record.verifications}
    clips = label_clips(corpus)
    joined = [
        join_evaluation(each, verifications[each.candidate], corpus, find(each.setup), clips)
        for each in record.evaluations
        if each.corpus == corpus.name and each.candidate in members
    ]
    whole = tuple(one for one in joined if one.complete)
    return Hidden(corpus.name, len(corpus.clips), tuple(members[one.candidate] for one in whole), whole)


def true_scores(hidden: Hidden) -> NDArray[np.float64]:
    """The open UAR of each candidate."""
    return np.array([uar(one.decisions) or 0.0 for one in hidden.evaluations])


def voters(hidden: Hidden, places: Sequence[int]) -> list[Voter]:
    """What bench says of some of the candidates without labels."""
    chosen = [hidden.evaluations[place] for place in places]
    answers = {one.candidate: one.answers for one in chosen}
    found = {voter.candidate: voter for voter in agreement(hidden.corpus, answers, near_twins(chosen)).voters}
    return [found[one.candidate] for one in chosen]


def orders(hidden: Hidden, places: Sequence[int]) -> Orders:
    """Hold the orders of some of the candidates against the true one, by UAR."""
    truth, said = true_scores(hidden)[list(places)], voters(hidden, places)
    right = np.array([accuracy(hidden.evaluations[place].decisions) or 0.0 for place in places])
    return Orders(
        len(places),
        rho(truth, [voter.estimated_accuracy for voter in said]),
        rho(truth, [voter.majority_agreement for voter in said]),
        rho(truth, [voter.confidence for voter in said]),
        rho(right, [voter.estimated_accuracy for voter in said]),
    )


def rho(truth: NDArray[np.float64], guessed: Sequence[float | None]) -> float:
    """Spearman's rank correlation; NaN where something is not known, or all are equal."""
    values = np.array([np.nan if value is None else value for value in guessed])
    if len(values) < FEWEST or np.isnan(values).any() or np.ptp(values) == 0 or np.ptp(truth) == 0:
        return float("nan")
    return float(spearmanr(truth, values).statistic)


def subsets(hidden: Hidden) -> dict[str, list[int]]:
    """Which of the candidates are ordered, by what they have in common."""
    kinds: dict[str, _Kept] = {
        "all": lambda _: True,
        "no noisy copies": lambda member: member.noise == 0,
        "trained on people's voices": lambda member: member.trained_on != "synthetic-voice",
        "trained on RAVDESS": lambda member: member.trained_on == "ravdess",
        "trained on the synthetic voice": lambda member: member.trained_on == "synthetic-voice",
    }
    chosen = {name: [p for p, member in enumerate(hidden.members) if keep(member)] for name, keep in kinds.items()}
    return {name: places for name, places in chosen.items() if len(places) >= FEWEST}


def drawn_orders(hidden: Hidden) -> list[Orders]:
    """The orders of eight candidates, drawn again and again."""
    generator = np.random.default_rng(SEED)
    if len(hidden.members) <= DRAWN:
        return []
    return [orders(hidden, generator.choice(len(hidden.members), DRAWN, replace=False).tolist()) for _ in range(DRAWS)]


def tables(corpora: Sequence[Hidden]) -> str:
    """Write the orders of all corpora as Markdown."""
    lines = [
        f"Seed {SEED}; `python -m scripts.unlabelled_order --models ../shared/models --work WORK --write`. The last "
        "three columns are Spearman's rho with the order by true UAR: 1 is the same order, 0 none, −1 the reverse. In "
        "parentheses: with the order by true accuracy. `--stored` prints the scores of each candidate.",
        "",
        "| corpus | candidates | how many | true UAR | Dawid–Skene | with the majority | confidence |",
        "| --- | --- | ---: | --- | ---: | ---: | ---: |",
    ]
    for hidden in corpora:
        truth = true_scores(hidden)
        for name, places in subsets(hidden).items():
            found, own = orders(hidden, places), truth[places]
            lines.append(
                f"| {hidden.corpus} ({hidden.clips} clips) | {name} | {found.candidates} | {own.min():.2f} to "
                f"{own.max():.2f} | {_shown(found.estimate)} "
                f"({_shown(found.estimate_of_accuracy)}) | {_shown(found.majority)} | {_shown(found.confidence)} |"
            )
        drawn = drawn_orders(hidden)
        if drawn:
            columns = [[getattr(one, name) for one in drawn] for name in ("estimate", "majority", "confidence")]
            lines.append(
                f"| {hidden.corpus} ({hidden.clips} clips) | {DRAWN} drawn at random, {DRAWS} times: median "
                f"[10 % to 90 %] | {DRAWN} | | {' | '.join(map(_middle, columns))} |"
            )
    return "\n".join(lines)


def candidate_tables(corpora: Sequence[Hidden]) -> str:
    """Write the scores of each checkpoint, without its copies, where all of them and their copies vote."""
    lines: list[str] = []
    for hidden in corpora:
        said = voters(hidden, range(len(hidden.members)))
        places = [place for place, member in enumerate(hidden.members) if member.noise == 0]
        truth = true_scores(hidden)
        lines += [
            "",
            f"On {hidden.corpus}, all candidates and copies voting, the checkpoints themselves:",
            "",
            "| candidate | trained on | true UAR | true accuracy | Dawid–Skene | with the majority | confidence |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for place in sorted(places, key=lambda place: -truth[place]):
            voter, member = said[place], hidden.members[place]
            right = accuracy(hidden.evaluations[place].decisions)
            numbers = (truth[place], right, voter.estimated_accuracy, voter.majority_agreement, voter.confidence)
            cells = " | ".join("–" if number is None else f"{number:.2f}" for number in numbers)
            lines.append(f"| {member.name} | {member.trained_on} | {cells} |")
    return "\n".join(lines)


def _shown(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}".replace("-", "−")


def _middle(values: Sequence[float]) -> str:
    known = np.array([value for value in values if not np.isnan(value)])
    if not known.size:
        return "–"
    low, middle, high = np.quantile(known, [0.1, 0.5, 0.9])
    return f"{_shown(middle)} [{_shown(low)} to {_shown(high)}]"
