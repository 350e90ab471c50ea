"""Speakers that stand in the names of files: taken by the user's pattern, and patterns that may be meant."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmark.corpora.clips import Clip, Corpus
from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError, shorten

MIN_SPEAKERS = 3
"""With fewer, scores cannot be compared over speakers."""
CLIPS_OF_EACH = 4
"""So many clips a speaker should have on average: parts of names that change more often number the clips."""
_OFFERED = 3
_FOLDERS, _PARTS = 3, 8
# The n-th folder, the n-th part of the file's name between underscores or hyphens, digits or letters it begins with.
_USUAL_PATTERNS = (
    *(rf"^(?:[^/]+/){{{before}}}([^/]+)/" for before in range(_FOLDERS)),
    *(rf"(?:^|/)(?:[^/_-]+[_-]){{{before}}}([^/_.-]+)[^/]*$" for before in range(_PARTS)),
    r"(?:^|/)(\d+)[^/]*$",
    r"(?:^|/)([A-Za-z]+)\d[^/]*$",
)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a `--speaker-pattern`.

    Raises:
        RequestError: It is no regular expression.
    """
    try:
        return re.compile(pattern)
    except re.error as error:
        raise RequestError(
            f"--speaker-pattern {pattern!r} is no regular expression ({error}): write one that finds the speaker in a "
            r"file name, such as '^([^_]+)_' for anna_01.wav."
        ) from None


def take_speakers(corpus: Corpus, pattern: re.Pattern[str]) -> Corpus:
    """Take the speakers of clips that have none from their names, with a note on how many there are.

    The speaker is the group `speaker`, else the first group, else all that the pattern finds.

    Raises:
        RequestError: The pattern finds no speaker in any of these names.
    """
    unknown = [clip for clip in corpus.clips if clip.speaker is None]
    if not unknown:
        note = "The speakers of all clips are known; --speaker-pattern changes nothing."
        return replace(corpus, notes=(*corpus.notes, note))
    found = Counter(speaker for clip in unknown if (speaker := speaker_in(clip.name, pattern)) is not None)
    if not found:
        raise RequestError(
            f"--speaker-pattern {pattern.pattern!r} finds no speaker in the file names of {corpus.name}, such as "
            f"{unknown[0].name}; `bench corpus` without it offers patterns."
        )
    notes = [f"Speakers that are taken from file names: {len(found):,} ({shorten(sorted(found))})."]
    clips = tuple(
        clip if clip.speaker is not None else replace(clip, speaker=speaker_in(clip.name, pattern))
        for clip in corpus.clips
    )
    return replace(corpus, clips=clips, notes=(*corpus.notes, *notes))


def speaker_in(name: str, pattern: re.Pattern[str]) -> str | None:
    r"""The speaker that a pattern finds in the name of a clip.

    Examples:
        >>> speaker_in("anna_01.wav", re.compile("^([^_]+)_")), speaker_in("01.wav", re.compile("^([^_]+)_"))
        ('anna', None)
        >>> speaker_in("calls/17/a.wav", re.compile(r"(calls)/(?P<speaker>\d+)/"))
        '17'
    """
    match = pattern.search(name)
    if match is None:
        return None
    return match["speaker" if "speaker" in pattern.groupindex else min(pattern.groups, 1)] or None


@dataclass(frozen=True)
class PossibleSpeakers:
    """What a pattern would take for speakers."""

    pattern: str
    speakers: tuple[str, ...]


def speaker_offers(corpus: Corpus) -> tuple[str, ...]:
    """Sentences that offer patterns where the speakers of a corpus are unknown; none where all are known."""
    if all(clip.speaker is not None for clip in corpus.clips):
        return ()
    return tuple(
        f"If speakers stand in the file names: --speaker-pattern '{offer.pattern}' finds {len(offer.speakers):,} "
        f"({shorten(offer.speakers)})."
        for offer in possible_speakers(corpus.clips)[:_OFFERED]
    )


def possible_speakers(clips: Sequence[Clip]) -> tuple[PossibleSpeakers, ...]:
    """Find usual patterns whose finds could be speakers; most speakers first.

    There must be at least three, with four clips each on average and no single ones, found in every name; none is an
    emotion, and on average each has clips with two labels, if there are labels.
    """
    return tuple(sorted(_plausible(clips), key=lambda possible: -len(possible.speakers)))


def _plausible(clips: Sequence[Clip]) -> Iterator[PossibleSpeakers]:
    labelled = len({clip.stratum for clip in clips if clip.stratum is not None}) > 1
    known: set[tuple[str, ...]] = set()
    for pattern in map(re.compile, _USUAL_PATTERNS):
        found: list[str] = []
        for clip in clips:
            if (speaker := speaker_in(clip.name, pattern)) is None:
                break
            found.append(speaker)
        counts = Counter(found)
        if len(found) < len(clips) or not MIN_SPEAKERS <= len(counts) <= len(clips) / CLIPS_OF_EACH:
            continue
        with_label = {(speaker, clip.stratum) for speaker, clip in zip(found, clips, strict=True)}
        if min(counts.values()) == 1 or (labelled and len(with_label) < 2 * len(counts)):
            continue
        if tuple(found) not in known and not any(emotion_of(speaker) for speaker in counts):
            known.add(tuple(found))
            yield PossibleSpeakers(pattern.pattern, tuple(sorted(counts)))
