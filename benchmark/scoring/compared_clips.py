"""The clips that intervals, pairs and ranks rest on: those that name a speaker, of emotions that are not rare.

A clip without a speaker, or of an emotion that hardly occurs, counts in point scores, and must not cost a corpus its
ranking: a jackknife can leave out neither an unknown speaker nor the only one of an emotion.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.scoring.decisions import MIN_EMOTIONS
from benchmark.scoring.intervals import MIN_SPEAKERS

MOST_UNNAMED = 0.1
"""Share of the scored clips without a speaker up to which they are left out; above it, speakers count as unknown."""
FEWEST_CLIPS = 5
"""An emotion with fewer scored clips is rare, and so is one of a single speaker."""
_FEWEST_SPEAKERS = 2
_LEAST_KEPT = 0.5

Names = Sequence[str | None]


@dataclass(frozen=True, kw_only=True)
class RareEmotions:
    """The emotions with fewer than five scored clips or a single speaker.

    Attributes:
        names: Sorted.
        can_go: Whether two emotions with half of the clips remain without them. If not, the corpus is small, rather
            than its emotions rare, and nothing is left out.
    """

    names: tuple[str, ...] = ()
    can_go: bool = False

    @property
    def left_out(self) -> frozenset[str]:
        """Those without which intervals, pairs and ranks are computed."""
        return frozenset(self.names if self.can_go else ())


def unnamed_clips(truth: Names, speakers: Names) -> list[int]:
    """Positions of the scored clips without a speaker; of all such clips if none is scored."""
    unnamed = [place for place, speaker in enumerate(speakers) if speaker is None] if None in speakers else []
    is_scored = any(emotion is not None for emotion in truth)
    return [place for place in unnamed if truth[place] is not None] if is_scored else unnamed


def knows_speakers(truth: Names, speakers: Names) -> bool:
    """Whether at most a tenth of the scored clips, or of all if none is scored, lacks a speaker."""
    scored = sum(emotion is not None for emotion in truth) or len(truth)
    return bool(scored) and len(unnamed_clips(truth, speakers)) <= MOST_UNNAMED * scored


def rare_emotions(truth: Names, speakers: Names) -> RareEmotions:
    """Find the rare emotions; speakers are counted where they are known and three or more.

    Examples:
        >>> rare_emotions(["anger"] * 5 + ["fear"] * 5 + ["envy"], [None] * 11).names
        ('envy',)
    """
    clips = Counter(emotion for emotion in truth if emotion is not None)
    rare = {emotion for emotion, number in clips.items() if number < FEWEST_CLIPS}
    if knows_speakers(truth, speakers):
        voices = {pair for pair in zip(truth, speakers, strict=True) if None not in pair}
        if len({speaker for _, speaker in voices}) >= MIN_SPEAKERS:
            of_emotion = Counter(emotion for emotion, _ in voices)
            rare |= {emotion for emotion in clips if of_emotion[emotion] < _FEWEST_SPEAKERS}
    kept = [number for emotion, number in clips.items() if emotion not in rare]
    can_go = len(kept) >= MIN_EMOTIONS and sum(kept) >= _LEAST_KEPT * clips.total()
    return RareEmotions(names=tuple(sorted(rare)), can_go=can_go)


def compared_truth(truth: Names, speakers: Names) -> tuple[str | None, ...]:
    """The emotion of each clip that intervals, pairs and ranks rest on; None for all others."""
    compared = without_emotions(truth, rare_emotions(truth, speakers).left_out)
    if not knows_speakers(truth, speakers):
        return compared
    return tuple(None if speaker is None else emotion for emotion, speaker in zip(compared, speakers, strict=True))


def without_emotions(truth: Names, emotions: frozenset[str]) -> tuple[str | None, ...]:
    """The emotion of each clip; None for clips of these emotions."""
    return tuple(None if emotion in emotions else emotion for emotion in truth)
