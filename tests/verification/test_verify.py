import _thread
import json
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmark.errors import RequestError
from benchmark.hub.client import Hub
from benchmark.progress import Silent
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.verification import Verification
from benchmark.settings import Settings
from benchmark.verification import loading
from benchmark.verification.options import VerifyOptions
from benchmark.verification.verify import verify_candidates
from tests.support.foreign_heads import Foreign, write_foreign
from tests.support.hub_server import Fault, HubServer, Trouble, closed_port
from tests.support.tiny_models import edit_json, write_tiny
from tests.verification.conftest import registry_of

EditWeights = Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny("wav2vec2", tmp_path_factory.mktemp("good") / "good")


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        return Path(shutil.copytree(good, tmp_path / "models" / name))

    return make


@pytest.fixture
def verify(settings: Settings) -> Callable[..., tuple[Verification, ...]]:
    def run(*candidates: Candidate, hub: Hub | None = None, jobs: int = 1, **options: Any) -> tuple[Verification, ...]:
        chosen = Settings(cache=settings.cache, jobs=jobs, hub_timeout_s=1.0, load_timeout_s=options.pop("limit", 60.0))
        hub = hub or Hub(timeout_s=1.0, endpoint=closed_port())
        return verify_candidates(
            registry_of(*candidates), hub=hub, settings=chosen, progress=Silent(), options=VerifyOptions(**options)
        )

    return run


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_ACTOR", "tests.verification.actors:FragileActor")


def local(folder: Path, **fields: Any) -> Candidate:
    return Candidate.model_validate({"id": str(folder), **fields})


def edit_weights(folder: Path, edit: EditWeights) -> None:
    path = folder / "model.safetensors"
    weights = {name: value.clone() for name, value in load_file(path).items()}
    save_file(edit(weights), path, metadata={"format": "pt"})


def recogniser(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Turn a classifier's weights into those of a speech recogniser."""
    return {**without("projector", "classifier")(weights), "lm_head.weight": torch.ones(8, 16)}


def without(*prefixes: str) -> EditWeights:
    return lambda weights: {name: value for name, value in weights.items() if not name.startswith(prefixes)}


def test_a_good_checkpoint_is_usable_with_all_that_a_run_needs(verify: Any, good: Path, settings: Settings) -> None:
    (verification,) = verify(local(good))
    assert (verification.status, verification.loads, verification.head) == (Status.USABLE, True, "standard")
    assert verification.emotions == ("anger", "happiness", "sadness", "neutral", "fear")
    assert (verification.sampling_rate, verification.window_s) == (16_000, 30.0)
    assert verification.parameters
    assert verification.size_bytes == (good / "model.safetensors").stat().st_size
    assert verification.log
    assert (settings.cache / verification.log).is_file()


def test_every_fault_of_the_weights_gets_its_status_and_costs_a_load_only_where_headers_cannot_tell(
    verify: Any, copy: Any, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    write_foreign(foreign, Foreign())
    edit_weights(other_task := copy("recogniser"), recogniser)
    edit_weights(encoder := copy("encoder"), without("projector", "classifier"))
    edit_weights(half := copy("half"), without("classifier"))
    edit_weights(hole := copy("hole"), without("wav2vec2.encoder.layers.1"))
    edit_weights(
        untrained := copy("untrained"),
        lambda weights: {
            name: torch.zeros_like(value) if name in {"projector.bias", "classifier.bias"} else value
            for name, value in weights.items()
        },
    )
    edit_json((layer_sum := copy("layer-sum")) / "config.json", use_weighted_layer_sum=True)
    edit_json((shapes := copy("shapes")) / "config.json", classifier_proj_size=9)
    edit_json((refused := copy("refused")) / "config.json", hidden_size="sixteen")
    ((broken := copy("broken")) / "model.safetensors").write_bytes(b"no weights")
    ((extractor := copy("extractor")) / "preprocessor_config.json").write_text('{"feature_extractor_type": "Nothing"}')
    expected = {
        foreign: (Status.REPAIRED, True),
        other_task: (Status.WRONG_TASK, None),
        encoder: (Status.NO_HEAD, None),
        half: (Status.RANDOM_HEAD, None),
        hole: (Status.RANDOM_HEAD, None),
        untrained: (Status.RANDOM_HEAD, None),
        layer_sum: (Status.RANDOM_HEAD, None),
        shapes: (Status.LOAD_FAILED, None),
        refused: (Status.INVALID_CONFIG, None),
        broken: (Status.LOAD_FAILED, None),
        extractor: (Status.LOAD_FAILED, True),
    }
    verifications = verify(*(local(folder) for folder in expected), jobs=2)
    assert [(each.candidate, each.status, each.loads) for each in verifications] == [
        (folder.name, status, loads) for folder, (status, loads) in expected.items()
    ]
    assert all(each.reason.endswith(".") for each in verifications)


def test_a_worker_that_dies_costs_its_own_candidate_only(verify: Any, copy: Any, good: Path, fragile: None) -> None:
    folders = [copy("crash"), copy("memory"), good, copy("hang")]
    verifications = verify(*(local(folder) for folder in folders), limit=4.0)
    assert [each.status for each in verifications] == [
        Status.CRASHED,
        Status.OUT_OF_MEMORY,
        Status.USABLE,
        Status.TIMED_OUT,
    ]
    assert "SIGKILL" in verifications[0].reason


def test_the_order_is_that_of_the_registry_and_nobody_is_left_out(verify: Any, copy: Any, tmp_path: Path) -> None:
    edit_weights(ctc := copy("ctc"), recogniser)
    candidates = [local(tmp_path / "gone"), Candidate(id="org/model"), local(ctc), local(ctc / "config.json", name="f")]
    assert [each.status for each in verify(*candidates)] == [
        Status.NOT_FOUND,
        Status.UNREACHABLE,
        Status.WRONG_TASK,
        Status.NOT_FOUND,
    ]


def test_a_verdict_is_found_out_once_and_again_only_when_asked(
    verify: Any, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = verify(local(good))
    monkeypatch.setattr(loading, "_ACTOR", "no.such:Actor")
    assert verify(local(good)) == first
    assert verify(local(good), refresh=True)[0].status is not Status.USABLE


def test_a_changed_folder_is_another_revision(verify: Any, copy: Any) -> None:
    folder = copy("changing")
    (before,) = verify(local(folder))
    edit_weights(folder, without("classifier"))
    (after,) = verify(local(folder))
    assert before.revision != after.revision
    assert (before.status, after.status) == (Status.USABLE, Status.RANDOM_HEAD)


def test_a_missing_preprocessor_is_healed_by_the_registry(verify: Any, copy: Any) -> None:
    folder = copy("mute")
    (folder / "preprocessor_config.json").unlink()
    override = {"sampling_rate": 16000, "do_normalize": True}
    assert verify(local(folder))[0].status is Status.LOAD_FAILED
    assert verify(local(folder, preprocessor=override))[0].status is Status.USABLE


def test_a_wrong_override_ends_all_before_anything_is_loaded(verify: Any, good: Path, settings: Settings) -> None:
    with pytest.raises(RequestError, match="wrong-one"):
        verify(local(good), local(good, name="wrong-one", labels={"bored": "boredom"}))
    assert not settings.logs.exists()


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


def test_repositories_of_the_hub_get_their_statuses_and_rejected_ones_cost_no_weights(
    verify: Any, server: HubServer, good: Path, copy: Any, tmp_path: Path
) -> None:
    hub = Hub(timeout_s=1.0, endpoint=server.url, cache=tmp_path / "hf")
    server.add("org/good", good, info={"cardData": {"license": "mit"}})
    edit_json((code := copy("code")) / "config.json", auto_map={"AutoModel": "x.Y"})
    server.add("org/code", code)
    edit_json((invalid := copy("invalid")) / "config.json", hidden_size="many")
    server.add("org/invalid", invalid)
    server.add("org/gated", copy("gated"), gated=True)
    server.add("org/hangs", copy("hangs"))
    server.break_("org/hangs", Fault(Trouble.HANG))
    server.add("org/cut", copy("cut"))
    server.break_("org/cut", Fault(Trouble.RESET, at="model.safetensors"))
    names = ("good", "code", "invalid", "gated", "hangs", "cut", "missing")
    verifications = verify(*(Candidate(id=f"org/{name}") for name in names), hub=hub)
    assert {each.candidate.removeprefix("org/"): each.status for each in verifications} == {
        "good": Status.USABLE,
        "code": Status.CUSTOM_CODE,
        "invalid": Status.INVALID_CONFIG,
        "gated": Status.GATED,
        "hangs": Status.UNREACHABLE,
        "cut": Status.UNREACHABLE,
        "missing": Status.NOT_FOUND,
    }
    assert verifications[0].license == "mit"
    weights = (good / "model.safetensors").stat().st_size
    assert server.bytes_sent["org/code"] < weights
    assert server.bytes_sent["org/invalid"] < 2 * weights < server.bytes_sent["org/good"] + weights


def test_with_no_network_a_whole_registry_is_unreachable_soon(verify: Any) -> None:
    begin = time.monotonic()
    verifications = verify(*(Candidate(id=f"org/model-{number}") for number in range(25)))
    assert time.monotonic() - begin < 5.0
    assert {each.status for each in verifications} == {Status.UNREACHABLE}


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Where tests run in the background, interrupts may be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def running_workers() -> list[psutil.Process]:
    """Workers are children of the fork server, which is a child of ours."""
    return [one for child in psutil.Process().children() for one in child.children()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there workers come from a fork server")
@pytest.mark.usefixtures("fragile", "interruptible")
def test_an_interruption_ends_the_workers_and_keeps_what_was_finished(
    verify: Any, copy: Any, good: Path, settings: Settings
) -> None:
    def interrupt_when_it_hangs() -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end and not list(settings.cache.rglob("verification-*.json")):
            time.sleep(0.05)
        time.sleep(1.0)
        assert running_workers()
        _thread.interrupt_main()

    watcher = threading.Thread(target=interrupt_when_it_hangs)
    watcher.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        verify(local(good), local(copy("hang")))
    assert not running_workers()
    assert time.monotonic() - begin < 20.0
    watcher.join()
    kept = [json.loads(path.read_text())["verification"] for path in settings.cache.rglob("verification-*.json")]
    assert [each["status"] for each in kept] == ["usable"]
