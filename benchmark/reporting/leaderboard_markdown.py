"""`leaderboard.md`: the answer first, then what it rests on, then how to read it, then who is not in it."""

from collections.abc import Sequence

from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_breakdown import (
    emotion_sections,
    focus_sections,
    group_sections,
    robustness_sections,
)
from benchmark.reporting.leaderboard_corpora import (
    agreement_section,
    corpus_description,
    corpus_warnings,
    failed_clips_list,
    flag_reasons,
    is_labelled,
    why_unlabelled,
    why_unranked,
)
from benchmark.reporting.leaderboard_tables import (
    RowColumn,
    candidate_name,
    declared_column,
    evaluated_rows,
    inference_section,
    rightness_table,
    speed_section,
    variety_table,
)
from benchmark.reporting.legend import INTERVALS, legend
from benchmark.reporting.markdown import (
    all_the_same,
    bullets,
    code_span,
    document,
    environment_line,
    first_of,
    markdown_table,
)
from benchmark.reporting.numbers import counted, fraction, is_known, moment, with_interval
from benchmark.results.leaderboard import ALL_CORPORA, CorpusSummary, Leaderboard, LeaderboardRow, NotEvaluated
from benchmark.results.status import Status, Verdict
from benchmark.scoring.flags import Flag

_MOST_LEADERS = 5
_VERDICTS = {str(status): status.verdict for status in Status}


def leaderboard_markdown(leaderboard: Leaderboard) -> str:
    """Write a scored run for people, as a document in Markdown."""
    return document(
        [
            "# Leaderboard",
            origin(leaderboard),
            *(f"> {warning}" for warning in warnings(leaderboard)),
            bullets(answers(leaderboard)),
            *(block for name in _corpus_names(leaderboard) for block in _corpus_section(leaderboard, name)),
            *(block for section in further_sections(leaderboard) for block in section),
            *speed_section(leaderboard),
            *inference_section(leaderboard),
            *emotion_sections(leaderboard),
            *legend(evaluated_rows(leaderboard)),
            *_not_evaluated_section(leaderboard),
            *failures_section(leaderboard),
            *request_lines(leaderboard),
        ]
    )


def further_sections(leaderboard: Leaderboard) -> list[list[str]]:
    """Write what was measured beside scores and speed, as blocks of Markdown by section, which may have none.

    The page shows these sections as they are.
    """
    return [
        _summary_section(leaderboard),
        focus_sections(leaderboard),
        group_sections(leaderboard),
        robustness_sections(leaderboard),
    ]


def origin(leaderboard: Leaderboard) -> str:
    """Say when, where and of what the run was made."""
    return (
        f"Run {moment(leaderboard.created)} on {environment_line(leaderboard.environment)}. Candidates: "
        f"{markdown_text(leaderboard.registry)}, those with at least {counted(leaderboard.min_emotions, 'emotion')}."
    )


def request_lines(leaderboard: Leaderboard) -> list[str]:
    """Say what was asked for and how to ask for it again; nothing of a run that did not keep it."""
    if leaderboard.request is None:
        return []
    return [
        f"Asked for with {code_span(leaderboard.request.command_line)}. "
        "`bench run --config leaderboard.json` repeats it."
    ]


def warnings(leaderboard: Leaderboard) -> list[str]:
    """Say what changes how everything else is to be read."""
    texts = []
    if leaderboard.interrupted:
        texts.append("**Interrupted**: the run was stopped before its end. What is missing is not a result.")
    if leaderboard.limit is not None:
        texts.append(
            f"**Limited to {counted(leaderboard.limit, 'clip')} per corpus** (`--limit {leaderboard.limit}`): these "
            "scores are a trial, not a measurement."
        )
    if leaderboard.failures:
        texts.append(f"**{counted(len(leaderboard.failures), 'candidate')} failed on the way**: see the end.")
    return texts + [warning for corpus in leaderboard.corpora for warning in corpus_warnings(corpus)]


def answers(leaderboard: Leaderboard) -> list[str]:
    """Name the best candidates, in one sentence per corpus and one for the summary over several."""
    if not evaluated_rows(leaderboard):
        return [f"**No candidate was evaluated.** {_advice(leaderboard)}"]
    texts = [_answer(leaderboard, name) for name in _corpus_names(leaderboard)]
    best = next((row for row in _summary_rows(leaderboard) if is_known(row.adjusted_uar)), None)
    if best is not None:
        texts.append(
            f"Over **{_summary_corpora(leaderboard)}** together, **{candidate_name(best)}** is furthest from guessing: "
            f"{declared_column('adjusted_uar').cell(best)} of the way to perfect on average. This is a summary and no "
            "ranking."
        )
    return texts


def failures_section(leaderboard: Leaderboard) -> list[str]:
    """List evaluations and measurements that failed; no blocks where none did."""
    if not leaderboard.failures:
        return []
    listed = (f"**{markdown_text(name)}**: {markdown_text(text)}" for name, text in leaderboard.failures.items())
    return [
        f"## Failures ({len(leaderboard.failures)})",
        "Evaluations and measurements that did not come to their end:",
        bullets(listed),
    ]


def _advice(leaderboard: Leaderboard) -> str:
    most = max((candidate.emotions for candidate in leaderboard.not_evaluated if candidate.fallback), default=0)
    if most:
        return f"None has {leaderboard.min_emotions} emotions or more; `--min-emotions {most}` would let some in."
    return "The reasons stand below."


def _answer(leaderboard: Leaderboard, name: str) -> str:
    rows = _rows_on(leaderboard, name)
    corpus = _summary_of(leaderboard, name)
    title = f"On **{markdown_text(name)}**"
    if corpus is not None and not is_labelled(corpus):
        return f"{title} nothing is ranked: {why_unlabelled(corpus)}."
    leaders = list({row.candidate: row for row in rows if row.rank == 1}.values())
    if not leaders:
        reason = "" if corpus is None else f": {why_unranked(corpus, rows)}"
        return f"{title} nothing is ranked{reason}. {_highest_unranked(rows, corpus)}".rstrip()
    named = [_leader(row, corpus) for row in leaders]
    if len(leaders) == 1:
        is_only = len({row.candidate for row in rows if row.rank is not None}) == 1
        return f"{title} {'the only one that is ranked' if is_only else 'the best'} is {named[0]}."
    listed = "; ".join(first_of(named, _MOST_LEADERS, rest="and {} more"))
    return f"{title} {len(leaders)} candidates share rank 1, none of them significantly better: {listed}."


def _highest_unranked(rows: Sequence[LeaderboardRow], corpus: CorpusSummary | None) -> str:
    candidates = [row for row in rows if is_known(row.uar) and row.seen != "yes"]
    if not candidates:
        return ""
    best = max(candidates, key=lambda row: row.uar or 0.0)
    return f"The highest UAR, which may be chance, is that of {_leader(best, corpus)}."


def _leader(row: LeaderboardRow, corpus: CorpusSummary | None) -> str:
    score = with_interval(row.uar, row.uar_low, row.uar_high)
    text = f"**{candidate_name(row)}**" + (f", UAR {score}" if score else "")
    chance = 1 / len(corpus.emotion_clips) if corpus is not None and corpus.emotion_clips else None
    # A first rank among the useless is still a first rank: it must not read as praise.
    if Flag.AT_CHANCE in row.flags or (is_known(row.uar_low) and is_known(chance) and row.uar_low <= chance):
        text += ", not shown to be better than guessing"
    return text + (", which answers nearly always the same" if row.collapsed else "")


def _corpus_section(leaderboard: Leaderboard, name: str) -> list[str]:
    rows = _rows_on(leaderboard, name)
    corpus = _summary_of(leaderboard, name)
    blocks = [f"## {markdown_text(name)}", *(corpus_description(corpus, rows) if corpus is not None else [])]
    if not rows:
        return [*blocks, "No candidate was evaluated on this corpus."]
    shared_flags = tuple(flag for flag in rows[0].flags if all(flag in row.flags for row in rows))
    if shared_flags:
        blocks.append(f"Flags of all rows: {', '.join(map(markdown_text, shared_flags))}.")
    notes = [*flag_reasons(rows), *failed_clips_list(leaderboard, name)]
    if corpus is not None and not is_labelled(corpus):
        return [
            *blocks,
            f"Nothing can be ranked here: {why_unlabelled(corpus)}. The candidates stand in the order of the "
            "registry; what can be said of them is how varied their answers are.",
            variety_table(rows, with_flags=True, shared_flags=shared_flags),
            *notes,
            *(
                block
                for agreement in leaderboard.agreements
                if agreement.corpus == name
                for block in agreement_section(agreement)
            ),
        ]
    interval = INTERVALS.get(all_the_same(row.interval for row in rows if row.interval) or "")
    return [
        *blocks,
        "### How right",
        f"In brackets: {interval.name}." if interval is not None else "",
        rightness_table(rows, shared_flags=shared_flags),
        *notes,
        "### How varied, and how sure",
        variety_table(rows),
    ]


def _summary_section(leaderboard: Leaderboard) -> list[str]:
    """Write the summary over several corpora; no blocks where there is none."""
    rows = _summary_rows(leaderboard)
    if not rows:
        return []
    columns = [
        declared_column("candidate"),
        declared_column("adjusted_uar"),
        *(_uar_column(leaderboard, name) for name in leaderboard.summary_corpora),
        declared_column("flags"),
    ]
    if any(is_known(row.adjusted_uar) and Flag.SEEN in row.flags for row in rows):
        training = "Those flagged *seen* were trained on some of them, and count since `--rank-seen` was asked for."
    else:
        training = "As far as is declared, nobody with a number was trained on any of them."
    return [
        "## All corpora",
        f"The mean of (UAR − 1/K) / (1 − 1/K) over {_summary_corpora(leaderboard)}, each with its own K emotions: 0 is "
        "guessing, 1 is perfect. These are the corpora on which all ranked candidates were scored. "
        f"{training} Clips are not pooled, and nothing is ranked by it.",
        markdown_table(rows, columns),
    ]


def _uar_column(leaderboard: Leaderboard, corpus: str) -> RowColumn:
    uar = {row.candidate: row.uar for row in reversed(leaderboard.rows) if row.corpus == corpus}
    return RowColumn(f"UAR {markdown_text(corpus)}", lambda row: fraction(uar.get(row.candidate)), numeric=True)


def _summary_rows(leaderboard: Leaderboard) -> list[LeaderboardRow]:
    return [row for row in leaderboard.rows if row.corpus == ALL_CORPORA]


def _summary_corpora(leaderboard: Leaderboard) -> str:
    return ", ".join(map(markdown_text, leaderboard.summary_corpora))


def _not_evaluated_section(leaderboard: Leaderboard) -> list[str]:
    if not leaderboard.not_evaluated:
        return []
    logs = " Logs are below `.bench`, or below `$BENCH_CACHE`." if any(map(_log, leaderboard.not_evaluated)) else ""
    blocks = [
        f"## Not evaluated ({len(leaderboard.not_evaluated)})",
        "Every other candidate of the registry, with its status. `bench run` and `bench verify` write the evidence "
        f"into `verification.md` and `.json`.{logs}",
    ]
    groups: dict[Verdict | None, list[NotEvaluated]] = {}
    for candidate in leaderboard.not_evaluated:
        # A status of another version of bench is no reason to hide a candidate.
        verdict = None if candidate.fallback else _VERDICTS.get(candidate.status, Verdict.REJECTED)
        groups.setdefault(verdict, []).append(candidate)
    titles = {
        None: f"Fallback: usable, with fewer than {leaderboard.min_emotions} emotions",
        Verdict.USABLE: "Usable",
        Verdict.UNDECIDED: "Undecided",
        Verdict.REJECTED: "Rejected",
    }
    for verdict, title in titles.items():
        if members := groups.get(verdict):
            blocks += [f"### {title} ({len(members)})", bullets(map(_not_evaluated, members))]
    return blocks


def _not_evaluated(candidate: NotEvaluated) -> str:
    emotions = f", {counted(candidate.emotions, 'emotion')}" if candidate.emotions else ""
    return (
        f"**{markdown_text(candidate.candidate)}** ({markdown_text(candidate.status)}{emotions}): "
        f"{markdown_text(candidate.reason)}{_log(candidate)}"
    )


def _log(candidate: NotEvaluated) -> str:
    # The log of a candidate with which nothing is wrong has nothing to say.
    return f" Log: {markdown_text(candidate.log)}" if candidate.log and not candidate.fallback else ""


def _corpus_names(leaderboard: Leaderboard) -> list[str]:
    described = (corpus.name for corpus in leaderboard.corpora)
    return list(dict.fromkeys([*described, *(row.corpus or "" for row in evaluated_rows(leaderboard))]))


def _rows_on(leaderboard: Leaderboard, name: str) -> Sequence[LeaderboardRow]:
    """List a corpus's rows, without those that only time another number format of a candidate that has scores."""
    rows = [row for row in leaderboard.rows if row.corpus == name]
    scored = {row.candidate for row in rows if Flag.LATENCY_ONLY not in row.flags}
    return [row for row in rows if Flag.LATENCY_ONLY not in row.flags or row.candidate not in scored]


def _summary_of(leaderboard: Leaderboard, name: str) -> CorpusSummary | None:
    return next((corpus for corpus in leaderboard.corpora if corpus.name == name), None)
