"""Copies of a checkpoint whose answers are worse by design: Gaussian noise on the weights that decide them.

Candidates of known descent and graded skill, for trying out what bench says where there are no labels.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

_CLASSIFIER = "classifier."
_MATRIX = 2


@dataclass(frozen=True)
class Member:
    """One candidate of a family.

    Attributes:
        name: What tables call it.
        folder: Where its checkpoint lies.
        family: The checkpoint that it is, or a noisy copy of.
        noise: Standard deviation of the noise, in those of the weights; 0 for the checkpoint itself.
        trained_on: What the checkpoint was trained on, as far as bench is told.
    """

    name: str
    folder: Path
    family: str
    noise: float
    trained_on: str


def noisy_copy(checkpoint: Path, target: Path, *, noise: float, seed: int) -> Path:
    """Copy a checkpoint and add noise to the matrices of its classifier.

    Args:
        checkpoint: A folder with `model.safetensors`.
        target: The folder of the copy; replaced where it exists.
        noise: Standard deviation of the noise, in standard deviations of each matrix.
        seed: Which noise.

    Returns:
        The folder of the copy.

    Raises:
        ValueError: The checkpoint has no matrix whose name begins with `classifier.`.
    """
    weights = load_file(checkpoint / "model.safetensors")
    decisive = [name for name, each in weights.items() if name.startswith(_CLASSIFIER) and each.ndim == _MATRIX]
    if not decisive:
        raise ValueError(f"{checkpoint} has no classifier.")
    generator = np.random.default_rng(seed)
    for name in decisive:
        matrix = weights[name]
        spread = noise * float(matrix.astype(np.float64).std())
        weights[name] = (matrix + generator.normal(0.0, spread, matrix.shape)).astype(matrix.dtype)
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for path in checkpoint.iterdir():
        if path.is_file() and path.name != "model.safetensors":
            shutil.copyfile(path, target / path.name)
    with safe_open(checkpoint / "model.safetensors", framework="np") as opened:
        metadata = opened.metadata()
    save_file(weights, target / "model.safetensors", metadata=metadata)
    return target


def with_noisy_copies(
    checkpoints: Sequence[Member], folder: Path, *, noises: Sequence[float], seed: int
) -> tuple[Member, ...]:
    """Give checkpoints noisy copies.

    Args:
        checkpoints: The checkpoints themselves.
        folder: Where the copies are written.
        noises: One copy of each checkpoint for each of these.
        seed: Which noise; every copy has its own.

    Returns:
        Each checkpoint with its copies behind it.
    """
    members: list[Member] = []
    for place, member in enumerate(checkpoints):
        members.append(member)
        for step, noise in enumerate(noises):
            name = f"{member.name}-noise-{noise:g}"
            own_seed = seed + place * len(noises) + step
            copy = noisy_copy(member.folder, folder / name, noise=noise, seed=own_seed)
            members.append(Member(name, copy, member.family, noise, member.trained_on))
    return tuple(members)
