import _thread
import json
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmark.errors import RequestError
from benchmark.hub.client import Hub
from benchmark.hub.repository_facts import HubFailure, RepoFacts
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
from tests.support.lost_workers import end_workers
from tests.support.plugins import install
from tests.support.tiny_models import edit_json, extractor_of, write_tiny
from tests.verification.conftest import facts_with, registry_of

Weights = dict[str, torch.Tensor]
Edit = Callable[[Path], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny("wav2vec2", tmp_path_factory.mktemp("good") / "good")


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Callable[..., Path]:
    def make(name: str, edit: Edit | None = None) -> Path:
        folder = Path(shutil.copytree(good, tmp_path / "models" / name))
        if edit is not None:
            edit(folder)
        return folder

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
def server() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_ACTOR", "tests.verification.actors:FragileActor")
    monkeypatch.setattr(load, "load_limit", lambda _jobs: 500_000_000)


def local(folder: Path, **fields: Any) -> Candidate:
    return Candidate.model_validate({"id": str(folder), **fields})


def weights(change: Callable[[Weights], Weights]) -> Edit:
    def edit(folder: Path) -> None:
        path = folder / "model.safetensors"
        tensors = {name: value.clone() for name, value in load_file(path).items()}
        save_file(change(tensors), path, metadata={"format": "pt"})

    return edit


def without(*prefixes: str, **added: torch.Tensor) -> Edit:
    return weights(
        lambda tensors: {name: value for name, value in tensors.items() if not name.startswith(prefixes)} | added
    )


def filled(value: float, *names: str) -> Edit:
    return weights(lambda tensors: tensors | {name: torch.full_like(tensors[name], value) for name in names})


def config(**changes: Any) -> Edit:
    return lambda folder: edit_json(folder / "config.json", **changes)


def repeated(text: str) -> Edit:
    """Add a field to a configuration that is there already."""

    def edit(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(f"{path.read_text(encoding='utf-8').rstrip().removesuffix('}')}, {text}}}", encoding="utf-8")

    return edit


def as_bin(wrap: Callable[[Weights], Any] = dict, *, old: bool = True) -> Edit:
    """Keep the weights as `.bin` only; of the old format, no header tells the tensors, so that a load has to."""

    def edit(folder: Path) -> None:
        content = wrap(load_file(folder / "model.safetensors"))
        (folder / "model.safetensors").unlink()
        torch.save(content, folder / "pytorch_model.bin", _use_new_zipfile_serialization=not old)

    return edit


def in_training(tensors: Weights) -> dict[str, Any]:
    return {"state_dict": tensors, "epoch": 3}


def extractor(kind: str, *, nested: bool = False) -> Edit:
    """Put the feature extractor of another kind there; nested, only a load can tell which kind it is."""

    def edit(folder: Path) -> None:
        extractor_of(kind).save_pretrained(folder)
        if nested:
            content = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
            (folder / "processor_config.json").write_text(json.dumps({"feature_extractor": content}), encoding="utf-8")

    return edit


DECLARED = Candidate(id="org/model", name="model", expect=Status.USABLE, languages=("en",), trained_on=("ravdess",))


def finding(status: Status) -> Finding:
    return Finding(status=status, reason=f"It is {status}.")


def record_with(*findings: Finding, **fields: Any) -> CandidateRecord:
    return CandidateRecord(candidate=DECLARED, facts=facts_with(), findings=list(findings), **fields)


def test_whatever_comes_first_in_the_order_decides_and_the_rest_stays() -> None:
    for first in Status:
        later = [status for status in Status if status.precedence >= first.precedence]
        verification = decide(record_with(*map(finding, reversed(later))))
        assert (verification.status, verification.reason) == (first, f"It is {first}.")
        assert [finding.status for finding in verification.findings] == later


def test_nothing_found_without_a_load_is_no_verdict_yet() -> None:
    verification = decide(record_with(), Depth.INSPECT)
    assert (verification.status, verification.verdict) == (Status.INSPECTED, Verdict.UNDECIDED)
    assert (verification.loads, verification.depth) == (None, "inspect")
    declared = (verification.expect, verification.languages, verification.trained_on)
    assert declared == (Status.USABLE, ("en",), ("ravdess",))


def test_a_failure_of_the_hub_is_a_sentence() -> None:
    verification = decide(record_with(failure=HubFailure(Status.UNREACHABLE, "the Hub failed (HTTP 503)")))
    assert (verification.verdict, verification.revision) == (Verdict.UNDECIDED, None)
    assert verification.reason == "The Hub failed (HTTP 503)."


def test_labels_that_mean_nothing_are_noted() -> None:
    facts = facts_with({"id2label": {"0": "sad", "1": "angry", "2": "xyzzy"}})
    assert any("xyzzy" in note for note in decide(CandidateRecord(candidate=DECLARED, facts=facts)).notes)


class Case(NamedTuple):
    """A checkpoint that was edited, how it ends, and what its reason or notes say (a regular expression)."""

    edit: Edit
    status: Status
    loads: bool | None = None
    words: str = ""


def in_turn(*edits: Edit) -> Edit:
    return lambda folder: [edit(folder) for edit in edits]


Q_PROJ = "wav2vec2.encoder.layers.0.attention.q_proj.weight"
QUANTISED = weights(lambda tensors: tensors | {Q_PROJ: (tensors[Q_PROJ] * 100).to(torch.int8)})
CTC_OLD = in_turn(without("projector", "classifier", **{"ctc_head.weight": torch.ones(8, 16)}), as_bin())
RECOGNISER = without("projector", "classifier", **{"lm_head.weight": torch.ones(8, 16)})
CONFIG_8BIT = {"load_in_8bit": True, "quant_method": "bitsandbytes"}
AST_OF_SAMPLES = in_turn(
    lambda folder: write_tiny("audio-spectrogram-transformer", folder), extractor("wav2vec2", nested=True)
)
NO_EXTRACTOR = '{"feature_extractor_type": "Nothing"}'

IS_CTC = r"Its weights hold a head for speech recognition \(CTC\) and none for classification\."
IS_QUANTISED = rf"such as {Q_PROJ}, is quantised to whole numbers \(int8\).*floating-point"
IS_OTHER_KIND = r"is fed by a.*preprocessor: {sampling_rate: 16000, do_normalize: true}"

CASES = {
    "recogniser": Case(RECOGNISER, Status.WRONG_TASK, None, IS_CTC),
    "old-recogniser": Case(CTC_OLD, Status.WRONG_TASK, True, IS_CTC),
    "encoder": Case(without("projector", "classifier"), Status.NO_HEAD),
    "half": Case(without("classifier"), Status.RANDOM_HEAD),
    "hole": Case(without("wav2vec2.encoder.layers.1"), Status.RANDOM_HEAD),
    "untrained": Case(filled(0.0, "projector.bias", "classifier.bias"), Status.RANDOM_HEAD),
    "layer-sum": Case(config(use_weighted_layer_sum=True), Status.RANDOM_HEAD),
    "shapes": Case(config(classifier_proj_size=9), Status.LOAD_FAILED),
    "refused": Case(config(hidden_size="sixteen"), Status.INVALID_CONFIG),
    "broken": Case(lambda folder: (folder / "model.safetensors").write_bytes(b"no weights"), Status.LOAD_FAILED),
    "twice": Case(repeated('"model_type": "wav2vec2"'), Status.USABLE, True),
    "contradiction": Case(repeated('"model_type": "hubert"'), Status.INVALID_CONFIG, None, "twice, with two values"),
    "claims-ctc": Case(config(architectures=["Wav2Vec2ForCTC"]), Status.USABLE, True, "Wav2Vec2ForCTC"),
    "claims-bare": Case(config(architectures=["Wav2Vec2Model"]), Status.USABLE, True),
    "training": Case(as_bin(in_training, old=False), Status.RANDOM_HEAD, None, "there is no weight at its top"),
    "old-training": Case(as_bin(in_training), Status.RANDOM_HEAD, True, "it has epoch, state_dict instead"),
    "same-answer": Case(filled(0.0, "classifier.weight"), Status.BROKEN_OUTPUT, True),
    "not-a-number": Case(filled(float("nan"), "classifier.weight"), Status.BROKEN_OUTPUT, True),
    "quantised": Case(QUANTISED, Status.LOAD_FAILED, None, IS_QUANTISED),
    "quantised-bin": Case(in_turn(QUANTISED, as_bin(old=False)), Status.LOAD_FAILED, None, IS_QUANTISED),
    "quantised-config": Case(
        config(quantization_config=CONFIG_8BIT), Status.LOAD_FAILED, None, "bitsandbytes.*floating"
    ),
    "no-extractor": Case(
        lambda folder: (folder / "preprocessor_config.json").write_text(NO_EXTRACTOR), Status.LOAD_FAILED
    ),
    "extractor": Case(extractor("whisper"), Status.LOAD_FAILED, None, IS_OTHER_KIND),
    "nested-extractor": Case(extractor("whisper", nested=True), Status.LOAD_FAILED, None, IS_OTHER_KIND),
    "spectrograms": Case(AST_OF_SAMPLES, Status.LOAD_FAILED, None, "is fed by a.*fine-tuned from"),
    "stated-extractor": Case(extractor("whisper"), Status.USABLE, True),
}


def test_every_fault_gets_its_status_and_costs_a_load_only_where_headers_cannot_tell(verify: Any, copy: Any) -> None:
    stated = {"stated-extractor": {"preprocessor": {"sampling_rate": 16_000}}}
    candidates = [local(copy(name, case.edit), **stated.get(name, {})) for name, case in CASES.items()]
    verifications = verify(*candidates, jobs=2)
    assert {verdict.candidate: (verdict.status, verdict.loads) for verdict in verifications} == {
        name: (case.status, case.loads) for name, case in CASES.items()
    }
    for case, verdict in zip(CASES.values(), verifications, strict=True):
        assert verdict.reason.endswith(".")
        assert re.search(case.words, " ".join([verdict.reason, *verdict.notes]))


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
    layers: Weights = {}
    for name, shape in {"classifier.first": (16, 16), "classifier.last": (5, 16)}.items():
        layers |= {f"{name}.weight": torch.randn(shape), f"{name}.bias": torch.randn(shape[0])}
    folder = copy("added", without("projector", "classifier", **layers))
    if old:
        as_bin()(folder)
    entry = 'two-layers = "added_two_layers:HEAD"'
    package = install(tmp_path / "package", pyproject=pyproject + entry, files={"added_two_layers.py": source})
    monkeypatch.syspath_prepend(str(package))
    heads._layouts.cache_clear()
    (verification,) = verify(local(folder))
    heads._layouts.cache_clear()
    assert (verification.status, verification.head, verification.loads) == (Status.REPAIRED, "two-layers", True)


def test_a_good_checkpoint_is_usable_with_all_that_a_run_needs(verify: Any, good: Path, settings: Settings) -> None:
    (verification,) = verify(local(good))
    assert (verification.status, verification.loads, verification.head) == (Status.USABLE, True, "standard")
    assert verification.emotions == ("anger", "happiness", "sadness", "neutral", "fear")
    assert (verification.sampling_rate, verification.window_s) == (16_000, 30.0)
    assert verification.parameters
    assert verification.size_bytes == (good / "model.safetensors").stat().st_size
    assert (settings.cache / verification.log).is_file()
    assert (verification.batching.batches, verification.batching.pads) == (True, False)


def test_a_verdict_is_stored_by_depth_and_found_again_beside_what_the_registry_says_today(
    verify: Any, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verify(local(good), depth=Depth.INSPECT)[0].status is Status.INSPECTED
    (first,) = verify(local(good))
    assert (first.status, first.published) == (Status.USABLE, None)
    monkeypatch.setattr(load, "_ACTOR", "no.such:Actor")
    assert verify(local(good)) == (first,)
    (second,) = verify(local(good, published={"corpus": "ravdess", "uar": 0.7}))
    assert second.published == PublishedScore(corpus="ravdess", uar=0.7)
    assert verify(local(good), depth=Depth.INSPECT)[0].status is Status.INSPECTED
    assert verify(local(good), refresh=True)[0].status is not Status.USABLE


def test_a_load_without_probes_does_not_ask(verify: Any, copy: Any) -> None:
    folder = copy("same", filled(0.0, "classifier.weight"))
    assert verify(local(folder), depth=Depth.LOAD)[0].status is Status.USABLE


def test_a_worker_that_dies_costs_its_own_candidate_only(verify: Any, copy: Any, good: Path, fragile: None) -> None:
    folders = [copy("crash"), copy("memory"), good, copy("hang"), copy("kill")]
    verifications = verify(*(local(folder) for folder in folders), limit=4.0)
    assert [(verdict.status, verdict.incomplete) for verdict in verifications] == [
        (Status.CRASHED, False),
        (Status.OUT_OF_MEMORY, False),
        (Status.USABLE, False),
        (Status.TIMED_OUT, False),
        (Status.SKIPPED, True),  # a kill is no verdict
    ]
    assert verifications[0].reason == "Loading it failed: the worker was ended by SIGSEGV."
    assert verifications[0].findings[0].evidence["tries"] == ["the worker was ended by SIGSEGV"] * 2
    assert "Loading it failed: the worker was killed (SIGKILL)" in verifications[4].reason


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
@pytest.mark.parametrize(("actor", "method"), [("Load", "load"), ("Load", "batch_logits"), ("Inspection", "build")])
def test_a_candidate_whose_worker_dies_once_has_the_verdict_that_it_has_undisturbed(
    verify: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, actor: str, method: str, number: signal.Signals
) -> None:
    write_foreign(folder := tmp_path / "foreign", Foreign(pooling="max"))
    (expected,) = verify(local(folder), refresh=True)
    with monkeypatch.context() as context:
        calls = end_workers(context, method, actor=actor, number=number)
        (found,) = verify(local(folder), refresh=True)
    assert calls.count(method) > 1
    assert found.model_copy(update={"seconds": 0.0}) == expected.model_copy(update={"seconds": 0.0})


def test_an_inspection_that_is_killed_twice_is_no_verdict_and_tried_by_the_next_run(
    verify: Any, good: Path, copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        end_workers(context, "build", actor="Inspection", calls=(0, 1))
        lost, other = verify(local(good), local(copy("other")))
    assert sorted((verdict.status, verdict.incomplete) for verdict in (lost, other)) == [
        (Status.SKIPPED, True),
        (Status.USABLE, False),
    ]
    assert verify(local(good))[0].status is Status.USABLE


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
    candidates = [local(folder) for folder in (good, foreign, copy("half", without("classifier")))]
    verifications = verify(*candidates, depth=Depth.INSPECT)
    assert [(verdict.status, verdict.loads, verdict.depth) for verdict in verifications] == [
        (Status.INSPECTED, None, "inspect"),
        (Status.REPAIRED, None, "inspect"),
        (Status.RANDOM_HEAD, None, "inspect"),
    ]
    assert verifications[0].parameters
    assert verifications[1].head_parameters == {"pooling": "max", "activation": "tanh"}


@pytest.mark.parametrize("storage", ["safetensors", "old bin"])
def test_a_copied_head_is_repaired_loaded_and_probed_however_it_is_stored(
    verify: Any, tmp_path: Path, storage: str
) -> None:
    write_foreign(folder := tmp_path / "foreign", Foreign(storage=storage, pooling="sum"))
    assert verify(local(folder), repair_heads=False)[0].status is Status.RANDOM_HEAD
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
    tensors = torch.load(folder / "pytorch_model.bin") | {"pooling.attention.weight": torch.ones(1, 16)}
    torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    (verification,) = verify(local(folder, head=head), depth=Depth.LOAD)
    assert verification.status is (Status.REPAIRED if head else Status.RANDOM_HEAD)
    assert head or "pooling.attention.weight" in verification.reason


def test_what_is_over_the_limit_is_skipped_and_a_download_is_deleted_after_use_where_requested(
    verify: Any, server: HubServer, good: Path, tmp_path: Path
) -> None:
    server.add("org/good", good)
    for free_cache in (False, True):
        hub = Hub(timeout_s=2.0, endpoint=server.url, cache=(cache := tmp_path / f"hf-{free_cache}"))
        options = {"free_cache": free_cache, "refresh": True}
        (skipped,) = verify(Candidate(id="org/good"), hub=hub, max_download_gb=0.0, **options)
        assert (skipped.status, skipped.verdict) == (Status.SKIPPED, Verdict.UNDECIDED)
        assert "--max-download-gb" in skipped.reason
        assert verify(Candidate(id="org/good"), hub=hub, **options)[0].status is Status.USABLE
        assert bool(list(cache.rglob("model.safetensors"))) is not free_cache


def test_the_order_is_that_of_the_registry_and_no_candidate_is_left_out(verify: Any, copy: Any, tmp_path: Path) -> None:
    ctc = copy("ctc", RECOGNISER)
    candidates = [local(tmp_path / "gone"), Candidate(id="org/model"), local(ctc), local(ctc / "config.json", name="f")]
    assert [verification.status for verification in verify(*candidates)] == [
        Status.NOT_FOUND,
        Status.UNREACHABLE,
        Status.WRONG_TASK,
        Status.NOT_FOUND,
    ]


def test_a_wrong_override_ends_all_before_anything_is_loaded(verify: Any, good: Path, settings: Settings) -> None:
    with pytest.raises(RequestError, match="wrong-one"):
        verify(local(good), local(good, name="wrong-one", labels={"bored": "boredom"}))
    assert {log.name for log in settings.logs.glob("*")} <= {"inspection.log"}


def test_repositories_of_the_hub_get_their_statuses_and_rejected_ones_cost_no_weights(
    verify: Any, server: HubServer, good: Path, copy: Any, tmp_path: Path
) -> None:
    hub = Hub(timeout_s=3.0, endpoint=server.url, cache=tmp_path / "hf")
    server.add("org/good", good, info={"cardData": {"license": "mit"}})
    server.add("org/code", copy("code", config(auto_map={"AutoModel": "x.Y"})))
    server.add("org/invalid", copy("invalid", config(hidden_size="many")))
    server.add("org/gated", copy("gated"), gated=True)
    server.add("org/hangs", copy("hangs"))
    server.break_("org/hangs", Fault(Trouble.HANG))
    server.add("org/cut", copy("cut"))
    server.break_("org/cut", Fault(Trouble.RESET, at="model.safetensors"))
    server.renamed["org/old"] = "org/good"
    names = ("good", "code", "invalid", "gated", "hangs", "cut", "missing", "old")
    verifications = verify(*(Candidate(id=f"org/{name}") for name in names), hub=hub)
    assert {verdict.candidate.removeprefix("org/"): verdict.status for verdict in verifications} == {
        "good": Status.USABLE,
        "code": Status.CUSTOM_CODE,
        "invalid": Status.INVALID_CONFIG,
        "gated": Status.GATED,
        "hangs": Status.UNREACHABLE,
        "cut": Status.UNREACHABLE,
        "missing": Status.NOT_FOUND,
        "old": Status.USABLE,
    }
    assert "it has been renamed: the Hub calls it org/good; write that name in the registry" in verifications[-1].notes
    assert not any("renamed" in note for note in verifications[0].notes)
    assert verifications[0].license == "mit"
    weights = (good / "model.safetensors").stat().st_size
    assert server.bytes_sent["org/code"] < weights
    assert server.bytes_sent["org/invalid"] < 2 * weights < server.bytes_sent["org/good"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Where tests run in the background, interrupts may be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def running_workers() -> list[psutil.Process]:
    """Workers are children of the fork server, which is a child of ours."""
    servers = [child for child in psutil.Process().children() if "forkserver" in " ".join(child.cmdline())]
    return [worker for server in servers for worker in server.children()]


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
    statuses = [verdict.status for verdict in interruption.value.verifications]
    assert statuses == [Status.NOT_FOUND, Status.USABLE, Status.SKIPPED]
    assert not running_workers()
    assert time.monotonic() - begin < 20.0
    watcher.join()
    kept = [json.loads(path.read_text())["verification"] for path in settings.cache.rglob("verification-*.json")]
    assert [verdict["status"] for verdict in kept] == ["usable"]


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
    assert [(verdict.status, verdict.incomplete) for verdict in (greedy, odd, other)] == [
        (Status.SKIPPED, True),
        (Status.SKIPPED, True),
        (Status.NOT_FOUND, False),
    ]
    assert "no memory left" in greedy.reason
    assert "Bench itself failed at it" in odd.reason
    assert "KeyError" in odd.reason
    assert not list(settings.cache.rglob("verification-*.json"))


def test_only_layers_tell_whether_a_head_was_trained_and_not_its_normalisation(verify: Any, tmp_path: Path) -> None:
    folder = write_tiny("audio-spectrogram-transformer", tmp_path / "model")
    filled(0.0, "classifier.dense.bias")(folder)
    (inspected,) = verify(local(folder), depth=Depth.INSPECT)
    assert inspected.status is Status.RANDOM_HEAD
    assert inspected.findings[0].evidence == {"zero": ["classifier.dense.bias"]}
    as_bin()(folder)
    (loaded,) = verify(local(folder))  # the old format: only a load can tell
    assert (loaded.status, loaded.loads) == (Status.RANDOM_HEAD, True)
