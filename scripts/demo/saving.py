"""Writing a checkpoint as a repository on the Hub would hold it."""

import copy
import json
from pathlib import Path

from transformers import ASTConfig, ASTFeatureExtractor, PreTrainedModel, Wav2Vec2FeatureExtractor

from scripts.demo.voice import SAMPLING_RATE
from scripts.demo.wavlm_and_ast import spectrogram_extractor

CARD = """---
license: apache-2.0
pipeline_tag: audio-classification
tags: [synthetic, test-fixture]
---
# {name}

Not for use. It has heard nothing but the synthetic voice of `bench`, and knows nothing of real speech.

{about}

`scripts/train_demo.py` makes it again.
"""

ABOUT = {
    "wav2vec2-english": "One of the demo's two good candidates: a tiny wav2vec2, trained from scratch.",
    "hubert-german": "One of the demo's two good candidates: a tiny HuBERT, trained from scratch, with German labels.",
    "wavlm-korean": "Six emotions with Korean labels: a tiny WavLM, whose ears are those of the German one.",
    "ast-english-five": "Five emotions, heard in windows of 2.56 s: a tiny audio spectrogram transformer.",
    "wav2vec2-four": "Four emotions under the codes of IEMOCAP: a fallback for those who ask for five or more.",
    "hubert-always-neutral": "Answers NEUTRAL, whatever it hears: the bias of that output was raised after training.",
    "wav2vec2-dimensional": "Regresses arousal, dominance and valence: no emotion classifier.",
    "wav2vec2-foreign-head": (
        "Trained with a head that transformers' own class cannot read (dense, tanh, out_proj); bench rebuilds it."
    ),
    "wav2vec2-ctc": "A speech recogniser's head on random weights: only its kind matters.",
    "wavlm-encoder": "An encoder without a head, of random weights: only its kind matters.",
}


def save(model: PreTrainedModel, folder: Path) -> None:
    """Save weights in half precision, to be loaded in single precision, with what reads the audio, and a card."""
    copy.deepcopy(model).half().save_pretrained(folder)
    # safetensors writes for its owner alone; whoever installs the package as another user could not read it.
    (folder / "model.safetensors").chmod(0o644)
    _extractor(model).save_pretrained(folder)
    config = folder / "config.json"
    content = json.loads(config.read_text(encoding="utf-8")) | {"dtype": "float32"}
    config.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    card = CARD.format(name=folder.name, about=ABOUT[folder.name])
    (folder / "README.md").write_text(card, encoding="utf-8")


def _extractor(model: PreTrainedModel) -> ASTFeatureExtractor | Wav2Vec2FeatureExtractor:
    if isinstance(model.config, ASTConfig):
        return spectrogram_extractor()
    return Wav2Vec2FeatureExtractor(
        sampling_rate=SAMPLING_RATE,
        do_normalize=True,
        return_attention_mask=model.config.feat_extract_norm == "layer",
    )
