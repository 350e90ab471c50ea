"""Which part of a corpus is wanted: speakers, languages, labels, and a sample that keeps the labels' shares."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from benchmark.corpora.clips import Clip, Corpus, shuffled
from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError

_SHOWN = 30
_Keep = Callable[[Clip, Collection[str]], bool]


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What is wanted of a corpus; nothing said is everything.

    Attributes:
        speakers: Only clips of these, as the corpus writes them.
        languages: Only clips in these, as the corpus or the registry writes them.
        only_labels: Only clips with these labels, or of these emotions.
        sample: So many clips at most, each label with its share of the whole.
        seed: Which sample.
    """

    speakers: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    only_labels: tuple[str, ...] = ()
    sample: int | None = None
    seed: int = 0

    def apply(self, corpus: Corpus) -> Corpus:
        """Keep what is wanted.

        Args:
            corpus: All of it, or what other filters left.

        Returns:
            The corpus with the wanted clips. What was filtered out by speaker, language or label does not count as
            available; what a sample left out does.

        Raises:
            RequestError: A speaker, language or label does not occur, or nothing is left.
        """
        corpus = _kept(corpus, "speaker", self.speakers, {clip.speaker for clip in corpus.clips}, _is_by)
        corpus = _kept(corpus, "language", self.languages, {clip.language for clip in corpus.clips}, _is_in)
        corpus = _with_labels(corpus, self.only_labels)
        return corpus if self.sample is None else sampled(corpus, self.sample, self.seed)


def sampled(corpus: Corpus, clips: int, seed: int = 0) -> Corpus:
    """Draw a sample in which each label has its share of the whole, and at least one clip where there is room.

    A clip is drawn or not by its name and the seed alone: the same on every machine, and larger samples hold most of
    the smaller ones.

    Args:
        corpus: What to draw from.
        clips: How many at most.
        seed: Which sample.

    Returns:
        The corpus with the sample, in its order.
    """
    if clips >= len(corpus.clips):
        return corpus
    by_label: dict[str | None, list[int]] = defaultdict(list)
    for index in sorted(range(len(corpus.clips)), key=lambda index: shuffled(f"{seed}\0{corpus.clips[index].name}")):
        by_label[corpus.clips[index].stratum].append(index)
    shares = shares_of({repr(label): len(group) for label, group in by_label.items()}, clips)
    kept = sorted(index for label, group in by_label.items() for index in group[: shares[repr(label)]])
    drawn = replace(corpus, clips=tuple(corpus.clips[index] for index in kept))
    return _selected(drawn, f"a sample of {clips}, seed {seed}")


def shares_of(groups: Mapping[str, int], total: int) -> dict[str, int]:
    """Share a number out to groups by their sizes, by largest remainders; where there is room, no group gets nothing.

    Args:
        groups: Group → its size.
        total: What is to be shared out, at most the sum of the sizes.

    Returns:
        Group → its share, `total` in all and never more than its size.

    Examples:
        >>> shares_of({"anger": 60, "fear": 39, "calm": 1}, 10)
        {'anger': 6, 'fear': 3, 'calm': 1}
    """
    least = 1 if total >= len(groups) else 0
    whole = sum(groups.values()) or 1
    exact = {group: Fraction(size * total, whole) for group, size in groups.items()}
    shares = {group: max(least, int(share)) for group, share in exact.items()}
    # Whoever is furthest above, or below, its exact share gives, or gets, the next one.
    surplus = {group: shares[group] - exact[group] for group in groups}
    while sum(shares.values()) > total:
        giver = max((group for group in groups if shares[group] > least), key=lambda group: (surplus[group], group))
        shares[giver], surplus[giver] = shares[giver] - 1, surplus[giver] - 1
    while sum(shares.values()) < total:
        taker = min((group for group in groups if shares[group] < groups[group]), key=lambda g: (surplus[g], g))
        shares[taker], surplus[taker] = shares[taker] + 1, surplus[taker] + 1
    return shares


def _is_by(clip: Clip, wanted: Collection[str]) -> bool:
    return clip.speaker in wanted


def _is_in(clip: Clip, wanted: Collection[str]) -> bool:
    return clip.language in wanted


def _kept(corpus: Corpus, what: str, wanted: tuple[str, ...], present: set[str | None], keep: _Keep) -> Corpus:
    if not wanted:
        return corpus
    if unknown := [one for one in wanted if one not in present]:
        known = _listed(present) or f"no {what}s at all"
        raise RequestError(f"The corpus {corpus.name!r} has no {what} {unknown[0]!r}; it has {known}.")
    return _with_clips(corpus, (clip for clip in corpus.clips if keep(clip, wanted)), f"{what} {', '.join(wanted)}")


def _with_labels(corpus: Corpus, wanted: tuple[str, ...]) -> Corpus:
    if not wanted:
        return corpus
    present = {clip.stratum for clip in corpus.clips} - {None}
    meanings = {label: {label, corpus.labels.get(label) or emotion_of(label)} for label in present if label}
    known = {meaning for named in meanings.values() for meaning in named}
    if unknown := [one for one in wanted if not known & {one, emotion_of(one)}]:
        raise RequestError(
            f"The corpus {corpus.name!r} has no label {unknown[0]!r}; it has {_listed(present) or 'no labels at all'}."
        )
    accepted = {one for one in wanted if one in known} | {emotion_of(one) for one in wanted if one not in known}
    return _with_clips(
        corpus,
        (clip for clip in corpus.clips if meanings.get(clip.stratum or "", set()) & accepted),
        f"label {', '.join(wanted)}",
    )


def _with_clips(corpus: Corpus, clips: Iterable[Clip], selection: str) -> Corpus:
    kept = tuple(clips)
    if not kept:
        raise RequestError(f"Nothing is left of the corpus {corpus.name!r} ({selection}): loosen a filter.")
    # What a sample left out before stays left out, and is still told.
    available = corpus.available_clips - len(corpus.clips) + len(kept)
    return _selected(replace(corpus, clips=kept, available_clips=available), selection)


def _selected(corpus: Corpus, selection: str) -> Corpus:
    return replace(corpus, selection=f"{corpus.selection}; {selection}" if corpus.selection else selection)


def _listed(present: Iterable[str | None]) -> str:
    names = sorted(name for name in present if name is not None)
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
