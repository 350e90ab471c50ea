"""Clips and the corpus that they make: its limit, its channel, its labels."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from benchmark.audio.channels import Channel, ChannelChoice
from benchmark.corpora.sources import AudioSource, ChannelledSource
from benchmark.emotions.label_map import LabelMap, map_labels
from benchmark.emotions.merges import resolve_merges
from benchmark.results.runs import ClipRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """One recording, with what its corpus knows of it.

    Attributes:
        name: Its name within the corpus, such as the path below the corpus's folder.
        audio: Where the audio comes from.
        label: The corpus's own label; None where it has none.
        speaker: Who speaks.
        sex: The speaker's sex.
        language: The language spoken.
        text_id: What is said.
        intensity: How strongly the emotion is played, in the corpus's own word.
        votes: How many raters chose each label; None where nobody counted them.
        attributes: Whatever else its corpus says of it: column → value.
    """

    name: str
    audio: AudioSource
    label: str | None = None
    speaker: str | None = None
    sex: str | None = None
    language: str | None = None
    text_id: str | None = None
    intensity: str | None = None
    votes: Mapping[str, int] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def stratum(self) -> str | None:
        """The label, or else the one that most raters chose, the first of equals by name: for drawing samples only."""
        if self.label is not None or not self.votes:
            return self.label
        return min(self.votes, key=lambda label: (-self.votes[label] if self.votes else 0, label))


def described(record: ClipRecord, clip: Clip) -> ClipRecord:
    """A record with what the corpus says of its clip."""
    return replace(
        record,
        label=clip.label,
        speaker=clip.speaker,
        sex=clip.sex,
        language=clip.language,
        text_id=clip.text_id,
        intensity=clip.intensity,
        votes=None if clip.votes is None else dict(clip.votes),
        attributes=dict(clip.attributes),
    )


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A set of clips.

    Attributes:
        name: What tables call it.
        source: The SPEC it came from.
        clips: The clips that are to be used.
        available_clips: How many there were before a limit.
        synthetic: Whether a program made the voices.
        labels: The user's overrides of what a label means.
        merge: Emotions that the user merges into others.
        notes: What a person should know of how it was read.
        selection: Which part of it the user asked for, in words; None for all of it.
        channel: What of recordings with several channels is heard.
    """

    name: str
    source: str
    clips: tuple[Clip, ...]
    available_clips: int
    synthetic: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    merge: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    selection: str | None = None
    channel: ChannelChoice = ChannelChoice.MIX

    def merging(self, more: Mapping[str, str]) -> "Corpus":
        """Merge emotions in addition to what the registry says of this corpus; what `more` says counts more.

        Raises:
            RequestError: Together they go round a circle.
        """
        return replace(self, merge=resolve_merges({**self.merge, **more}))

    def limited(self, clips: int | None) -> "Corpus":
        """Keep at most `clips` clips, the labels in turn, each label's in an order that depends on names alone."""
        if clips is None or clips >= len(self.clips):
            return self
        by_label: dict[str | None, list[int]] = defaultdict(list)
        for index in sorted(range(len(self.clips)), key=lambda index: shuffled(self.clips[index].name)):
            by_label[self.clips[index].stratum].append(index)
        turns = sorted(
            (turn, str(label), index) for label, group in by_label.items() for turn, index in enumerate(group)
        )
        kept = sorted(index for _, _, index in turns[:clips])
        return replace(self, clips=tuple(self.clips[index] for index in kept))


def storable(text: str) -> str:
    r"""Give a text as it can be stored: a name in a file system of Linux need not be Unicode, and what is stored must.

    Examples:
        >>> storable("call-\udcff.wav")
        'call-?.wav'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def shuffled(name: str) -> bytes:
    """A sort key that is unrelated to the order of names, and the same on every machine.

    Examples:
        >>> sorted(["a1", "a2", "a3"], key=shuffled)
        ['a2', 'a3', 'a1']
    """
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


_STEREO = 2


def choose_channel(corpus: Corpus, choice: ChannelChoice) -> Corpus:
    """Choose the channel of all clips of a corpus.

    `each` makes two clips of each clip with two channels, whose names end in `#left` and `#right`. The only channel of
    a clip counts as its left one; it has no right one.
    """
    if choice is ChannelChoice.MIX:
        return corpus
    clips = tuple(side for clip in corpus.clips for side in _sides(clip, choice))
    available = corpus.available_clips + len(clips) - len(corpus.clips)
    return replace(corpus, clips=clips, available_clips=available, channel=choice)


def _sides(clip: Clip, choice: ChannelChoice) -> Iterator[Clip]:
    audio = clip.audio
    if not isinstance(audio, ChannelledSource):
        yield clip
    elif choice is not ChannelChoice.EACH:
        yield replace(clip, audio=audio.on(Channel(choice)))
    elif (audio.channels() or 1) < _STEREO:
        yield clip
    else:
        for channel in (Channel.LEFT, Channel.RIGHT):
            yield replace(clip, name=f"{clip.name}#{channel}", audio=audio.on(channel))


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


def corpus_labels(corpus: Corpus) -> CorpusLabels:
    """Map the labels of a corpus to emotions, without decoding a clip.

    Raises:
        RequestError: An override names an unknown emotion.
    """
    counted: Counter[str] = Counter()
    for clip in corpus.clips:
        counted.update({clip.label: 1} if clip.label is not None else dict(clip.votes or {}))
    labels = sorted(counted)
    overrides = {label: emotion for label, emotion in corpus.labels.items() if label in counted}
    return CorpusLabels(
        label_map=map_labels(labels, overrides=overrides, merges=corpus.merge),
        clips=dict(counted),
        unlabelled=sum(clip.label is None and not clip.votes for clip in corpus.clips),
    )
