"""Zero-shot models: CLAP compares a recording with prompts, sentences that describe an emotion.

Each emotion has the same number of prompts; the first ones of all emotions are a phrasing, and so on. A phrasing
answers with the softmax over emotions of logit scale · cosine(audio, prompt); the model answers with the mean of these
probabilities over phrasings. So that it is an ordinary classifier, every prompt is a label of its own. Its probability
is that of its phrasing divided by the number of phrasings: the sum over the prompts of an emotion is the mean.
(CLAP: Y. Wu et al., Large-scale contrastive language-audio pretraining, ICASSP 2023.)
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel

from benchmark.models.load_reports import CheckpointError, LoadOptions, LoadReport
from benchmark.models.speech_model import SpeechModel
from benchmark.results.predictions import PHRASINGS, ZERO_SHOT

_SHOWN = 3
_LONGEST = 60


@dataclass(frozen=True, eq=False)
class ZeroShotModel(SpeechModel):
    """A CLAP model with the embeddings of its prompts.

    Attributes:
        prompts: Normalised embeddings, shape (prompts, dimensions), the prompts of an emotion one after the other.
        phrasings: The number of prompts of each emotion.
    """

    model: Any
    extractor: Any
    prompts: torch.Tensor
    phrasings: int
    report: LoadReport

    @property
    def shortest(self) -> int:
        """Samples of a frame of the spectrogram."""
        return int(self.extractor.fft_window_size)

    def logits(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one window; a shorter one is repeated and filled up by the extractor."""
        self.require_enough(samples.size)
        features = self.extractor(samples, sampling_rate=self.extractor.sampling_rate, return_tensors="pt")
        with torch.inference_mode():
            audio = self.model.get_audio_features(**features.to(self.model.device)).pooler_output
            similarities = audio[0] @ self.prompts.T * self.model.logit_scale_a.exp()
            by_phrasing = similarities.reshape(-1, self.phrasings)
            logarithms = torch.log_softmax(by_phrasing.double(), dim=0) - np.log(self.phrasings)
        return np.asarray(logarithms.reshape(-1).float().cpu().numpy(), dtype=np.float32)


def load_zero_shot(folder: Path, options: LoadOptions) -> ZeroShotModel:
    """Load a CLAP checkpoint, and embed the prompts of `options`; nothing from the folder is executed.

    Raises:
        CheckpointError: Weights are missing, or a prompt is too long.
        Exception: Whatever transformers raises for a checkpoint that it can't load.
    """
    begin, described = time.perf_counter(), options.prompts or {}
    texts, phrasings = list(described["texts"]), int(described["phrasings"])
    kept: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if options.seed is not None:
        torch.manual_seed(options.seed)
    model, loading = ClapModel.from_pretrained(folder, dtype=options.dtype, output_loading_info=True, **kept)
    if missing := sorted(loading["missing_keys"]):
        shown = ", ".join(name[:_LONGEST] for name in missing[:_SHOWN])
        raise CheckpointError(f"{len(missing)} of its weights are not in the checkpoint and would be random: {shown}")
    model = model.eval().to(options.device)
    extractor = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, **kept)
    report = LoadReport(
        architecture=type(model).__name__,
        model_type=model.config.model_type,
        head=ZERO_SHOT,
        head_parameters={PHRASINGS: str(phrasings)},
        labels=tuple(texts),
        multi_label=False,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        dtype=str(model.dtype).removeprefix("torch."),
        device=model.device.type,
        gpu=torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else None,
        attention=getattr(model.config, "_attn_implementation", None),
        sampling_rate=int(extractor.sampling_rate),
        # Longer ones would be cut at random.
        window_s=extractor.nb_max_samples / extractor.sampling_rate,
        fixed_window=True,
        seconds=time.perf_counter() - begin,
    )
    return ZeroShotModel(model, extractor, _embeddings(model, tokenizer, texts), phrasings, report)


def _embeddings(model: Any, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    """Embed the prompts one by one, so that none depends on the length of another.

    Raises:
        CheckpointError: One has more tokens than the model reads.
    """
    config, embeddings = model.config.text_config, []
    # Positions begin behind that of the padding token.
    most = config.max_position_embeddings - config.pad_token_id - 1
    for text in texts:
        tokens = tokenizer(text, return_tensors="pt")
        count = int(tokens["input_ids"].shape[1])
        if count > most:
            raise CheckpointError(f"the prompt {text[:_LONGEST]!r} has {count} tokens, and it reads {most}: shorten it")
        with torch.inference_mode():
            inputs = {name: tokens[name].to(model.device) for name in ("input_ids", "attention_mask")}
            embeddings.append(model.get_text_features(**inputs).pooler_output[0])
    return torch.stack(embeddings)
