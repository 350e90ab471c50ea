"""Tiny CLAP checkpoints with random weights, and what plain transformers makes of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import ByteLevelBPETokenizer
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor, RobertaTokenizerFast

PROMPTS: Mapping[str, Sequence[str]] = {
    "anger": ("an angry voice", "somebody shouts angrily", "this person sounds angry"),
    "sadness": ("a sad voice", "somebody speaks sadly", "this person sounds sad"),
    "happiness": ("a happy voice", "somebody laughs happily", "this person sounds happy"),
}
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_AUDIO = {"window_size": 4, "spec_size": 256, "num_attention_heads": [1, 1, 2, 2], "num_classes": 2}


def write_clap(
    folder: Path, *, fused: bool = False, width: int = 1, prompts: Mapping[str, Sequence[str]] = PROMPTS
) -> Path:
    """Save a model with its extractor and a tokenizer of the words of the prompts.

    Args:
        folder: Where to.
        fused: Whether audio is read in four views, as by `clap-htsat-fused`.
        width: Multiplies all widths; 4 has the depths and heads of the published models at a quarter of their width.
        prompts: By emotion.
    """
    torch.manual_seed(5)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(
        [text for texts in prompts.values() for text in texts], vocab_size=400, special_tokens=list(_SPECIAL)
    )
    tokenizer.save_model(str(folder))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "RobertaTokenizer"}', encoding="utf-8")
    large = width > 1
    text = {
        "vocab_size": tokenizer.get_vocab_size(), "hidden_size": 32 * width, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 48 * width, "max_position_embeddings": 64,
        "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2,
    }  # fmt: skip
    audio = {
        **_AUDIO, "hidden_size": 64 * width, "patch_embeds_hidden_size": 8 * width, "enable_fusion": fused,
        "depths": [2, 2, 6, 2] if large else [1, 1, 1, 1], "window_size": 8 if large else 4,
        "num_attention_heads": [4, 8, 16, 32] if large else [1, 1, 2, 2], "num_hidden_layers": 4,
    }  # fmt: skip
    model = ClapModel(ClapConfig(text_config=text, audio_config=audio, projection_dim=16 * width))
    with torch.no_grad():  # so that random features differ from clip to clip
        for name, weights in model.named_parameters():
            if "projection" in name and name.endswith("weight"):
                weights.normal_(std=0.5)
    model.save_pretrained(folder)
    ClapFeatureExtractor(truncation="fusion" if fused else "rand_trunc").save_pretrained(folder)
    return folder


def expected_probabilities(
    folder: Path, samples: NDArray[np.float32], prompts: Mapping[str, Sequence[str]] = PROMPTS
) -> dict[str, float]:
    """The mean over phrasings of the softmax that `ClapModel` itself gives with the emotions of a phrasing."""
    model = ClapModel.from_pretrained(folder).eval()
    processor = ClapProcessor(
        ClapFeatureExtractor.from_pretrained(folder), RobertaTokenizerFast.from_pretrained(folder)
    )
    total = np.zeros(len(prompts))
    for phrasing in zip(*prompts.values(), strict=True):
        inputs = processor(text=list(phrasing), audio=samples, sampling_rate=48_000, return_tensors="pt", padding=True)
        with torch.no_grad():
            total += model(**inputs).logits_per_audio.softmax(dim=-1)[0].double().numpy()
    mean = total / len(next(iter(prompts.values())))
    return dict(zip(prompts, mean.tolist(), strict=True))


def as_yaml(prompts: Mapping[str, Sequence[str]] = PROMPTS) -> str:
    """The prompts as a value in a registry."""
    return json.dumps({emotion: list(texts) for emotion, texts in prompts.items()})
