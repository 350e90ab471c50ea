"""`leaderboard.md`: the answer first, then what it rests on, then how to read it, then who is not in it."""

from collections import defaultdict
from collections.abc import Sequence

from benchmark.reporting.citation import bibtex, citation_section
from benchmark.reporting.escaping import markdown_text
from benchmark.reporting.leaderboard_breakdown import emotion_sections, focus_sections, group_sections, pair_sections
from benchmark.reporting.leaderboard_corpora import (
    agreement_section,
    corpus_description,
    corpus_warnings,
    failed_clips_list,
    flag_reasons,
    why_unlabelled,
    why_unranked,
)
from benchmark.reporting.leaderboard_robustness import cue_sections, robustness_sections
from benchmark.reporting.leaderboard_tables import (
    INTERVALS,
    candidate_name,
    corpus_table,
    declared_column,
    evaluated_rows,
    inference_section,
    is_at_least,
    legend,
    possible_bests,
    ranked_rows,
    speed_section,
)
from benchmark.reporting.markdown import (
    Column,
    all_the_same,
    bullets,
    code_span,
    columns_of,
    document,
    environment_line,
    first_of,
    joined,
    markdown_table,
    section,
)
from benchmark.reporting.numbers import counted, fraction, is_known, moment, with_interval
from benchmark.results.analyses import ReportedScore
from benchmark.results.leaderboard import ALL_CORPORA, CorpusSummary, Leaderboard, LeaderboardRow, NotEvaluated
from benchmark.results.leaderboard_columns import Shown
from benchmark.results.status import Status, Verdict
from benchmark.scoring.flags import Flag
from benchmark.scoring.guessing import SIGNIFICANCE
from benchmark.scoring.ranking import SPEAKERS_TO_CHOOSE, too_few_to_choose

_MOST_LEADERS = 5


def leaderboard_markdown(leaderboard: Leaderboard) -> str:
    """Write a scored run for people, as a document in Markdown."""
    return document(
        [
            "# Leaderboard",
            origin(leaderboard),
            *(f"> {warning}" for warning in warnings(leaderboard)),
            bullets(answers(leaderboard)),
            *(block for corpus in leaderboard.corpora for block in _corpus_section(leaderboard, corpus)),
            *(block for blocks in further_sections(leaderboard) for block in blocks),
            *speed_section(leaderboard),
            *inference_section(leaderboard),
            *emotion_sections(leaderboard),
            *legend(evaluated_rows(leaderboard)),
            *_citation(leaderboard),
            *_not_evaluated_section(leaderboard),
            *failures_section(leaderboard),
            *request_lines(leaderboard),
        ]
    )


def _citation(leaderboard: Leaderboard) -> list[str]:
    blocks = citation_section(leaderboard)
    return [*blocks, f"```bibtex\n{bibtex(leaderboard)}\n```"] if blocks else []


def further_sections(leaderboard: Leaderboard) -> list[list[str]]:
    """Write what was measured beside scores and speed, as blocks of Markdown by section, some of them empty.

    The page shows these sections as they are.
    """
    return [
        _summary_section(leaderboard),
        published_section(leaderboard),
        pair_sections(leaderboard),
        focus_sections(leaderboard),
        group_sections(leaderboard),
        robustness_sections(leaderboard),
        cue_sections(leaderboard),
    ]


def origin(leaderboard: Leaderboard) -> str:
    """Say when, where and of what the run was made."""
    return (
        f"Run {moment(leaderboard.created)} on {environment_line(leaderboard.environment)}. {_nodes(leaderboard)}"
        f"Candidates: {markdown_text(leaderboard.registry)}, those with at least "
        f"{counted(leaderboard.min_emotions, 'emotion')}."
    )


def _nodes(leaderboard: Leaderboard) -> str:
    """Say which machines have computed, those that are alike together; nothing where it was this one."""
    nodes = leaderboard.nodes
    if not nodes:
        return ""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for node in nodes:
        machine = f"{markdown_text(node.environment.processor)}, {counted(node.environment.cores, 'core')}"
        names[machine].append(markdown_text(node.name))
    machines = [f"{', '.join(own)} ({machine})" for machine, own in names.items()]
    timed = [markdown_text(node.name) for node in nodes if node.timed]
    latency = f"; latency was measured on {timed[0]}" if timed else ""
    return f"Computed on {counted(len(nodes), 'node')}: {'; '.join(machines)}{latency}. "


def request_lines(leaderboard: Leaderboard) -> list[str]:
    """Quote the command of the run and say how to repeat it; nothing if the run did not keep it."""
    if leaderboard.request is None:
        return []
    return [
        f"Asked for with {code_span(leaderboard.request.command_line)}. "
        "`bench run --config leaderboard.json` repeats it."
    ]


def warnings(leaderboard: Leaderboard) -> list[str]:
    """Write what affects all results."""
    texts = []
    if leaderboard.interrupted:
        texts.append("**Interrupted**: the run was stopped before its end. What is missing is not a result.")
    if leaderboard.limit is not None:
        texts.append(
            f"**Limited to {counted(leaderboard.limit, 'clip')} per corpus** (`--limit {leaderboard.limit}`): these "
            "scores are a trial, not a measurement."
        )
    if leaderboard.incomplete:
        texts.append(
            f"**Incomplete**: {', '.join(map(markdown_text, leaderboard.incomplete))} did not come to "
            f"{'its' if len(leaderboard.incomplete) == 1 else 'their'} end, for the reasons at the end. The same "
            "`bench run` computes what is missing."
        )
    elif leaderboard.failures:
        texts.append(f"**{counted(len(leaderboard.failures), 'candidate')} failed on the way**: see the end.")
    return texts + [warning for corpus in leaderboard.corpora for warning in corpus_warnings(corpus)]


def answers(leaderboard: Leaderboard) -> list[str]:
    """Name the best candidates, in one sentence per corpus and one for the summary over several."""
    if not evaluated_rows(leaderboard):
        most = max((candidate.emotions for candidate in leaderboard.not_evaluated if candidate.fallback), default=0)
        advice = "The reasons stand below."
        if most:
            advice = f"None has {leaderboard.min_emotions} emotions or more; `--min-emotions {most}` would let some in."
        return [f"**No candidate was evaluated.** {advice}"]
    texts = [_answer(leaderboard, corpus) for corpus in leaderboard.corpora]
    best = next((row for row in leaderboard.rows if row.corpus == ALL_CORPORA and is_known(row.adjusted_uar)), None)
    if best is not None:
        texts.append(
            f"Over **{_summary_corpora(leaderboard)}** together, **{candidate_name(best)}** is furthest from guessing: "
            f"{declared_column('adjusted_uar').cell(best)} of the way to perfect on average. This is a summary and no "
            "ranking."
        )
    return texts


def failures_section(leaderboard: Leaderboard) -> list[str]:
    """List evaluations and measurements that failed; no blocks if none did."""
    listed = (f"**{markdown_text(name)}**: {markdown_text(text)}" for name, text in leaderboard.failures.items())
    return section(
        f"## Failures ({len(leaderboard.failures)})",
        "Evaluations and measurements that did not come to their end:",
        bullets(listed),
    )


def _answer(leaderboard: Leaderboard, corpus: CorpusSummary) -> str:
    if corpus.guessing_p is not None and corpus.guessing_p > SIGNIFICANCE:
        return (
            f"On **{markdown_text(corpus.name)}** nobody is shown to beat guessing: guessing alone makes a best "
            f"candidate like this one in {100 * corpus.guessing_p:.0f} % of cases. {_order(leaderboard, corpus)}"
        )
    return _order(leaderboard, corpus)


def _order(leaderboard: Leaderboard, corpus: CorpusSummary) -> str:
    rows = _rows_on(leaderboard, corpus)
    title = f"On **{markdown_text(corpus.name)}**{_without_rare(corpus)}"
    if not corpus.emotion_clips:
        return f"{title} nothing is ranked: {why_unlabelled(corpus)}."
    ranked = ranked_rows(rows)
    stopped = _stopped(rows)
    if not ranked:
        why = why_unranked(corpus, rows)
        return " ".join(filter(None, [f"{title} nothing is ranked: {why}.", _highest_unranked(rows, corpus), stopped]))
    return " ".join(filter(None, [title, _best(ranked, corpus), _best_adapted(rows, corpus), stopped]))


def _stopped(rows: Sequence[LeaderboardRow]) -> str:
    """Name the candidates that a race has stopped, and when; empty where none was."""
    names = {row.candidate: f"**{candidate_name(row)}** ({row.stopped})" for row in rows if row.stopped}
    if not names:
        return ""
    return f"Not ranked, since the race has stopped {'it' if len(names) == 1 else 'them'}: " + (
        ", ".join(first_of(list(names.values()), _MOST_LEADERS, rest="and {} more")) + "."
    )


def _without_rare(corpus: CorpusSummary) -> str:
    """Say which emotions intervals, pairs and ranks do without."""
    if not corpus.rare_emotions:
        return ""
    rare = [f"*{markdown_text(name)}* ({counted(corpus.emotion_clips[name], 'clip')})" for name in corpus.rare_emotions]
    listed = ", ".join(first_of(rare, _MOST_LEADERS))
    return f", over {counted(len(corpus.compared_emotions), 'emotion')} without {listed},"


def _best(ranked: Sequence[LeaderboardRow], corpus: CorpusSummary) -> str:
    """Name those that may be the best, with what choosing them can cost, the highest UAR first."""
    members = possible_bests(ranked)
    if corpus.separating:
        names = ", ".join(f"**{candidate_name(row)}**" for row in members)
        return (
            f"{len(members)} of {counted(len(ranked), 'candidate')} may still be the best, the most right answers "
            f"first: {names}. These clips were chosen to separate candidates, so that they give no scores."
        )
    if len(ranked) == 1:
        return f"the only one that is ranked is {_leader(ranked[0], corpus)}."
    too_few = too_few_to_choose(corpus.speakers)
    if len(members) == 1 and not too_few:
        return f"the best is {_leader(ranked[0], corpus)}."
    named = [f"{_leader(row, corpus)}{_cost(row)}" for row in members]
    listed = "; ".join(first_of(named, _MOST_LEADERS, rest="and {} more"))
    verb = "may still be the best" if len(members) == 1 else "may still be the best, the highest UAR first"
    text = f"{counted(len(members), 'candidate')} {verb}: {listed}."
    if not too_few:
        return text
    return f"there are **too few speakers to choose** ({corpus.speakers}; {SPEAKERS_TO_CHOOSE} are needed). {text}"


def _cost(row: LeaderboardRow) -> str:
    return f" (may cost {fraction(row.regret_high)})" if is_known(row.regret_high) else ""


def _best_adapted(rows: Sequence[LeaderboardRow], corpus: CorpusSummary) -> str:
    """Name the best adapted and the best other candidate apart; empty where no adapted one is ranked."""
    ranked = [row for row in rows if row.rank is not None]
    adapted = [row for row in ranked if Flag.ADAPTED in row.flags]
    if not adapted:
        return ""
    text = (
        f"The best that was *adapted* to this corpus, on speakers it has not heard, is {_leader(adapted[0], corpus)};"
    )
    as_is = [row for row in ranked if Flag.ADAPTED not in row.flags]
    return f"{text} the best as it is, {_leader(as_is[0], corpus)}." if as_is else f"{text} none is ranked as it is."


def _highest_unranked(rows: Sequence[LeaderboardRow], corpus: CorpusSummary) -> str:
    candidates = [row for row in rows if is_known(row.uar) and row.seen != "yes"]
    if not candidates:
        return ""
    best = max(candidates, key=lambda row: row.ranking_uar or 0.0)
    return f"The highest UAR, which may be chance, is that of {_leader(best, corpus)}."


def _leader(row: LeaderboardRow, corpus: CorpusSummary) -> str:
    score = with_interval(row.ranking_uar, row.uar_low, row.uar_high, at_least=is_at_least(row.interval))
    text = f"**{candidate_name(row)}**" + (f", UAR {score}" if score else "")
    # A first rank among the useless is still a first rank: it must not read as praise.
    if {Flag.AT_CHANCE, Flag.CANNOT_TELL} & set(row.flags):
        text += ", not shown to be better than guessing"
    elif Flag.FEW_SPEAKERS in row.flags:
        text += ", better than guessing for these speakers"
    elif is_known(row.uar_low) and row.uar_low <= 1 / len(corpus.compared_emotions):
        text += ", not shown to be better than guessing"
    return text + (", which answers nearly always the same" if row.collapsed else "")


def _corpus_section(leaderboard: Leaderboard, corpus: CorpusSummary) -> list[str]:
    rows = _rows_on(leaderboard, corpus)
    blocks = [f"## {markdown_text(corpus.name)}", *corpus_description(corpus, rows)]
    if not rows:
        return [*blocks, "No candidate was evaluated on this corpus."]
    shared_flags = tuple(flag for flag in rows[0].flags if all(flag in row.flags for row in rows))
    if shared_flags:
        blocks.append(f"Flags of all rows: {', '.join(map(markdown_text, shared_flags))}.")
    notes = [*flag_reasons(rows), *failed_clips_list(leaderboard, corpus.name)]
    if not corpus.emotion_clips:
        return [
            *blocks,
            f"Nothing can be ranked here: {why_unlabelled(corpus)}. The candidates stand in the order of the "
            "registry; what can be said of them is how varied their answers are.",
            corpus_table(rows, Shown.VARIETY, Shown.UNLABELLED, shared_flags=shared_flags),
            *notes,
            *agreement_section(leaderboard, corpus.name),
        ]
    interval = INTERVALS.get(all_the_same(row.interval for row in rows if row.interval) or "")
    return [
        *blocks,
        "### How right",
        f"In brackets: {interval.name}." if interval is not None else "",
        corpus_table(rows, Shown.RIGHTNESS, shared_flags=shared_flags),
        *notes,
        "### How varied, and how sure",
        corpus_table(rows, Shown.VARIETY),
    ]


def _summary_section(leaderboard: Leaderboard) -> list[str]:
    """Write the summary over several corpora; no blocks if there is none."""
    rows = [row for row in leaderboard.rows if row.corpus == ALL_CORPORA]
    uar = {(row.candidate, row.corpus): row.ranking_uar for row in reversed(leaderboard.rows)}

    def uar_on(row: LeaderboardRow, corpus: str) -> str:
        return fraction(uar.get((row.candidate, corpus)))

    columns = [
        declared_column("candidate"),
        declared_column("adjusted_uar"),
        *columns_of({name: f"UAR {markdown_text(name)}" for name in leaderboard.summary_corpora}, uar_on, numeric=True),
        declared_column("flags"),
    ]
    if any(is_known(row.adjusted_uar) and Flag.SEEN in row.flags for row in rows):
        training = "Those flagged *seen* were trained on some of them, and count since `--rank-seen` was asked for."
    else:
        training = "As far as is declared, nobody with a number was trained on any of them."
    return section(
        "## All corpora",
        f"The mean of (UAR − 1/K) / (1 − 1/K) over {_summary_corpora(leaderboard)}, each with its own K emotions: 0 is "
        "guessing, 1 is perfect. These are the corpora on which all ranked candidates were scored. "
        f"{training} Clips are not pooled, and nothing is ranked by it.",
        markdown_table(rows, columns),
    )


def _summary_corpora(leaderboard: Leaderboard) -> str:
    return ", ".join(map(markdown_text, leaderboard.summary_corpora))


def published_section(leaderboard: Leaderboard) -> list[str]:
    """Write what papers report on the corpora; no blocks without `--published`."""
    known = [score for score in leaderboard.published or () if score.uar is not None]
    unknown = [
        f"**{markdown_text(score.corpus)}** with these {counted(score.emotions, 'emotion')}"
        for score in leaderboard.published or ()
        if score.uar is None
    ]
    columns = [
        Column[ReportedScore]("corpus", lambda score: markdown_text(score.corpus)),
        Column[ReportedScore]("best published UAR", lambda score: fraction(score.uar), numeric=True),
        Column[ReportedScore]("emotions", lambda score: str(score.emotions), numeric=True),
        Column[ReportedScore]("published in", lambda score: markdown_text(score.source or "")),
    ]
    blocks = [f"No published figure is known for {', '.join(unknown)}."] if unknown else []
    if known:
        sentence = (
            "What papers report on corpora of these names with the same emotions. Other clips, folds or training may "
            "lie behind these figures: they are not ranked, and say only what can be expected."
        )
        blocks = [sentence, markdown_table(known, columns), *blocks]
    return section("## Published, not measured here", joined(blocks))


def _not_evaluated_section(leaderboard: Leaderboard) -> list[str]:
    if not leaderboard.not_evaluated:
        return []
    logs = " Logs are below `.bench`, or below `$BENCH_CACHE`." if any(map(_log, leaderboard.not_evaluated)) else ""
    blocks = [
        f"## Not evaluated ({len(leaderboard.not_evaluated)})",
        "Every other candidate of the registry, with its status. `bench run` and `bench verify` write the evidence "
        f"into `verification.md` and `.json`.{logs}",
    ]
    titles = {
        None: f"Fallback: usable, with fewer than {leaderboard.min_emotions} emotions",
        Verdict.USABLE: "Usable",
        Verdict.UNDECIDED: "Undecided",
        Verdict.REJECTED: "Rejected",
    }
    for verdict, title in titles.items():
        members = [
            candidate
            for candidate in leaderboard.not_evaluated
            if (None if candidate.fallback else Status(candidate.status).verdict) is verdict
        ]
        blocks += section(f"### {title} ({len(members)})", bullets(map(_not_evaluated, members)))
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


def _rows_on(leaderboard: Leaderboard, corpus: CorpusSummary) -> Sequence[LeaderboardRow]:
    """The rows on a corpus, without those that only time another number format of a candidate with scores."""
    rows = [row for row in leaderboard.rows if row.corpus == corpus.name]
    scored = {row.candidate for row in rows if Flag.LATENCY_ONLY not in row.flags}
    return [row for row in rows if Flag.LATENCY_ONLY not in row.flags or row.candidate not in scored]
