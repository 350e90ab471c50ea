"""Choosing a part of a corpus: speakers, languages, labels, and a sample that keeps the labels' shares."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from benchmark.corpora.clips import Clip, Corpus, shuffled
from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError

_SHOWN = 30


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which clips of a corpus to keep; by default all.

    Attributes:
        speakers: Only clips of these, as the corpus writes them.
        languages: Only clips in these, as the corpus or the registry writes them.
        only_labels: Only clips with these labels, or of these emotions.
        sample: At most so many clips, each label with its share of the whole.
        seed: Which sample.
    """

    speakers: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    only_labels: tuple[str, ...] = ()
    sample: int | None = None
    seed: int = 0

    def apply(self, corpus: Corpus) -> Corpus:
        """Keep the clips that pass.

        Clips that are filtered out by speaker, language or label no longer count as available; those that a sample
        leaves out do.

        Raises:
            RequestError: A speaker, language or label does not occur, or nothing is left.
        """
        corpus = _keep_values(corpus, "speaker", self.speakers)
        corpus = _keep_values(corpus, "language", self.languages)
        corpus = _keep_labels(corpus, self.only_labels)
        return corpus if self.sample is None else sampled(corpus, self.sample, self.seed)


def sampled(corpus: Corpus, clips: int, seed: int = 0) -> Corpus:
    """Draw a sample in which each label has its share of the whole, and at least one clip where there is room.

    A clip is drawn or not by its name and the seed alone: the same on every machine, and larger samples hold most of
    the smaller ones.

    Args:
        corpus: What to draw from; its order is kept.
        clips: How many at most.
        seed: Which sample.
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
    """Divide a number among groups by their sizes, by largest remainders; where there is room, each gets at least one.

    Args:
        groups: Group → its size.
        total: At most the sum of the sizes.

    Returns:
        Group → its share, never more than its size; `total` in all.

    Examples:
        >>> shares_of({"anger": 60, "fear": 39, "calm": 1}, 10)
        {'anger': 6, 'fear': 3, 'calm': 1}
    """
    least = 1 if total >= len(groups) else 0
    whole = sum(groups.values()) or 1
    exact = {group: Fraction(size * total, whole) for group, size in groups.items()}
    shares = {group: max(least, int(share)) for group, share in exact.items()}
    # The group furthest above its exact share gives one, the group furthest below gets one.
    surplus = {group: shares[group] - exact[group] for group in groups}
    while sum(shares.values()) > total:
        giver = max((group for group in groups if shares[group] > least), key=lambda group: (surplus[group], group))
        shares[giver], surplus[giver] = shares[giver] - 1, surplus[giver] - 1
    while sum(shares.values()) < total:
        taker = min((group for group in groups if shares[group] < groups[group]), key=lambda g: (surplus[g], g))
        shares[taker], surplus[taker] = shares[taker] + 1, surplus[taker] + 1
    return shares


def _keep_values(corpus: Corpus, field: str, wanted: tuple[str, ...]) -> Corpus:
    """Keep the clips whose `speaker` or `language` is one of those wanted."""
    if not wanted:
        return corpus
    values = [getattr(clip, field) for clip in corpus.clips]
    if unknown := [value for value in wanted if value not in values]:
        known = _listed(values) or f"no {field}s at all"
        raise RequestError(f"The corpus {corpus.name!r} has no {field} {unknown[0]!r}; it has {known}.")
    kept = [clip for clip, value in zip(corpus.clips, values, strict=True) if value in wanted]
    return _with_clips(corpus, kept, f"{field} {', '.join(wanted)}")


def _keep_labels(corpus: Corpus, wanted: tuple[str, ...]) -> Corpus:
    """Keep the clips with one of the labels wanted, or of one of the emotions."""
    if not wanted:
        return corpus
    present = {clip.stratum for clip in corpus.clips if clip.stratum}
    meanings = {label: {label, corpus.labels.get(label) or emotion_of(label)} for label in present}
    known = {meaning for named in meanings.values() for meaning in named}
    if unknown := [text for text in wanted if not known & {text, emotion_of(text)}]:
        raise RequestError(
            f"The corpus {corpus.name!r} has no label {unknown[0]!r}; it has {_listed(present) or 'no labels at all'}."
        )
    accepted = {text if text in known else emotion_of(text) for text in wanted}
    kept = [clip for clip in corpus.clips if meanings.get(clip.stratum or "", set()) & accepted]
    return _with_clips(corpus, kept, f"label {', '.join(wanted)}")


def _with_clips(corpus: Corpus, kept: Sequence[Clip], selection: str) -> Corpus:
    if not kept:
        raise RequestError(f"Nothing is left of the corpus {corpus.name!r} ({selection}): loosen a filter.")
    # Clips that an earlier sample left out count as available still.
    available = corpus.available_clips - len(corpus.clips) + len(kept)
    return _selected(replace(corpus, clips=tuple(kept), available_clips=available), selection)


def _selected(corpus: Corpus, selection: str) -> Corpus:
    return replace(corpus, selection=f"{corpus.selection}; {selection}" if corpus.selection else selection)


def _listed(present: Iterable[str | None]) -> str:
    names = sorted({name for name in present if name is not None})
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
