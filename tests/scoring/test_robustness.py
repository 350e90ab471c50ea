from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import recall_score

from benchmark.reporting.predictions import prediction_tables
from benchmark.results.analyses import Robustness
from benchmark.results.runs import CorpusRecord
from tests.scoring.conftest import RunBuilder, clip_record, labels_of, mostly_right

Labels = Sequence[str | None]


def compared(
    run: RunBuilder, corpus: CorpusRecord, plain: Labels, perturbed: Labels, name: str, *, model_rate: int | None = None
) -> Robustness:
    """The robustness of a candidate that answers the clips as they are, and perturbed."""
    model = run.candidate("a", sampling_rate=model_rate)
    run.add(model, corpus, plain)
    run.add(model, corpus, perturbed, perturbation=name)
    (row,) = run.score().robustness
    return row


def uar_of(corpus: CorpusRecord, answers: Labels, without: str | None = None) -> float:
    kept = [(clip.label, answer) for clip, answer in zip(corpus.clips, answers, strict=True) if clip.speaker != without]
    truth, given = zip(*((label, answer or "none") for label, answer in kept), strict=True)
    labels = sorted({str(clip.label) for clip in corpus.clips})
    return float(recall_score(truth, given, labels=labels, average="macro", zero_division=0))


def test_share_and_loss_are_those_of_a_second_implementation(run: RunBuilder) -> None:
    corpus = run.acted_corpus(speakers=6)
    plain, noisy = mostly_right(corpus, 0.2, 1), mostly_right(corpus, 0.5, 2)
    row = compared(run, corpus, plain, noisy, "noise:20dB")
    assert (row.candidate, row.corpus, row.perturbation, row.clips) == ("a", "acted", "noise:20dB", len(corpus.clips))
    assert row.unchanged == pytest.approx(np.mean(np.array(plain) == np.array(noisy)))
    assert (row.uar, row.perturbed_uar) == pytest.approx((uar_of(corpus, plain), uar_of(corpus, noisy)))
    loss = uar_of(corpus, plain) - uar_of(corpus, noisy)
    speakers = {clip.speaker for clip in corpus.clips if clip.speaker}
    left_out = np.array([uar_of(corpus, plain, who) - uar_of(corpus, noisy, who) for who in speakers])
    reach = t.ppf(0.975, 5) * np.sqrt(5 / 6 * ((left_out - left_out.mean()) ** 2).sum())
    assert (row.uar_loss, row.uar_loss_low, row.uar_loss_high) == pytest.approx((loss, loss - reach, loss + reach))
    assert row.interval == "speakers"


def test_answers_that_all_stay_have_the_interval_of_so_many_clips(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    row = compared(run, corpus, labels_of(corpus), labels_of(corpus), "gain:-12dB")
    assert (row.unchanged, row.uar_loss, row.interval) == (1.0, 0.0, "wilson")
    assert (row.uar_loss_low, row.uar_loss_high) == pytest.approx((-0.0235, 0.0235), abs=1e-3)


def test_a_loss_that_is_the_same_without_any_speaker_still_has_an_interval(run: RunBuilder) -> None:
    corpus = run.acted_corpus(speakers=3, repeats=1)
    row = compared(run, corpus, labels_of(corpus), ["sadness"] * len(corpus.clips), "telephone")
    assert row.uar_loss == pytest.approx(0.8)
    assert (row.interval, row.uar_loss_high) == ("wilson", 1.0)
    assert (row.uar_loss_low or 0) < 0.7


def test_clips_that_fail_perturbed_are_wrong_and_those_that_always_fail_are_not_compared(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    answers = labels_of(corpus)
    plain, perturbed = [*answers[:-10], *[None] * 10], [*[None] * 20, *answers[20:-10], *[None] * 10]
    row = compared(run, corpus, plain, perturbed, "clip:0.3")
    assert (row.clips, row.failed_clips, row.unchanged) == (150, 20, 130 / 150)
    assert row.uar == pytest.approx(uar_of(corpus, plain))
    assert row.uar_loss == pytest.approx(uar_of(corpus, plain) - uar_of(corpus, perturbed))


def test_without_labels_only_the_share_of_answers_that_stay_is_known(run: RunBuilder) -> None:
    corpus = run.corpus("bare", [clip_record(str(number)) for number in range(10)])
    row = compared(run, corpus, ["anger"] * 10, ["anger"] * 7 + ["fear"] * 3, "speed:1.1")
    assert row.unchanged == 0.7
    assert (row.uar, row.perturbed_uar, row.uar_loss, row.uar_loss_low, row.interval) == (None,) * 5


def test_without_speakers_the_interval_is_over_clips(run: RunBuilder) -> None:
    clips = [clip_record(f"{emotion}{number}", label=emotion) for emotion in ("anger", "fear") for number in range(100)]
    corpus = run.corpus("alone", clips)
    perturbed = ["fear" if number % 2 else clip.label for number, clip in enumerate(clips)]
    row = compared(run, corpus, labels_of(corpus), perturbed, "telephone")
    assert (row.interval, row.uar_loss) == ("clips", 0.25)
    # Half of the anger is lost, for certain none of the fear: a quarter, as sure as a share of 100 clips is.
    reach = 1.96 * 0.05 / 2
    assert (row.uar_loss_low, row.uar_loss_high) == pytest.approx((0.25 - reach, 0.25 + reach), abs=0.006)


@pytest.mark.parametrize(
    ("model_rate", "rates", "untouched"),
    [
        (16_000, (8_000, 16_000, 8_000), 2),
        (16_000, (None, None, None), 0),
        (16_000, (44_100,) * 3, 0),
        (8_000, (44_100,) * 3, 3),
    ],
)
def test_recordings_with_nothing_to_remove_at_their_or_the_models_rate_are_counted(
    run: RunBuilder, model_rate: int, rates: tuple[int | None, ...], untouched: int
) -> None:
    clips = [clip_record(str(number), label="fear", sampling_rate=rate) for number, rate in enumerate(rates)]
    corpus = run.corpus("calls", clips)
    row = compared(run, corpus, ["fear"] * 3, ["fear"] * 3, "lowpass:4k", model_rate=model_rate)
    assert row.untouched_clips == untouched


def test_perturbed_answers_change_nothing_but_robustness(run: RunBuilder) -> None:
    corpora = [
        run.acted_corpus(speakers=3, repeats=1),
        run.corpus("bare", [clip_record(str(number)) for number in range(30)]),
    ]
    for seed, name in enumerate(("a", "b", "c")):
        model = run.candidate(name)
        run.add(model, corpora[0], mostly_right(corpora[0], 0.3, seed))
        run.add(model, corpora[1], ["fear", "anger", "neutral"] * 10)
    without = run.score()
    exported = sum(table.num_rows for table in prediction_tables(run.record(), run.predictions))
    for model in run.verifications:
        for corpus in corpora:
            run.add(model, corpus, ["sadness"] * len(corpus.clips), perturbation="noise:0dB")
    with_them = run.score()
    assert len(with_them.robustness) == 6
    assert with_them.model_copy(update={"robustness": ()}) == without
    assert sum(table.num_rows for table in prediction_tables(run.record(), run.predictions)) == exported


def test_rows_are_ordered_by_corpus_candidate_and_perturbation(run: RunBuilder) -> None:
    corpora = [run.corpus(name, [clip_record(name, label="fear")]) for name in ("x", "y")]
    models = [run.candidate(name) for name in ("a", "b")]
    for model, form, corpus in product(models, (None, "telephone", "clip:0.3"), corpora):
        run.add(model, corpus, ["fear"], perturbation=form)
    assert [(row.corpus, row.candidate, row.perturbation) for row in run.score().robustness] == [
        *product(("x", "y"), ("a", "b"), ("telephone", "clip:0.3"))
    ]


@pytest.mark.parametrize(
    ("plain", "perturbed", "failure", "problem"),
    [
        (2, 5, None, "as they are"),
        (5, 2, None, "3 of 5 perturbed clips"),
        (5, 2, "Its worker ended.", "Its worker ended."),
        (0, 5, None, "as they are"),
    ],
)
def test_incomplete_answers_have_a_reason_and_no_number(
    run: RunBuilder, plain: int, perturbed: int, failure: str | None, problem: str
) -> None:
    corpus = run.corpus("calls", [clip_record(str(number), label="anger") for number in range(5)])
    model = run.candidate("a")
    if plain:
        run.add(model, corpus, ["anger"] * plain)
    run.add(model, corpus, ["anger"] * perturbed, perturbation="telephone", failure=failure)
    (row,) = run.score().robustness
    assert (row.unchanged, row.uar_loss) == (None, None)
    assert problem in (row.problem or "")


def test_answers_are_compared_with_those_of_the_same_device(run: RunBuilder) -> None:
    corpus = run.corpus("calls", [clip_record("a", label="anger")])
    model = run.candidate("a")
    run.add(model, corpus, ["fear"], device="cuda")
    run.add(model, corpus, ["anger"])
    run.add(model, corpus, ["anger"], perturbation="telephone")
    (row,) = run.score().robustness
    assert row.unchanged == 1.0


def test_no_robustness_is_measured_of_out_of_fold_answers_and_nothing_is_missing(run: RunBuilder) -> None:
    corpus, model = run.acted_corpus(), run.candidate("a")
    run.add(model, corpus, mostly_right(corpus, 0.2, 1), adapted=True)
    run.add(model, corpus, [], adapted=True, perturbation="noise:20dB")
    board = run.score()
    (row,) = board.robustness
    assert (row.clips, row.unchanged, row.uar_loss) == (0, None, None)
    assert "no fold has answered perturbed clips" in (row.problem or "")
    assert board.failures == {}
    assert board.complete
