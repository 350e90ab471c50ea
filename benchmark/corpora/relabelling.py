"""The labels of a corpus as they are now, joined to what a run heard of it; and its audio, where it still lies."""

from collections.abc import Mapping
from dataclasses import replace

from benchmark.audio.channels import ChannelChoice
from benchmark.corpora.clips import Clip, Corpus
from benchmark.corpora.opening import open_corpora
from benchmark.errors import BenchError, RequestError
from benchmark.registry.schema import Registry
from benchmark.results.runs import ClipRecord, CorpusRecord
from benchmark.settings import Settings

_REMOTE = ("hf:",)


def relabelled(record: CorpusRecord, corpus: Corpus) -> CorpusRecord:
    """Take over what a corpus says of its clips now: labels, raters' votes, speakers and all other columns.

    Clips belong together by their names. A clip that the run heard and the corpus no longer names keeps what it had.

    Args:
        record: The corpus as a run met it.
        corpus: The same corpus, read again.

    Raises:
        RequestError: The two have no clip in common.
    """
    known = {clip.name: clip for clip in corpus.clips}
    if not any(clip.clip in known for clip in record.clips):
        example = next((clip.clip for clip in record.clips), "none")
        raise RequestError(
            f"{corpus.source} names none of the clips that the run heard of {record.name} (such as {example}); give "
            "the folder or the table that the run was made with."
        )
    return record.model_copy(
        update={"clips": tuple(_now(clip, known) for clip in record.clips), "labels": dict(corpus.labels)}
    )


def not_named(record: CorpusRecord, corpus: Corpus) -> tuple[str, ...]:
    """The clips that a run heard and that the corpus no longer names."""
    known = {clip.name for clip in corpus.clips}
    return tuple(clip.clip for clip in record.clips if clip.clip not in known)


def _now(clip: ClipRecord, known: Mapping[str, Clip]) -> ClipRecord:
    found = known.get(clip.clip)
    if found is None:
        return clip
    return replace(
        clip,
        label=found.label,
        speaker=found.speaker,
        sex=found.sex,
        language=found.language,
        text_id=found.text_id,
        intensity=found.intensity,
        votes=None if found.votes is None else dict(found.votes),
        attributes=dict(found.attributes),
    )


def still_there(record: CorpusRecord, registry: Registry, settings: Settings) -> Corpus | None:
    """Open a corpus of a run where it was, to find its audio; None where it is not there, or not on this machine."""
    if record.source.startswith(_REMOTE):
        return None
    try:
        (corpus,) = open_corpora(
            [record.source],
            registry.model_copy(update={"corpora": {}}),
            channel=ChannelChoice(record.channel),
            settings=settings,
        )
    except (BenchError, OSError):
        return None
    return corpus
