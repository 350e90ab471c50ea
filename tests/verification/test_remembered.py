import json
from pathlib import Path

from benchmark.registry.schema import Candidate
from benchmark.results.status import Status
from benchmark.results.storage import candidate_folder
from benchmark.results.verification import Verification
from benchmark.verification.remembered import known_outputs


def keep(cache: Path, candidate: Candidate, *labels: str, status: Status = Status.USABLE) -> None:
    verdict = Verification(candidate="x", id=candidate.id, status=status, reason="", labels=labels)
    path = candidate_folder(cache, candidate.id, "abc") / "verification-0.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"schema_version": 1, "verification": verdict.model_dump(mode="json")}))


def test_a_kept_verdict_tells_the_outputs_under_the_overrides_of_today(tmp_path: Path) -> None:
    candidate = Candidate(id="org/model", labels={"LABEL_0": "joy", "LABEL_7": "fear"}, trained_on=("tess",))
    keep(tmp_path, candidate, "LABEL_0", "sad")
    known = known_outputs(candidate, tmp_path)
    assert (known.known_from, known.status, known.trained_on) == ("verification", "usable", ("tess",))
    assert known.emotions == ("happiness", "sadness")


def test_without_a_verdict_a_local_configuration_tells_them(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "hubert", "id2label": {"0": "ang", "1": "?"}}))
    known = known_outputs(Candidate(id=str(tmp_path)), tmp_path / "cache")
    assert (known.known_from, known.emotions, known.status) == ("configuration", ("anger", None), None)


def test_without_either_the_registry_tells_what_it_overrides(tmp_path: Path) -> None:
    known = known_outputs(Candidate(id="org/model", labels={"LABEL_0": "joy"}), tmp_path)
    assert (known.known_from, known.emotions) == ("registry", ("happiness",))


def test_nothing_is_known_of_a_candidate_that_nobody_has_looked_at(tmp_path: Path) -> None:
    known = known_outputs(Candidate(id="org/model"), tmp_path)
    assert (known.known_from, known.emotions) == ("nothing", ())


def test_a_verdict_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    candidate = Candidate(id="org/model")
    keep(tmp_path, candidate, "sad")
    next(tmp_path.rglob("verification-*.json")).write_text('{"verification": {"cand')
    assert known_outputs(candidate, tmp_path).known_from == "nothing"
