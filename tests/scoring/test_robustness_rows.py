from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmark.reporting.predictions import prediction_tables
from benchmark.results.runs import CorpusRecord, RunRecord
from benchmark.scoring.leaderboard import score_run

if TYPE_CHECKING:
    from tests.scoring.conftest import RunBuilder

Errors = Callable[[CorpusRecord, float, int], list[str | None]]


def test_nothing_but_robustness_knows_of_perturbed_answers(run: "RunBuilder", mostly_right: Errors) -> None:
    corpora = [run.acted_corpus(), run.corpus("bare", [run.clip(str(place)) for place in range(30)])]
    for seed, name in enumerate(("a", "b", "c")):
        model = run.candidate(name)
        run.says(model, corpora[0], mostly_right(corpora[0], 0.3, seed))
        run.says(model, corpora[1], ["fear", "anger", "neutral"] * 10)
    without = score_run(run.record(), run.predictions)
    exported = sum(table.num_rows for table in prediction_tables(run.record(), run.predictions))
    for model in run.verifications:
        for corpus in corpora:
            run.says(model, corpus, ["sadness"] * len(corpus.clips), perturbation="noise:0dB")
    record = run.record()
    with_them = score_run(record, run.predictions)
    assert len(with_them.robustness) == 6
    assert with_them.model_copy(update={"robustness": ()}) == without
    assert sum(table.num_rows for table in prediction_tables(record, run.predictions)) == exported


def test_rows_stand_by_corpus_candidate_and_perturbation(run: "RunBuilder") -> None:
    corpora = [run.corpus(name, [run.clip(name, label="fear")]) for name in ("x", "y")]
    for name in ("a", "b"):
        model = run.candidate(name)
        for form in (None, "telephone", "clip:0.3"):
            for corpus in corpora:
                run.says(model, corpus, ["fear"], perturbation=form)
    rows = score_run(run.record(), run.predictions).robustness
    assert [(row.corpus, row.candidate, row.perturbation) for row in rows] == [
        (corpus, name, form) for corpus in ("x", "y") for name in ("a", "b") for form in ("telephone", "clip:0.3")
    ]


def test_what_did_not_come_to_its_end_has_a_reason_and_no_number(run: "RunBuilder") -> None:
    corpus = run.acted_corpus()
    for name, plain, perturbed, failure in (
        ("plain-cut-off", 3, 8, None),
        ("perturbed-cut-off", 8, 3, None),
        ("died", 8, 3, "Its worker ended."),
        ("never-heard", 0, 8, None),
    ):
        model = run.candidate(name)
        said = [clip.label for clip in corpus.clips]
        size = len(said) // 8
        if plain:
            run.says(model, corpus, said[: plain * size])
        run.says(model, corpus, said[: perturbed * size], perturbation="telephone", failure=failure)
    rows = {row.candidate: row for row in score_run(run.record(), run.predictions).robustness}
    assert all((row.unchanged, row.uar_loss) == (None, None) for row in rows.values())
    assert "as they are" in (rows["plain-cut-off"].problem or "")
    assert "100 of 160 perturbed clips" in (rows["perturbed-cut-off"].problem or "")
    assert rows["died"].problem == "Its worker ended."
    assert "as they are" in (rows["never-heard"].problem or "")


def test_answers_are_held_against_those_of_the_same_device(run: "RunBuilder") -> None:
    corpus = run.acted_corpus()
    model = run.candidate("a")
    truth = [clip.label for clip in corpus.clips]
    run.says(model, corpus, ["fear"] * len(truth), device="cuda")
    run.says(model, corpus, truth, device="cpu")
    run.says(model, corpus, truth, device="cpu", perturbation="telephone")
    (row,) = score_run(run.record(), run.predictions).robustness
    assert row.unchanged == 1.0


def test_records_from_before_there_were_perturbations_are_read(run: "RunBuilder") -> None:
    corpus = run.acted_corpus(speakers=3, repeats=1)
    run.says(run.candidate("a"), corpus, [clip.label for clip in corpus.clips])
    old = run.record().model_dump(mode="json")
    del old["perturbed"]
    for clip in old["corpora"][0]["clips"]:
        del clip["sampling_rate"]
    for evaluation in old["evaluations"]:
        del evaluation["setup"]["perturbation"]
    record = RunRecord.model_validate(old)
    assert record == run.record()
    assert score_run(record, run.predictions).robustness == ()
