"""`leaderboard.md`: the answer first, then what it rests on, then how to read it, then everybody who is not in it."""

from collections.abc import Callable, Sequence
from functools import partial

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
    why_nothing_is_ranked,
    why_without_ranks,
)
from benchmark.reporting.leaderboard_tables import (
    RowColumn,
    candidate_name,
    evaluated_rows,
    inference_sections,
    rightness_table,
    shared_setup,
    speed_table,
    variety_table,
)
from benchmark.reporting.legend import INTERVAL_NAMES, legend
from benchmark.reporting.markdown import all_the_same, bullets, document, environment_line, markdown_table
from benchmark.reporting.numbers import counted, fraction, is_known, moment, with_interval
from benchmark.results.leaderboard import ALL_CORPORA, CorpusSummary, Leaderboard, LeaderboardRow, NotEvaluated
from benchmark.results.status import Status, Verdict
from benchmark.scoring.flags import Flag


def answer_across_corpora(leaderboard: Leaderboard) -> list[str]:
    """Say in one sentence who is furthest from guessing on average; nothing where there is no summary."""
    best = next((row for row in _summaries(leaderboard) if is_known(row.adjusted_uar)), None)
    if best is None:
        return []
    return [
        f"Over **{_listed(leaderboard)}** together, **{candidate_name(best)}** is furthest from guessing: "
        f"{_above(best)} of the way to perfect on average. This is a summary and no ranking."
    ]


def across_corpora(leaderboard: Leaderboard) -> list[str]:
    """Write the summary over several corpora.

    Args:
        leaderboard: The scored run.

    Returns:
        Blocks of Markdown; none where there is no summary.
    """
    rows = _summaries(leaderboard)
    if not rows:
        return []
    columns = [
        RowColumn("candidate", candidate_name),
        RowColumn("above guessing", _above),
        *(_uar_on(leaderboard, name) for name in leaderboard.summary_corpora),
        RowColumn("flags", lambda row: ", ".join(map(markdown_text, row.flags))),
    ]
    return [
        "## All corpora",
        f"The mean of (UAR − 1/K) / (1 − 1/K) over {_listed(leaderboard)}, each with its own K emotions: 0 is "
        "guessing, 1 is perfect. These are the corpora on which all ranked candidates were scored. "
        f"{_who_has_seen(rows)} Clips are not pooled, and nothing is ranked by it.",
        markdown_table(rows, columns),
    ]


def _who_has_seen(rows: Sequence[LeaderboardRow]) -> str:
    if any(is_known(row.adjusted_uar) and Flag.SEEN in row.flags for row in rows):
        return "Those flagged *seen* were trained on some of them, and count since `--rank-seen` was asked for."
    return "As far as is declared, nobody with a number was trained on any of them."


def _summaries(leaderboard: Leaderboard) -> list[LeaderboardRow]:
    return [row for row in leaderboard.rows if row.corpus == ALL_CORPORA]


def _above(row: LeaderboardRow) -> str:
    return with_interval(row.adjusted_uar, row.adjusted_uar_low, row.adjusted_uar_high)


def _listed(leaderboard: Leaderboard) -> str:
    return ", ".join(map(markdown_text, leaderboard.summary_corpora))


def _uar_on(leaderboard: Leaderboard, corpus: str) -> RowColumn:
    scores: dict[str, float | None] = {}
    for row in leaderboard.rows:
        if row.corpus == corpus:
            scores.setdefault(row.candidate, row.uar)
    return RowColumn(f"UAR {markdown_text(corpus)}", lambda row: fraction(scores.get(row.candidate)), numeric=True)


_NAMED_LEADERS = 5


def leaderboard_markdown(leaderboard: Leaderboard) -> str:
    """Write a run for people.

    Args:
        leaderboard: The scored run.

    Returns:
        A document in Markdown.
    """
    return document(
        [
            "# Leaderboard",
            origin(leaderboard),
            *warnings(leaderboard),
            bullets(answers(leaderboard)),
            *(block for name in _corpus_names(leaderboard) for block in _corpus_section(leaderboard, name)),
            *(block for section in further_sections(leaderboard) for block in section),
            *_speed_section(leaderboard),
            *inference_sections(leaderboard),
            *emotion_sections(leaderboard),
            *legend(evaluated_rows(leaderboard)),
            *_not_evaluated_section(leaderboard),
            *failures_section(leaderboard),
        ]
    )


def further_sections(leaderboard: Leaderboard) -> list[list[str]]:
    """Write what was measured beside scores and speed; `leaderboard.html` shows it as it is, too.

    Args:
        leaderboard: The scored run.

    Returns:
        Blocks of Markdown by section; none in those about which there is nothing to say.
    """
    return [
        across_corpora(leaderboard),
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


def warnings(leaderboard: Leaderboard) -> list[str]:
    """Say what changes how everything else is to be read, one quotation in Markdown each."""
    warnings = []
    if leaderboard.interrupted:
        warnings.append("**Interrupted**: the run was stopped before its end. What is missing is not a result.")
    if leaderboard.limit is not None:
        warnings.append(
            f"**Limited to {counted(leaderboard.limit, 'clip')} per corpus** (`--limit {leaderboard.limit}`): these "
            "scores are a trial, not a measurement."
        )
    if leaderboard.failures:
        warnings.append(f"**{counted(len(leaderboard.failures), 'candidate')} failed on the way**: see the end.")
    warnings += [warning for corpus in leaderboard.corpora for warning in corpus_warnings(corpus)]
    return [f"> {warning}" for warning in warnings]


def answers(leaderboard: Leaderboard) -> list[str]:
    """Say in one sentence per corpus what a hurried reader came for."""
    if not evaluated_rows(leaderboard):
        return [f"**No candidate was evaluated.** {_what_helps(leaderboard)}"]
    return [_answer(leaderboard, name) for name in _corpus_names(leaderboard)] + answer_across_corpora(leaderboard)


def _what_helps(leaderboard: Leaderboard) -> str:
    most = max((candidate.emotions for candidate in leaderboard.not_evaluated if candidate.fallback), default=0)
    if most:
        return f"None has {leaderboard.min_emotions} emotions or more; `--min-emotions {most}` would let some in."
    return "The reasons stand below."


def _answer(leaderboard: Leaderboard, name: str) -> str:
    rows = _rows_on(leaderboard, name)
    corpus = _summary_of(leaderboard, name)
    title = f"On **{markdown_text(name)}**"
    if corpus is not None and not is_labelled(corpus):
        return f"{title} nothing is ranked: {why_nothing_is_ranked(corpus)}."
    leaders = list({row.candidate: row for row in rows if row.rank == 1}.values())
    if not leaders:
        why = "" if corpus is None else f": {why_without_ranks(corpus, rows)}"
        return f"{title} nothing is ranked{why}. {_without_ranks(rows, corpus)}".rstrip()
    named = [_leader(row, corpus) for row in leaders[:_NAMED_LEADERS]]
    if len(leaders) == 1:
        only = len({row.candidate for row in rows if row.rank is not None}) == 1
        return f"{title} {'the only one that is ranked' if only else 'the best'} is {named[0]}."
    more = len(leaders) - len(named)
    listed = "; ".join([*named, *([f"and {more} more"] if more else [])])
    return f"{title} {len(leaders)} candidates share rank 1, none of them significantly better: {listed}."


def _without_ranks(rows: Sequence[LeaderboardRow], corpus: CorpusSummary | None) -> str:
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
    said = tuple(flag for flag in rows[0].flags if all(flag in row.flags for row in rows))
    if said:
        blocks.append(f"Flags of all rows: {', '.join(map(markdown_text, said))}.")
    if corpus is not None and not is_labelled(corpus):
        return [
            *blocks,
            f"Nothing can be ranked here: {why_nothing_is_ranked(corpus)}. The candidates stand in the order of the "
            "registry; what can be said of them is how varied their answers are.",
            variety_table(rows, with_flags=True, said=said),
            *flag_reasons(rows),
            *failed_clips_list(leaderboard, name),
            *(block for each in leaderboard.agreements if each.corpus == name for block in agreement_section(each)),
        ]
    kind = all_the_same(row.interval for row in rows if row.interval)
    return [
        *blocks,
        "### How right",
        f"In brackets: {INTERVAL_NAMES[kind]}." if kind is not None and kind in INTERVAL_NAMES else "",
        rightness_table(rows, said=said),
        *flag_reasons(rows),
        *failed_clips_list(leaderboard, name),
        "### How varied, and how sure",
        variety_table(rows),
    ]


def _speed_section(leaderboard: Leaderboard) -> list[str]:
    table = speed_table(leaderboard)
    if not table:
        return []
    rows = [row for row in evaluated_rows(leaderboard) if is_known(row.latency_p50_ms)]
    if not rows:
        return ["## How large", "No latency was measured.", table]
    setup = shared_setup(evaluated_rows(leaderboard))
    segments = "segments" if leaderboard.segment_s is None else f"segments of {leaderboard.segment_s:g} s"
    sentence = f"One call at a time on {segments}" + (f"; {setup}" if setup else "")
    if leaderboard.threads is not None:
        sentence += f"; {counted(leaderboard.threads, 'thread')}"
    return ["## How fast and how large", f"{sentence}. The fastest first.{_how_precise(rows)}", table]


def _how_precise(rows: Sequence[LeaderboardRow]) -> str:
    """Say what stands in brackets behind a median, and whose median is not known as well as was wanted."""
    if not any(is_known(row.latency_p50_low_ms) for row in rows):
        return ""
    text = " In brackets: the 95 % interval of the median."
    vague = dict.fromkeys(candidate_name(row) for row in rows if row.latency_stopped_by in {"time", "calls"})
    if vague:
        text += f" Not within 3 % of it when the time was over: {', '.join(vague)}; `--latency-seconds` gives more."
    return text


def _not_evaluated_section(leaderboard: Leaderboard) -> list[str]:
    if not leaderboard.not_evaluated:
        return []
    where = " Logs are below `.bench`, or below `$BENCH_CACHE`." if any(map(_log, leaderboard.not_evaluated)) else ""
    blocks = [
        f"## Not evaluated ({len(leaderboard.not_evaluated)})",
        "Every other candidate of the registry, with its status. `bench run` and `bench verify` write the evidence "
        f"into `verification.md` and `.json`.{where}",
    ]
    groups: list[tuple[str, Callable[[NotEvaluated], bool]]] = [
        (f"Fallback: usable, with fewer than {leaderboard.min_emotions} emotions", lambda one: one.fallback),
        ("Usable", partial(_has_verdict, verdict=Verdict.USABLE)),
        ("Undecided", partial(_has_verdict, verdict=Verdict.UNDECIDED)),
        ("Rejected", partial(_has_verdict, verdict=Verdict.REJECTED)),
    ]
    for title, belongs in groups:
        members = [candidate for candidate in leaderboard.not_evaluated if belongs(candidate)]
        if members:
            blocks += [f"### {title} ({len(members)})", bullets(map(_absence, members))]
    return blocks


def _has_verdict(candidate: NotEvaluated, verdict: Verdict) -> bool:
    known = {str(status): status.verdict for status in Status}
    # A status of another version of bench is no reason to hide a candidate.
    return not candidate.fallback and known.get(candidate.status, Verdict.REJECTED) is verdict


def _absence(candidate: NotEvaluated) -> str:
    emotions = f", {counted(candidate.emotions, 'emotion')}" if candidate.emotions else ""
    name = markdown_text(candidate.candidate)
    said = f"**{name}** ({markdown_text(candidate.status)}{emotions}): {markdown_text(candidate.reason)}"
    return said + _log(candidate)


def _log(candidate: NotEvaluated) -> str:
    # The log of a candidate with which nothing is wrong has nothing to say.
    return f" Log: {markdown_text(candidate.log)}" if candidate.log and not candidate.fallback else ""


def failures_section(leaderboard: Leaderboard) -> list[str]:
    """Tell what did not come to its end; no blocks where everything did."""
    if not leaderboard.failures:
        return []
    listed = (f"**{markdown_text(name)}**: {markdown_text(text)}" for name, text in leaderboard.failures.items())
    return [
        f"## Failures ({len(leaderboard.failures)})",
        "Evaluations and measurements that did not come to their end:",
        bullets(listed),
    ]


def _corpus_names(leaderboard: Leaderboard) -> list[str]:
    described = (corpus.name for corpus in leaderboard.corpora)
    return list(dict.fromkeys([*described, *(row.corpus or "" for row in evaluated_rows(leaderboard))]))


def _rows_on(leaderboard: Leaderboard, name: str) -> Sequence[LeaderboardRow]:
    """List a corpus's rows, without those that merely time another number format of a candidate that is there."""
    rows = [row for row in leaderboard.rows if row.corpus == name]
    scored = {row.candidate for row in rows if Flag.LATENCY_ONLY not in row.flags}
    return [row for row in rows if Flag.LATENCY_ONLY not in row.flags or row.candidate not in scored]


def _summary_of(leaderboard: Leaderboard, name: str) -> CorpusSummary | None:
    return next((corpus for corpus in leaderboard.corpora if corpus.name == name), None)
