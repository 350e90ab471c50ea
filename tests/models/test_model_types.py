"""The table of model types, held against transformers' own."""

import pytest
from transformers import AutoConfig, AutoModelForAudioClassification
from transformers.models.auto.modeling_auto import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES

from benchmark.models.model_types import AUDIO_CLASSIFICATION_TYPES, BENCH_TYPES, Reads, label_problems, output_labels
from tests.support.tiny_models import MODEL_TYPES


def test_the_types_are_those_of_transformers() -> None:
    assert set(AUDIO_CLASSIFICATION_TYPES) - BENCH_TYPES == set(MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES)
    assert set(MODEL_TYPES) == set(AUDIO_CLASSIFICATION_TYPES) - BENCH_TYPES


@pytest.mark.parametrize("model_type", sorted(set(AUDIO_CLASSIFICATION_TYPES) - BENCH_TYPES))
def test_what_a_type_reads_is_what_transformers_says(model_type: str) -> None:
    model_class = AutoModelForAudioClassification._model_mapping[type(AutoConfig.for_model(model_type))]
    facts = AUDIO_CLASSIFICATION_TYPES[model_type]
    # A spectrogram transformer calls its features input_values, too.
    reads_features = model_class.main_input_name == "input_features" or facts.fixed_window
    assert (facts.reads is Reads.FEATURES) == reads_features


def test_names_that_repeat_are_told_and_kept() -> None:
    assert output_labels({0: "sad", 1: "sad"}, 2) == ("sad", "sad")
    assert label_problems({0: "sad", 1: "sad"}, 2, {"sad": 1}) == ("several outputs have the name 'sad'",)
