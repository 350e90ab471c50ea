import numpy as np
import pytest

from benchmark.training.balanced_folds import balanced_folds, inner_folds, inner_split
from tests.support.training_clips import acted

RANDOM = np.random.default_rng(7)


def test_folds_share_no_speaker_and_have_all_classes() -> None:
    clips = acted(12)
    folds = balanced_folds(clips.labels, clips.groups, 5, seed=1)
    assert sorted(set(folds.tolist())) == [0, 1, 2, 3, 4]
    for speaker in range(12):
        assert len(set(folds[clips.groups == speaker].tolist())) == 1
    for fold in range(5):
        assert set(clips.labels[folds == fold].tolist()) == {0, 1, 2}


def test_a_seed_gives_the_same_folds_and_another_seed_others() -> None:
    clips = acted(24)
    first, again, other = (balanced_folds(clips.labels, clips.groups, 5, seed=seed) for seed in (3, 3, 4))
    assert first.tolist() == again.tolist() != other.tolist()


@pytest.mark.parametrize("seed", range(12))
def test_two_classes_of_two_speakers_each_are_never_tested_in_one_fold(seed: int) -> None:
    # Folds with the most even classes lack one of them in some of these corpora.
    generator = np.random.default_rng(seed)
    speakers = np.repeat(np.arange(6), generator.integers(3, 12, 6))
    labels = generator.integers(0, 2, len(speakers))
    for rare in (2, 3):
        for speaker in generator.permutation(6)[:2]:
            labels[np.flatnonzero(speakers == speaker)[rare - 2]] = rare
    folds = balanced_folds(labels, speakers, 2, seed=0)
    assert [len(set(folds[labels == label].tolist())) for label in range(4)] == [2, 2, 2, 2]


@pytest.mark.parametrize("speakers", [1, 2, 4])
def test_there_are_no_more_folds_than_speakers(speakers: int) -> None:
    clips = acted(speakers)
    assert int(balanced_folds(clips.labels, clips.groups, 5, seed=0).max()) + 1 == speakers


def test_validation_speakers_come_from_training_speakers_and_leave_each_class_to_train_on() -> None:
    clips = acted(24)
    train = np.flatnonzero(clips.groups >= 5)
    split = inner_split(train, clips.labels, clips.groups, 0.1, seed=2)
    assert sorted([*split.train, *split.validation]) == train.tolist()
    validated = set(clips.groups[split.validation].tolist())
    assert len(validated) == 2
    assert validated.isdisjoint(clips.groups[split.train].tolist())
    assert set(clips.labels[split.validation].tolist()) == {0, 1, 2}


@pytest.mark.parametrize("seed", range(10))
def test_the_only_speaker_of_a_class_is_never_taken_for_validation(seed: int) -> None:
    speakers, labels = np.repeat(np.arange(6), 10), np.tile([0, 1], 30)
    labels[:5] = 2
    split = inner_split(np.arange(60), labels, speakers, 0.3, seed)
    assert len(split.validation) == 20
    assert 0 not in speakers[split.validation]


@pytest.mark.parametrize("seed", range(5))
def test_validation_speakers_are_taken_of_all_classes_where_a_speaker_has_one_only(seed: int) -> None:
    speakers = np.repeat(np.arange(9), 5)
    labels = speakers % 3
    split = inner_split(np.arange(45), labels, speakers, 1 / 3, seed)
    assert np.bincount(labels[split.validation]).tolist() == [5, 5, 5]


@pytest.mark.parametrize(("speakers", "share"), [(1, 0.2), (6, 0.0)])
def test_nothing_is_validated_where_no_speaker_can_be_spared_or_none_is_asked_for(speakers: int, share: float) -> None:
    clips = acted(speakers)
    split = inner_split(np.arange(len(clips.labels)), clips.labels, clips.groups, share, seed=0)
    assert split.validation.tolist() == []
    assert split.train.tolist() == list(range(len(clips.labels)))


def test_inner_folds_divide_the_training_clips_by_speaker() -> None:
    clips = acted(10)
    train = RANDOM.permutation(np.flatnonzero(clips.groups >= 3))
    splits = inner_folds(train, clips.labels, clips.groups, 3, seed=5)
    assert sorted(index for split in splits for index in split.validation) == sorted(train.tolist())
    for split in splits:
        assert sorted([*split.train, *split.validation]) == sorted(train.tolist())
        assert set(clips.groups[split.train].tolist()).isdisjoint(clips.groups[split.validation].tolist())


def test_inner_folds_of_one_speaker_divide_its_clips() -> None:
    clips = acted(1)
    splits = inner_folds(np.arange(6), clips.labels, clips.groups, 2, seed=0)
    assert [len(split.validation) for split in splits] == [3, 3]
    assert inner_folds(np.array([4]), clips.labels, clips.groups, 2, seed=0) == []
