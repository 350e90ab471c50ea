"""Telephone calls keep their two sides in two channels: which of them a corpus is heard on."""

from collections.abc import Iterator
from dataclasses import replace

from benchmark.audio.channels import Channel, ChannelChoice
from benchmark.corpora.clips import ChannelledSource, Clip, Corpus

_STEREO = 2


def heard_on(corpus: Corpus, choice: ChannelChoice) -> Corpus:
    """Choose the channel that the clips of a corpus are heard on.

    Args:
        corpus: As it was read.
        choice: `mix`, `left`, `right`; or `each`, which makes of every clip with two channels two clips, whose names
            end in `#left` and `#right`. A clip with one channel stays one; its left channel is that one, and it has no
            right one.

    Returns:
        The corpus with its clips on that channel.
    """
    if choice is ChannelChoice.MIX:
        return corpus
    clips = tuple(one for clip in corpus.clips for one in _sides(clip, choice))
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
