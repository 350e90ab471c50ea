"""Clips and the corpus that they make: its limit, its channel, its merges."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmark.audio.channels import Channel, ChannelChoice
from benchmark.corpora.audio_sources import AudioAddress, AudioFile, AudioSource
from benchmark.emotions.merges import resolve_merges
from benchmark.results.left_out import LeftOut
from benchmark.results.runs import ClipRecord, CorpusRecord

_STEREO = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """One recording, with its description by the corpus.

    Attributes:
        name: Its name within the corpus, such as the path below the corpus's folder.
        label: The corpus's own label.
        text_id: Identifies the sentence spoken.
        intensity: How strongly the emotion is played, in the corpus's own word.
        votes: Label → number of raters who chose it; None where nobody counted them.
        attributes: The other columns of the corpus: column → value.
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
        return min(self.votes.items(), key=lambda vote: (-vote[1], vote[0]))[0]


@dataclass(frozen=True)
class CorpusContents:
    """What a folder, a table or a dataset holds.

    Attributes:
        notes: Sentences for the user on how it was read.
        codes: The corpus's own codes for labels: code → canonical class.
        source: The SPEC pinned to a revision, of a dataset.
        left_out: Files that are no clips.
        complete: Fetches the audio of those clips that are selected; None where it is there.
    """

    clips: tuple[Clip, ...]
    notes: tuple[str, ...] = ()
    codes: dict[str, str] = field(default_factory=dict)
    source: str | None = None
    left_out: tuple[LeftOut, ...] = ()
    complete: Callable[[Sequence[Clip]], tuple[Clip, ...]] | None = None


def described(record: ClipRecord, clip: Clip) -> ClipRecord:
    """The record of a clip with its description by the corpus."""
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
        source: Its SPEC.
        clips: The selected clips.
        available_clips: How many there were before a limit.
        columns: Role → the column of a table that the user chose for it.
        synthetic: Whether a program made the voices.
        labels: The user's overrides of what a label means.
        merge: Emotions that the user merges into others.
        notes: Sentences for the user on how it was read.
        left_out: Files and clips that were left out.
        selection: The user's selection of clips in words; None for all.
    """

    name: str
    source: str
    clips: tuple[Clip, ...]
    available_clips: int
    columns: dict[str, str] = field(default_factory=dict)
    synthetic: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    merge: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    selection: str | None = None
    channel: ChannelChoice = ChannelChoice.MIX

    def merging(self, more: Mapping[str, str]) -> "Corpus":
        """Merge emotions in addition to the corpus's own merges, over which `more` takes precedence.

        Raises:
            RequestError: The merges form a circle.
        """
        return replace(self, merge=resolve_merges({**self.merge, **more}))

    def limited(self, clips: int | None) -> "Corpus":
        """Keep at most `clips` clips, the labels in turn, each label's in an order that depends on names alone."""
        if clips is None or clips >= len(self.clips):
            return self
        turns = sorted(
            (turn, str(label), index)
            for label, indices in self.shuffled_by_label().items()
            for turn, index in enumerate(indices)
        )
        kept = sorted(index for _, _, index in turns[:clips])
        return replace(self, clips=tuple(self.clips[index] for index in kept))

    def shuffled_by_label(self, salt: str = "") -> dict[str | None, list[int]]:
        """Label → indices of its clips, in an order that follows from their names and the salt on every machine."""

        def digest(index: int) -> bytes:
            return hashlib.sha256((salt + self.clips[index].name).encode("utf-8", "surrogatepass")).digest()

        by_label: dict[str | None, list[int]] = defaultdict(list)
        for index in sorted(range(len(self.clips)), key=digest):
            by_label[self.clips[index].stratum].append(index)
        return by_label


def choose_channel(corpus: Corpus, choice: ChannelChoice, count: Callable[[AudioSource], int | None]) -> Corpus:
    """Choose the channel of all clips of a corpus.

    `each` makes two clips of each clip with two channels, whose names end in `#left` and `#right`. The only channel of
    a clip counts as its left one; it has no right one.

    Args:
        count: Counts the channels of a recording; None where it cannot be read.
    """
    if choice is ChannelChoice.MIX:
        return corpus
    clips = tuple(side for clip in corpus.clips for side in _sides(clip, choice, count))
    available = corpus.available_clips + len(clips) - len(corpus.clips)
    return replace(corpus, clips=clips, available_clips=available, channel=choice)


def _sides(clip: Clip, choice: ChannelChoice, count: Callable[[AudioSource], int | None]) -> Iterator[Clip]:
    audio = clip.audio
    if not isinstance(audio, AudioFile | AudioAddress):
        yield clip
    elif choice is not ChannelChoice.EACH:
        yield replace(clip, audio=audio.on(Channel(choice)))
    elif (count(audio) or 1) < _STEREO:
        yield clip
    else:
        for channel in (Channel.LEFT, Channel.RIGHT):
            yield replace(clip, name=f"{clip.name}#{channel}", audio=audio.on(channel))


def unread_corpus(corpus: Corpus) -> CorpusRecord:
    """The record of a corpus whose audio was not decoded: what it says of its clips, which count as readable."""
    clips = (described(ClipRecord(clip=clip.name, clip_hash=clip.name, duration_s=None), clip) for clip in corpus.clips)
    return CorpusRecord(
        name=corpus.name,
        source=corpus.source,
        clips=tuple(clips),
        available_clips=corpus.available_clips,
        labels=corpus.labels,
        merge=corpus.merge,
    )
