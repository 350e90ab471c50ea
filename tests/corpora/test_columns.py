import pytest

from benchmark.corpora.columns import COLUMN_NAMES, find_columns
from benchmark.errors import RequestError
from benchmark.registry.schema import COLUMN_ROLES


def test_the_registry_knows_the_same_roles() -> None:
    assert tuple(COLUMN_NAMES) == COLUMN_ROLES


def test_a_duration_alone_describes_the_file() -> None:
    assert "duration" not in find_columns("t", ["file", "duration"], {}).by_role
    assert find_columns("t", ["file", "start", "duration"], {}).by_role["duration"] == "duration"


def test_columns_of_votes_keep_the_label_as_it_is_written() -> None:
    assert find_columns("t", ["file", "votes_분노", "VOTES_Joy", "votes_", "devotes_x"], {}).votes == {
        "분노": "votes_분노",
        "Joy": "VOTES_Joy",
    }


def test_headings_of_a_spreadsheet_are_read_as_well() -> None:
    found = find_columns("t", ["File Name", " Emotion ", "Speaker-ID", "Text  id"], {}).by_role
    assert found == {"file": "File Name", "label": " Emotion ", "speaker": "Speaker-ID", "text_id": "Text  id"}


def test_a_column_that_the_user_names_wins() -> None:
    assert find_columns("t", ["file", "emotion", "felt"], {"label": "felt"}).by_role["label"] == "felt"
    with pytest.raises(RequestError, match="Unknown role 'sound'"):
        find_columns("t", ["file"], {"sound": "file"})


def test_of_two_columns_of_labels_the_one_that_is_taken_is_named() -> None:
    (note,) = find_columns("t.csv", ["file", "emotion", "Label", "gender", "sex"], {}).notes
    assert "label is read from the column 'Label'; 'emotion' might be meant" in note
    (note,) = find_columns("t.csv", ["file", "speaker", "Speaker"], {}).notes
    assert "speaker is read from the column 'speaker'; 'Speaker'" in note


def test_whoever_says_which_column_is_meant_is_not_told_of_others() -> None:
    assert find_columns("t.csv", ["file", "emotion", "label"], {"label": "emotion"}).notes == ()
