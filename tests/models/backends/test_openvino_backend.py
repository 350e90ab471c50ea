"""OpenVINO: the same answers whatever came before, no deadlock between threads, and weights that are given back."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmark.models.backends.converted import FastModel
from benchmark.models.backends.openvino_backend import MappedWeights, computes_in
from tests.models.backends.conftest import Sounds

pytest.importorskip("openvino", reason="OpenVINO has no wheels here")


@pytest.mark.parametrize("model_type", ["wav2vec2", "data2vec-audio", "sew", "whisper"])
def test_an_answer_is_the_same_to_the_bit_whatever_came_before(
    fast: Callable[..., FastModel], sounds: Sounds, model_type: str
) -> None:
    up, down = fast(model_type), fast(model_type)
    first = {size: up.logits(samples) for size, samples in sounds.items()}
    second = {size: down.logits(samples) for size, samples in reversed(sounds.items())}
    assert all(np.array_equal(first[size], second[size]) for size in sounds)


def test_streams_do_not_change_an_answer_and_the_facts_name_them(
    fast: Callable[..., FastModel], sounds: Sounds
) -> None:
    alone, together = fast("hubert"), fast("hubert", streams=2)
    many = list(sounds.values()) * 4
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(together.logits, many))
    assert all(np.array_equal(answer, alone.logits(samples)) for answer, samples in zip(answers, many, strict=True))
    facts = together.backend.facts
    assert (facts.name, facts.dtype, facts.device, facts.streams.count) == ("openvino", "float32", "cpu", 2)
    assert set(facts.versions) == {"openvino"}


@pytest.mark.skipif(not computes_in("bfloat16"), reason="this processor does not compute in bfloat16")
def test_bfloat16_is_close_to_float32_and_not_the_same(fast: Callable[..., FastModel], sounds: Sounds) -> None:
    exact, short = fast("wavlm"), fast("wavlm", dtype="bfloat16")
    differences = [np.abs(exact.logits(samples) - short.logits(samples)).max() for samples in sounds.values()]
    assert 0 < max(differences) < 5e-2
    assert short.report.dtype == "bfloat16"


# Forks of one process that has the library, so that each of them asks for the first time.
_ASK_FROM_MANY_THREADS = """
import os, signal, sys, threading
from benchmark.models.backends.openvino_backend import openvino
library = openvino()
sys.setswitchinterval(1e-7)

def ask(together):
    together.wait()
    library.Type.f32.to_dtype()

for _ in range(6):
    if os.fork() == 0:
        signal.alarm(20)
        together = threading.Barrier(8)
        threads = [threading.Thread(target=ask, args=(together,), daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os._exit(0)
print(sorted(os.wait()[1] for _ in range(6)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has forks that survive")
def test_threads_that_ask_at_once_do_not_wait_for_each_other_for_ever() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _ASK_FROM_MANY_THREADS], capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.stdout, ended.returncode) == (f"{[0] * 6}\n", 0), ended.stderr


def _resident_bytes(path: Path) -> int:
    """How much of a mapped file is in this process's memory."""
    mappings = psutil.Process().memory_maps(grouped=False)
    return sum(mapping.rss for mapping in mappings if mapping.path == str(path))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what of a file is in memory")
def test_read_weights_are_given_back_can_be_read_again_and_are_never_written(tmp_path: Path) -> None:
    file, size = tmp_path / "model.bin", 4 << 20
    file.write_bytes(np.random.default_rng(0).bytes(size))
    weights = MappedWeights(file)
    values = weights.values()
    before = values.tobytes()
    assert _resident_bytes(file) == size
    weights.release()
    assert _resident_bytes(file) == 0
    assert values.tobytes() == before == file.read_bytes()
    values[:] = 0
    assert file.read_bytes() == before
