"""How many floating-point operations a checkpoint needs for a second of audio, counted while it computes."""

from pathlib import Path

import numpy as np


def gflop_per_second_of_audio(folder: Path, seconds: float) -> float:
    """Count the operations of matrix products, convolutions and attention for one clip.

    Args:
        folder: The checkpoint.
        seconds: How long the clip is.

    Returns:
        10⁹ operations per second of audio; a multiplication and an addition are two.
    """
    import torch  # noqa: PLC0415
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification  # noqa: PLC0415

    extractor = AutoFeatureExtractor.from_pretrained(folder)
    # The counter does not know every fused attention.
    model = AutoModelForAudioClassification.from_pretrained(folder, attn_implementation="eager").eval()
    samples = np.random.default_rng(0).normal(0, 0.1, int(seconds * extractor.sampling_rate)).astype(np.float32)
    features = extractor(samples, sampling_rate=extractor.sampling_rate, return_tensors="pt")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(**features)
    return float(counter.get_total_flops()) / seconds / 1e9
