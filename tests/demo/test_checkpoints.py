"""The checkpoints, through transformers alone; that each has its status is tested with `bench verify`."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoFeatureExtractor, AutoModelForAudioClassification

from benchmark.demo.files import checkpoints_path, demo_clips
from benchmark.emotions.label_map import map_labels
from scripts.demo.foreign import Wav2Vec2ForSpeechClassification
from scripts.demo.measuring import Score, listen, score

GOOD = ("wav2vec2-english", "hubert-german", "wavlm-korean")
CLASSIFIERS = (*GOOD, "ast-english-five", "wav2vec2-four", "hubert-always-neutral", "wav2vec2-dimensional")
SEVEN = "angry disgust fearful happy neutral sad surprised"
CHANCE = 1 / 7
TWICE_CHANCE = 2 * CHANCE


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@cache
def answers(name: str) -> list[str]:
    return listen(checkpoints_path() / name, list(demo_clips()))


def scored(name: str) -> Score:
    return score(answers(name), list(demo_clips()))


@pytest.mark.parametrize("name", GOOD)
def test_a_good_one_is_beyond_twice_chance_and_short_of_perfect_on_speakers_it_never_heard(name: str) -> None:
    result = scored(name)
    assert result.low >= TWICE_CHANCE
    assert result.uar < 0.97


def test_the_good_ones_are_no_copies_of_each_other() -> None:
    for first, second in combinations(GOOD, 2):
        agreement = np.mean([answer == other for answer, other in zip(answers(first), answers(second), strict=True)])
        assert agreement < 0.9


def test_the_one_with_five_emotions_is_beyond_chance_and_answers_with_all_that_it_knows() -> None:
    assert scored("ast-english-five").low > CHANCE
    assert set(answers("ast-english-five")) == {"anger", "happiness", "neutral", "sadness", "fear"}


def test_the_spectrogram_transformer_and_its_feature_extractor_agree_on_the_window() -> None:
    folder = checkpoints_path() / "ast-english-five"
    config, extractor = AutoConfig.from_pretrained(folder), AutoFeatureExtractor.from_pretrained(folder)
    assert (config.max_length, config.num_mel_bins) == (extractor.max_length, extractor.num_mel_bins) == (256, 64)


def test_the_one_with_four_emotions_knows_them() -> None:
    known = {"neutral", "happiness", "anger", "sadness"}
    pairs = zip(answers("wav2vec2-four"), demo_clips(), strict=True)
    right = [answer == clip.emotion for answer, clip in pairs if clip.emotion in known]
    assert len(right) == 64
    assert np.mean(right) > 0.5


def test_the_one_that_is_always_neutral_is_and_still_has_an_opinion() -> None:
    assert set(answers("hubert-always-neutral")) == {"neutral"}
    folder = checkpoints_path() / "hubert-always-neutral"
    model = AutoModelForAudioClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        logits = [model(torch.from_numpy(clip.waveform().samples)[None]).logits for clip in list(demo_clips())[:20:4]]
    assert torch.pdist(torch.cat(logits)).min() > 0.01


@pytest.mark.parametrize(
    ("name", "architecture", "labels"),
    [
        ("wav2vec2-english", "Wav2Vec2ForSequenceClassification", SEVEN),
        ("hubert-german", "HubertForSequenceClassification", "Ärger Ekel Angst Freude Neutral Trauer Überraschung"),
        ("wavlm-korean", "WavLMForSequenceClassification", "분노 혐오 공포 행복 중립 슬픔"),
        ("ast-english-five", "ASTForAudioClassification", "angry happy neutral sad fearful"),
        ("wav2vec2-four", "Wav2Vec2ForSequenceClassification", "neu hap ang sad"),
        ("hubert-always-neutral", "HubertForSequenceClassification", SEVEN.upper()),
        ("wav2vec2-dimensional", "Wav2Vec2ForSequenceClassification", "arousal dominance valence"),
        ("wav2vec2-foreign-head", "Wav2Vec2ForSpeechClassification", SEVEN),
        ("wav2vec2-ctc", "Wav2Vec2ForCTC", "LABEL_0 LABEL_1"),
        ("wavlm-encoder", "WavLMModel", "LABEL_0 LABEL_1"),
    ],
)
def test_the_configuration_says_what_it_is_and_classifiers_have_labels_of_emotions(
    name: str, architecture: str, labels: str
) -> None:
    config = AutoConfig.from_pretrained(checkpoints_path() / name)
    assert config.architectures == [architecture]
    assert [config.id2label[index] for index in range(len(config.id2label))] == labels.split()
    assert (config.problem_type == "regression") == (name == "wav2vec2-dimensional")
    if name in CLASSIFIERS and config.problem_type != "regression":
        mapped = map_labels(labels.split())
        assert len(mapped.classes) == len(labels.split())
        assert not mapped.unmapped


def test_one_encoder_normalises_by_group_and_the_others_by_layer() -> None:
    norms = [AutoConfig.from_pretrained(checkpoints_path() / name).feat_extract_norm for name in GOOD]
    assert norms == ["group", "layer", "layer"]


def test_the_foreign_head_is_good_in_its_own_class() -> None:
    folder = checkpoints_path() / "wav2vec2-foreign-head"
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    own = Wav2Vec2ForSpeechClassification.from_pretrained(folder, dtype=torch.float32).eval()
    right = []
    with torch.inference_mode():
        for clip in demo_clips():
            inputs = extractor(clip.waveform().samples, sampling_rate=16000, return_tensors="pt")
            answer = own.config.id2label[int(own(inputs.input_values).logits.argmax())]
            right.append(map_labels([answer]).emotions[0] == clip.emotion)
    assert np.mean(right) > TWICE_CHANCE
