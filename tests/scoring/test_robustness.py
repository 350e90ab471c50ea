from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import recall_score

from benchmark.reporting.predictions import prediction_tables
from benchmark.results.analyses import Robustness
from benchmark.results.runs import CorpusRecord
from benchmark.scoring.leaderboard import score_run
from tests.scoring.conftest import Errors, RunBuilder


def only(run: RunBuilder) -> Robustness:
    (row,) = run.score().robustness
    return row


def truth(corpus: CorpusRecord) -> list[str]:
    return [clip.label or "" for clip in corpus.clips]


def uar_of(corpus: CorpusRecord, said: list[str | None], without: str | None = None) -> float:
    kept = [(clip.label, answer) for clip, answer in zip(corpus.clips, said, strict=True) if clip.speaker != without]
    labels = sorted(set(truth(corpus)))
    true, answers = zip(*((label, answer or "none") for label, answer in kept), strict=True)
    return float(recall_score(true, answers, labels=labels, average="macro", zero_division=0))


def test_share_and_loss_are_those_of_a_second_implementation(run: RunBuilder, mostly_right: Errors) -> None:
    corpus = run.acted_corpus(speakers=6)
    model = run.candidate("a")
    plain, noisy = mostly_right(corpus, 0.2, 1), mostly_right(corpus, 0.5, 2)
    run.says(model, corpus, plain)
    run.says(model, corpus, noisy, perturbation="noise:20dB")
    row = only(run)
    assert (row.candidate, row.corpus, row.perturbation, row.clips) == ("a", "acted", "noise:20dB", len(corpus.clips))
    assert row.unchanged == pytest.approx(np.mean([one == other for one, other in zip(plain, noisy, strict=True)]))
    loss = uar_of(corpus, plain) - uar_of(corpus, noisy)
    assert row.uar_loss == pytest.approx(loss)
    assert (row.uar, row.perturbed_uar) == pytest.approx((uar_of(corpus, plain), uar_of(corpus, noisy)))
    speakers = sorted({clip.speaker for clip in corpus.clips if clip.speaker})
    left_out = np.array([uar_of(corpus, plain, who) - uar_of(corpus, noisy, who) for who in speakers])
    error = np.sqrt(5 / 6 * ((left_out - left_out.mean()) ** 2).sum())
    reach = t.ppf(0.975, 5) * error
    assert (row.uar_loss_low, row.uar_loss_high) == pytest.approx((loss - reach, loss + reach))
    assert row.interval == "speakers"


def test_answers_that_all_stay_leave_no_more_room_than_so_many_clips_leave(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    model = run.candidate("a")
    run.says(model, corpus, truth(corpus))
    run.says(model, corpus, truth(corpus), perturbation="gain:-12dB")
    row = only(run)
    assert (row.unchanged, row.uar_loss, row.interval) == (1.0, 0.0, "wilson")
    assert row.uar_loss_high == -row.uar_loss_low == pytest.approx(0.0235, abs=1e-3)  # type: ignore[operator]


def test_a_loss_that_is_the_same_without_any_speaker_still_has_an_interval(run: RunBuilder) -> None:
    corpus = run.acted_corpus(speakers=3, repeats=1)
    model = run.candidate("a")
    run.says(model, corpus, truth(corpus))
    run.says(model, corpus, ["sadness"] * len(corpus.clips), perturbation="telephone")
    row = only(run)
    assert row.uar_loss == pytest.approx(0.8)
    assert row.interval == "wilson"
    assert row.uar_loss_low is not None
    assert row.uar_loss_high is not None
    assert row.uar_loss_low < 0.7
    assert row.uar_loss_high == 1.0


def test_clips_it_could_not_process_perturbed_count_as_changed_and_as_wrong(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    model = run.candidate("a")
    said = truth(corpus)
    run.says(model, corpus, said)
    run.says(
        model, corpus, [None if place < 10 else answer for place, answer in enumerate(said)], perturbation="clip:0.3"
    )
    row = only(run)
    assert row.failed_clips == 10
    assert row.unchanged == pytest.approx(1 - 10 / len(said))
    assert row.uar_loss == pytest.approx(10 / len(said), abs=0.02)


def test_clips_it_could_not_process_at_all_are_not_compared_and_wrong_on_both_sides(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    model = run.candidate("a")
    said = [None if place < 10 else answer for place, answer in enumerate(truth(corpus))]
    run.says(model, corpus, said)
    run.says(model, corpus, said, perturbation="clip:0.3")
    row = only(run)
    assert (row.clips, row.failed_clips, row.unchanged, row.uar_loss) == (len(said) - 10, 0, 1.0, 0.0)
    assert row.uar is not None
    assert row.uar < 1


def test_without_labels_only_the_share_of_answers_that_stay_is_told(run: RunBuilder) -> None:
    corpus = run.corpus("bare", [run.clip(str(place)) for place in range(10)])
    model = run.candidate("a")
    run.says(model, corpus, ["anger"] * 10)
    run.says(model, corpus, ["anger"] * 7 + ["fear"] * 3, perturbation="speed:1.1")
    row = only(run)
    assert row.unchanged == 0.7
    assert (row.uar, row.perturbed_uar, row.uar_loss, row.uar_loss_low, row.interval) == (None,) * 5


def test_without_speakers_the_interval_is_over_clips_and_says_so(run: RunBuilder, mostly_right: Errors) -> None:
    clips = [run.clip(f"{emotion}{place}", label=emotion) for emotion in ("anger", "fear") for place in range(100)]
    corpus = run.corpus("alone", clips)
    model = run.candidate("a")
    run.says(model, corpus, truth(corpus))
    run.says(
        model,
        corpus,
        ["fear" if place % 2 else clip.label for place, clip in enumerate(clips)],
        perturbation="telephone",
    )
    row = only(run)
    assert row.interval == "clips"
    assert row.uar_loss == pytest.approx(0.25)
    # Half of the anger is lost, for certain none of the fear: a quarter, as sure as a share of 100 clips is.
    assert row.uar_loss_low == pytest.approx(0.25 - 1.96 * 0.05 / 2, abs=0.006)
    assert row.uar_loss_high == pytest.approx(0.25 + 1.96 * 0.05 / 2, abs=0.006)


@pytest.mark.parametrize(
    ("rates", "untouched"), [((8_000, 16_000, 8_000), 2), ((None, None, None), 0), ((44_100,) * 3, 0)]
)
def test_recordings_with_nothing_to_remove_are_counted(
    run: RunBuilder, rates: tuple[int | None, ...], untouched: int
) -> None:
    clips = [replace(run.clip(str(place), label="fear"), sampling_rate=rate) for place, rate in enumerate(rates)]
    corpus = run.corpus("calls", clips)
    model = run.candidate("a", sampling_rate=16_000)
    run.says(model, corpus, ["fear"] * 3)
    run.says(model, corpus, ["fear"] * 3, perturbation="lowpass:4k")
    assert only(run).untouched_clips == untouched


def test_a_candidate_that_hears_no_more_than_the_lowpass_leaves_hears_all_clips_as_they_are(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    model = run.candidate("a", sampling_rate=8_000)
    run.says(model, corpus, truth(corpus))
    run.says(model, corpus, truth(corpus), perturbation="lowpass:4k")
    assert only(run).untouched_clips == len(corpus.clips)


def test_nothing_but_robustness_knows_of_perturbed_answers(run: RunBuilder, mostly_right: Errors) -> None:
    corpora = [run.acted_corpus(), run.corpus("bare", [run.clip(str(place)) for place in range(30)])]
    for seed, name in enumerate(("a", "b", "c")):
        model = run.candidate(name)
        run.says(model, corpora[0], mostly_right(corpora[0], 0.3, seed))
        run.says(model, corpora[1], ["fear", "anger", "neutral"] * 10)
    without = run.score()
    exported = sum(table.num_rows for table in prediction_tables(run.record(), run.predictions))
    for model in run.verifications:
        for corpus in corpora:
            run.says(model, corpus, ["sadness"] * len(corpus.clips), perturbation="noise:0dB")
    record = run.record()
    with_them = score_run(record, run.predictions)
    assert len(with_them.robustness) == 6
    assert with_them.model_copy(update={"robustness": ()}) == without
    assert sum(table.num_rows for table in prediction_tables(record, run.predictions)) == exported


def test_rows_stand_by_corpus_candidate_and_perturbation(run: RunBuilder) -> None:
    corpora = [run.corpus(name, [run.clip(name, label="fear")]) for name in ("x", "y")]
    for name in ("a", "b"):
        model = run.candidate(name)
        for form in (None, "telephone", "clip:0.3"):
            for corpus in corpora:
                run.says(model, corpus, ["fear"], perturbation=form)
    rows = run.score().robustness
    assert [(row.corpus, row.candidate, row.perturbation) for row in rows] == [
        (corpus, name, form) for corpus in ("x", "y") for name in ("a", "b") for form in ("telephone", "clip:0.3")
    ]


def test_what_did_not_come_to_its_end_has_a_reason_and_no_number(run: RunBuilder) -> None:
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
    rows = {row.candidate: row for row in run.score().robustness}
    assert all((row.unchanged, row.uar_loss) == (None, None) for row in rows.values())
    assert "as they are" in (rows["plain-cut-off"].problem or "")
    assert "100 of 160 perturbed clips" in (rows["perturbed-cut-off"].problem or "")
    assert rows["died"].problem == "Its worker ended."
    assert "as they are" in (rows["never-heard"].problem or "")


def test_answers_are_held_against_those_of_the_same_device(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    model = run.candidate("a")
    truth = [clip.label for clip in corpus.clips]
    run.says(model, corpus, ["fear"] * len(truth), device="cuda")
    run.says(model, corpus, truth, device="cpu")
    run.says(model, corpus, truth, device="cpu", perturbation="telephone")
    (row,) = run.score().robustness
    assert row.unchanged == 1.0
