"""Choosing a part of a corpus: speakers, languages, labels, and a sample that keeps the labels' shares."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from benchmark.corpora.clips import Corpus
from benchmark.emotions.aliases import emotion_of
from benchmark.errors import RequestError, shorten
from benchmark.options.shared import ClipOptions
from benchmark.registry.schema import CorpusEntry
from benchmark.results.left_out import left_out

_SHOWN = 30


def filtered(corpus: Corpus, options: ClipOptions | CorpusEntry) -> Corpus:
    """Keep the clips with the speakers, languages and labels of the options or of the registry, and sample them.

    Clips that are filtered out by speaker, language or label no longer count as available; those that a sample leaves
    out do.

    Raises:
        RequestError: No clip has one of the speakers, languages or labels.
    """
    corpus = _keep_values(corpus, "speaker", options.speakers)
    corpus = _keep_values(corpus, "language", options.languages)
    corpus = _keep_values(corpus, "label", options.only_labels)
    return corpus if options.sample is None else sampled(corpus, options.sample, options.seed)


def sampled(corpus: Corpus, clips: int, seed: int = 0) -> Corpus:
    """Draw a sample of at most `clips` clips, in which each label has its share and, if there is room, at least one.

    Whether a clip is drawn depends on its name and the seed alone: the same on every machine, and larger samples
    contain most of the smaller ones. The order of the corpus is kept.
    """
    if clips >= len(corpus.clips):
        return corpus
    by_label = corpus.shuffled_by_label(f"{seed}\0")
    shares = shares_of({repr(label): len(indices) for label, indices in by_label.items()}, clips)
    kept = sorted(index for label, indices in by_label.items() for index in indices[: shares[repr(label)]])
    drawn = replace(corpus, clips=tuple(corpus.clips[index] for index in kept))
    return _with_selection(drawn, f"a sample of {clips}, seed {seed}")


def shares_of(groups: Mapping[str, int], total: int) -> dict[str, int]:
    """Divide a number among groups by their sizes, by largest remainders; if there is room, each gets at least one.

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

    def surplus(group: str) -> tuple[Fraction, str]:
        return shares[group] - exact[group], group

    # The group furthest above its exact share gives one, the group furthest below gets one.
    while sum(shares.values()) > total:
        shares[max((group for group in groups if shares[group] > least), key=surplus)] -= 1
    while sum(shares.values()) < total:
        shares[min((group for group in groups if shares[group] < groups[group]), key=surplus)] += 1
    return shares


def _keep_values(corpus: Corpus, field: str, selected: Sequence[str] | None) -> Corpus:
    """Keep the clips whose speaker, language or label is selected, or whose label means a selected emotion.

    A text that is a label or the emotion of one is not translated into an emotion as well.
    """
    if not selected:
        return corpus
    values = [clip.stratum if field == "label" else getattr(clip, field) for clip in corpus.clips]
    present = {value for value in values if value is not None}
    emotions = {label: corpus.labels.get(label) or emotion_of(label) for label in present} if field == "label" else {}
    accepted: set[str] = set()
    for text in selected:
        emotion = emotion_of(text)
        matches = {value for value in present if text in (value, emotions.get(value))} or {
            label for label, meaning in emotions.items() if meaning is not None and meaning == emotion
        }
        if not matches:
            known = shorten(sorted(present), _SHOWN) or f"no {field}s at all"
            raise RequestError(f"The corpus {corpus.name!r} has no {field} {text!r}; it has {known}.")
        accepted |= matches
    kept = tuple(clip for clip, value in zip(corpus.clips, values, strict=True) if value in accepted)
    others = [clip.name for clip, value in zip(corpus.clips, values, strict=True) if value not in accepted]
    if others:
        what = f"of {len(corpus.clips):,} clips [has|have] another {field}"
        option = f"--{'only-label' if field == 'label' else field}"
        then = f"not read, as {option} or the registry asks for it"
        line = left_out("selection", len(others), others, what, then, about=f"than {shorten(selected)}", option=option)
        corpus = replace(corpus, left_out=(*corpus.left_out, line))
    # Clips that an earlier sample left out still count as available.
    available = corpus.available_clips - len(corpus.clips) + len(kept)
    return _with_selection(replace(corpus, clips=kept, available_clips=available), f"{field} {', '.join(selected)}")


def _with_selection(corpus: Corpus, selection: str) -> Corpus:
    return replace(corpus, selection=f"{corpus.selection}; {selection}" if corpus.selection else selection)
