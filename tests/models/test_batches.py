"""Windows that are computed together: answered as if each came alone, or not at all."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmark.models.backends.protocol import BackendError
from benchmark.models.batches import BatchQueue, padded_length
from benchmark.models.checkpoint import load_checkpoint
from benchmark.models.inference import Checkpoint
from benchmark.models.load_reports import LoadOptions
from tests.support.foreign_heads import Foreign, write_foreign
from tests.support.tiny_models import MODEL_TYPES, edit_json, write_tiny

RATE = 16_000
PADDED = ("hubert", "unispeech", "unispeech-sat", "wav2vec2", "wav2vec2-bert", "wavlm")
FIXED = ("audio-spectrogram-transformer", "whisper")
SECONDS = (0.31, 0.33, 0.5, 1.1, 1.12, 1.2, 1.2, 2.0, 2.3, 12.0)
Windows = list[NDArray[np.float32]]
Load = Callable[[str], Checkpoint]


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Give a function that loads a model whose encoder normalises by layer, and that is told what is padding."""
    folder = tmp_path_factory.mktemp("masked")

    @cache
    def load(model_type: str) -> Checkpoint:
        has_no_choice = model_type in (*FIXED, "wav2vec2-bert")
        norm: dict[str, Any] = {} if has_no_choice else {"feat_extract_norm": "layer"}
        path = write_tiny(model_type, folder / model_type, **norm)
        edit_json(path / "preprocessor_config.json", return_attention_mask=True)
        return load_checkpoint(path)

    return load


@pytest.fixture(scope="module")
def windows() -> Windows:
    """Windows of many lengths, some of one; none is like another."""
    random = np.random.default_rng(5)
    return [random.normal(0, 0.1, int(seconds * RATE)).astype(np.float32) for seconds in SECONDS]


def answers_to(
    checkpoint: Checkpoint, windows: Sequence[NDArray[np.float32]], *, rows: int = 4, most_pending: int = 8
) -> list[dict[str, Any]]:
    """Exchange as a session does: window by window, and the rest at the end."""
    queue = BatchQueue(checkpoint, rows)
    answers = [answer for window in windows for answer in queue.exchange([window], most_pending)]
    answers += queue.exchange([], 0)
    queue.close()
    return [answer.get("returned", answer) for answer in answers]


@pytest.mark.parametrize("model_type", [*PADDED, *FIXED])
def test_a_window_is_answered_in_a_batch_as_it_is_alone(masked: Load, windows: Windows, model_type: str) -> None:
    checkpoint = masked(model_type)
    answers = answers_to(checkpoint, windows)
    assert len(answers) == len(windows)
    for window, answer in zip(windows, answers, strict=True):
        np.testing.assert_allclose(answer["logits"], checkpoint.logits(window), rtol=0, atol=1e-5)
        assert answer["seconds"] > 0


@pytest.mark.parametrize("model_type", ["wav2vec2", "wav2vec2-bert", "whisper"])
def test_other_windows_and_when_they_come_change_no_bit_of_an_answer(
    masked: Load, windows: Windows, model_type: str
) -> None:
    checkpoint = masked(model_type)
    expected = answers_to(checkpoint, windows)
    backwards = answers_to(checkpoint, windows[::-1])[::-1]
    alone = [answers_to(checkpoint, [window])[0] for window in windows]
    for others in (backwards, alone, answers_to(checkpoint, windows, most_pending=1)):
        for answer, other in zip(expected, others, strict=True):
            assert np.array_equal(answer["logits"], other["logits"])


def test_every_batch_of_a_length_has_the_same_shape_and_long_windows_share_it_with_fewer(
    masked: Load, windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: list[tuple[int, ...]] = []
    forward = Checkpoint.forward

    def watched(self: Checkpoint, features: dict[str, torch.Tensor]) -> NDArray[np.float32]:
        shapes.append(tuple(features["input_values"].shape))
        return forward(self, features)

    monkeypatch.setattr(Checkpoint, "forward", watched)
    answers_to(masked("hubert"), [windows[3]] * 3 + [windows[-1]] * 2 + [windows[4]] * 6)
    of_a_second, of_twelve = padded_length(windows[3].size), padded_length(windows[-1].size)
    assert padded_length(windows[4].size) == of_a_second
    assert sorted(shapes) == [(3, of_twelve), *[(4, of_a_second)] * 3]


def test_a_model_whose_convolutions_hear_the_padding_is_refused(masked: Load) -> None:
    for model_type in {*MODEL_TYPES} - {*PADDED, *FIXED}:
        with pytest.raises(BackendError, match="hears what shorter clips"):
            BatchQueue(masked(model_type), 4)


def test_a_model_that_normalises_over_time_has_no_mask_or_pools_over_the_padding_is_refused(tmp_path: Path) -> None:
    by_group = write_tiny("wav2vec2", tmp_path / "group", feat_extract_norm="group")
    unmasked = write_tiny("wav2vec2", tmp_path / "unmasked", feat_extract_norm="layer")
    repaired = tmp_path / "repaired"
    write_foreign(repaired, Foreign(config={"feat_extract_norm": "layer"}))
    for folder in (by_group, repaired):
        edit_json(folder / "preprocessor_config.json", return_attention_mask=True)
    for folder in (by_group, unmasked):
        with pytest.raises(BackendError, match="hears what shorter clips"):
            BatchQueue(load_checkpoint(folder), 4)
    with pytest.raises(BackendError, match="rebuilt head"):
        BatchQueue(load_checkpoint(repaired, LoadOptions(head={"kind": "dense-out"})), 4)


def test_what_one_window_lacks_costs_that_window_only(masked: Load, windows: Windows) -> None:
    broken = windows[3].copy()
    broken[5] = np.nan
    short, first, nan, last = answers_to(masked("wavlm"), [windows[0][:20], windows[3], broken, windows[3]])
    assert short["raised"][0] == "TooShortError"
    assert nan["raised"][0] == "NotFiniteError"
    assert np.array_equal(first["logits"], last["logits"])


def test_memory_that_runs_out_is_the_answer_to_every_window_of_that_batch(
    masked: Load, windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = Checkpoint.forward

    def full(self: Checkpoint, features: dict[str, torch.Tensor]) -> NDArray[np.float32]:
        if features["input_values"].shape[1] > RATE:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return forward(self, features)

    monkeypatch.setattr(Checkpoint, "forward", full)
    answers = answers_to(masked("hubert"), [windows[3], windows[0], windows[4]])
    assert [answer.get("out_of_memory", [None])[0] for answer in answers] == [2 * 2**30, None, 2 * 2**30]


def test_on_a_gpu_inputs_are_copied_from_pinned_memory_while_the_host_goes_on(
    masked: Load, windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, copies = masked("hubert"), []
    expected = checkpoint.logits(windows[0])

    def pinned(self: torch.Tensor) -> torch.Tensor:
        copies.append(self.shape)
        return self

    class OnGpu:
        """The model, as if it were there."""

        device = torch.device("cuda")

        def __getattr__(self, name: str) -> Any:
            return getattr(checkpoint.model, name)

        def __call__(self, **inputs: torch.Tensor) -> Any:
            return checkpoint.model(**inputs)

    def placed(self: torch.Tensor, *arguments: Any, **options: Any) -> torch.Tensor:
        if arguments == (torch.device("cuda"),):
            assert options == {"non_blocking": True}
            return self
        return to(self, *arguments, **options)

    to = torch.Tensor.to
    monkeypatch.setattr(torch.Tensor, "pin_memory", pinned)
    monkeypatch.setattr(torch.Tensor, "to", placed)
    on_gpu = Checkpoint(OnGpu(), checkpoint.extractor, checkpoint.report)
    assert np.array_equal(on_gpu.logits(windows[0]), expected)
    assert copies == [torch.Size([1, windows[0].size])] * 2
