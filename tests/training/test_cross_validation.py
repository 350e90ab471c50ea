import numpy as np

from benchmark.training.cross_validation import CrossValidated, CrossValidation
from benchmark.training.folds import make_folds
from benchmark.training.jobs import FitResult
from benchmark.training.recipe import load_recipe
from tests.support.training_clips import acted


def test_parts_of_the_texts_are_one_fold_of_speakers_in_the_answers() -> None:
    clips = acted(10, texts=10)
    folds = make_folds(clips, "5")
    assert len(folds.folds) == 15
    plan = CrossValidation(clips=clips, folds=folds, recipe=load_recipe("functionals"), seeds=(1,))
    uniform = {
        (1, fold.number): FitResult(probabilities=np.full((fold.test.size, 3), 1 / 3, np.float32))
        for fold in folds.folds
    }
    answers = CrossValidated(plan, {(1, fold.number): fold for fold in folds.folds}, uniform).out_of_fold(1)
    assert len(answers.clips) == len(clips.names)
    assert set(answers.folds) == {1, 2, 3, 4, 5}
    assert len(set(zip(answers.speakers, answers.folds, strict=True))) == 10
    for fold in folds.folds:
        tested = {answers.folds[index] for index in fold.test}
        assert tested == {fold.speaker_fold}


def test_a_key_changes_with_everything_that_determines_the_fits() -> None:
    clips = acted(6)
    folds = make_folds(clips, "3")
    plan = CrossValidation(clips=clips, folds=folds, recipe=load_recipe("functionals"), seeds=(1,))
    others = (
        CrossValidation(clips=clips, folds=folds, recipe=load_recipe("cnn"), seeds=(1,)),
        CrossValidation(clips=clips, folds=make_folds(clips, "2"), recipe=plan.recipe, seeds=(1,)),
        CrossValidation(clips=acted(6, ("anger", "joy", "fear")), folds=folds, recipe=plan.recipe, seeds=(1,)),
    )
    keys = {plan.key(torch="1"), plan.key(torch="2"), *(other.key(torch="1") for other in others)}
    assert len(keys) == 5
    assert plan.key(torch="1") == CrossValidation(clips=clips, folds=folds, recipe=plan.recipe, seeds=(1, 2)).key(
        torch="1"
    )
