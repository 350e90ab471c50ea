"""The labels of a corpus, and what they mean, without decoding a clip."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.corpora.clips import Corpus
from benchmark.emotions.label_map import LabelMap, map_labels
from benchmark.emotions.merges import NO_MERGES, Merges


@dataclass(frozen=True)
class CorpusLabels:
    """The labels of a corpus.

    Attributes:
        label_map: What each means; the classes have the indices 0, 1, … in the order of the labels.
        clips: How many clips, or votes of raters where clips have no label of their own, have each label.
        unlabelled: Clips with neither a label nor votes.
    """

    label_map: LabelMap
    clips: Mapping[str, int]
    unlabelled: int


def corpus_labels(corpus: Corpus, merges: Merges = NO_MERGES) -> CorpusLabels:
    """Find out what the labels of a corpus mean.

    Args:
        corpus: As it was opened, with the user's overrides and its own merges.
        merges: Further merges; they count more than the corpus's own.

    Returns:
        Its labels, sorted by name.

    Raises:
        RequestError: A merge or an override contradicts another, or names an emotion that nobody knows.
    """
    counted: Counter[str] = Counter()
    for clip in corpus.clips:
        counted.update({clip.label: 1} if clip.label is not None else dict(clip.votes or {}))
    labels = sorted(counted)
    overrides = {label: emotion for label, emotion in corpus.labels.items() if label in counted}
    together = Merges(corpus.merging(merges.as_dict()).merge)
    return CorpusLabels(
        label_map=map_labels(labels, overrides=overrides, merges=together),
        clips=dict(counted),
        unlabelled=sum(clip.label is None and not clip.votes for clip in corpus.clips),
    )
