"""A check finds whatever is damaged in a cache with one of everything, and changes nothing."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmark.corpora.datasets import Spool
from benchmark.errors import RequestError
from benchmark.registry.schema import Candidate
from benchmark.results.cache_check import check_cache
from benchmark.results.inference_record import ParityCheck, converted_model, describe_converted_model
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.runs import load_run
from benchmark.results.speech_shares import read_speech_shares
from benchmark.verification.verdict_store import known_outputs
from tests.support.damage import flip
from tests.support.full_caches import NEW, OLD, fill, setup_of


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    fill(folder)
    return folder


def test_an_undisturbed_cache_is_whole(full: Path, tmp_path: Path) -> None:
    checked = check_cache(full)
    assert (checked.entries, checked.damaged) == (8, ())
    assert check_cache(tmp_path / "none").entries == 0


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("predictions", "org__model/*/predictions/*/part-*.parquet"),
        ("verifications", "org__model/*/verification-*.json"),
        ("converted", "org__model/*/converted/*/model.bin"),
        ("converted", "org__model/*/converted/*/manifest.json"),
        ("datasets", "corpora/*/*/*/00000000"),
        ("datasets", "corpora/*/*/*/rows.jsonl"),
        ("speech", "speech/*.json"),
        ("runs", "runs/*.json"),
        (None, "**/*.meta"),
    ],
)
def test_a_flipped_bit_is_found_in_every_kind_of_file(full: Path, kind: str | None, pattern: str) -> None:
    path = next(path for path in full.glob(pattern) if not path.name.startswith("."))
    content, names = path.read_bytes(), sorted(full.rglob("*"))
    flip(path, bit=8 * len(content) // 2)
    (damaged,) = check_cache(full).damaged
    assert damaged.kind == kind
    assert (full / damaged.path) in {path, path.parent, path.with_suffix("")}
    assert sorted(full.rglob("*")) == names
    path.write_bytes(content)
    assert check_cache(full).damaged == ()


def everything_read(cache: Path) -> dict[str, object]:
    """What bench reads of a full cache, kind by kind."""
    read: dict[str, object] = {}
    for setup in (setup_of(OLD), setup_of(NEW), setup_of(NEW, {"torch": "1.0"})):
        table = PredictionStore(cache).read(setup)
        read[f"predictions {setup.key}"] = {clip: table[clip].logits.tobytes() for clip in table}  # type: ignore[union-attr]
    try:
        read["run"] = load_run(cache).model_dump_json()
    except RequestError as error:
        read["run"] = str(error)
    read["verdict"] = known_outputs(Candidate(id="org/model"), cache)
    converted = setup_of(NEW).model_copy(update={"backend": "openvino"})
    describe_converted_model(cache, converted)
    read["converted"] = converted_model(cache, converted).exists()
    read["parity"] = ParityCheck.load(cache, converted)
    spool = Spool(cache / "corpora" / "org_set-12345678" / NEW / "default")
    rows = spool.read().rows if spool.is_complete else []
    read["dataset"] = [(row, (spool.folder / str(row.audio)).read_bytes()) for row in rows]
    read["speech"] = read_speech_shares(cache, "detector 1")
    return read


@pytest.mark.parametrize("flips", [40, pytest.param(400, marks=pytest.mark.slow)])
def test_no_flipped_bit_changes_what_is_read_without_a_word(
    full: Path, tmp_path: Path, flips: int, caplog: pytest.LogCaptureFixture
) -> None:
    whole = shutil.copytree(full, tmp_path / "whole")
    check = ParityCheck(setup="s", model="m", clips=(), compared=0, largest_difference=0.0, allowed=1e-3)
    check.save(whole, setup_of(NEW).model_copy(update={"backend": "openvino"}))
    undisturbed = everything_read(shutil.copytree(whole, tmp_path / "undisturbed"))
    assert caplog.messages == []
    chance = np.random.default_rng(flips)
    stored = [path.relative_to(whole) for path in sorted(whole.rglob("*")) if path.is_file()]
    stored = [path for path in stored if path.suffix not in {".log", ".part"}]  # which are never read
    for number in range(flips):
        cache = shutil.copytree(whole, tmp_path / str(number), copy_function=os.link)
        path = cache / stored[chance.integers(len(stored))]
        flip(path, bit=int(chance.integers(8 * path.stat().st_size)))
        caplog.clear()
        changed = [kind for kind, content in everything_read(cache).items() if content != undisturbed[kind]]
        (message,) = caplog.messages
        assert message.startswith(str(path.parent)) or path.parent.name in message, path
        assert len(changed) <= 1, path
        shutil.rmtree(cache)
