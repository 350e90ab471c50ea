from dataclasses import replace

import pytest

from benchmark.results.environment import installed_version
from benchmark.results.runs import CorpusRecord, RunRecord, StoredRequest
from tests.scoring.conftest import RunBuilder, labels_of, mostly_right, row_of


def signatures(record: RunRecord, run: RunBuilder, **options: object) -> set[str | None]:
    return {row.signature for row in run.score(record, **options).rows}


@pytest.fixture
def scored(run: RunBuilder) -> RunRecord:
    """Two candidates, one without an error, whose interval is Wilson's."""
    corpus = run.acted_corpus()
    run.add(run.candidate("right"), corpus, labels_of(corpus))
    run.add(run.candidate("wrong"), corpus, mostly_right(corpus, 0.5, 0))
    return run.record()


def changed(record: RunRecord, **fields: object) -> RunRecord:
    (corpus,) = record.corpora
    return record.model_copy(update={"corpora": (corpus.model_copy(update=fields),)})


def renamed(corpus: CorpusRecord, **names: str) -> CorpusRecord:
    clips = tuple(replace(clip, speaker=names.get(clip.speaker or "", clip.speaker)) for clip in corpus.clips)
    return corpus.model_copy(update={"clips": clips})


def test_all_scores_on_a_corpus_have_one_signature_that_says_what_they_depend_on(
    scored: RunRecord, run: RunBuilder
) -> None:
    (signature,) = signatures(scored, run)
    assert signature is not None
    *parts, clips = signature.split("|")
    assert parts == [f"bench:{installed_version('ser-bench')}", "uar", "open", "K5", "spk8", "jk-t", "seed0"]
    assert clips.startswith("clips:")
    assert {row.interval for row in run.score(scored).rows} == {"speakers", "wilson"}


def test_the_order_of_clips_and_the_names_of_speakers_and_files_do_not_matter(
    scored: RunRecord, run: RunBuilder
) -> None:
    (corpus,) = scored.corpora
    clips = tuple(replace(clip, clip=f"new/{clip.clip}") for clip in reversed(corpus.clips))
    other = changed(scored, clips=renamed(corpus.model_copy(update={"clips": clips}), s1="Änne").clips)
    assert signatures(other, run) == signatures(scored, run)


def test_other_clips_labels_speakers_and_merges_have_other_signatures(scored: RunRecord, run: RunBuilder) -> None:
    (corpus,) = scored.corpora
    first, *rest = corpus.clips
    records = [
        scored,
        changed(scored, clips=tuple(rest)),
        changed(scored, clips=(replace(first, label="neutral"), *rest)),
        changed(scored, clips=renamed(corpus, s1="s2").clips),
        changed(scored, merge={"fear": "anger"}),
        changed(scored, clips=tuple(replace(clip, speaker=None) for clip in corpus.clips)),
    ]
    found = [signatures(record, run) for record in records]
    assert len({signature for own in found for signature in own}) == len(records)
    assert "|K4|spk8|jk-t|seed0|merge:fear=anger|" in str(found[4])
    assert "|spk?|boot|" in str(found[5])


def test_a_limit_a_sample_and_left_out_silence_are_named_where_they_left_clips_out(
    scored: RunRecord, run: RunBuilder
) -> None:
    options = {"sample": 100, "seed": 7, "min-speech": 0.2}
    request = StoredRequest(command="run", options=options, command_line="bench run", folder=".")
    asked = scored.model_copy(update={"request": request, "limit": 500})
    (whole,) = signatures(asked, run)
    assert "limit" not in str(whole)
    (part,) = signatures(changed(asked, available_clips=999, silent_clips=3), run)
    assert "|jk-t|seed7|limit500|sample100|speech:0.2|clips:" in str(part)


def test_out_of_fold_scores_and_summaries_over_corpora_are_marked(run: RunBuilder) -> None:
    for name in ("first", "second"):
        corpus = run.acted_corpus(name)
        for candidate, adapted in (("adapted", True), ("other", False)):
            own = next((known for known in run.verifications if known.candidate == candidate), None)
            run.add(own or run.candidate(candidate), corpus, [*labels_of(corpus)[1:], "anger"], adapted=adapted)
    board = run.score()
    trained, as_is = (str(row_of(board, name, corpus="first").signature) for name in ("adapted", "other"))
    assert trained.replace("|oof|", "|") == as_is != trained
    summary = str(row_of(board, "other", corpus="*").signature)
    assert "|adjusted_uar|open|corpora2|clips:" in summary


def test_a_row_without_a_score_has_no_signature(run: RunBuilder) -> None:
    corpus = run.acted_corpus()
    run.add(run.candidate("cut off"), corpus, labels_of(corpus)[:5])
    run.candidate("not evaluated")
    assert signatures(run.record(), run) == {None}
