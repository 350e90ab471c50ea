"""`try_recipes`: short trainings of all recipes that apply to a corpus, ranked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import Outcome
from benchmark.api.progress import open_progress
from benchmark.api.train import decode_corpora, open_encoder, prepare_training, require_trainer
from benchmark.corpora.audio_reader import AudioReader
from benchmark.errors import EXIT_UNMET, RequestError
from benchmark.options.declare import keywords
from benchmark.options.model_commands import TrainRequest
from benchmark.reporting.training import write_trial
from benchmark.results.environment import Environment
from benchmark.results.files import check_writable
from benchmark.results.runs import StoredRequest
from benchmark.results.training_record import TrialRecord
from benchmark.settings import Settings
from benchmark.training.recipe import load_recipe
from benchmark.training.trial import applicable_recipes
from benchmark.training.trial import try_recipes as try_on

_FIRST = "functionals"
_OF_TRAININGS = ("recipe", "test", "seeds", "learning-curve", "enrol", "resume", "register")


@dataclass(frozen=True, kw_only=True)
class TryOutcome(Outcome):
    """Result of `try_recipes`.

    Attributes:
        record: The recipes, the best first.
    """

    record: TrialRecord


def try_recipes_with(options: TrainRequest) -> TryOutcome:
    """Try all recipes that apply to a corpus with a small budget; with a model, also those that need an encoder.

    Writes `recipes.md` and `recipes.json`.

    Raises:
        RequestError: The request is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.try_recipes("demo:", folds="4")  # doctest: +SKIP
        >>> [tried.recipe for tried in outcome.record.tried]  # doctest: +SKIP
        ['functionals', 'cnn', 'multiscale', 'resnet18']
    """
    with AudioReader(options.settings or Settings(), max_clip_mb=options.max_clip_mb) as reader:
        return _try(options, reader)


try_recipes = keywords(try_recipes_with, TrainRequest)


def _try(options: TrainRequest, reader: AudioReader) -> TryOutcome:
    created, progress = datetime.now(UTC), open_progress(options.progress)
    unused = [key for key in _OF_TRAININGS if key in options.given()]
    if unused:
        raise RequestError(f"--try only compares recipes: leave out --{unused[0]}, or leave out --try.")
    recipes = applicable_recipes(with_encoder=options.model is not None)
    require_trainer(*recipes.values())
    encoder = None
    if options.model is not None:
        encoder = open_encoder(options, options.model, settings=reader.settings, progress=progress)
    decoded = decode_corpora(options, reader, progress)
    corpus = decoded[0].record
    folder = Path(options.output or Path("models", f"{corpus.name}-try"))
    check_writable(folder)
    training = prepare_training(
        options, decoded[:1], progress, recipe=load_recipe(_FIRST), name=_FIRST, encoder=encoder
    )
    trial = try_on(training, recipes, reader, progress)
    record = TrialRecord(
        created=created,
        environment=Environment.here(),
        request=StoredRequest(
            command="train",
            options=options.given(),
            command_line=f"{options.command_line('train')} --try",
            folder=str(Path.cwd()),
        ),
        corpus=corpus.name,
        labels=training.examples.clips.classes,
        fold_rule=training.folds.rule,
        tried=trial.tried,
        chosen_uar=trial.chosen_uar,
        failed=trial.failed,
    )
    problems = tuple(f"{name} came to no answers: its loss was not finite." for name in trial.failed)
    return TryOutcome(
        record=record, files=write_trial(record, folder), exit_code=EXIT_UNMET if problems else 0, problems=problems
    )
