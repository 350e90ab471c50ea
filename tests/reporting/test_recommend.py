from pathlib import Path

import pytest

from benchmark.errors import RequestError
from benchmark.registry.loading import load_registry
from benchmark.registry.schema import Candidate
from benchmark.reporting.recommend import recommendation_markdown, registry_file
from benchmark.results.runs import RunRecord
from benchmark.results.status import Status
from benchmark.scoring.constraints import Constraints
from benchmark.scoring.recommendation import Choice, Exclusion, Recommendation
from tests.reporting.conftest import ATTACKS, HOSTILE, table
from tests.support.finished_runs import FinishedRun, corpus, verification


def choice(candidate: str, *, best: bool = True, ms: float | None = 50.0, on_front: bool = True) -> Choice:
    return Choice(
        candidate=candidate, revision="abc", quality=0.5, uar={"acted": 0.71}, uar_low={"acted": 0.62},
        latency_p50_ms=ms, size_mb=378.3, license="mit", ranks={"acted": 1}, may_be_best=best, on_front=on_front,
        regret_high=0.123, flags=("few-speakers",),
    )  # fmt: skip


def recommendation(*choices: Choice, **changes: object) -> Recommendation:
    content = {
        "constraints": Constraints(), "corpora": ("acted",), "device": "cpu", "problem": None, "choices": choices,
        "pick": choices[0].candidate if choices else None, "excluded": (),
    }  # fmt: skip
    return Recommendation.model_validate(content | changes)


def test_the_pick_comes_first_with_all_it_costs_and_who_is_as_good() -> None:
    choices = choice("a"), choice("b", ms=9.0), choice("c", best=False, on_front=False)
    text = recommendation_markdown(recommendation(*choices))
    answer = text.split("\n\n")[1]
    assert answer.startswith("Take **a**: UAR 0.71 (≥ 0.62) on acted; 50.0 ms on cpu; 378 MB; licence mit.")
    assert "Its flags: few-speakers." in answer
    assert answer.endswith("do not tell it apart from b, which may be the best as well, and is faster.")
    assert "## The Pareto front (2)" in text
    assert "## Behind it (1)" in text


def test_what_to_expect_of_the_pick_stands_beside_what_the_table_shows() -> None:
    expected = {
        "expected_uar": {"acted": 0.61}, "expected_uar_low": {"acted": 0.5}, "expected_uar_high": {"acted": 0.8},
        "few_speakers": {"acted": 4},
    }  # fmt: skip
    text = recommendation_markdown(recommendation(choice("a"), **expected))
    assert text.split("\n\n")[1].startswith(
        "**Too few speakers to choose**: acted has 4, and 8 are needed. Take **a**: UAR 0.71 on acted, expect about "
        "0.61 on new speakers (0.50 to 0.80); 50.0 ms on cpu"
    )
    (row,) = table(text.split("\n\n")[4])
    assert (row["may be best"], row["may cost"]) == ("yes", "0.12")


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ({"b": 50.0}, "from b, which may be the best as well; it is not faster."),
        ({"b": None}, "from b, which may be the best as well."),
        ({"b": 40.0, "c": 9.0}, "from b, c, which may be the best as well; the fastest of them is **c**."),
        ({"b": 60.0, "c": 70.0}, "from b, c, which may be the best as well; none of them is faster."),
    ],
)
def test_who_shares_the_rank_of_the_pick_is_told_in_one_sentence(times: dict[str, float | None], sentence: str) -> None:
    others = [choice(name, ms=ms) for name, ms in times.items()]
    assert recommendation_markdown(recommendation(choice("a"), *others)).split("\n\n")[1].endswith(sentence)


def test_where_nothing_can_be_recommended_the_reason_comes_first() -> None:
    exclusion = Exclusion(candidate="a", reasons=("one", "two"))
    text = recommendation_markdown(recommendation(problem="Nothing fits.", excluded=(exclusion,)))
    assert text.split("\n\n")[1:] == ["Nothing fits.", "## Not recommended (1)", "- **a**: one; two\n"]


def test_names_from_outside_cannot_write_markdown(attack: str) -> None:
    exclusion = Exclusion(candidate="x", reasons=(attack,))
    text = recommendation_markdown(recommendation(choice(attack), excluded=(exclusion,)))
    assert "<script>" not in text
    assert not {"\x1b", "\u202e"} & set(text)


def reread(folder: Path, record: RunRecord, *names: str) -> dict[str, Candidate]:
    path = folder / "chosen.yaml"
    path.write_text(registry_file(record, names), "utf-8")
    return {candidate.name: candidate for candidate in load_registry(path).candidates}


def test_what_is_written_is_read_as_the_same_candidates_at_their_revisions(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / "cache", corpus())
    run.add(verification("plain"))
    repaired = {
        "emotions": ("anger", "sadness", "happiness"), "status": Status.REPAIRED, "head": "dense-out",
        "head_parameters": {"pooling": "mean", "activation": "relu"}, "languages": ("de",), "trained_on": ("emodb",),
    }  # fmt: skip
    run.add(verification("special", ("anger", "LABEL_1", "pos"), **repaired))
    candidates = reread(tmp_path, run.record(), "special", "plain")
    assert list(candidates) == ["special", "plain"]
    plain = candidates["plain"]
    assert (plain.id, plain.revision, plain.trained_on) == ("org/plain", run.verifications[0].revision, None)
    special = candidates["special"]
    assert special.labels == {"LABEL_1": "sadness", "pos": "happiness"}
    assert special.head is not None
    assert special.head.activation == "relu"
    assert (special.expect, special.languages, special.trained_on) == (Status.REPAIRED, ("de",), ("emodb",))


def test_the_path_of_a_local_candidate_becomes_absolute_and_its_hash_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    run = FinishedRun(tmp_path / "cache", corpus())
    run.add(verification("mine", id="./models/mine", revision="f" * 40))
    mine = reread(tmp_path, run.record(registry="elsewhere.yaml"), "mine")["mine"]
    assert mine.local_path == (tmp_path / "models" / "mine").resolve()
    assert mine.revision is None
    assert "f" * 40 in (mine.note or "")


def test_a_local_candidate_that_is_not_here_is_an_error_that_says_where_to_run(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / "cache", corpus())
    run.add(verification("mine", id="./nowhere"))
    with pytest.raises(RequestError, match="the folder of mine"):
        registry_file(run.record(), ["mine"])


def test_names_from_outside_stay_names(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / "cache", corpus())
    run.add(verification("m", ("anger", *HOSTILE), emotions=("anger", *["sadness"] * len(HOSTILE))))
    for registry in ATTACKS:
        candidates = reread(tmp_path, run.record(registry=registry), "m")
        assert candidates["m"].labels == dict.fromkeys(HOSTILE, "sadness")


def test_an_adapted_choice_and_the_best_as_it_is_are_named_apart() -> None:
    mine, other = choice("mine").model_copy(update={"flags": ("adapted",)}), choice("other", best=False)
    answers = [
        recommendation_markdown(recommendation(*choices)).split("\n\n")[1]
        for choices in ((mine, other), (other, mine), (mine,), (other,))
    ]
    assert (
        "adapted to these recording conditions, and may be worse elsewhere; as it is, the best is **other**."
        in (answers[0])
    )
    assert "Adapted to these recording conditions, the best is **mine**." in answers[1]
    assert "and may be worse elsewhere." in answers[2]
    assert "adapted" not in answers[3]


def test_the_cost_of_an_hour_of_audio_stands_beside_the_latency() -> None:
    priced = choice("a").model_copy(update={"cost_per_hour": 0.025})
    text = recommendation_markdown(recommendation(priced, price_per_hour=0.5))
    assert "50.0 ms on cpu; 0.025 per hour of audio at 0.50 per hour of this machine; 378 MB" in text
    assert "cost per hour" in text
    assert "cost" not in recommendation_markdown(recommendation(choice("a"))).replace("may cost", "")
