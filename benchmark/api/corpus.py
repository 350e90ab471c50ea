"""`describe_corpus()`: what there is to know of a corpus before anyone trusts a score on it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import Outcome
from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.measuring import Acoustics
from benchmark.corpora.clips import Corpus
from benchmark.corpora.opening import open_corpora
from benchmark.corpora.sources import AudioSource, open_source
from benchmark.emotions.merges import chosen_merges
from benchmark.evaluation.decoding import decode_corpus, measure_corpus
from benchmark.evaluation.speech import find_speech as find_speech_in
from benchmark.options.declare import keywords
from benchmark.options.model_commands import DescribeRequest
from benchmark.progress import Progress, Silent
from benchmark.registry.loading import find_registry
from benchmark.registry.schema import Registry
from benchmark.reporting.corpus import write_description
from benchmark.results.description import CorpusDescription
from benchmark.results.files import check_writable
from benchmark.results.runs import CorpusRecord
from benchmark.scoring.corpus_description import coverage_of, describe
from benchmark.settings import Settings
from benchmark.verification.verdict_store import known_outputs


@dataclass(frozen=True, kw_only=True)
class DescribeOutcome(Outcome):
    """What `describe_corpus` comes back with.

    Attributes:
        description: The corpus, described.
    """

    description: CorpusDescription


def describe_corpus_with(options: DescribeRequest) -> DescribeOutcome:
    """Describe a corpus: labels, speakers, durations, sound, twins, ties, and what the candidates could cover of it.

    No model of emotion is loaded, and nothing is downloaded but the corpus itself, where it lies on the Hub.

    Returns:
        The description, and where `corpus-<name>.md` and `.json` are.

    Raises:
        RequestError: Something asked for is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.describe_corpus("ravdess:../corpora/ravdess")  # doctest: +SKIP
        >>> outcome.description.flags  # doctest: +SKIP
        ('identical',)
    """
    settings, progress = options.settings or Settings(), options.progress or Silent()
    merges = chosen_merges(options.merge_preset, options.merge)
    registry = find_registry(options.candidates)
    (corpus,) = open_corpora([options.corpus], registry, options, settings=settings, progress=progress)
    folder = Path(options.output)
    check_writable(folder)
    corpus = corpus.merging(merges)
    description = _described(corpus, registry, settings, progress, find_speech=options.find_speech)
    return DescribeOutcome(description=description, files=write_description(description, folder))


describe_corpus = keywords(describe_corpus_with, DescribeRequest, "describe_corpus")


def _described(
    corpus: Corpus, registry: Registry, settings: Settings, progress: Progress, *, find_speech: bool
) -> CorpusDescription:
    heard = decode_corpus(corpus, progress)
    acoustics = _with_own_channels(corpus, heard.record, measure_corpus(heard, progress))
    if find_speech:
        heard = find_speech_in(heard, settings, progress)
    description = describe(heard.record, acoustics, created=datetime.now(UTC), notes=corpus.notes)
    known = [known_outputs(candidate, settings.cache) for candidate in registry.candidates]
    candidates = tuple(coverage_of(outputs, description) for outputs in known)
    return description.model_copy(update={"candidates": candidates})


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
