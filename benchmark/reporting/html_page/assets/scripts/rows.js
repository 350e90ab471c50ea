"use strict";

/** The columns of the leaderboard, and of the table of those who are not in it. */
const rowTables = (() => {
  const meaning = (name) => data.columns[name].meaning.replaceAll("*", "");

  function candidateLink(candidate) {
    return dom.make("a", { href: `#candidate-${candidate.place}` }, candidate.name);
  }

  function statusChip(candidate) {
    const status = data.statuses[candidate.status];
    const word = candidate.fallback ? "fallback" : candidate.status;
    const explanation = candidate.fallback ? (data.flags.fallback ?? "") : (status?.meaning ?? "");
    return hints.chip(word, explanation.replaceAll("`", ""), status?.verdict ?? "rejected");
  }

  function flagChips(row, said) {
    const own = row.flags.filter((flag) => !said.has(flag));
    return dom.make(
      "span",
      { class: "chips" },
      own.map((flag) => hints.chip(flag, row.flag_reasons[flag] ?? data.flags[flag] ?? "", severity(flag))),
    );
  }

  // On a phone the column of flags would be out of sight: they stand below the name, too.
  const narrow = window.matchMedia("(max-width: 40rem)");

  function nameCell(row, said) {
    const chips = narrow.matches ? flagChips(row, said) : null;
    return [candidateLink(row.candidate), chips?.hasChildNodes() ? dom.make("div", { "data-copy": "" }, chips) : null];
  }

  const GRAVE = new Set(["collapsed", "at-chance", "label-permuted", "too-good", "incomplete", "failed-clips"]);
  const severity = (flag) => (GRAVE.has(flag) ? "grave" : "");

  /** The flags that all rows have are said once, above the table. */
  function sharedFlags(rows) {
    const [first, ...others] = rows;
    return new Set(first && others.length ? first.flags.filter((flag) => others.every((row) => row.flags.includes(flag))) : []);
  }

  /** The range of ranks that the clips allow, such as 1–4. */
  function rankCell(row) {
    if (row.rank === null) return dom.make("span", { class: "unranked" }, numbers.UNKNOWN, dom.unseen("not ranked"));
    return row.rank_high === null || row.rank_high === row.rank ? String(row.rank) : `${row.rank}–${row.rank_high}`;
  }

  function score(row, name) {
    return { ...data.scoreOf(row, name), emphasised: row.rank !== null, open: data.isOpen(row) };
  }

  function topAnswer(row) {
    if (row.top_emotion === null) return numbers.UNKNOWN;
    return [row.top_emotion, " ", dom.make("small", {}, numbers.percent(row.top_share))];
  }

  /** A column as it is declared; larger fractions are better, and are sorted first. */
  function declared(name) {
    const { title, format } = data.columns[name];
    const number = format !== "text" && format !== "truth";
    return {
      name,
      title,
      value: (row) => row[name],
      cell: (row) => numbers.formatted(row[name], format),
      number,
      hint: number ? meaning(name) : undefined,
      descending: format === "fraction",
      className: number ? "widest" : undefined,
    };
  }

  /** The leaderboard's table for these rows; which columns it has depends on what there is to tell. */
  function board(rows, caption) {
    const said = sharedFlags(rows);
    const has = (name) => rows.some((row) => row[name] !== null);
    const varies = (name) => new Set(rows.map((row) => row[name])).size > 1;
    const ranked = has("rank");
    const setup = Object.fromEntries(["device", "backend", "dtype"].map((name) => [name, { shown: varies(name) }]));
    // What is not as declared.
    const special = {
      rank: { cell: rankCell, className: "rank" },
      may_be_best: { className: "wide" },
      candidate: { shown: true, value: (row) => row.candidate.name, cell: (row) => nameCell(row, said), header: true },
      corpus: { shown: varies("corpus"), value: (row) => data.corpora[row.corpus].name, cell: (row) => data.corpora[row.corpus].name },
      uar: { cell: (row) => data.stopped(row) ?? intervals.cell(score(row, "uar")), number: false, className: undefined },
      compared_uar: { cell: (row) => intervals.cell(score(row, "compared_uar")), number: false, className: undefined },
      accuracy: { shown: has("uar"), className: "wide" },
      adjusted_uar: {
        shown: rows.some((row) => row.corpus === null),
        cell: (row) => numbers.withInterval(row.adjusted_uar, row.adjusted_uar_low, row.adjusted_uar_high),
        className: undefined,
      },
      confident_emotions: {
        cell: (row) => [numbers.quantity(row.confident_emotions), dom.make("small", {}, ` of ${row.emotions ?? "?"}`)],
        descending: true,
        className: "wide",
      },
      top_emotion: {
        shown: has("confident_emotions"), hint: meaning("top_emotion"), value: (row) => row.top_share, cell: topAnswer, descending: true, className: "wide steady",
      },
      ...setup,
      latency_p50_ms: { className: undefined },
      size_mb: { shown: true, className: "wide" },
      flags: {
        shown: true, value: (row) => row.flags.filter((flag) => !said.has(flag)).length, cell: (row) => flagChips(row, said), className: "flags",
      },
    };
    const columns = data.shown.board
      .map((name) => ({ shown: has(name), ...declared(name), ...special[name] }))
      .toSpliced(1 + data.shown.board.indexOf("compared_uar"), 0, overall(rows))
      .filter((column) => column.shown);
    const rowClass = (row) => (ranked && row.rank === null ? "out" : row.may_be_best ? "contender" : "");
    const whenSorted = (sort) => address.set({ sort });
    return { ...tables.sortable({ columns, caption, rowClass, whenSorted }), said };
  }

  /** What the candidates reach over several corpora, beside their scores on one. */
  function overall(rows) {
    const of = new Map(data.rows.filter((row) => row.corpus === null).map((row) => [row.candidatePlace, row]));
    const value = (row) => of.get(row.candidatePlace)?.adjusted_uar ?? null;
    return {
      name: "overall",
      title: "overall",
      hint: `Over ${data.summaryCorpora.join(", ")}. ${meaning("adjusted_uar")}`,
      shown: rows.every((row) => row.corpus !== null) && rows.some((row) => value(row) !== null),
      value,
      cell: (row) => numbers.fraction(value(row)),
      number: true,
      descending: true,
    };
  }

  /** The table of candidates that were not evaluated. */
  function others(candidates) {
    const counted = candidates.some((each) => each.emotions)
      ? [{ title: "emotions", value: (each) => each.emotions, cell: (each) => numbers.count(each.emotions || null), number: true, descending: true, className: "wide" }]
      : [];
    return tables.sortable({
      caption: "Candidates that were not evaluated",
      columns: [
        { title: "candidate", value: (each) => each.name, cell: candidateLink, header: true },
        { title: "status", value: (each) => each.status, cell: statusChip },
        ...counted,
        { title: "why", value: (each) => each.why, cell: (each) => each.why ?? "" },
      ],
    });
  }

  return { board, others, candidateLink, statusChip, flagChips, severity, narrow };
})();
