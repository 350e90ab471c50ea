"""Whether a score is better than anybody has published: more likely training data, or an error, than skill."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import yaml

from benchmark.results.leaderboard import CorpusSummary
from benchmark.scoring.seen import main_name

MARGIN = 0.05
NEARLY_PERFECT = 0.97
FEW_TO_BE_PERFECT_ON = 100
FEWEST_EMOTIONS = 2


@dataclass(frozen=True, kw_only=True)
class PublishedBests:
    """What others have reached.

    Attributes:
        source: Where that is published.
        uar: By corpus, in the form of `main_name`, and set of emotions.
        exempt: Corpora on which everybody is nearly perfect.
    """

    source: str
    uar: dict[tuple[str, frozenset[str]], float]
    exempt: frozenset[str]


@lru_cache(maxsize=1)
def published_bests() -> PublishedBests:
    """Read the packaged table.

    Examples:
        >>> published_bests().uar["iemocap", frozenset({"anger", "happiness", "neutral", "sadness"})]
        0.74
    """
    content = yaml.safe_load(files(__package__).joinpath("published_bests.yaml").read_text(encoding="utf-8"))
    return PublishedBests(
        source=content["source"],
        uar={(main_name(best["corpus"]), frozenset(best["emotions"])): best["uar"] for best in content["bests"]},
        exempt=frozenset(main_name(name) for name in content["exempt"]),
    )


def too_good(corpus: CorpusSummary, uar_low: float | None, accuracy: float | None) -> str | None:
    """Say why a score is too good to be believed.

    Args:
        corpus: The corpus; a part of a known one (`ravdess-heldout` from `ravdess:…`) is held against the whole.
        uar_low: Lower end of the interval of the open UAR; None where there is none.
        accuracy: Open accuracy.

    Returns:
        The reason in a sentence; None where there is none.
    """
    bests, clips = published_bests(), sum(corpus.emotion_clips.values())
    names = set(_names(corpus))
    if uar_low is None or len(corpus.emotion_clips) < FEWEST_EMOTIONS or names & bests.exempt:
        return None
    emotions = frozenset(corpus.emotion_clips)
    best = next((bests.uar[name, emotions] for name in sorted(names) if (name, emotions) in bests.uar), None)
    if best is not None:
        if uar_low <= best + MARGIN:
            return None
        return f"its UAR is above {uar_low:.3f}, where the best published is {best:.2f} (EmoBox)."
    if uar_low >= NEARLY_PERFECT:
        return f"its UAR is above {uar_low:.3f}: nearly perfect, which emotions in speech hardly allow."
    if accuracy == 1.0 and clips < FEW_TO_BE_PERFECT_ON:
        return f"not one error in {clips} clips."
    return None


def _names(corpus: CorpusSummary) -> Iterable[str]:
    scheme, _, _ = corpus.source.partition(":")
    return (main_name(name) for name in (corpus.name, scheme, corpus.source))
