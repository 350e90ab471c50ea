"""`describe_corpus`: describe a corpus before scores on it are trusted."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import Outcome, judge_corpora
from benchmark.api.progress import open_progress
from benchmark.audio.measuring import Acoustics
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.clips import Corpus
from benchmark.corpora.speaker_names import speaker_offers
from benchmark.corpora.specs import open_corpora
from benchmark.emotions.merges import chosen_merges
from benchmark.errors import EXIT_UNMET, RequestError, shorten
from benchmark.evaluation.decoding import MOST_COMPARED, decode_corpus, find_copies, measure_corpus
from benchmark.evaluation.speech_detection import find_speech
from benchmark.options.declare import keywords
from benchmark.options.model_commands import DescribeRequest
from benchmark.registry.loading import find_registry
from benchmark.registry.trained import declare_training
from benchmark.reporting.corpus import write_description
from benchmark.results.corpus_description import CorpusDescription
from benchmark.results.files import check_writable
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import CorpusRecord, list_runs, load_run
from benchmark.results.storage import prepare_cache
from benchmark.scoring.corpus_description import coverage_of, describe
from benchmark.scoring.suspected_labels import SuspectsOfRun, suspects_of_run
from benchmark.settings import Settings
from benchmark.verification.verdict_store import known_outputs

_SHOWN_LABELS = 8


@dataclass(frozen=True, kw_only=True)
class DescribeOutcome(Outcome):
    """Result of `describe_corpus`."""

    description: CorpusDescription


def describe_corpus_with(options: DescribeRequest) -> DescribeOutcome:
    """Describe a corpus: labels, speakers, durations, sound, identical clips, and what the candidates could cover.

    No emotion model is loaded, and nothing is downloaded but a corpus of the Hub. Writes `corpus-<name>.md` and
    `.json`.

    Raises:
        RequestError: The request is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.describe_corpus("ravdess:../corpora/ravdess")  # doctest: +SKIP
        >>> outcome.description.flags  # doctest: +SKIP
        ('identical',)
    """
    with AudioReader(options.settings or Settings(), max_clip_mb=options.max_clip_mb) as reader:
        return _describe(options, reader)


describe_corpus = keywords(describe_corpus_with, DescribeRequest)


def _describe(options: DescribeRequest, reader: AudioReader) -> DescribeOutcome:
    settings, progress = reader.settings, open_progress(options.progress)
    merges = chosen_merges(options.merge_preset, options.merge)
    registry = declare_training(find_registry(options.candidates), progress)
    folder = Path(options.output)
    check_writable(folder)
    prepare_cache(settings)
    (corpus,) = open_corpora([options.corpus], registry, options, reader=reader, progress=progress)
    corpus = corpus.merging(merges)
    decoded = decode_corpus(corpus, reader, progress)
    record = decoded.record.model_copy(update={"rare_classes": options.rare_classes or "keep"})
    decoded = replace(decoded, record=record)
    acoustics = _with_own_channels(corpus, decoded.record, measure_corpus(decoded, reader, progress), reader)
    copies, notes = find_copies(decoded, reader, progress), corpus.notes
    if copies is None:
        notes = (*notes, f"Changed copies were not looked for: there are more than {MOST_COMPARED:,} clips.")
    if options.find_speech:
        decoded = find_speech(decoded, reader, settings, progress)
    notes, created = (*notes, *speaker_offers(corpus)), datetime.now(UTC)
    description = describe(decoded.record, acoustics, created=created, copies=copies or (), notes=notes)
    candidates = tuple(
        coverage_of(known_outputs(candidate, settings.cache), description) for candidate in registry.candidates
    )
    description = description.model_copy(update={"candidates": candidates})
    if options.suspects:
        found = _suspects(decoded.record, settings)
        update = {"suspects": found.suspects, "suspects_by": found.candidates}
        description = description.model_copy(update=update)
    exit_code, problems = judge_corpora([decoded.record])
    if not exit_code and description.labels and not description.classes:
        exit_code, problems = EXIT_UNMET, (_without_emotions(description),)
    files = write_description(description, folder)
    return DescribeOutcome(description=description, files=files, exit_code=exit_code, problems=problems)


def _without_emotions(description: CorpusDescription) -> str:
    shown = shorten([label.label for label in description.labels], _SHOWN_LABELS)
    return (
        f"No label of {description.name} means an emotion ({shown}): say what they mean under `labels:` of the "
        "corpus in the registry, or name another column by --column label=NAME."
    )


def _suspects(corpus: CorpusRecord, settings: Settings) -> SuspectsOfRun:
    """Labels that may be wrong, by the latest run in which a candidate has answered all clips."""
    store = PredictionStore(settings.cache)
    for path in list_runs(settings.cache):
        with suppress(RequestError):  # it cannot be read, which an earlier one may
            found = suspects_of_run(load_run(settings.cache, str(path)), corpus, store.read)
            if found is not None:
                return found
    raise RequestError(
        "No stored run has answers to all of these clips by a candidate that was not trained on them: make one with "
        "`bench run`, or set BENCH_CACHE to the folder that holds one."
    )


def _with_own_channels(
    corpus: Corpus, record: CorpusRecord, acoustics: Sequence[Acoustics | None], reader: AudioReader
) -> tuple[Acoustics | None, ...]:
    """Correct the channels of identical clips, which are measured once, but may be mono and stereo copies."""
    copies = Counter(clip.clip_hash for clip in record.clips)
    return tuple(
        replace(measured, channels=reader.channels(clip.audio) or measured.channels)
        if measured is not None and copies[decoded.clip_hash] > 1
        else measured
        for clip, decoded, measured in zip(corpus.clips, record.clips, acoustics, strict=True)
    )
