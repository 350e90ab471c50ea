"""The best scores that papers report, by corpus and set of emotions: a packaged table with its source."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import yaml

from benchmark.results.analyses import ReportedScore
from benchmark.results.leaderboard import CorpusSummary, Leaderboard
from benchmark.scoring.trained_on import main_name


def with_published(leaderboard: Leaderboard) -> Leaderboard:
    """Add what papers report on each labelled corpus with exactly its emotions, or that nothing is known."""
    scores = []
    for corpus in leaderboard.corpora:
        if corpus.emotion_clips:
            best = published_bests().on(corpus)
            known = {} if best is None else {"uar": best.uar, "source": published_bests().source}
            scores.append(ReportedScore(corpus=corpus.name, emotions=len(corpus.emotion_clips), **known))
    return leaderboard.model_copy(update={"published": tuple(scores)})


@dataclass(frozen=True, kw_only=True)
class PublishedBest:
    """The best published UAR on a corpus and set of emotions; of corpora on which nothing is known, with their number.

    Attributes:
        corpus: In the form of `main_name`; empty for all others.
    """

    corpus: str
    uar: float
    emotions: frozenset[str]
    number: int

    def among(self, number: int, uar: float | None = None) -> float:
        """What this UAR, or another of the same emotions, is among fewer or more emotions.

        UAR / (UAR + (1 − UAR)·(k − 1)/(K − 1)): errors are spread evenly over the K − 1 other emotions, and those that
        are not among the k are left out.

        Examples:
            >>> best = PublishedBest(corpus="", uar=0.75, emotions=frozenset(), number=8)
            >>> round(best.among(8), 3), round(best.among(4), 3)
            (0.75, 0.875)
        """
        score = self.uar if uar is None else uar
        return score / (score + (1 - score) * (number - 1) / (self.number - 1))


@dataclass(frozen=True, kw_only=True)
class PublishedBests:
    """The best published scores, and that for corpora on which nobody has published any.

    Attributes:
        source: Where they were published, and of what.
        exempt: Corpora on which scores are saturated.
    """

    source: str
    bests: tuple[PublishedBest, ...]
    elsewhere: PublishedBest
    exempt: frozenset[str]

    def best(self, names: Collection[str], emotions: Collection[str]) -> PublishedBest:
        """The best on one of these corpora with the fewest emotions that contain these, else that for others."""
        fitting = [best for best in self.bests if best.corpus in names and best.emotions >= frozenset(emotions)]
        return min(fitting, key=lambda best: best.number, default=self.elsewhere)

    def on(self, corpus: CorpusSummary) -> PublishedBest | None:
        """The best on a corpus with exactly its emotions; None if none is known."""
        names, emotions = corpus_names(corpus), frozenset(corpus.emotion_clips)
        return next((best for best in self.bests if best.corpus in names and best.emotions == emotions), None)


@lru_cache(maxsize=1)
def published_bests() -> PublishedBests:
    """Read the packaged table.

    Examples:
        >>> published_bests().best({"iemocap"}, {"anger", "neutral"}).uar
        0.74
    """
    content = yaml.safe_load(files(__package__).joinpath("published_bests.yaml").read_text(encoding="utf-8"))
    return PublishedBests(
        source=content["source"],
        bests=tuple(
            PublishedBest(
                corpus=main_name(best["corpus"]),
                uar=best["uar"],
                emotions=frozenset(best["emotions"]),
                number=len(best["emotions"]),
            )
            for best in content["bests"]
        ),
        elsewhere=PublishedBest(corpus="", emotions=frozenset(), **content["elsewhere"]),
        exempt=frozenset(main_name(name) for name in content["exempt"]),
    )


def corpus_names(corpus: CorpusSummary) -> set[str]:
    """What a corpus may be: its name, its source, the convention that read it, and the words of these."""
    scheme, _, place = corpus.source.partition(":")
    words = re.split(r"[^a-z]+", f"{corpus.name} {place.rpartition('/')[2]}".casefold())
    return {main_name(name) for name in (corpus.name, scheme, corpus.source, *words) if name}
