"""`bench train`: train a candidate on a corpus."""

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.options.declare import command
from benchmark.options.model_commands import RecipeOptions, TrainRequest
from benchmark.options.shared import ConsoleOptions

if TYPE_CHECKING:
    from benchmark.results.training_record import TrainingRecord, TrialRecord


@command
def train(*, options: TrainRequest, recipe: RecipeOptions, console: ConsoleOptions) -> int:
    """Train a candidate on your recordings, and score it on speakers that it has not heard.

    Writes weights, training.md and .json, and out_of_fold.parquet into a folder that verify, run, predict and publish
    take like any other candidate; run ranks its out-of-fold answers beside downloaded candidates.
    """
    from benchmark.cli.console import open_console
    from benchmark.corpora.spec_syntax import require_corpora
    from benchmark.training.recipe import recipe_text

    if recipe.show_recipe is not None:
        _print_recipe(recipe_text(recipe.show_recipe))
        return 0
    require_corpora([name for name in (options.corpus, options.test) if name is not None], options.candidates)
    from benchmark.api.train import train_with
    from benchmark.api.try_recipes import try_recipes_with
    from benchmark.cli.summaries import finish
    from benchmark.reporting.csv_and_json import json_document
    from benchmark.reporting.next_steps import after_training

    progress = open_console(console)
    options = replace(options, progress=progress, confirm=progress.confirm)
    if recipe.try_recipes:
        trial = try_recipes_with(options)
        if console.as_json:
            print(json_document(trial.record.model_dump(mode="json")), end="")
        else:
            _print_trial(trial.record)
        return finish(trial, quiet=console.quiet)
    outcome = train_with(options)
    if console.as_json:
        print(json_document(outcome.record.model_dump(mode="json")), end="")
    else:
        _print(outcome.record)
    return finish(outcome, quiet=console.quiet, then=after_training(outcome.folder, options.corpus or ""))


def _print_recipe(text: str) -> None:
    """Print a recipe; in a terminal, comments that do not fit stand above their line, so that it stays a recipe."""
    from textwrap import wrap

    from benchmark.reporting.wrapping import terminal_columns

    columns = terminal_columns()
    for line in text.splitlines():
        code, _, comment = line.partition("#")
        if columns is None or not comment or len(line) <= columns:
            print(line)
            continue
        print(*wrap(comment.strip(), columns, initial_indent="# ", subsequent_indent="# "), sep="\n")
        if code:
            print(code.rstrip())


def _print_trial(record: "TrialRecord") -> None:
    from benchmark.cli.markdown import print_markdown
    from benchmark.cli.tables import Column, print_table
    from benchmark.reporting.numbers import duration, fraction, with_interval
    from benchmark.reporting.training import trial_headline

    print_table(
        [Column("rank", number=True), "recipe", "UAR", Column("macro-F1", number=True), Column("time", number=True)],
        [
            (
                "" if tried.rank is None else str(tried.rank),
                tried.recipe,
                with_interval(tried.uar, tried.uar_low, tried.uar_high),
                fraction(tried.macro_f1),
                duration(tried.seconds),
            )
            for tried in record.tried
        ],
        title=f"{record.corpus}: recipes with a third of their epochs",
    )
    print_markdown(f"{trial_headline(record)}\n")


def _print(record: "TrainingRecord") -> None:
    from benchmark.cli.markdown import print_markdown
    from benchmark.cli.tables import Column, print_table
    from benchmark.reporting.markdown import document
    from benchmark.reporting.numbers import fraction, with_interval
    from benchmark.reporting.training import before_you_trust_it, headline

    enrolled = [score for measured in record.enrolled for score in (measured.normalised, measured.plain)]
    test = [] if record.test is None else [record.test]
    print_table(
        ["what", "seed", "UAR", Column("macro-F1", number=True), Column("accuracy", number=True)],
        [
            (
                score.name,
                "" if score.seed is None else str(score.seed),
                with_interval(score.uar, score.uar_low, score.uar_high),
                fraction(score.macro_f1),
                fraction(score.accuracy),
            )
            for score in (*record.scores, *enrolled, *test)
        ],
        title=f"{record.name}: on speakers that it has not heard",
    )
    print_markdown(document([headline(record), *before_you_trust_it(record)]))
