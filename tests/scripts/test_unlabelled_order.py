"""The experiment of docs/unlabelled.md in small: noisy copies, their predictions, and the orders that follow."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from benchmark.results.prediction_store import PredictionStore
from scripts.hidden_labels import (
    FEWEST,
    Hidden,
    candidate_tables,
    hidden_corpora,
    orders,
    rho,
    subsets,
    tables,
    true_scores,
)
from scripts.noisy_checkpoints import Member, noisy_copy, with_noisy_copies
from scripts.unlabelled_order import DEMO, ask, demo_members, hide
from tests.support.finished_runs import FinishedRun, corpus, verification


def members(names: Sequence[str], training: str = "ravdess") -> list[Member]:
    return [Member(name, Path(name), name, float("copy" in name), training) for name in names]


def hidden(folder: Path, wrongs: dict[str, float]) -> Hidden:
    """Candidates with independent errors at these rates."""
    run = FinishedRun(folder, corpus("acted", repeats=12))
    for seed, (name, wrong) in enumerate(wrongs.items()):
        run.add(verification(name, revision=f"{seed:040x}"), wrong=wrong, seed=seed)
    (corpus_without_labels,) = hidden_corpora(run.record(), PredictionStore(folder).read, members(tuple(wrongs)))
    return corpus_without_labels


def test_the_order_of_independent_candidates_is_found_without_labels(tmp_path: Path) -> None:
    independent = hidden(tmp_path, {"a": 0.1, "b": 0.25, "c": 0.4, "d": 0.5, "e": 0.62})
    truth = true_scores(independent)
    assert sorted(truth, reverse=True) == truth.tolist()
    order = orders(independent, range(5))
    assert order.candidates == 5
    assert order.estimate == pytest.approx(1.0)
    assert order.estimate_of_accuracy == pytest.approx(1.0)
    assert order.majority > 0.8
    assert abs(order.confidence) <= 1


def test_orders_that_are_none_have_no_correlation() -> None:
    truth = np.array([0.1, 0.2, 0.3, 0.4])
    assert rho(truth, [1.0, 2.0, 3.0, 4.0]) == pytest.approx(1.0)
    for guessed in ([0.5] * 4, [0.1, None, 0.2, 0.3]):
        assert math.isnan(rho(truth, guessed))
    assert math.isnan(rho(truth[:3], [1.0, 2.0, 3.0]))


def test_subsets_are_of_those_that_have_something_in_common(tmp_path: Path) -> None:
    chosen = subsets(hidden(tmp_path, {"a": 0.1, "b": 0.3, "c": 0.4, "d": 0.5, "a-copy": 0.3}))
    assert chosen["no noisy copies"] == [0, 1, 2, 3]
    assert "trained on the synthetic voice" not in chosen
    assert min(map(len, chosen.values())) >= FEWEST


def test_noise_is_on_the_classifier_alone_and_grows(tmp_path: Path) -> None:
    original = demo_members(tmp_path / "copies", DEMO[:1], ())[0].folder
    before = load_file(original / "model.safetensors")
    moved = []
    for noise in (0.5, 2.0):
        copy = load_file(noisy_copy(original, tmp_path / f"{noise}", noise=noise, seed=1) / "model.safetensors")
        changed = {name for name in before if not np.array_equal(before[name], copy[name])}
        assert changed == {"classifier.weight"}
        weights = before["classifier.weight"].astype(np.float64)
        moved.append((copy["classifier.weight"] - weights).std() / weights.std())
    assert moved == pytest.approx([0.5, 2.0], rel=0.15)
    assert (tmp_path / "2.0" / "config.json").read_bytes() == (original / "config.json").read_bytes()


def test_a_checkpoint_without_a_classifier_cannot_be_made_worse(tmp_path: Path) -> None:
    encoder = demo_members(tmp_path, DEMO[:1], ())[0].folder.parent / "wavlm-encoder"
    with pytest.raises(ValueError, match="no classifier"):
        noisy_copy(encoder, tmp_path / "copy", noise=1.0, seed=0)


def test_the_experiment_on_four_checkpoints_of_the_demo(tmp_path: Path) -> None:
    everybody = demo_members(tmp_path / "copies", DEMO[:2], (1.0,))
    assert [member.noise for member in everybody] == [0.0, 1.0, 0.0, 1.0]
    outcome = ask(everybody, {"demo": {"source": "demo:"}}, tmp_path, limit=28)
    (demo,) = hide(outcome.record, everybody, tmp_path)
    assert [member.name for member in demo.members] == [member.name for member in everybody]
    assert demo.clips == 28
    assert "| demo (28 clips) | all | 4 |" in tables((demo,))
    assert "| wav2vec2-english | synthetic-voice |" in candidate_tables((demo,))


def test_copies_stand_behind_their_originals(tmp_path: Path) -> None:
    original = demo_members(tmp_path, DEMO[:1], ())[0]
    assert [member.name for member in with_noisy_copies([original], tmp_path, noises=(1.0, 2.0), seed=0)] == [
        "wav2vec2-english", "wav2vec2-english-noise-1", "wav2vec2-english-noise-2",
    ]  # fmt: skip
