from dataclasses import replace
from typing import Any

import pytest
from transformers.models.auto.modeling_auto import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES

from benchmark.hub.repository_facts import RepoFacts
from benchmark.models.model_types import AUDIO_CLASSIFICATION_TYPES, BENCH_TYPES
from benchmark.registry.schema import Candidate, Preprocessor
from benchmark.results.status import Status
from benchmark.results.verification import Finding
from benchmark.verification.inspect import check_repository, toolkit_of
from benchmark.verification.labels import candidate_labels, config_labels, label_notes
from tests.verification.conftest import PREPROCESSOR, facts_with


def findings(facts: RepoFacts, **candidate: Any) -> list[Finding]:
    entry = Candidate(id="org/model", name="model", **candidate)
    return check_repository(entry, facts, candidate_labels(entry, config_labels(facts.config or {})))


def statuses(facts: RepoFacts, **candidate: Any) -> list[Status]:
    return [finding.status for finding in findings(facts, **candidate)]


def only_finding(facts: RepoFacts, **candidate: Any) -> Finding:
    (finding,) = findings(facts, **candidate)
    return finding


def facts_without_config(*files: str, **fields: Any) -> RepoFacts:
    return RepoFacts(id="x", revision="r", files=facts_with(files=files).files, **fields)


def test_nothing_is_found_in_a_repository_that_looks_good() -> None:
    assert statuses(facts_with()) == []


def test_the_supported_types_are_those_of_transformers() -> None:
    assert set(AUDIO_CLASSIFICATION_TYPES) - BENCH_TYPES == set(MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES)


LABELS_6 = {str(index): f"LABEL_{index}" for index in range(6)}


@pytest.mark.parametrize(
    ("config", "status"),
    [
        ({"auto_map": {"AutoModel": "modeling.Model"}}, Status.CUSTOM_CODE),
        ({"model_type": None}, Status.CUSTOM_INTERFACE),
        ({"model_type": 7}, Status.CUSTOM_INTERFACE),
        ({"id2label": ["angry", "sad"]}, Status.INVALID_CONFIG),
        ({"id2label": {"angry": 0}}, Status.INVALID_CONFIG),
        ({"num_labels": "3"}, Status.INVALID_CONFIG),
        ({"num_labels": 2.0, "id2label": {"0": "sad", "5": "angry"}}, Status.INVALID_CONFIG),
        ({"id2label": {"0": None, "1": "angry", "2": "sad"}}, Status.INVALID_CONFIG),
        ({"id2label": {"0": ["angry"], "1": "sad"}}, Status.INVALID_CONFIG),
        ({"num_hidden_layers": -2}, Status.INVALID_CONFIG),
        ({"encoder_layers": 0, "model_type": "whisper"}, Status.INVALID_CONFIG),
        ({"conv_stride": [5, 0]}, Status.INVALID_CONFIG),
        ({"hidden_size": 16, "num_attention_heads": 3}, Status.INVALID_CONFIG),
        ({"num_hidden_layers": -2, "model_type": "bert"}, Status.UNSUPPORTED_ARCHITECTURE),
        ({"model_type": "bert"}, Status.UNSUPPORTED_ARCHITECTURE),
        ({"id2label": {"0": "arousal", "1": "dominance", "2": "valence"}}, Status.DIMENSIONAL),
        ({"id2label": {"0": "Valence", "1": "A"}}, Status.DIMENSIONAL),
        ({"id2label": {"0": "Arousal (A)", "1": "Valence (V)", "2": "Dominance(D)"}}, Status.DIMENSIONAL),
        ({"problem_type": "regression"}, Status.DIMENSIONAL),
        ({"id2label": {"0": "LABEL_0"}}, Status.DIMENSIONAL),
        ({"architectures": ["Wav2Vec2ForCTC"]}, Status.WRONG_TASK),
        ({"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper"}, Status.WRONG_TASK),
        ({"architectures": ["WavLMForXVector"]}, Status.WRONG_TASK),
        ({"architectures": ["WavLMModel"]}, Status.NO_HEAD),
        ({"architectures": ["Wav2Vec2ForPreTraining"]}, Status.NO_HEAD),
        ({"id2label": LABELS_6}, Status.UNNAMED_LABELS),
        ({"id2label": None}, Status.UNNAMED_LABELS),
        ({"id2label": {"0": "0", "1": "1"}}, Status.UNNAMED_LABELS),
        ({"num_labels": 5}, Status.UNNAMED_LABELS),
        ({"id2label": {"1": "angry", "2": "sad", "3": "happy"}}, Status.UNNAMED_LABELS),
        ({"id2label": {"-1": "angry", "0": "sad", "1": "happy"}}, Status.UNNAMED_LABELS),
        ({"id2label": {"0": "angry", "1": "sad", "1_0": "happy"}}, Status.UNNAMED_LABELS),
        ({"id2label": {}}, Status.NOT_EMOTION),
        ({"id2label": {"0": "Speech", "1": "Angry music", "2": "Dog"}}, Status.NOT_EMOTION),
        ({"id2label": {"0": "positive", "1": "negative"}}, Status.NOT_EMOTION),
        ({"id2label": {"0": "sad", "1": "happy", "2": "dog", "3": "cat", "4": "cow"}}, Status.NOT_EMOTION),
    ],
    ids=str,
)
def test_a_configuration_alone_decides(config: dict[str, Any], status: Status) -> None:
    assert statuses(facts_with(config))[0] is status


@pytest.mark.parametrize(
    "config",
    [
        {"architectures": ["Wav2Vec2ForSpeechClassification"]},
        {"architectures": ["EmotionModel"]},
        {"architectures": ["Wav2Vec2ForEmotionRecognition"]},
        {"architectures": ["Wav2Vec2ForCTC", "Wav2Vec2ForSequenceClassification"]},
        {"architectures": []},
        {"architectures": "Wav2Vec2ForCTC"},
        {"auto_map": {}},
        {"problem_type": "multi_label_classification"},
        {"id2label": {"2": "sad", "0": "angry", "1": "happy"}},
        {"id2label": {"0": "sad", "1": "happy", "2": "dog", "3": "cat"}},
    ],
    ids=str,
)
def test_what_only_a_load_can_tell_is_left_to_it(config: dict[str, Any]) -> None:
    assert statuses(facts_with(config)) == []


def test_code_for_the_feature_extractor_is_code_too() -> None:
    preprocessor = {**PREPROCESSOR, "auto_map": {"AutoFeatureExtractor": "extractor.Extractor"}}
    assert statuses(facts_with(preprocessor=preprocessor)) == [Status.CUSTOM_CODE]


def test_a_config_that_cannot_be_parsed_is_reported_with_the_problem() -> None:
    finding = only_finding(facts_without_config(config_problem="it is not JSON"))
    assert finding.status is Status.INVALID_CONFIG
    assert "it is not JSON" in finding.reason


def test_findings_are_in_the_order_of_precedence() -> None:
    config = {"auto_map": {"AutoModel": "m.M"}, "model_type": "bert", "architectures": ["BertForCTC"], "id2label": {}}
    order = statuses(facts_with(config, files=("README.md",), preprocessor=None))
    assert order == sorted(order, key=lambda status: status.precedence)
    assert {Status.CUSTOM_CODE, Status.UNSUPPORTED_ARCHITECTURE, Status.WRONG_TASK, Status.LOAD_FAILED} <= set(order)


def test_an_override_names_what_the_checkpoint_does_not() -> None:
    labels = {"LABEL_0": "anger", "LABEL_1": "sadness", "LABEL_2": "neutral"}
    names = {str(index): f"LABEL_{index}" for index in range(3)}
    assert statuses(facts_with({"id2label": names}), labels=labels) == []


def test_names_that_are_lost_are_reported_and_noted() -> None:
    facts = facts_with({"num_labels": 5})
    finding = only_finding(facts)
    assert finding.status is Status.UNNAMED_LABELS
    assert "num_labels is 5 and id2label names 3 outputs" in finding.reason
    assert "transformers drops the names" in label_notes(facts.config or {})[0]


def test_labels_in_words_of_their_own_are_reported_with_a_fix_that_helps() -> None:
    names = ("mood: angry", "mood: happy", "mood: calm")
    facts = facts_with({"id2label": {str(index): name for index, name in enumerate(names)}})
    finding = only_finding(facts)
    assert finding.status is Status.NOT_EMOTION
    assert 'labels: {"mood: angry": neutral, …}' in finding.reason
    assert statuses(facts, labels=dict(zip(names, ("anger", "happiness", "calm"), strict=True))) == []
    events = facts_with({"id2label": {str(index): f"sound {index}" for index in range(527)}})
    assert "registry" not in only_finding(events).reason


@pytest.mark.parametrize("files", [(), ("README.md", ".gitattributes"), ("readme.txt", "LICENSE", ".gitignore")])
def test_a_repository_without_a_model_differs_from_one_of_an_unknown_toolkit(files: tuple[str, ...]) -> None:
    finding = only_finding(facts_without_config(*files))
    assert finding.status is Status.CUSTOM_INTERFACE
    assert "nothing in it is a model" in finding.reason


def test_a_hole_in_the_names_is_healed_by_naming_its_output() -> None:
    facts = facts_with({"id2label": {"0": "angry", "2": "sad", "3": "happy"}})
    assert "names output 3, which it does not have, and not output 1" in only_finding(facts).reason
    assert statuses(facts, labels={"LABEL_1": "neutral"}) == []


def test_long_labels_are_cut_where_people_read_them() -> None:
    finding = only_finding(facts_with({"id2label": {"0": "x" * 5000, "1": "y" * 5000}}))
    assert finding.status is Status.NOT_EMOTION
    assert len(finding.reason) < 400


WHISPER = {"model_type": "whisper", "num_mel_bins": 128}
WHISPER_EXTRACTOR = {"feature_extractor_type": "WhisperFeatureExtractor"}
AST = {"model_type": "audio-spectrogram-transformer"}
AST_EXTRACTOR = {"feature_extractor_type": "ASTFeatureExtractor"}
BERT = {"model_type": "wav2vec2-bert"}
BERT_EXTRACTOR = {"feature_extractor_type": "SeamlessM4TFeatureExtractor"}
FIELDS = frozenset(
    {
        *("model_type", "architectures", "id2label", "label2id", "num_labels", "problem_type", "auto_map"),
        *("quantization_config", "hidden_size", "num_attention_heads", "num_hidden_layers", "conv_dim", "conv_stride"),
        *("max_source_positions", "num_mel_bins", "max_length", "chunk_length", "hop_length", "feature_size", "stride"),
        *("sampling_rate", "feature_extractor_type", "processor_class", "do_normalize", "padding_value"),
    }
)
SAY_IT, BRING_IT = (
    "preprocessor: {sampling_rate: 16000, do_normalize: true}",
    "needs the preprocessor_config.json of the model",
)


@pytest.mark.parametrize(
    ("config", "preprocessor", "words", "fix"),
    [
        ({}, {**PREPROCESSOR, "sampling_rate": "16000"}, 'is "16000", and must be', SAY_IT),
        ({}, {**PREPROCESSOR, "sampling_rate": True}, "is true, and must be", SAY_IT),
        ({}, {**PREPROCESSOR, "sampling_rate": 10**9}, "from 1000 to", SAY_IT),
        ({}, {"feature_extractor_type": "MyOwn"}, "it is a MyOwn", SAY_IT),
        ({}, None, "there is none", SAY_IT),
        (WHISPER, None, "there is none", BRING_IT),
        (WHISPER, WHISPER_EXTRACTOR, "it makes 80 bands, and the model reads 128", BRING_IT),
        (WHISPER, {**WHISPER_EXTRACTOR, "feature_size": 128, "chunk_length": 10}, "makes 1000 frames", BRING_IT),
        (AST, {**AST_EXTRACTOR, "max_length": 512}, "it makes 512 frames, and the model reads 1024", BRING_IT),
        (AST, {**AST_EXTRACTOR, "num_mel_bins": 64}, "it makes 64 bands, and the model reads 128", BRING_IT),
        (BERT, {**BERT_EXTRACTOR, "stride": 1}, "it makes 80 numbers per frame, and the model reads 160", BRING_IT),
    ],
)
def test_an_extractor_that_cannot_feed_the_model_is_reported_with_a_fix_that_helps(
    config: dict[str, Any], preprocessor: Any, words: str, fix: str
) -> None:
    facts = facts_with(config, preprocessor=preprocessor)
    finding = only_finding(facts)
    assert finding.status is Status.LOAD_FAILED
    assert words in finding.reason
    assert fix in finding.reason
    healed = statuses(facts, preprocessor=Preprocessor(sampling_rate=16000))
    assert healed == ([] if fix is SAY_IT else [Status.LOAD_FAILED])


@pytest.mark.parametrize("config", [{}, WHISPER])
@pytest.mark.parametrize("extractor", [{}, [], 3, True, [["Wav2Vec2FeatureExtractor"]], {"a": "x" * 10_000}])
def test_an_extractor_whose_class_is_no_text_is_an_invalid_configuration(
    config: dict[str, Any], extractor: object
) -> None:
    finding = only_finding(facts_with(config, preprocessor={"feature_extractor_type": extractor}))
    assert finding.status is Status.INVALID_CONFIG
    assert "must be the name of a class" in finding.reason
    assert len(finding.reason) < 400


@pytest.mark.parametrize("garbage", [None, True, [], {}, [[{}]], {"a": [1]}, -1, 1.5, 10**4000, 1e308, "x" * 100_000])
@pytest.mark.parametrize("where", ["config", "preprocessor"])
def test_garbage_in_any_field_has_a_status_and_a_reason_that_a_person_can_read(where: str, garbage: object) -> None:
    for own, described in (({}, PREPROCESSOR), (WHISPER, WHISPER_EXTRACTOR), (AST, AST_EXTRACTOR)):
        good = facts_with(own, preprocessor=described)
        for field in sorted(FIELDS | (good.config or {}).keys() | described.keys()):
            changed: dict[str, Any] = {where: {**(getattr(good, where) or {}), field: garbage}}
            facts = replace(good, **changed)
            for finding in findings(facts):
                assert len(finding.reason) < 1000, (where, field)
                assert len(finding.model_dump_json()) < 5000, (where, field)


@pytest.mark.parametrize(
    ("config", "preprocessor"),
    [
        ({}, {**PREPROCESSOR, "sampling_rate": 8000}),
        ({}, {"do_normalize": True}),
        (WHISPER, {**WHISPER_EXTRACTOR, "feature_size": 128}),
        (AST, AST_EXTRACTOR),
        (BERT, BERT_EXTRACTOR),
        ({**WHISPER, "num_mel_bins": "128"}, {**WHISPER_EXTRACTOR, "feature_size": None}),
    ],
)
def test_an_extractor_of_which_nothing_is_known_to_be_wrong_is_left_to_the_load(
    config: dict[str, Any], preprocessor: dict[str, Any]
) -> None:
    assert statuses(facts_with(config, preprocessor=preprocessor)) == []


def test_a_folder_that_holds_what_is_missing_above_is_named() -> None:
    facts = facts_without_config("checkpoint-500/config.json", "checkpoint-500/model.safetensors")
    assert "there is one in checkpoint-500" in only_finding(facts).reason


def test_weights_of_other_toolkits_only_are_no_weights() -> None:
    assert statuses(facts_with(files=("tf_model.h5", "flax_model.msgpack"))) == [Status.LOAD_FAILED]


def test_a_partial_listing_says_nothing_about_what_is_not_in_it() -> None:
    assert statuses(facts_with(files=(), preprocessor=None, partial=True)) == []


@pytest.mark.parametrize(
    ("files", "toolkit"),
    [
        (["hyperparams.yaml", "custom_interface.py", "model.ckpt"], "SpeechBrain"),
        (["configuration.json", "model.pt", "am.mvn", "config.yaml"], "FunASR"),
        (["titanet.nemo"], "NeMo"),
        (["adapter_config.json", "adapter_model.safetensors"], "PEFT"),
        (["model.h5"], "Keras"),
        (["clf.joblib"], "scikit-learn"),
        (["model.onnx"], "ONNX"),
        (["model-q4.gguf"], "GGUF"),
        (["meta.yaml", "exp/asr/valid.pth"], "ESPnet"),
        (["weights.pt"], "plain PyTorch"),
        (["README.md"], None),
    ],
)
def test_the_toolkit_of_a_repository_is_named(files: list[str], toolkit: str | None) -> None:
    assert toolkit_of(files) == toolkit
    finding = only_finding(facts_without_config(*files))
    assert finding.status is Status.CUSTOM_INTERFACE
    assert toolkit is None or toolkit in finding.reason
