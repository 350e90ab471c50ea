"""The demo's labelled clips as examples to train on."""

from functools import cache

from benchmark.corpora.specs import open_corpora
from benchmark.evaluation.decoding import decode_corpus
from benchmark.options.shared import ClipOptions
from benchmark.progress import Silent
from benchmark.registry.loading import find_registry
from benchmark.training.examples import Examples, examples_of
from tests.support.audio import shared_reader


@cache
def demo_examples() -> Examples:
    """The clips of four speakers, decoded once."""
    options = ClipOptions(speakers=("f1", "m1", "f2", "m2"))
    (corpus,) = open_corpora(["demo:"], find_registry("demo"), options, reader=shared_reader())
    return examples_of(decode_corpus(corpus, shared_reader(), Silent()))
