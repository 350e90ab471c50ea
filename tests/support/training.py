"""The demo's labelled clips as examples to train on."""

from functools import cache

from benchmark.corpora.specs import open_corpora
from benchmark.evaluation.decoding import decode_corpus
from benchmark.progress import Silent
from benchmark.registry.loading import find_registry
from benchmark.training.examples import Examples, examples_of
from tests.support.audio import shared_reader


@cache
def demo_examples() -> Examples:
    """The clips, decoded once."""
    (corpus,) = open_corpora(["demo:"], find_registry("demo"), reader=shared_reader())
    return examples_of(decode_corpus(corpus, shared_reader(), Silent()))
