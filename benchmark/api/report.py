"""The reports of a finished run, written again: what `benchmark.report` and `bench report` call.

Stored results only; no model is ever loaded, and nothing that runs one is imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.api.arguments import checked
from benchmark.api.eligibility import judge_report
from benchmark.corpora.clips import Corpus
from benchmark.corpora.opening import not_named, open_corpora, relabelled, still_there
from benchmark.emotions.merges import chosen_merges
from benchmark.errors import RequestError
from benchmark.progress import Progress, Silent
from benchmark.registry.loading import find_registry
from benchmark.registry.schema import Registry
from benchmark.reporting.html_page.recordings import Recordings
from benchmark.reporting.predictions import prediction_tables, write_predictions
from benchmark.reporting.writing import write_leaderboard
from benchmark.results.files import check_writable
from benchmark.results.leaderboard import Leaderboard
from benchmark.results.runs import RunRecord, Selection, load_run, select_from
from benchmark.results.store import PredictionStore
from benchmark.scoring.focus import wanted_emotions
from benchmark.scoring.leaderboard import score_run
from benchmark.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ReportOutcome:
    """What `report` brought.

    Attributes:
        leaderboard: Every candidate of the selection, with its scores or the reason why it has none.
        record: What was reported on: the run, as far as it was selected.
        files: The reports that were written.
        exit_code: As the command line would exit with.
        problems: Why that is not 0, in sentences for a person.
    """

    leaderboard: Leaderboard
    record: RunRecord
    files: tuple[Path, ...]
    exit_code: int = 0
    problems: tuple[str, ...] = ()


@checked
def report(
    run: str | None = None,
    *,
    models: Sequence[str] = (),
    corpora: Sequence[str] = (),
    min_emotions: int | None = None,
    merge: Sequence[str] = (),
    merge_preset: str | None = None,
    focus: Sequence[str] = (),
    by: Sequence[str] = (),
    rank_seen: bool = False,
    relabel: Sequence[str] = (),
    candidates: str | Path | None = None,
    output: str | Path = "reports",
    embed_audio: int = 0,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> ReportOutcome:
    """Write all reports of a finished run again, of all of it or of a part.

    Args:
        run: Which run: its name in the store, or the path of its record; by default the latest that was finished.
        models: Only these candidates of the run: names, ids or patterns.
        corpora: Only these corpora of the run: names or patterns.
        min_emotions: Leave out the scores of candidates that distinguish fewer; by default as the run did.
        merge: Emotions to merge, such as `calm=neutral`, beside those that the run merged.
        merge_preset: Merges of one name: `sentiment`, `arousal` or `big4`; what `merge` says counts more.
        focus: Emotions of which is told how well each candidate finds them among all others.
        by: Columns of the corpora by which scores are taken apart, beside sex, language and duration.
        rank_seen: Whether candidates are ranked on corpora that they were trained on, too.
        relabel: Corpora to read the labels of again, by name or SPEC; the audio is not read, no model is asked.
        candidates: The registry that names the corpora in `relabel`; by default as for a run.
        output: The folder for the reports.
        embed_audio: How many clips of each corpus have their audio in the page.
        settings: Places and limits.
        progress: Who wants to hear how far the work is.

    Returns:
        The leaderboard, the record, and the files.

    Raises:
        RequestError: There is no such run, candidate or corpus, or the folder cannot be written.
        UnavailableError: The disk is full.

    Examples:
        >>> import benchmark
        >>> outcome = benchmark.report(models=["superb/*"], merge=["calm=neutral"])  # doctest: +SKIP
    """
    settings, progress = settings or Settings(), progress or Silent()
    emotions = wanted_emotions(focus)
    wanted = Selection(
        models=tuple(models),
        corpora=tuple(corpora),
        min_emotions=min_emotions,
        merge=chosen_merges(merge_preset, merge).as_dict(),
    )
    folder = Path(output)
    record = select_from(load_run(settings.cache, run), wanted)
    registry = Registry(title="", candidates=()) if not relabel else find_registry(_text(candidates)).registry
    opened = open_corpora(relabel, registry, settings=settings, progress=progress) if relabel else ()
    record = _with_labels(record, opened, progress)
    check_writable(folder)
    store = PredictionStore(settings.cache)
    leaderboard = score_run(record, store.read, rank_seen=rank_seen, focus=emotions, by=tuple(by))
    recordings = _recordings(record, embed=embed_audio, registry=registry, settings=settings)
    files = (
        *write_leaderboard(leaderboard, folder, record=record, recordings=recordings),
        write_predictions(prediction_tables(record, store.read), folder),
    )
    exit_code, problems = judge_report(record)
    return ReportOutcome(leaderboard=leaderboard, record=record, files=files, exit_code=exit_code, problems=problems)


def _text(candidates: str | Path | None) -> str | None:
    return None if candidates is None else str(candidates)


def _with_labels(record: RunRecord, opened: Sequence[Corpus], progress: Progress) -> RunRecord:
    """Join the labels that were read again; a corpus that goes by another name now is the run's only one."""
    for note in (f"{corpus.name}: {note}" for corpus in opened for note in corpus.notes):
        progress.note(note)
    by_name = {corpus.name: corpus for corpus in opened}
    known = {corpus.name for corpus in record.corpora}
    if len(opened) == 1 and len(known) == 1:
        by_name = dict.fromkeys(known, opened[0])
    unknown = [name for name in by_name if name not in known]
    if unknown:
        raise RequestError(f"The run has no corpus {unknown[0]!r} to label again; it has {', '.join(sorted(known))}.")
    for corpus in record.corpora:
        if corpus.name in by_name and (kept := len(not_named(corpus, by_name[corpus.name]))):
            progress.warn(
                f"{corpus.name}: {by_name[corpus.name].source} does not name {kept} of the {len(corpus.clips)} clips "
                "that the run heard; what it does not name keeps its label."
            )
    corpora = tuple(
        relabelled(corpus, by_name[corpus.name]) if corpus.name in by_name else corpus for corpus in record.corpora
    )
    return record.model_copy(update={"corpora": corpora})


def _recordings(record: RunRecord, *, embed: int, registry: Registry, settings: Settings) -> Recordings:
    found = [(corpus.name, still_there(corpus, registry, settings)) for corpus in record.corpora]
    return Recordings.of([replace(corpus, name=name) for name, corpus in found if corpus is not None], embed=embed)
