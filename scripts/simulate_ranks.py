"""How often ranges of ranks exclude a true rank, the set of the best loses the best, and the pick's bounds its UAR.

    python -m scripts.simulate_ranks --write

Speakers add to the logit of recall SD 0.5 for each candidate, and SD 0.5 for each emotion. Prints tables, and with
`--write` puts them into docs/simulations.md. Seeded: the same numbers every time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmark.scoring.decisions import SpeakerCounts
from benchmark.scoring.intervals import uar_interval
from benchmark.scoring.ranking import PairedDifferences
from benchmark.scoring.selection import Contest, SelectionRule, expected_score
from scripts.generated_sections import simulate_into_page
from scripts.simulated_corpora import draw_recalls, true_uars

SEED = 20_260_301
EMOTIONS = 8
RANKED_PER_PICKED = 8
"""So many boards are ranked in about the time in which a pick is made from one and scored."""
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Board:
    """The candidates and the corpus of one setting.

    Attributes:
        name: How far the candidates are apart, for people.
        gaps: How much worse than the first each one is, in UAR.
        clips: Of each speaker and emotion.
        limit: The `min_uar` of the rule, and `within` the same.
    """

    name: str
    gaps: tuple[float, ...]
    speakers: int
    clips: int = 7
    limit: float = 0.0
    within: float | None = None

    @property
    def generator(self) -> np.random.Generator:
        """A generator of its own."""
        return np.random.default_rng([SEED, *f"{self}".encode()])

    def draw(self, generator: np.random.Generator) -> list[SpeakerCounts]:
        """Draw the answers of all candidates."""
        recalls = draw_recalls(generator, self.gaps, speakers=self.speakers, emotions=EMOTIONS)
        clips = np.full(recalls.shape[1:], self.clips)
        return [SpeakerCounts(hits=hits, clips=clips) for hits in generator.binomial(self.clips, recalls)]


def equal(number: int) -> tuple[str, tuple[float, ...]]:
    """Candidates of one UAR."""
    return f"{number} equal", (0.0,) * number


def one_better(number: int, gap: float) -> tuple[str, tuple[float, ...]]:
    """The first is better than all others, which are equal."""
    return f"1 of {number} better by {gap:.2f}", (0.0, *[gap] * (number - 1))


def ladder(number: int) -> tuple[str, tuple[float, ...]]:
    """Candidates from a UAR of 0.62 to one of 0.42, evenly."""
    return f"{number} from 0.62 to 0.42", tuple(np.linspace(0.0, 0.2, number).tolist())


RANKED = tuple(
    Board(name=name, gaps=gaps, speakers=speakers)
    for name, gaps in (equal(10), one_better(10, 0.02), one_better(10, 0.1), ladder(8), ladder(30), one_better(3, 0.02))
    for speakers in (4, 10, 24)
)
PICKED = tuple(
    Board(name=name, gaps=gaps, speakers=speakers, clips=clips)
    for (name, gaps), clips in (
        (equal(3), 4), (equal(10), 4), (equal(30), 4), (one_better(10, 0.05), 4), (ladder(10), 7),
    )
    for speakers in (4, 10, 24)
)  # fmt: skip
LIMITED = (
    Board(name=f"{equal(10)[0]}, lower bound of UAR ≥ 0.55", gaps=equal(10)[1], speakers=24, clips=4, limit=0.55),
    Board(name=f"{ladder(5)[0]}, within 0.10", gaps=ladder(5)[1], speakers=24, within=0.1),
    Board(name=f"{one_better(5, 0.03)[0]}, within 0.10", gaps=one_better(5, 0.03)[1], speakers=24, within=0.1),
    Board(name=equal(10)[0], gaps=equal(10)[1], speakers=60, clips=4),
)


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """Shares of boards.

    Attributes:
        excluded: A range excludes a rank that its candidate has, or, of equals, can have.
        lost: The best, or the first of equals, is not among those that may be the best.
        alone: Only the best may be the best.
        exceeded: For some candidate, choosing it costs more than the bound says.
        inverted: A candidate has a worse first rank than one with a lower UAR: why rows are in the order of UAR.
    """

    excluded: float
    lost: float
    alone: float
    exceeded: float
    inverted: float


def rank_boards(board: Board, draws: int) -> Ranked:
    """Draw boards and compare ranges of ranks, the set of the best and the costs with the truth."""
    truth, generator = -np.array(board.gaps), board.generator
    above = truth[:, None] > truth + _ROUNDING
    first, last = 1 + above.sum(axis=0), len(truth) - above.sum(axis=1)
    events = []
    for _ in range(draws):
        paired = PairedDifferences.of(board.draw(generator))
        standings = paired.standings
        low, high = np.array([[own.rank, own.rank_high] for own in standings]).T
        member = np.array([own.may_be_best for own in standings])
        bounds = np.array([own.regret_high for own in standings])
        higher = paired.differences > 0
        events.append([
            ((low > first) | (high < last)).any(),
            not member[0],
            member[0] and member.sum() == 1,
            (truth.max() - truth > bounds + _ROUNDING).any(),
            (higher & (low[:, None] > low)).any(),
        ])  # fmt: skip
    excluded, lost, alone, exceeded, inverted = np.mean(events, axis=0).tolist()
    return Ranked(excluded=excluded, lost=lost, alone=alone, exceeded=exceeded, inverted=inverted)


@dataclass(frozen=True, kw_only=True)
class Picked:
    """What the pick's scores are worth, over the draws in which the rule picks somebody.

    Attributes:
        shown: Mean of the pick's UAR in the table less its true UAR.
        expected: The same of the expected UAR.
        table_exceeded: Share of draws in which the lower bound in the table exceeds the true UAR.
        exceeded: The same of the lower bound of the expected UAR.
        covered: Share of draws whose interval of the expected UAR holds the true one.
    """

    shown: float
    expected: float
    table_exceeded: float
    exceeded: float
    covered: float


def pick_boards(board: Board, draws: int) -> Picked:
    """Draw boards, let the rule pick, and compare what is said of the pick with its true UAR."""
    truth, generator = true_uars(board.gaps, emotions=EMOTIONS), board.generator
    outcomes = []
    for _ in range(draws):
        counts = board.draw(generator)
        contest = Contest.of(counts)
        costs = [(float(cost), 0.0) for cost in generator.permutation(len(counts))]
        rule = SelectionRule(costs=costs, min_uar=board.limit, within=board.within)
        pick = rule.pick([contest], [np.ones(board.speakers, dtype=np.bool_)])
        allowed = contest.lower_bounds > max(board.limit, contest.chance)
        if not allowed[pick] or (board.within is not None and contest.regrets(allowed)[pick] > board.within):
            continue
        own, hits = counts[pick], counts[pick].hits.sum(axis=0)
        interval = uar_interval(np.column_stack([np.diag(hits), own.clips.sum(axis=0) - hits]), own)
        if interval is None:
            continue
        expected, bounds = expected_score([contest], 0, rule, pick, interval)
        true = truth[pick]
        outcomes.append([
            own.uar - true, expected - true, interval.low > true, bounds.low > true, bounds.low <= true <= bounds.high,
        ])  # fmt: skip
    shown, bias, table_exceeded, exceeded, covered = np.mean(outcomes, axis=0).tolist()
    return Picked(shown=shown, expected=bias, table_exceeded=table_exceeded, exceeded=exceeded, covered=covered)


def report(draws: int) -> str:
    """Simulate everything and write what came of it as Markdown."""
    return "\n".join([*_ranks_table(draws * RANKED_PER_PICKED), "", *_picks_table(draws)])


def _ranks_table(draws: int) -> Iterator[str]:
    yield (
        f"{draws:,} boards a row, {EMOTIONS} emotions, {RANKED[0].clips} clips per speaker and emotion, seed {SEED}; "
        "`python -m scripts.simulate_ranks --write`. A speaker adds to the logit SD 0.5 for each candidate and SD 0.5 "
        "for each emotion. Shares of boards in %."
    )
    yield ""
    yield (
        "| candidates | speakers | a range excludes a true rank | the best is lost | only the best may be best | a "
        "bound of the cost is exceeded | first ranks against the order of UAR |"
    )
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for board in RANKED:
        result = rank_boards(board, draws)
        shares = (result.excluded, result.lost, result.alone, result.exceeded, result.inverted)
        yield f"| {board.name} | {board.speakers} | {' | '.join(f'{share * 100:.1f}' for share in shares)} |"


def _picks_table(draws: int) -> Iterator[str]:
    yield (
        f"The pick: {draws:,} boards a row. *Too high*: mean of the score less the true UAR of the pick, of the "
        "UAR in its row and of the expected one."
    )
    yield ""
    yield (
        "| candidates | speakers | clips of each | shown too high | expected too high | lower bound of the row exceeds "
        "the truth, % | expected: lower bound exceeds it, % | expected: interval holds it, % |"
    )
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for board in (*PICKED, *LIMITED):
        result = pick_boards(board, draws)
        shares = (result.table_exceeded, result.exceeded, result.covered)
        yield (
            f"| {board.name} | {board.speakers} | {board.clips} | {result.shown:+.3f} | {result.expected:+.3f} | "
            f"{' | '.join(f'{share * 100:.1f}' for share in shares)} |"
        )


def main() -> None:
    """Simulate, print the tables, and write them into the protocol where asked."""
    simulate_into_page("ranks", report, description="How far ranks and the pick's score hold.", draws=400)


if __name__ == "__main__":
    main()
