"""A replica of every candidate of the packaged registry: its configuration and its tensors' names, in tiny sizes.

The number of layers is the real one, so that headers are as long as the real ones. What is not reported of a candidate
(shards, names of weight normalisation) is chosen so that every storage occurs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from tests.support.foreign_heads import save_weights, with_old_names
from tests.support.hub_server import HubServer
from tests.support.native_models import write_odyssey, write_speechbrain, write_vox_profile
from tests.support.tiny_models import edit_json, write_tiny

Weights = dict[str, torch.Tensor]

_WIDTH = 16


@dataclass(frozen=True, kw_only=True)
class Replica:
    """How a replica is made.

    Attributes:
        model_type: The type of its model.
        layers: How many layers its encoder has.
        labels: The names of its outputs; None where the configuration has none.
        config: Fields of `config.json` over those of a classifier; None takes one out.
        weights: Turns a classifier's tensors into its own.
        storage: `safetensors`, `bin`, `old names bin` or `shards`.
        tags: What the Hub files it under.
        card: What its card declares.
    """

    model_type: str
    layers: int = 12
    labels: Sequence[str] | None = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    weights: Callable[[Weights], Weights] = dict
    storage: str = "safetensors"
    tags: tuple[str, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)


def copied_head(last: str, labels: int) -> Callable[[Weights], Weights]:
    """Put the copied head in the place of transformers' own."""

    def change(weights: Weights) -> Weights:
        generator = torch.Generator().manual_seed(3)
        sizes = {"classifier.dense": (_WIDTH, _WIDTH), f"classifier.{last}": (labels, _WIDTH)}
        head = {f"{name}.weight": torch.randn(size, generator=generator) for name, size in sizes.items()}
        head |= {f"{name}.bias": torch.randn(size[0], generator=generator) for name, size in sizes.items()}
        return {**bare(weights), **head}

    return change


def bare(weights: Weights) -> Weights:
    """Leave the encoder."""
    return {name: value for name, value in weights.items() if not name.startswith(("projector", "classifier"))}


def recogniser(weights: Weights) -> Weights:
    """Put a head for speech recognition in the place of the classifier."""
    return {**bare(weights), "lm_head.weight": torch.randn(32, _WIDTH), "lm_head.bias": torch.randn(32)}


def without_prefix(weights: Weights) -> Weights:
    """Name the encoder's tensors as the bare model does."""
    return {name.partition(".")[2]: value for name, value in bare(weights).items()}


def louder(weights: Weights) -> Weights:
    """Let an untrained Whisper say more about its input than about positions."""
    parts = ("conv1.weight", "conv2.weight", "projector.weight", "classifier.weight")
    return {name: value * 40 if name.endswith(parts) else value for name, value in weights.items()}


_SIX = ("SAD", "ANGRY", "DISGUST", "FEAR", "HAPPY", "NEUTRAL")
_SEVEN = ("angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
_EIGHT = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
_RESD = ("anger", "disgust", "enthusiasm", "fear", "happiness", "neutral", "sadness")
_AESDD = ("anger", "disgust", "fear", "happiness", "sadness")
_KOREAN = ("기쁨", "당황", "분노", "불안", "슬픔")
_SUPERB = ("neu", "hap", "ang", "sad")
_CTC = {"architectures": ["Wav2Vec2ForCTC"]}
_LAYER_SUM = {"use_weighted_layer_sum": True}
_COPIED = {"architectures": ["Wav2Vec2ForSpeechClassification"], "pooling_mode": "mean"}

REPLICAS: Mapping[str, Replica] = {
    "Aniemore/wavlm-emotion-russian-resd": Replica(
        model_type="wavlm",
        layers=24,
        labels=_RESD,
        config={"classifier_proj_size": _WIDTH, "problem_type": "multi_label_classification"},
        tags=("ru",),
        card={"license": "mit", "language": ["ru"], "datasets": ["Aniemore/resd"]},
    ),
    "DunnBC22/wav2vec2-base-Speech_Emotion_Recognition": Replica(
        model_type="wav2vec2", labels=_SIX, storage="old names bin", card={"license": "apache-2.0", "language": "en"}
    ),
    "xbgoose/hubert-large-speech-emotion-recognition-russian-dusha-finetuned": Replica(
        model_type="hubert", layers=24, labels=("neutral", "angry", "positive", "sad", "other"), tags=("ru",)
    ),
    "superb/wav2vec2-base-superb-er": Replica(
        model_type="wav2vec2", labels=_SUPERB, config=_LAYER_SUM, storage="old names bin"
    ),
    "superb/hubert-large-superb-er": Replica(
        model_type="hubert", layers=24, labels=_SUPERB, config=_LAYER_SUM, storage="bin"
    ),
    "firdhokk/speech-emotion-recognition-with-openai-whisper-large-v3": Replica(
        model_type="whisper", layers=32, labels=_SEVEN, weights=louder, storage="shards"
    ),
    "prithivMLmods/Speech-Emotion-Classification": Replica(model_type="wav2vec2", labels=_EIGHT),
    "Dpngtm/wav2vec2-emotion-recognition": Replica(model_type="wav2vec2", labels=_EIGHT),
    "jihedjabnoun/wavlm-base-emotion": Replica(model_type="wavlm", labels=_SEVEN),
    "hughlan1214/Speech_Emotion_Recognition_wav2vec2-large-xlsr-53_240304_SER_fine-tuned2.0": Replica(
        model_type="wav2vec2", layers=24, labels=_SEVEN
    ),
    "UMUTeam/w2v-bert-emotion-en": Replica(model_type="wav2vec2-bert", layers=24, labels=_SEVEN, tags=("en",)),
    "harshit345/xlsr-wav2vec-speech-emotion-recognition": Replica(
        model_type="wav2vec2",
        layers=24,
        labels=_AESDD,
        config=_COPIED,
        weights=copied_head("out_proj", len(_AESDD)),
        storage="old names bin",
        tags=("el",),
    ),
    "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition": Replica(
        model_type="wav2vec2",
        layers=24,
        labels=_EIGHT,
        weights=copied_head("output", len(_EIGHT)),
        storage="bin",
        card={"license": "apache-2.0"},
    ),
    "jungjongho/wav2vec2-xlsr-korean-speech-emotion-recognition": Replica(
        model_type="wav2vec2",
        layers=24,
        labels=_KOREAN,
        config=_COPIED,
        weights=copied_head("out_proj", len(_KOREAN)),
        storage="bin",
        tags=("ko",),
        card={"language": ["ko"], "datasets": ["emotion-speech-ko"]},
    ),
    "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim": Replica(
        model_type="wav2vec2",
        labels=("arousal", "dominance", "valence"),
        config=_COPIED,
        weights=copied_head("out_proj", 3),
        storage="bin",
    ),
    "facebook/wav2vec2-large-robust-ft-swbd-300h": Replica(
        model_type="wav2vec2", layers=24, labels=None, config=_CTC, weights=recogniser, storage="old names bin"
    ),
    "jonatasgrosman/wav2vec2-large-xlsr-53-english": Replica(
        model_type="wav2vec2", layers=24, labels=None, config=_CTC, weights=recogniser
    ),
    "r-f/wav2vec-english-speech-emotion-recognition": Replica(
        model_type="wav2vec2", layers=24, labels=_SEVEN, config=_CTC, weights=recogniser
    ),
    "microsoft/wavlm-base-plus": Replica(
        model_type="wavlm",
        labels=None,
        config={"architectures": ["WavLMModel"]},
        weights=without_prefix,
        storage="old names bin",
    ),
    "MIT/ast-finetuned-audioset-10-10-0.4593": Replica(
        model_type="audio-spectrogram-transformer", labels=tuple(f"Sound {number}" for number in range(527))
    ),
}

OTHER_TOOLKITS: Mapping[str, Mapping[str, Any]] = {
    "emotion2vec/emotion2vec_plus_large": {
        "configuration.json": {"framework": "pytorch", "task": "emotion-recognition"},
        "config.yaml": "model: Emotion2vec",
        "model.pt": b"x" * 300_000,
        "tokens.txt": "angry",
    },
}


NATIVE: Mapping[str, Callable[[Path], object]] = {
    "speechbrain/emotion-recognition-wav2vec2-IEMOCAP": write_speechbrain,
    "tiantiaf/wavlm-large-categorical-emotion": write_vox_profile,
    "3loi/SER-Odyssey-Baseline-WavLM-Categorical": write_odyssey,
}
"""What other toolkits saved and bench rebuilds."""


def one_of_each_kind() -> list[str]:
    """The first replica of each combination of model type, configuration, head and storage."""
    kinds: dict[tuple[str, str, str, str], str] = {}
    for id, replica in REPLICAS.items():
        kind = (replica.model_type, str(replica.config), replica.weights.__qualname__, replica.storage)
        kinds.setdefault(kind, id)
    return list(kinds.values())


def write_replica(replica: Replica, folder: Path) -> Path:
    """Write a replica."""
    depth = {"encoder_layers" if replica.model_type == "whisper" else "num_hidden_layers": replica.layers}
    labels = ("a", "b") if replica.labels is None else replica.labels
    # What another task's configuration says of weights and layers decides the tensors, and its classes do not.
    config = {name: value for name, value in replica.config.items() if name not in ("architectures", "pooling_mode")}
    write_tiny(replica.model_type, folder, labels=labels, **depth, **config)
    without_labels = {"id2label": None, "label2id": None} if replica.labels is None else {}
    edit_json(folder / "config.json", **replica.config, **without_labels)
    path = folder / "model.safetensors"
    weights = replica.weights(load_file(path))
    path.unlink()
    has_old_names = replica.storage.startswith("old names ")
    storage = replica.storage.removeprefix("old names ")
    save_weights(with_old_names(weights) if has_old_names else weights, folder, storage)
    return folder


def publish_replicas(server: HubServer, folder: Path) -> None:
    """Write all replicas and let a server have them."""
    for number, (id, replica) in enumerate(REPLICAS.items()):
        info = {"tags": ["audio-classification", *replica.tags], "cardData": dict(replica.card), "downloads": number}
        server.add(id, write_replica(replica, folder / str(number)), info=info)
    for id, files in OTHER_TOOLKITS.items():
        repository = folder / id.replace("/", "--")
        repository.mkdir(parents=True)
        for name, content in files.items():
            raw = json.dumps(content) if isinstance(content, dict) else content
            (repository / name).write_bytes(raw if isinstance(raw, bytes) else raw.encode())
        server.add(id, repository, info={"tags": ["audio-classification"]})
    for id, write in NATIVE.items():
        repository = folder / id.replace("/", "--")
        write(repository)
        server.add(id, repository, info={"tags": ["audio-classification"]})
