"""`train`: from a corpus to a candidate's folder, with the score of out-of-fold answers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmark.api.outcomes import Outcome, judge_corpora
from benchmark.api.progress import open_progress
from benchmark.corpora.audio_reader import AudioReader
from benchmark.corpora.clips import Corpus
from benchmark.corpora.specs import open_corpora
from benchmark.emotions.merges import chosen_merges
from benchmark.errors import EXIT_UNMET, RequestError
from benchmark.evaluation.decoding import DecodedCorpus, decode_corpus
from benchmark.hub.client import Hub
from benchmark.options.declare import keywords
from benchmark.options.model_commands import TrainRequest
from benchmark.progress import Progress
from benchmark.registry.loading import find_registry, load_registry
from benchmark.registry.trained import register_candidate
from benchmark.reporting.numbers import with_interval
from benchmark.reporting.training import own_score, training_markdown, write_training
from benchmark.results.environment import Environment, available_cores, installed_version
from benchmark.results.files import check_writable
from benchmark.results.runs import StoredRequest
from benchmark.results.storage import prepare_cache
from benchmark.results.training_record import SHORT_HASH, TRAINING_FILE, OutOfFold, TrainingRecord, weights_digest
from benchmark.scoring.out_of_fold import score_out_of_fold
from benchmark.scoring.suspected_labels import suspected_labels
from benchmark.settings import Settings
from benchmark.training.encoder_source import find_encoder
from benchmark.training.examples import Examples, examples_of
from benchmark.training.features import EncoderSource
from benchmark.training.finished_fits import UNFINISHED
from benchmark.training.folds import make_folds
from benchmark.training.recipe import FunctionalsRecipe, ProbeRecipe, Recipe, load_recipe, needs_encoder, parts_of
from benchmark.training.train import Trained, Training
from benchmark.verification.options import VerifyOptions


@dataclass(frozen=True, kw_only=True)
class TrainOutcome(Outcome):
    """Result of `train`.

    Attributes:
        folder: Of the candidate.
        record: What was done, and what it is worth.
        out_of_fold: Answers of the first seed, each by a model that has not heard the clip's speaker; None
            where a fit has failed.
    """

    folder: Path
    record: TrainingRecord
    out_of_fold: OutOfFold | None

    def __repr__(self) -> str:
        score = own_score(self.record)
        uar = "" if score is None else f", UAR {with_interval(score.uar, score.uar_low, score.uar_high)} out of fold"
        return self._in_short(f"{self.folder}, trained on {self.record.corpus}{uar}")

    def _repr_html_(self) -> str:
        return self._html([training_markdown(self.record, self.out_of_fold)])


def train_with(options: TrainRequest) -> TrainOutcome:
    """Train a candidate on a corpus, and score it on speakers that it has not heard.

    Writes the weights, `training.json`, `training.md`, `training.html` and `out_of_fold.parquet` into a folder that
    `verify`, `run`, `predict` and `publish` take like any other candidate.

    Raises:
        RequestError: The request is wrong; the message says how to fix it.
        UnavailableError: The machine failed, such as a full disk.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.train("demo:", recipe="cnn", folds="4", output="models/mine")  # doctest: +SKIP
        >>> outcome.record.scores[0].uar  # doctest: +SKIP
        0.41
    """
    with AudioReader(options.settings or Settings(), max_clip_mb=options.max_clip_mb) as reader:
        return _train(options, reader)


train = keywords(train_with, TrainRequest)


def _train(options: TrainRequest, reader: AudioReader) -> TrainOutcome:
    begin, created = time.monotonic(), datetime.now(UTC)
    progress = open_progress(options.progress)
    recipe = load_recipe(options.recipe)
    encoder = _encoder(options, recipe, settings=reader.settings, progress=progress)
    decoded = decode_corpora(options, reader, progress)
    name = Path(str(options.recipe)).stem
    folder = Path(options.output or Path("models", f"{decoded[0].record.name}-{name}"))
    _prepare_folder(folder, options)
    registry_path = _registry_path(folder, options, progress) if options.register else None
    training = prepare_training(options, decoded, progress, recipe=recipe, name=name, encoder=encoder)
    trained = training.run(
        folder, reader, progress, resume=options.resume, with_curve=options.learning_curve, enrol=options.enrol
    )
    record = _record(options, trained, decoded[0], folder).model_copy(
        update={"created": created, "seconds": time.monotonic() - begin}
    )
    is_kept = trained.final is None and weights_digest(folder) is not None  # a candidate that --force would replace
    files = () if is_kept else write_training(record, trained.out_of_fold, folder)
    if trained.final is not None:
        trained.finished.remove()
        if registry_path is not None:
            languages = sorted({clip.language for clip in decoded[0].record.clips if clip.language})
            files += (register_candidate(registry_path, folder, record, languages=languages),)
    exit_code, problems = _judge(trained)
    return TrainOutcome(
        folder=folder,
        record=record,
        out_of_fold=trained.out_of_fold,
        files=files,
        exit_code=exit_code,
        problems=problems,
    )


def prepare_training(
    options: TrainRequest,
    decoded: Sequence[DecodedCorpus],
    progress: Progress,
    *,
    recipe: Recipe,
    name: str,
    encoder: EncoderSource | None,
) -> Training:
    """Make folds of the decoded corpus, and show what they are.

    Raises:
        RequestError: The clips cannot be divided, or --test has clips that are trained on.
    """
    examples, *tests = [_examples(part, progress) for part in decoded]
    folds = make_folds(examples.clips, options.folds, seed=options.seed, allow=options.allow)
    divided = folds.folds[0].describe(examples.clips)
    for note in (*folds.notes, divided, *(finding.sentence for finding in folds.findings)):
        progress.note(note)
    cores = available_cores()
    at_once = min(options.jobs or cores, len(folds.folds) * options.seeds)
    return Training(
        recipe_name=name,
        recipe=recipe,
        examples=examples,
        folds=folds,
        seeds=range(options.seed, options.seed + options.seeds),
        test=_checked_test(examples, tests[0]) if tests else None,
        encoder=encoder,
        allow=options.allow,
        at_once=at_once,
        threads=max(1, cores // at_once),
    )


def _encoder(options: TrainRequest, recipe: Recipe, *, settings: Settings, progress: Progress) -> EncoderSource | None:
    """The encoder of a recipe that needs one."""
    require_trainer(recipe)
    if not needs_encoder(recipe):
        if options.model is not None:
            raise RequestError("--model names an encoder, and this recipe trains from scratch: leave it out.")
        return None
    if options.model is None:
        raise RequestError(
            f"The recipe {options.recipe} needs an encoder: name one, such as `--model microsoft/wavlm-base`, or the "
            "folder of a checkpoint."
        )
    return open_encoder(options, options.model, settings=settings, progress=progress)


def require_trainer(*recipes: Recipe) -> None:
    """Refuse recipes that are fitted in epochs where the extra is not installed."""
    parts = [part for recipe in recipes for part in parts_of(recipe)]
    is_linear = all(isinstance(part, ProbeRecipe | FunctionalsRecipe) for part in parts)
    if not is_linear and installed_version("accelerate") is None:
        raise RequestError("Training needs the extra `train`: `pip install ser-bench[train]`.")


def open_encoder(options: TrainRequest, model: str, *, settings: Settings, progress: Progress) -> EncoderSource:
    """Find the checkpoint that a user names, and fetch it if need be."""
    limits = VerifyOptions(max_download_gb=options.max_download_gb, confirm=options.confirm)
    hub = Hub(timeout_s=settings.hub_timeout_s)
    return find_encoder(model, find_registry(options.candidates), hub, limits, progress)


def decode_corpora(options: TrainRequest, reader: AudioReader, progress: Progress) -> tuple[DecodedCorpus, ...]:
    """Decode the corpus, with the user's selection, and the one of `--test`, without.

    Raises:
        RequestError: None is named, one cannot be opened, or not one of its clips can be read.
    """
    if options.corpus is None:
        raise RequestError("Say what to train on, such as `--corpus folder:my-recordings` or `--corpus demo:`.")
    names = [options.corpus, *([] if options.test is None else [options.test])]
    registry = find_registry(options.candidates)
    prepare_cache(reader.settings)
    merges = chosen_merges(options.merge_preset, options.merge)
    corpora: list[Corpus] = []
    for name, selection in zip(names, (options, None), strict=False):
        corpora += open_corpora([name], registry, selection, reader=reader, progress=progress)
    for corpus in corpora:
        for note in corpus.notes:
            progress.note(f"{corpus.name}: {note}")
    decoded = tuple(decode_corpus(corpus.merging(merges), reader, progress) for corpus in corpora)
    exit_code, problems = judge_corpora([corpus.record for corpus in decoded])
    if exit_code:
        raise RequestError(" ".join(problems))
    return decoded


def _prepare_folder(folder: Path, options: TrainRequest) -> None:
    """Refuse a folder with something else in it, before hours of work."""
    if (folder / TRAINING_FILE).exists() and not (options.force or options.resume):
        raise RequestError(
            f"{folder} holds a candidate already: name another folder with -o, or replace it by --force."
        )
    if (folder / UNFINISHED).exists() and not (options.force or options.resume):
        raise RequestError(f"{folder} holds finished fits: --resume goes on from there, --force begins anew.")
    others = [path.name for path in folder.iterdir() if path.name != UNFINISHED] if folder.is_dir() else []
    if others and not (folder / TRAINING_FILE).exists():
        raise RequestError(f"{folder} holds other files, such as {min(others)}: name another folder with -o.")
    check_writable(folder)


def _registry_path(folder: Path, options: TrainRequest, progress: Progress) -> Path | None:
    """The registry that gets the candidate; one that has such a candidate is refused before hours of work."""
    path = Path("candidates.yaml") if options.candidates is None else Path(options.candidates)
    if not path.exists() and options.candidates is not None and path.suffix not in {".yaml", ".yml"}:
        raise RequestError(f"--register adds to a file, and {path} is none: --candidates candidates.yaml makes one.")
    names = [candidate.name for candidate in load_registry(path).candidates] if path.exists() else []
    if folder.name not in names:
        return path
    if not options.force:
        raise RequestError(f"{path} has a candidate {folder.name} already: name another folder with -o.")
    progress.note(f"{path} has a candidate {folder.name} already, whose entry stays as it is.")
    return None


def _examples(corpus: DecodedCorpus, progress: Progress) -> Examples:
    examples = examples_of(corpus)
    for sentence in examples.left_out:
        progress.warn(sentence)
    return examples


def _checked_test(examples: Examples, test: Examples) -> Examples:
    """Refuse a test corpus with recordings that are trained on, or without an emotion that the model knows."""
    shared = set(examples.clips.hashes) & set(test.clips.hashes)
    if shared:
        first = test.clips.names[test.clips.hashes.index(min(shared))]
        raise RequestError(
            f"{len(shared):,} recordings of --test are trained on, such as {first}: its score would say nothing. "
            "Name another corpus."
        )
    if not set(examples.clips.classes) & set(test.clips.classes):
        raise RequestError(
            f"--test has none of the emotions that are trained ({', '.join(examples.clips.classes)}): "
            "name another corpus."
        )
    return test


def _record(options: TrainRequest, trained: Trained, corpus: DecodedCorpus, folder: Path) -> TrainingRecord:
    training, clips = trained.training, trained.training.examples.clips
    test, final, answers = trained.test_answers(), trained.final, trained.out_of_fold
    return TrainingRecord(
        created=datetime.now(UTC),
        environment=Environment.here(),
        request=StoredRequest(
            command="train",
            options=options.given(),
            command_line=options.command_line("train"),
            folder=str(Path.cwd()),
        ),
        name=folder.name,
        corpus=corpus.record.name,
        source=corpus.record.source,
        recipe={"name": training.recipe_name, **training.recipe.model_dump(mode="json")},
        encoder=None if training.encoder is None else training.encoder.id,
        encoder_revision=None if training.encoder is None else training.encoder.revision,
        labels=clips.classes,
        label_map=training.examples.label_map,
        merge=corpus.record.merge,
        counts=trained.counts(),
        speakers=tuple(sorted(set(filter(None, clips.speakers)))) if clips.has_speakers else None,
        clip_hashes=tuple(sorted({clip_hash[:SHORT_HASH] for clip_hash in clips.hashes})),
        fold_rule=training.folds.rule,
        folds=trained.folds,
        scores=(*trained.scores(), *trained.baselines),
        test=None if test is None else score_out_of_fold(test, "test"),
        learning_curve=trained.learning_curve,
        enrolled=trained.enrolled,
        suspected_labels=() if answers is None else suspected_labels(answers),
        findings=trained.findings(),
        final_epochs=trained.validated.final_epochs,
        parameters=None if final is None else final.parameters,
        weights_sha256=trained.weights_sha256,
        peak_memory_mb=max(result.peak_memory_mb or 0.0 for result in trained.validated.results.values()),
    )


def _judge(trained: Trained) -> tuple[int, tuple[str, ...]]:
    failed = trained.validated.failed
    if not failed:
        return 0, ()
    seed, fold = failed[0]
    return EXIT_UNMET, (
        f"The loss was not finite in {len(failed)} fits, the first in fold {fold} with seed {seed}, so there is no "
        "candidate: lower the learning_rate of the recipe, or look for recordings that are damaged.",
    )
