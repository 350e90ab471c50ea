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
from benchmark.hub.facts import HubFailure, RepoFacts
from benchmark.models import heads
from benchmark.progress import Silent
from benchmark.registry.schema import Candidate
from benchmark.results.status import Status, Verdict
from benchmark.results.verification import Finding, PublishedScore, Verification
from benchmark.settings import Settings
from benchmark.verification import load
from benchmark.verification.options import Depth, VerifyOptions
from benchmark.verification.record import CandidateRecord
from benchmark.verification.verify import InterruptedVerificationError, decide, verify_candidates
from tests.support.foreign_heads import Foreign, write_foreign
from tests.support.hub_server import Fault, HubServer, Trouble, closed_port
from tests.support.plugins import install
from tests.support.tiny_models import edit_json, extractor_of, write_tiny
from tests.verification.conftest import facts_with, registry_of

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
    monkeypatch.setattr(load, "_ACTOR", "tests.verification.actors:FragileActor")
    monkeypatch.setattr(load, "load_limit", lambda _jobs: 500_000_000)


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


DECLARED = Candidate(id="org/model", name="model", expect=Status.USABLE, languages=("en",), trained_on=("ravdess",))


def finding(status: Status) -> Finding:
    return Finding(status=status, reason=f"It is {status}.")


def record_with(*findings: Finding, **fields: Any) -> CandidateRecord:
    return CandidateRecord(candidate=DECLARED, facts=facts_with(), findings=list(findings), **fields)


@pytest.mark.parametrize("first", list(Status))
def test_whatever_comes_first_in_the_order_decides_and_the_rest_stays(first: Status) -> None:
    later = [status for status in Status if status.precedence >= first.precedence]
    verification = decide(record_with(*map(finding, reversed(later))))
    assert verification.status is first
    assert verification.reason == f"It is {first}."
    assert [each.status for each in verification.findings] == later


def test_nothing_found_without_a_load_is_no_verdict_yet() -> None:
    verification = decide(record_with(), Depth.INSPECT)
    assert (verification.status, verification.verdict) == (Status.INSPECTED, Verdict.UNDECIDED)
    assert (verification.loads, verification.depth) == (None, "inspect")
    assert (verification.expect, verification.languages, verification.trained_on) == (
        Status.USABLE,
        ("en",),
        ("ravdess",),
    )


def test_a_failure_of_the_hub_is_a_sentence() -> None:
    verification = decide(record_with(failure=HubFailure(Status.UNREACHABLE, "the Hub failed (HTTP 503)")))
    assert (verification.verdict, verification.revision) == (Verdict.UNDECIDED, None)
    assert verification.reason == "The Hub failed (HTTP 503)."


def test_labels_that_mean_nothing_are_noted() -> None:
    facts = facts_with({"id2label": {"0": "sad", "1": "angry", "2": "xyzzy"}})
    assert any("xyzzy" in note for note in decide(CandidateRecord(candidate=DECLARED, facts=facts)).notes)


def save_old(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    """Keep only the format whose tensors no header tells, so that a load has to."""
    (folder / "model.safetensors").unlink(missing_ok=True)
    torch.save(weights, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("old", [False, True])
def test_headers_and_loads_tell_a_speech_recogniser_by_the_same_rules(verify: Any, copy: Any, old: bool) -> None:
    edit_weights(folder := copy("ctc"), recogniser)
    edit_weights(folder, lambda weights: {name.replace("lm_head", "ctc_head"): weights[name] for name in weights})
    if old:
        save_old(folder, load_file(folder / "model.safetensors"))
    (verification,) = verify(local(folder))
    assert (verification.status, verification.loads) == (Status.WRONG_TASK, True if old else None)
    assert verification.reason == ("Its weights hold a head for speech recognition (CTC) and none for classification.")


@pytest.mark.parametrize("old", [False, True])
def test_a_head_that_a_package_adds_is_rebuilt_after_a_header_and_after_a_load(
    verify: Any, copy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    pyproject = '[project]\nname = "added-heads"\nversion = "1.0"\n\n[project.entry-points."bench.heads"]\n'
    source = """
from benchmark.models.heads import HeadLayout
HEAD = HeadLayout(name="two-layers", layers=(("classifier.first",), ("classifier.last",)),
                  model_types=frozenset({"wav2vec2"}))
"""
    folder, layers = copy("added"), {"classifier.first": (16, 16), "classifier.last": (5, 16)}
    edit_weights(folder, without("projector", "classifier"))
    weights = load_file(folder / "model.safetensors")
    for name, shape in layers.items():
        weights |= {f"{name}.weight": torch.randn(shape), f"{name}.bias": torch.randn(shape[0])}
    if old:
        save_old(folder, weights)
    else:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    entry = 'two-layers = "added_two_layers:HEAD"'
    package = install(tmp_path / "package", pyproject=pyproject + entry, files={"added_two_layers.py": source})
    monkeypatch.syspath_prepend(str(package))
    heads.layouts.cache_clear()
    (verification,) = verify(local(folder))
    heads.layouts.cache_clear()
    assert (verification.status, verification.head, verification.loads) == (Status.REPAIRED, "two-layers", True)


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
        extractor: (Status.LOAD_FAILED, None),
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


def test_what_this_machine_cannot_hold_is_not_even_fetched(
    verify: Any, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "load_limit", lambda _jobs: 10_000)
    (verification,) = verify(local(good))
    assert (verification.status, verification.loads) == (Status.OUT_OF_MEMORY, None)


def test_inspection_alone_decides_what_headers_decide_and_leaves_the_rest(
    verify: Any, good: Path, copy: Any, tmp_path: Path
) -> None:
    write_foreign(foreign := tmp_path / "foreign", Foreign(pooling="max"))
    edit_weights(half := copy("half"), without("classifier"))
    verifications = verify(local(good), local(foreign), local(half), depth=Depth.INSPECT)
    assert [(each.status, each.loads, each.depth) for each in verifications] == [
        (Status.INSPECTED, None, "inspect"),
        (Status.REPAIRED, None, "inspect"),
        (Status.RANDOM_HEAD, None, "inspect"),
    ]
    assert verifications[0].parameters
    assert verifications[1].head_parameters == {"pooling": "max", "activation": "tanh"}


@pytest.mark.parametrize("storage", ["safetensors", "old bin"])
def test_a_copied_head_is_repaired_loaded_and_asked_however_it_is_stored(
    verify: Any, tmp_path: Path, storage: str
) -> None:
    write_foreign(folder := tmp_path / "foreign", Foreign(storage=storage, pooling="sum"))
    (verification,) = verify(local(folder, head={"kind": "dense-out", "activation": "relu"}))
    assert (verification.status, verification.head, verification.loads) == (Status.REPAIRED, "dense-out", True)
    assert verification.head_parameters == {"pooling": "sum", "activation": "relu"}
    assert "unconfirmed" in verification.reason
    evidence = verification.findings[0].evidence
    assert set(evidence["answers"]) == {"tanh", "relu", "none"}
    assert evidence["difference between two loads"] == 0.0


@pytest.mark.parametrize("head", [None, {"kind": "dense-out"}])
def test_an_old_file_with_something_beside_its_copied_head_is_repaired_only_where_a_person_says_so(
    verify: Any, tmp_path: Path, head: Any
) -> None:
    write_foreign(folder := tmp_path / "foreign", Foreign(storage="old bin"))
    weights = torch.load(folder / "pytorch_model.bin")
    weights["pooling.attention.weight"] = torch.ones(1, 16)
    torch.save(weights, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    (verification,) = verify(local(folder, head=head), depth=Depth.LOAD)
    assert verification.status is (Status.REPAIRED if head else Status.RANDOM_HEAD)
    assert head or "pooling.attention.weight" in verification.reason


@pytest.mark.parametrize("as_archive", [True, False])
def test_a_saved_training_is_told_from_a_checkpoint_that_lost_its_weights(
    verify: Any, copy: Any, as_archive: bool
) -> None:
    folder = copy("training")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    state = {"state_dict": weights, "epoch": 3}
    torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=as_archive)
    (verification,) = verify(local(folder))
    assert verification.status is Status.RANDOM_HEAD
    told = "there is no weight at its top" if as_archive else "it has epoch, state_dict instead"
    assert told in verification.reason


@pytest.mark.parametrize("storage", ["safetensors", "old bin"])
def test_without_repairs_a_copied_head_is_random(verify: Any, tmp_path: Path, storage: str) -> None:
    write_foreign(folder := tmp_path / "foreign", Foreign(storage=storage))
    assert verify(local(folder), repair_heads=False)[0].status is Status.RANDOM_HEAD


def test_a_configuration_that_says_something_twice_is_refused_only_where_it_contradicts_itself(
    verify: Any, copy: Any
) -> None:
    for name, again in (("same", '"model_type": "wav2vec2"'), ("other", '"model_type": "hubert"')):
        config = copy(name) / "config.json"
        text = config.read_text(encoding="utf-8").rstrip().removesuffix("}")
        config.write_text(f"{text}, {again}}}", encoding="utf-8")
    same, other = verify(local(config.parent.parent / "same"), local(config.parent))
    assert (same.status, other.status) == (Status.USABLE, Status.INVALID_CONFIG)
    assert "gives 'model_type' twice, with two values" in other.reason


def test_the_weights_overrule_what_the_configuration_claims(verify: Any, copy: Any) -> None:
    edit_json((claims := copy("claims-ctc")) / "config.json", architectures=["Wav2Vec2ForCTC"])
    edit_weights(is_one := copy("is-ctc"), recogniser)
    edit_json((bare := copy("claims-bare")) / "config.json", architectures=["Wav2Vec2Model"])
    verifications = verify(*map(local, (claims, is_one, bare)))
    assert [each.status for each in verifications] == [Status.USABLE, Status.WRONG_TASK, Status.USABLE]
    assert "Wav2Vec2ForCTC" in verifications[0].notes[-1]


def test_a_model_that_always_says_the_same_is_broken(verify: Any, copy: Any) -> None:
    def deaf(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {**weights, "classifier.weight": torch.zeros_like(weights["classifier.weight"])}

    def not_a_number(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {**weights, "classifier.weight": torch.full_like(weights["classifier.weight"], float("nan"))}

    edit_weights(same := copy("same"), deaf)
    edit_weights(nan := copy("nan"), not_a_number)
    assert [each.status for each in verify(local(same), local(nan))] == [Status.BROKEN_OUTPUT] * 2
    assert verify(local(same), depth=Depth.LOAD)[0].status is Status.USABLE


def test_which_batches_change_the_answers_is_recorded(verify: Any, good: Path) -> None:
    (verification,) = verify(local(good))
    assert verification.batching is not None
    assert verification.batching.batches
    assert not verification.batching.pads


def test_what_is_over_the_limit_is_skipped_and_found_out_another_time(
    verify: Any, server: HubServer, good: Path, tmp_path: Path
) -> None:
    hub = Hub(timeout_s=2.0, endpoint=server.url, cache=tmp_path / "hf")
    server.add("org/good", good)
    (skipped,) = verify(Candidate(id="org/good"), hub=hub, max_download_gb=0.0)
    assert (skipped.status, skipped.verdict) == (Status.SKIPPED, Verdict.UNDECIDED)
    assert "--max-download-gb" in skipped.reason
    (usable,) = verify(Candidate(id="org/good"), hub=hub)
    assert usable.status is Status.USABLE


def test_what_was_downloaded_is_deleted_after_use_if_asked(
    verify: Any, server: HubServer, good: Path, tmp_path: Path
) -> None:
    server.add("org/good", good)
    for free_cache in (False, True):
        hub = Hub(timeout_s=2.0, endpoint=server.url, cache=(cache := tmp_path / f"hf-{free_cache}"))
        options = {"free_cache": free_cache, "refresh": True}
        assert verify(Candidate(id="org/good"), hub=hub, **options)[0].status is Status.USABLE
        assert bool(list(cache.rglob("model.safetensors"))) is not free_cache


def test_verdicts_of_one_depth_are_no_verdicts_of_another(verify: Any, good: Path) -> None:
    assert verify(local(good), depth=Depth.INSPECT)[0].status is Status.INSPECTED
    assert verify(local(good))[0].status is Status.USABLE
    assert verify(local(good), depth=Depth.INSPECT)[0].status is Status.INSPECTED


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
    monkeypatch.setattr(load, "_ACTOR", "no.such:Actor")
    assert verify(local(good)) == first
    assert verify(local(good), refresh=True)[0].status is not Status.USABLE


def test_a_changed_folder_is_another_revision(verify: Any, copy: Any) -> None:
    folder = copy("changing")
    (before,) = verify(local(folder))
    edit_weights(folder, without("classifier"))
    (after,) = verify(local(folder))
    assert before.revision != after.revision
    assert (before.status, after.status) == (Status.USABLE, Status.RANDOM_HEAD)


def test_a_wrong_override_ends_all_before_anything_is_loaded(verify: Any, good: Path, settings: Settings) -> None:
    with pytest.raises(RequestError, match="wrong-one"):
        verify(local(good), local(good, name="wrong-one", labels={"bored": "boredom"}))
    assert {log.name for log in settings.logs.glob("*")} <= {"inspection.log"}


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


def test_repositories_of_the_hub_get_their_statuses_and_rejected_ones_cost_no_weights(
    verify: Any, server: HubServer, good: Path, copy: Any, tmp_path: Path
) -> None:
    hub = Hub(timeout_s=3.0, endpoint=server.url, cache=tmp_path / "hf")
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
    servers = [child for child in psutil.Process().children() if "forkserver" in " ".join(child.cmdline())]
    return [one for server in servers for one in server.children()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there workers come from a fork server")
@pytest.mark.usefixtures("fragile", "interruptible")
def test_an_interruption_ends_the_workers_and_keeps_what_was_finished(
    verify: Any, copy: Any, good: Path, settings: Settings, tmp_path: Path
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
    with pytest.raises(InterruptedVerificationError) as interruption:
        verify(local(tmp_path / "gone"), local(good), local(copy("hang")))
    statuses = [each.status for each in interruption.value.verifications]
    assert statuses == [Status.NOT_FOUND, Status.USABLE, Status.SKIPPED]
    assert not running_workers()
    assert time.monotonic() - begin < 20.0
    watcher.join()
    kept = [json.loads(path.read_text())["verification"] for path in settings.cache.rglob("verification-*.json")]
    assert [each["status"] for each in kept] == ["usable"]


class _ForgetfulHub(Hub):
    """A Hub in whose client something goes wrong that nobody foresaw, for two repositories."""

    def facts(self, id: str, revision: str | None = None) -> RepoFacts | HubFailure:
        if id == "org/greedy":
            raise MemoryError
        if id == "org/odd":
            raise KeyError("size")
        return HubFailure(Status.NOT_FOUND, "there is none")


def test_what_nobody_foresaw_costs_its_own_candidate_only(verify: Any, settings: Settings) -> None:
    candidates = [Candidate(id=f"org/{name}") for name in ("greedy", "odd", "other")]
    greedy, odd, other = verify(*candidates, hub=_ForgetfulHub(timeout_s=1.0))
    assert (greedy.status, odd.status, other.status) == (Status.OUT_OF_MEMORY, Status.CRASHED, Status.NOT_FOUND)
    assert "Bench itself failed at it" in odd.reason
    assert "KeyError" in odd.reason
    assert not list(settings.cache.rglob("verification-*.json"))


@pytest.mark.parametrize(
    ("model_type", "wrong", "fix", "named"),
    [
        ("wav2vec2", "whisper", "preprocessor: {sampling_rate: 16000, do_normalize: true}", True),
        ("wav2vec2", "whisper", "preprocessor: {sampling_rate: 16000, do_normalize: true}", False),
        ("audio-spectrogram-transformer", "wav2vec2", "fine-tuned from", False),
    ],
)
def test_a_feature_extractor_of_another_kind_is_told_with_its_fix(
    verify: Any, tmp_path: Path, model_type: str, wrong: str, fix: str, named: bool
) -> None:
    folder = write_tiny(model_type, tmp_path / "model")
    extractor_of(wrong).save_pretrained(folder)
    if not named:  # then only a load can tell which kind it is
        content = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
        nested = {"feature_extractor": content}
        (folder / "processor_config.json").write_text(json.dumps(nested), encoding="utf-8")
    (verification,) = verify(local(folder))
    assert verification.status is Status.LOAD_FAILED
    assert "is fed by a" in verification.reason
    assert fix in verification.reason


def test_the_registry_can_stand_in_for_a_feature_extractor_of_another_kind(verify: Any, copy: Any) -> None:
    extractor_of("whisper").save_pretrained(folder := copy("model"))
    (verification,) = verify(local(folder, preprocessor={"sampling_rate": 16_000}))
    assert verification.status is Status.USABLE


@pytest.mark.parametrize("as_bin", [False, True])
def test_quantised_weights_are_told_for_what_they_are(verify: Any, copy: Any, as_bin: bool) -> None:
    name = "wav2vec2.encoder.layers.0.attention.q_proj.weight"
    edit_weights(folder := copy("model"), lambda weights: {**weights, name: (weights[name] * 100).to(torch.int8)})
    if as_bin:
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    (verification,) = verify(local(folder), depth=Depth.INSPECT)
    assert verification.status is Status.LOAD_FAILED
    assert "quantised to whole numbers (int8)" in verification.reason
    assert name in verification.reason
    assert "floating-point" in verification.reason


def test_only_layers_tell_whether_a_head_was_trained_and_not_its_normalisation(verify: Any, tmp_path: Path) -> None:
    folder = write_tiny("audio-spectrogram-transformer", tmp_path / "model")
    edit_weights(folder, lambda weights: {**weights, "classifier.dense.bias": torch.zeros(5)})
    (inspected,) = verify(local(folder), depth=Depth.INSPECT)
    assert inspected.status is Status.RANDOM_HEAD
    assert inspected.findings[0].evidence == {"zero": ["classifier.dense.bias"]}
    weights = load_file(folder / "model.safetensors")
    torch.save(weights, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    (folder / "model.safetensors").unlink()
    (loaded,) = verify(local(folder))  # the old format: only a load can tell
    assert (loaded.status, loaded.loads) == (Status.RANDOM_HEAD, True)


def test_what_authors_have_published_stands_beside_a_verdict_kept_or_not(verify: Any, good: Path) -> None:
    said = {"corpus": "ravdess", "uar": 0.7}
    (first,) = verify(local(good))
    (second,) = verify(local(good, published=said))
    assert first.published is None
    assert second.published == PublishedScore(corpus="ravdess", uar=0.7)


def test_a_configuration_that_asks_for_quantised_weights_is_told_with_its_fix(verify: Any, copy: Any) -> None:
    asked = {"load_in_8bit": True, "quant_method": "bitsandbytes"}
    edit_json((folder := copy("model")) / "config.json", quantization_config=asked)
    (verification,) = verify(local(folder))
    assert (verification.status, verification.loads) == (Status.LOAD_FAILED, None)
    assert "quantised weights (bitsandbytes)" in verification.reason
    assert "floating-point" in verification.reason
