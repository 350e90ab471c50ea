"""What `bench train` writes beside the weights: `training.md`, `.html`, `.json`, and out-of-fold answers as Parquet."""

import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from benchmark.reporting.corpus import SUSPECT_COLUMNS
from benchmark.reporting.csv_and_json import json_document
from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.html_page.training_page import training_html
from benchmark.reporting.markdown import Column, bullets, code_span, document, environment_line, markdown_table, section
from benchmark.reporting.numbers import counted, duration, fraction, moment, parameter_count, with_interval
from benchmark.results.analyses import EmotionScore
from benchmark.results.files import FileSet
from benchmark.results.training_record import (
    OUT_OF_FOLD_FILE,
    TRAINING_FILE,
    EnrolledScore,
    FoldRecord,
    LearningPoint,
    OutOfFold,
    SplitCount,
    TrainingRecord,
    TrainingScore,
    TrialRecord,
    TriedRecipe,
)
from benchmark.scoring.decisions import confusion_matrix
from benchmark.scoring.metrics import emotion_scores
from benchmark.scoring.out_of_fold import decisions_of

MARKDOWN_FILE = "training.md"
PAGE_FILE = "training.html"
README_FILE = "README.md"
_PARTS_PER_CURVE = 10


def write_training(record: TrainingRecord, answers: OutOfFold | None, folder: Path) -> tuple[Path, ...]:
    """Write the reports of a training into the folder of its candidate; without answers only what went wrong.

    Raises:
        RequestError: The folder cannot be written.
        UnavailableError: The disk is full or fails.
    """
    with FileSet() as files:
        written = [
            files.write(folder / MARKDOWN_FILE, training_markdown(record, answers)),
            files.write(folder / PAGE_FILE, training_html(record, _result(record, answers), _making(record))),
            files.write(folder / TRAINING_FILE, json_document(record.model_dump(mode="json"))),
        ]
        if answers is not None:
            content = io.BytesIO()
            pq.write_table(answers.table(), content, compression="zstd")
            written.append(files.write(folder / OUT_OF_FOLD_FILE, content.getvalue()))
            written.append(files.write(folder / README_FILE, _model_card(record)))
        return tuple(written)


def write_trial(record: TrialRecord, folder: Path) -> tuple[Path, ...]:
    """Write the outcome of `bench train --try`; raises as `write_training`."""
    with FileSet() as files:
        return (
            files.write(folder / "recipes.md", trial_markdown(record)),
            files.write(folder / "recipes.json", json_document(record.model_dump(mode="json"))),
        )


def trial_markdown(record: TrialRecord) -> str:
    """Write the outcome of `bench train --try` for people."""
    return document(
        [
            f"# Recipes for {markdown_text(record.corpus)}",
            trial_headline(record),
            markdown_table(record.tried, _TRIED_COLUMNS),
            f"{markdown_text(record.fold_rule)}. Each recipe had a third of its epochs. Equal ranks mean that these "
            "clips do not show which is better.",
            bullets(
                [
                    f"on {moment(record.created)}",
                    f"request: {code_span(record.request.command_line)}",
                    environment_line(record.environment),
                ]
            ),
        ]
    )


def trial_headline(record: TrialRecord) -> str:
    """The best recipe, what choosing it is worth, and what to do next."""
    if not record.tried:
        return "No recipe came to answers."
    best = record.tried[0]
    choice = (
        ""
        if record.chosen_uar is None
        else f" Chosen on the other folds, the best recipe has UAR {fraction(record.chosen_uar)}: that is what the "
        "choice is worth, as the best score of several is too high."
    )
    return (
        f"The best is **{markdown_text(best.recipe)}**, UAR {with_interval(best.uar, best.uar_low, best.uar_high)}."
        f"{choice} Train it in full: {code_span(f'bench train --recipe {best.recipe}')} with the same corpus."
    )


def training_markdown(record: TrainingRecord, answers: OutOfFold | None) -> str:
    """Write the report of a training for people."""
    curves = section("## Curves", markdown_table(_curve_folds(record), _curve_columns(record)))
    return document([*_result(record, answers), *curves, *_making(record)])


def _result(record: TrainingRecord, answers: OutOfFold | None) -> list[str]:
    """What it is worth, block by block."""
    return [
        f"# {markdown_text(record.name)}",
        headline(record),
        *before_you_trust_it(record),
        *section("## What it is worth", markdown_table(record.scores, _SCORE_COLUMNS), _test(record)),
        *section("## With fewer speakers", _learning_curve(record)),
        *section("## With clips of each speaker beforehand", markdown_table(record.enrolled, _ENROLLED_COLUMNS)),
        *([] if answers is None else ["## By emotion", *_by_emotion(answers)]),
        *section("## Labels that may be wrong", markdown_table(record.suspected_labels, SUSPECT_COLUMNS)),
        *section("## By speaker", "" if answers is None else _by_speaker(answers)),
    ]


def before_you_trust_it(record: TrainingRecord) -> list[str]:
    """What speaks against trusting the score, block by block."""
    findings = (f"**{finding.kind}**: {markdown_text(finding.sentence)}" for finding in record.findings)
    return section("## Before you trust it", bullets(findings))


def _making(record: TrainingRecord) -> list[str]:
    """How it was made, block by block."""
    return [
        "## Clips",
        markdown_table(record.counts, _COUNT_COLUMNS),
        "## Folds",
        f"{markdown_text(record.fold_rule)}.",
        markdown_table(record.folds, _FOLD_COLUMNS),
        "## How it was made",
        bullets(_facts(record)),
    ]


def own_score(record: TrainingRecord) -> TrainingScore | None:
    """The score of the candidate, that of the mean over several seeds; None where a fit has failed."""
    mean = f"{record.recipe['name']}, mean"
    return next((score for score in record.scores if score.name == mean), next(iter(record.scores), None))


def headline(record: TrainingRecord) -> str:
    """What the candidate is and what it is worth, in two sentences."""
    emotions = counted(len(record.labels), "emotion")
    what = f"{code_span(str(record.recipe['name']))} on {markdown_text(record.corpus)}, {emotions}"
    best = own_score(record)
    if record.parameters is None or best is None:
        return f"{what}. **There is no candidate: a fit has failed.**"
    uar = with_interval(best.uar, best.uar_low, best.uar_high, at_least=record.speakers is None)
    speakers = "clips" if record.speakers is None else "speakers"
    return (
        f"{what}. **UAR {uar}, macro-F1 {fraction(best.macro_f1)}** on {speakers} that it has not heard, in the same "
        f"recording conditions; always answering the same gives {fraction(1 / len(record.labels))}. "
        "The score is that of the recipe, over folds; the model beside it is trained on all clips."
    )


def _test(record: TrainingRecord) -> str:
    if record.test is None:
        return "On another corpus: not measured; `--test` names one."
    test = record.test
    score = f"UAR {_uar(test)}, macro-F1 {fraction(test.macro_f1)}"
    return f"On another corpus, {counted(test.clips, 'clip')}: {score}."


def _uar(score: TrainingScore) -> str:
    return with_interval(score.uar, score.uar_low, score.uar_high)


def _learning_curve(record: TrainingRecord) -> str:
    if not record.learning_curve:
        return ""
    first = record.folds[0].seed
    own = [fold for fold in record.folds if fold.seed == first]
    speakers = round(sum(len(fold.train_speakers) for fold in own) / len(own))
    whole = LearningPoint(speakers=speakers, uar=record.scores[0].uar or 0.0)
    return markdown_table([*record.learning_curve, whole], _POINT_COLUMNS)


def _by_emotion(answers: OutOfFold) -> tuple[str, str]:
    decisions = decisions_of(answers)
    confusion = confusion_matrix(decisions).tolist()
    scores = emotion_scores(decisions)
    columns: list[Column[EmotionScore]] = [
        Column("emotion", lambda score: score.emotion),
        Column("clips", lambda score: f"{score.clips:,}", numeric=True),
        Column("recall", lambda score: fraction(score.recall), numeric=True),
        Column("precision", lambda score: fraction(score.precision), numeric=True),
        Column("F1", lambda score: fraction(score.f1), numeric=True),
    ]
    names = decisions.emotions
    rows: list[Column[int]] = [Column("clips of ↓ answered as →", lambda row: names[row])]
    rows += [_confusion_column(name, [line[index] for line in confusion]) for index, name in enumerate(names)]
    return markdown_table(scores, columns), markdown_table(range(len(names)), rows)


def _confusion_column(name: str, counts: Sequence[int]) -> Column[int]:
    return Column(name, lambda row: str(counts[row]), numeric=True)


def _by_speaker(answers: OutOfFold) -> str:
    """Accuracy by speaker, the worst first."""
    right: defaultdict[str, list[bool]] = defaultdict(list)
    for speaker, label, predicted in zip(answers.speakers, answers.labels, answers.predicted, strict=True):
        if speaker is not None:
            right[speaker].append(label == predicted)
    ordered = sorted(right.items(), key=lambda item: (sum(item[1]) / len(item[1]), item[0]))
    columns: list[Column[tuple[str, list[bool]]]] = [
        Column("speaker", lambda row: markdown_text(row[0])),
        Column("clips", lambda row: f"{len(row[1]):,}", numeric=True),
        Column("right", lambda row: fraction(sum(row[1]) / len(row[1])), numeric=True),
    ]
    return markdown_table(ordered, columns)


def _curve_folds(record: TrainingRecord) -> list[FoldRecord]:
    return [fold for fold in record.folds if fold.epochs]


def _curve_columns(record: TrainingRecord) -> list[Column[FoldRecord]]:
    """UAR of the monitored clips at about ten epochs."""
    longest = max((len(fold.epochs) for fold in record.folds), default=0)
    step = max(1, -(-longest // _PARTS_PER_CURVE))
    shown = sorted({1, *range(step, longest + 1, step), longest}) if longest else []
    names: list[Column[FoldRecord]] = [
        Column("fold", lambda fold: str(fold.fold), numeric=True),
        Column("seed", lambda fold: str(fold.seed), numeric=True),
        Column("UAR of", lambda fold: fold.monitored or ""),
    ]
    return names + [_epoch_column(epoch) for epoch in shown]


def _epoch_column(epoch: int) -> Column[FoldRecord]:
    def cell(fold: FoldRecord) -> str:
        return fraction(fold.epochs[epoch - 1].uar) if epoch <= len(fold.epochs) else ""

    return Column(f"epoch {epoch}", cell, numeric=True)


def _facts(record: TrainingRecord) -> list[str]:
    encoder = [] if record.encoder is None else [f"encoder: {code_span(record.encoder)}, {record.encoder_revision}"]
    epochs = [] if record.final_epochs is None else [f"epochs of the model: {record.final_epochs}, the folds' median"]
    memory = [] if record.peak_memory_mb is None else [f"most memory of a worker: {record.peak_memory_mb:,.0f} MB"]
    size = [] if record.parameters is None else [f"parameters: {parameter_count(record.parameters)}"]
    return [
        f"on {moment(record.created)}, in {duration(record.seconds)}",
        f"request: {code_span(record.request.command_line)}",
        *encoder,
        *size,
        *epochs,
        *memory,
        environment_line(record.environment),
    ]


def _model_card(record: TrainingRecord) -> str:
    """What a stranger needs to load the model, and what is known of it."""
    own = str(record.recipe.get("kind")) not in {"probe", "finetune"}
    register = "import benchmark\n\nbenchmark.register_models()  # pip install ser-bench\n" if own else ""
    return document(
        [
            f"# {markdown_text(record.name)}",
            headline(record),
            "How it was trained and scored: `training.md`. To load it:",
            "```python\n"
            f"{register}from transformers import AutoModelForAudioClassification\n\n"
            f'model = AutoModelForAudioClassification.from_pretrained("{record.name}")\n```',
        ]
    )


_SCORE_COLUMNS: list[Column[TrainingScore]] = [
    Column("what", lambda score: markdown_text(score.name)),
    Column("seed", lambda score: "" if score.seed is None else str(score.seed)),
    Column("UAR", _uar),
    Column("macro-F1", lambda score: fraction(score.macro_f1), numeric=True),
    Column("accuracy", lambda score: fraction(score.accuracy), numeric=True),
    Column("clips", lambda score: f"{score.clips:,}", numeric=True),
]
_TRIED_COLUMNS: list[Column[TriedRecipe]] = [
    Column("rank", lambda tried: "" if tried.rank is None else str(tried.rank), numeric=True),
    Column("recipe", lambda tried: markdown_text(tried.recipe)),
    Column("UAR", lambda tried: with_interval(tried.uar, tried.uar_low, tried.uar_high)),
    Column("macro-F1", lambda tried: fraction(tried.macro_f1), numeric=True),
    Column("time of all fits", lambda tried: duration(tried.seconds), numeric=True),
]
_ENROLLED_COLUMNS: list[Column[EnrolledScore]] = [
    Column("enrolled with", lambda score: f"{score.clips_per_speaker:.3g} clips, {score.emotions}"),
    Column("UAR, centred by speaker", lambda score: _uar(score.normalised)),
    Column("UAR without, same clips", lambda score: _uar(score.plain)),
    Column("macro-F1", lambda score: fraction(score.normalised.macro_f1), numeric=True),
    Column("without", lambda score: fraction(score.plain.macro_f1), numeric=True),
    Column("clips", lambda score: f"{score.plain.clips:,}", numeric=True),
]
_POINT_COLUMNS: list[Column[LearningPoint]] = [
    Column("speakers to train on", lambda point: str(point.speakers), numeric=True),
    Column("UAR", lambda point: fraction(point.uar), numeric=True),
]
_COUNT_COLUMNS: list[Column[SplitCount]] = [
    Column("emotion", lambda count: count.emotion),
    Column("clips", lambda count: f"{count.clips:,}", numeric=True),
    Column("speakers", lambda count: f"{count.speakers:,}", numeric=True),
]
_FOLD_COLUMNS: list[Column[FoldRecord]] = [
    Column("fold", lambda fold: str(fold.fold), numeric=True),
    Column("seed", lambda fold: str(fold.seed), numeric=True),
    Column("train", lambda fold: f"{fold.train_clips:,} clips, {len(fold.train_speakers)} speakers"),
    Column("validate", lambda fold: markdown_text(", ".join(fold.validation_speakers))),
    Column("test", lambda fold: markdown_text(", ".join(fold.test_speakers))),
    Column("clips", lambda fold: f"{fold.test_clips:,}", numeric=True),
    Column("UAR", lambda fold: fraction(fold.uar), numeric=True),
    Column("chosen", lambda fold: markdown_text(", ".join(f"{name} {value}" for name, value in fold.chosen.items()))),
    Column("best epoch", lambda fold: "" if fold.best_epoch is None else str(fold.best_epoch), numeric=True),
    Column("time", lambda fold: duration(fold.seconds), numeric=True),
]
