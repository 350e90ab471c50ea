"""`describe_corpus()`: what there is to know of a corpus before anyone trusts a score on it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from benchmark.api.arguments import checked
from benchmark.audio.channels import ChannelChoice
from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.measuring import Acoustics
from benchmark.corpora.clips import Corpus
from benchmark.corpora.filters import Filters
from benchmark.corpora.opening import open_corpora
from benchmark.corpora.sources import AudioSource, open_source
from benchmark.emotions.merges import chosen_merges
from benchmark.evaluation.decoding import decode_corpus, measure_corpus
from benchmark.evaluation.speech import find_speech as find_speech_in
from benchmark.progress import Progress, Silent
from benchmark.registry.loading import find_registry
from benchmark.registry.schema import Registry
from benchmark.reporting.corpus import write_description
from benchmark.results.description import CorpusDescription
from benchmark.results.files import check_writable
from benchmark.results.runs import CorpusRecord
from benchmark.scoring.corpus_description import coverage_of, describe, with_candidates
from benchmark.settings import Settings
from benchmark.verification.store import known_outputs


@dataclass(frozen=True, kw_only=True)
class DescribeOutcome:
    """What `describe_corpus` brought.

    Attributes:
        description: The corpus, described.
        files: The reports that were written.
        exit_code: As the command line would exit with.
        problems: Why that is not 0, in sentences for a person.
    """

    description: CorpusDescription
    files: tuple[Path, ...]
    exit_code: int = 0
    problems: tuple[str, ...] = ()


@checked
def describe_corpus(
    corpus: str,
    *,
    candidates: str | Path | None = None,
    channel: Literal["mix", "left", "right", "each"] | None = None,
    merge: Sequence[str] = (),
    merge_preset: str | None = None,
    find_speech: bool = True,
    limit: int | None = None,
    speakers: Sequence[str] = (),
    languages: Sequence[str] = (),
    only_labels: Sequence[str] = (),
    sample: int | None = None,
    seed: int = 0,
    output: str | Path = "reports",
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> DescribeOutcome:
    """Describe a corpus: labels, speakers, durations, sound, twins, ties, and what the candidates could cover of it.

    No model of emotion is loaded, and nothing is downloaded but the corpus itself, where it lies on the Hub.

    Args:
        corpus: A name of the registry's corpora, or a SPEC such as `folder:recordings`.
        candidates: A registry file, or `demo`; by default `candidates.yaml` here, else the packaged one.
        channel: What of recordings with several channels is heard; None as the registry says, else their mean.
        merge: Emotions to merge, such as `calm=neutral`.
        merge_preset: Merges of one name: `sentiment`, `arousal` or `big4`; what `merge` says counts more.
        find_speech: Whether to find out how much of each clip is speech.
        limit: Clips at most, the labels in turn.
        speakers: Only clips of these speakers.
        languages: Only clips in these languages.
        only_labels: Only clips with these labels, or of these emotions.
        sample: Clips at most, drawn so that each label keeps its share.
        seed: Which sample.
        output: The folder for the reports.
        settings: Places and limits.
        progress: Who wants to hear how far the work is.

    Returns:
        The description, and where `corpus-<name>.md` and `.json` lie.

    Raises:
        RequestError: Something asked for is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.describe_corpus("ravdess:../corpora/ravdess")  # doctest: +SKIP
        >>> outcome.description.flags  # doctest: +SKIP
        ('identical',)
    """
    settings, progress = settings or Settings(), progress or Silent()
    merges = chosen_merges(merge_preset, merge)
    registry = find_registry(None if candidates is None else str(candidates)).registry
    (opened,) = open_corpora(
        [corpus],
        registry,
        limit=limit,
        filters=Filters(
            speakers=tuple(speakers),
            languages=tuple(languages),
            only_labels=tuple(only_labels),
            sample=sample,
            seed=seed,
        ),
        channel=None if channel is None else ChannelChoice(channel),
        settings=settings,
        progress=progress,
    )
    check_writable(Path(output))
    opened = opened.merging(merges.as_dict())
    description = _described(opened, registry, settings, progress, find_speech=find_speech)
    return DescribeOutcome(description=description, files=write_description(description, Path(output)))


def _described(
    corpus: Corpus, registry: Registry, settings: Settings, progress: Progress, *, find_speech: bool
) -> CorpusDescription:
    heard = decode_corpus(corpus, progress)
    acoustics = _with_own_channels(corpus, heard.record, measure_corpus(heard, progress))
    if find_speech:
        heard = find_speech_in(heard, settings, progress)
    description = describe(heard.record, acoustics, created=datetime.now(UTC), notes=corpus.notes)
    known = [known_outputs(candidate, settings.cache) for candidate in registry.candidates]
    return with_candidates(description, [coverage_of(each, description) for each in known])


def _with_own_channels(
    corpus: Corpus, record: CorpusRecord, acoustics: Sequence[Acoustics | None]
) -> tuple[Acoustics | None, ...]:
    """Identical clips are measured once, but one may be the stereo copy of another: their channels are counted each."""
    copies = Counter(clip.clip_hash for clip in record.clips)
    return tuple(
        replace(measured, channels=_channels(clip.audio) or measured.channels)
        if measured is not None and copies[heard.clip_hash] > 1
        else measured
        for clip, heard, measured in zip(corpus.clips, record.clips, acoustics, strict=True)
    )


def _channels(audio: AudioSource) -> int | None:
    try:
        with open_source(audio) as stream:
            return stream.channels
    except UndecodableAudio:
        return None
