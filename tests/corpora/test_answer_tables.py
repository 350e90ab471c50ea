import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from benchmark.corpora.answer_tables import REST, AnswerTable, read_answers
from benchmark.errors import RequestError


def answers_in(folder: Path, text: str, name: str = "answers.csv", **options: object) -> AnswerTable:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_answers(path, **options)  # type: ignore[arg-type]


def shares(answers: AnswerTable) -> list[list[float]]:
    return np.round(softmax(answers.logits.astype(np.float64), axis=1), 6).tolist()  # type: ignore[no-any-return]


def test_single_answers_are_read_as_people_and_language_models_write_them(tmp_path: Path) -> None:
    texts = ("anger", "**Angry**.", '"sad"', "<unk>", "", "the voice of a child", "Unknown")
    table = pd.DataFrame({"file": [f"{number}.wav" for number in range(len(texts))], "prediction": texts})
    table.to_csv(tmp_path / "answers.csv", index=False)
    answers = read_answers(tmp_path / "answers.csv")
    assert answers.labels == ("Angry", "anger", "sad")
    assert [row.tolist().index(0.0) for row in answers.logits[:3]] == [1, 0, 2]
    assert not answers.has_scores
    assert answers.failures == {
        3: "its answer is '<unk>', which counts as none",
        4: "the table has no answer",
        5: "its answer, 'the voice of a child', names no emotion",
        6: "its answer is 'Unknown', which counts as none",
    }
    assert answers.notes == ("answers that name no emotion: the voice of a child",)


def test_what_an_answer_took_is_a_column_of_its_own(tmp_path: Path) -> None:
    answers = answers_in(tmp_path, "file,predicted,seconds\na,anger,0.5\nb,anger,\nc,anger,0\n")
    assert np.array_equal(answers.seconds, [0.5, np.nan, 0.0], equal_nan=True)  # type: ignore[arg-type]
    slower = answers_in(
        tmp_path, "file,predicted,took\na,anger,0.7\nb,anger,\nc,anger,0\n", columns={"seconds": "took"}
    )
    assert slower.seconds is not None
    assert slower.digest != answers.digest
    assert answers_in(tmp_path, "file,predicted\na,anger\n").seconds is None
    for wrong, problem in (("-1", "takes 0 seconds or more"), ("inf", "takes 0 seconds"), ("soon", "numbers only")):
        with pytest.raises(RequestError, match=problem):
            answers_in(tmp_path, f"file,predicted,seconds\na,anger,1\nb,anger,{wrong}\n")


@pytest.mark.parametrize(
    ("text", "expected", "note"),
    [
        ("file,Anger_prob,score: joy\na,0.75,0.25\n", [[0.75, 0.25]], ""),
        ("file,anger,p_joy,length\na,0.75,0.25,3\n", [[0.75, 0.25]], "columns that are no labels: length"),
        ("file;anger;joy\na;75,5;24,5\n", [[0.755, 0.245]], "its rows add up to 100: its numbers are percentages"),
        ("file\tanger\tjoy\na\t0.5\t0.3\n", [[0.5, 0.3, 0.2]], f"the rest is the label {REST}"),
        ("file,anger,joy\na,0.9,0.6\n", [[0.6, 0.4]], "each row is divided by its sum"),
        ("file,anger,joy\na,-1,1\n", [[0.119203, 0.880797]], "negative: they are logits"),
        ("file,anger,joy\na,3,1\n", [[0.880797, 0.119203]], "do not add up to 100: they are logits"),
    ],
)
def test_numbers_are_probabilities_percentages_or_logits(
    tmp_path: Path, text: str, expected: list[list[float]], note: str
) -> None:
    answers = answers_in(tmp_path, text)
    assert shares(answers) == expected
    assert note in "; ".join(answers.notes)
    assert answers.has_scores


def test_rows_without_a_whole_answer_are_failures(tmp_path: Path) -> None:
    rows = ["a,0.5,0.5", "b,,", "c,0.5,", "d,inf,0.5", "e,0,0", "f,n/a,n/a"]
    answers = answers_in(tmp_path, "\n".join(["file,anger,joy", *rows]))
    assert answers.failures == {
        1: "the table has no answer",
        2: "the table has no number for some of the labels",
        3: "a number of its answer is infinite",
        4: "all numbers of its answer are zero",
        5: "the table has no answer",
    }
    assert np.isfinite(answers.logits).all(axis=1).tolist() == [True, *[False] * 5]


@pytest.mark.parametrize(
    "scores",
    [
        [{"label": "anger", "score": 0.8}, {"label": "joy", "score": 0.2}],
        [["anger", 0.8], ["joy", 0.2]],
        {"anger": 0.8, "joy": 0.2},
        '{"anger": 0.8, "joy": 0.2}',
    ],
)
def test_lists_of_labels_with_their_scores_are_read(tmp_path: Path, scores: object) -> None:
    lines = [{"clip": "a.wav", "scores": scores}, {"clip": "b.wav", "scores": None}]
    answers = answers_in(tmp_path, "\n".join(map(json.dumps, lines)), "answers.jsonl")
    assert (answers.labels, shares(answers)[0]) == (("anger", "joy"), [0.8, 0.2])
    assert answers.failures == {1: "the table has no answer"}


def test_labels_that_a_list_leaves_out_have_no_probability(tmp_path: Path) -> None:
    lines = [{"clip": "a", "scores": {"anger": 0.9, "joy": 0.1}}, {"clip": "b", "scores": {"joy": 1.0}}]
    answers = answers_in(tmp_path, "\n".join(map(json.dumps, lines)), "answers.jsonl")
    assert shares(answers) == [[0.9, 0.1], [0.0, 1.0]]


def test_of_several_candidates_one_is_chosen(tmp_path: Path) -> None:
    text = "candidate,clip_hash,predicted\na,x,anger\na,y,joy\nb,x,joy\n"
    answers = answers_in(tmp_path, text, candidate="b")
    assert (answers.clips, answers.by_hash, answers.labels) == (("x",), True, ("joy",))
    with pytest.raises(RequestError, match=r"answers of 2 candidates \(a, b\), and none is called 'c'.*#a"):
        answers_in(tmp_path, text, candidate="c")


def test_columns_and_labels_of_other_names_are_chosen(tmp_path: Path) -> None:
    text = "name,0,1\na.wav,0.25,0.75\n"
    answers = answers_in(tmp_path, text, columns={"clip": "name"}, labels={"0": "anger", "1": "joy"})
    assert (answers.labels, shares(answers)) == (("0", "1"), [[0.25, 0.75]])


def test_whatever_is_read_otherwise_has_another_digest(tmp_path: Path) -> None:
    texts = (
        "file,anger,joy\na,0.5,0.5\n",
        "file,anger,joy\nb,0.5,0.5\n",
        "file,fear,joy\na,0.5,0.5\n",
        "file,anger,joy\na,,\n",
    )
    assert len({answers_in(tmp_path, text).digest for text in texts}) == len(texts)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("answers.csv", "anger,joy\n0.5,0.5\n", "has no column that names the clips"),
        ("answers.csv", "file,length\na,3\n", "holds no answers"),
        ("answers.csv", "file,predicted\n", "has no rows"),
        ("answers.csv", "", "is empty"),
        ("answers.csv", "file,predicted\na,anger\n,joy\n", "1 of 2 rows name no clip .*row 2"),
        ("answers.csv", "file,anger,joy\na,0.5,high\n", "the column 'joy' does not hold numbers only"),
        ("answers.csv", 'file,scores\na,"[1, 2]"\n', "row 1 of the column 'scores' holds .* and not a list of labels"),
        ("answers.jsonl", '{"file": "a"', "cannot be read as jsonl"),
        ("answers.xlsx", "file,predicted\na,anger\n", "a table's name ends in one of"),
        ("answers.parquet", "no Parquet", "cannot be read as parquet"),
    ],
)
def test_what_is_no_table_of_answers_is_one_sentence(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        answers_in(tmp_path, text, name)
    assert "\n" not in str(caught.value)
