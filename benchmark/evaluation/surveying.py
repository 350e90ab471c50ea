"""Measuring every clip of a corpus without a model: level, clipping, bandwidth."""

from concurrent.futures import ThreadPoolExecutor

from benchmark.audio.decoding import UndecodableAudio
from benchmark.audio.measuring import Acoustics, measure
from benchmark.corpora.clips import AudioSource, open_source
from benchmark.evaluation.ahead import map_ahead
from benchmark.evaluation.listening import HeardCorpus
from benchmark.progress import Progress

_MEASURERS = 2


def measure_corpus(heard: HeardCorpus, progress: Progress) -> tuple[Acoustics | None, ...]:
    """Measure every clip; identical ones once.

    Args:
        heard: A corpus that was heard.
        progress: Who listens to how far it is.

    Returns:
        For each clip of the corpus what was measured; None where it cannot be read.
    """
    with (
        ThreadPoolExecutor(_MEASURERS, thread_name_prefix="measure") as pool,
        progress.stage(f"Measuring {heard.record.name}", total=len(heard.audio), unit="clips") as stage,
    ):
        found: dict[str, Acoustics | None] = {}
        for clip_hash, acoustics in zip(heard.audio, map_ahead(pool, _measured, heard.audio.values()), strict=True):
            found[clip_hash] = acoustics
            stage.advance()
    return tuple(found.get(clip.clip_hash or "") for clip in heard.record.clips)


def _measured(source: AudioSource) -> Acoustics | None:
    try:
        with open_source(source) as stream:
            return measure(stream)
    except UndecodableAudio:
        return None
