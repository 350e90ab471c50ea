"""What a candidate could say about a corpus, judged by its labels alone."""

from benchmark.emotions.label_map import map_labels
from benchmark.emotions.merges import Merges
from benchmark.results.description import CorpusDescription, Coverage, KnownOutputs
from benchmark.scoring.seen import seen


def coverage_of(known: KnownOutputs, corpus: CorpusDescription) -> Coverage:
    """Hold what a candidate distinguishes against the emotions of a corpus.

    Args:
        known: What is known of the candidate.
        corpus: The description of the corpus.

    Returns:
        What it covers.
    """
    named = tuple(emotion for emotion in known.emotions if emotion is not None)
    own = map_labels(named, merges=Merges(corpus.merge)).classes
    covered = tuple(name for name in corpus.classes if name in own)
    clips = sum(corpus.classes.values())
    return Coverage(
        candidate=known.candidate,
        known_from=known.known_from,
        status=known.status,
        classes=own,
        covered=covered,
        missing=tuple(name for name in corpus.classes if name not in own) if known.emotions else (),
        coverage=sum(corpus.classes[name] for name in covered) / clips if known.emotions and clips else None,
        seen=seen(known.trained_on, corpus.name).value,
    )
