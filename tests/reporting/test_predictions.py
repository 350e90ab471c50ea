from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import softmax

from benchmark.errors import RequestError
from benchmark.reporting import predictions
from benchmark.reporting.predictions import PREDICTIONS_SCHEMA, prediction_tables, write_predictions
from benchmark.results.prediction_store import PredictionStore
from benchmark.results.predictions import Prediction
from benchmark.results.runs import CorpusRecord, EvaluationRecord
from tests.reporting.conftest import HOSTILE
from tests.support.finished_runs import FinishedRun, corpus, setup_of, verification


def _table(*numbers: int, label: str | None = "ang") -> pa.Table:
    answers = [{"label": "ANGRY", "probability": 0.1 + 0.2}, {"label": "SAD", "probability": 0.7}]
    rows = [
        {
            "candidate": "org/model", "corpus": "ravdess", "clip": f"{number}.wav", "clip_hash": f"{number:032x}",
            "label": label, "emotion": None if label is None else "anger", "predicted": "anger",
            "probabilities": answers,
        }
        for number in numbers
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=PREDICTIONS_SCHEMA)


def test_rows_come_back_exactly_also_where_a_column_has_no_value_in_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "_ROWS_PER_GROUP", 3)
    tables = [_table(0, 1, 2, label=None), _table(3, 4, 5, 6, 7)]
    path = write_predictions(tables, tmp_path / "new")
    assert path == tmp_path / "new" / "predictions.parquet"
    assert pq.ParquetFile(path).metadata.num_row_groups == 3
    assert pq.read_schema(path).equals(PREDICTIONS_SCHEMA)
    assert pq.read_table(path).to_pylist() == pa.concat_tables(tables).to_pylist()


def test_an_interrupted_export_leaves_the_old_one(tmp_path: Path) -> None:
    def interrupted() -> Iterator[pa.Table]:
        yield _table(1)
        raise KeyboardInterrupt

    path = write_predictions([_table(1)], tmp_path)
    with pytest.raises(KeyboardInterrupt):
        write_predictions(interrupted(), tmp_path)
    assert pq.read_table(path).num_rows == 1
    assert list(tmp_path.iterdir()) == [path]


def test_an_unwritable_folder_is_a_wrong_request(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(RequestError, match="--output"):
        write_predictions([_table(1)], tmp_path / "reports")


LABELS = ("ang", "sadness", "??", "joy")


@pytest.fixture
def run(tmp_path: Path) -> FinishedRun:
    """One candidate on two corpora: answers, a failure, logits that are not numbers, and clips without an answer."""
    first = corpus("first", speakers=3, repeats=2)
    second = CorpusRecord.model_validate(corpus("second", speakers=1).model_dump() | {"merge": {"sadness": "anger"}})
    built = FinishedRun(tmp_path, first, second)
    candidate = verification("model", LABELS, emotions=("anger", "sadness", None, "happiness"))
    built.verifications.append(candidate)
    generator = np.random.default_rng(0)
    for recorded in (first, second):
        predictions = []
        for index, clip in enumerate(recorded.clips[:-2]):
            logits = generator.normal(0, 3, len(LABELS)).astype(np.float32)
            if index == 3:
                logits[1] = np.nan
            failed = index == 5
            predictions.append(
                Prediction(clip_hash=clip.clip_hash or "", logits=None if failed else logits, windows=1 + index % 3,
                           failure="too long" if failed else None, seconds=0.1)
            )  # fmt: skip
        PredictionStore(tmp_path).add(setup_of(candidate), predictions)
        built.evaluations.append(
            EvaluationRecord(candidate="model", corpus=recorded.name, setup=setup_of(candidate), failure="it crashed.")
        )
    return built


def rows_of(run: FinishedRun) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for table in prediction_tables(run.record(), PredictionStore(run.cache).read):
        assert table.schema.equals(PREDICTIONS_SCHEMA)
        rows.extend(table.to_pylist())
    return rows


def test_every_stored_answer_is_a_row_with_the_softmax_of_its_logits(run: FinishedRun) -> None:
    stored = PredictionStore(run.cache).read(setup_of(run.verifications[0]))
    rows = rows_of(run)
    assert [row["clip"] for row in rows] == [clip.clip for recorded in run.corpora for clip in recorded.clips[:-2]]
    setup = setup_of(run.verifications[0])
    for row in rows:
        assert (row["device"], row["backend"], row["dtype"]) == (setup.device, setup.backend, setup.dtype)
        logits = stored[str(row["clip_hash"])].logits
        shares = [] if logits is None else softmax(logits.astype(float)).tolist()
        assert row["probabilities"] == [
            {"label": label, "probability": None if np.isnan(share) else share}
            for label, share in zip(LABELS, shares, strict=False)
        ]


def test_the_answer_and_the_emotion_are_those_after_the_merges_of_the_corpus(run: FinishedRun) -> None:
    stored = PredictionStore(run.cache).read(setup_of(run.verifications[0]))
    for row in rows_of(run):
        logits = stored[str(row["clip_hash"])].logits
        merged = row["corpus"] == "second"
        label = str(row["label"])
        assert row["emotion"] == ("anger" if merged and label == "sadness" else label)
        if logits is None or np.isnan(logits).any():
            assert row["predicted"] is None
            continue
        anger, sadness, _, happiness = softmax(logits.astype(float))
        apart = {"anger": anger, "sadness": sadness, "happiness": happiness}
        chances = {"anger": anger + sadness, "happiness": happiness} if merged else apart
        assert row["predicted"] == max(chances, key=lambda name: chances[name])


def test_names_that_are_no_text_are_replaced_and_all_others_kept(tmp_path: Path) -> None:
    hostile_corpus = corpus(speakers=len(HOSTILE), repeats=1)
    for index, clip in enumerate(hostile_corpus.clips):
        object.__setattr__(clip, "clip", "\udcff.wav")  # no record takes such a name
        object.__setattr__(clip, "speaker", HOSTILE[index % len(HOSTILE)])
    run = FinishedRun(tmp_path, hostile_corpus)
    run.add(verification("model"))
    rows = rows_of(run)
    assert {row["clip"] for row in rows} == {"?.wav"}
    assert {row["speaker"] for row in rows} == set(HOSTILE)


def test_a_run_without_evaluations_is_a_table_without_rows(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path, corpus())
    path = write_predictions(prediction_tables(run.record(), PredictionStore(run.cache).read), tmp_path)
    frame = pd.read_parquet(path)
    assert list(frame.columns) == PREDICTIONS_SCHEMA.names
    assert frame.empty
