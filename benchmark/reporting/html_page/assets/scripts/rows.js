"use strict";

/** The columns of the leaderboard, and of the table of those who are not in it. */
const rowTables = (() => {
  const meaning = (name) => (data.columns[name] ?? "").replaceAll("*", "");

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
      own.map((flag) => hints.chip(flag, row.flagReasons[flag] ?? data.flags[flag] ?? "", severity(flag))),
    );
  }

  const GRAVE = new Set(["collapsed", "at-chance", "label-permuted", "too-good", "incomplete", "failed-clips"]);
  const severity = (flag) => (GRAVE.has(flag) ? "grave" : "");

  /** The flags that all rows have are said once, above the table. */
  function sharedFlags(rows) {
    const [first, ...others] = rows;
    return new Set(first && others.length ? first.flags.filter((flag) => others.every((row) => row.flags.includes(flag))) : []);
  }

  function ties(rows) {
    const counts = new Map();
    for (const row of rows) {
      if (row.rank !== null) counts.set(`${row.corpus}/${row.rank}`, (counts.get(`${row.corpus}/${row.rank}`) ?? new Set()).add(row.candidatePlace));
    }
    return (row) => row.rank !== null && counts.get(`${row.corpus}/${row.rank}`).size > 1;
  }

  function rankCell(row, isTied) {
    if (row.rank === null) return dom.make("span", { class: "unranked" }, numbers.UNKNOWN, dom.unseen("not ranked"));
    return isTied ? [`=${row.rank}`, dom.unseen(" tied")] : String(row.rank);
  }

  function score(row, name) {
    return {
      value: row[name],
      low: row[`${name}_low`],
      high: row[`${name}_high`],
      chance: name === "uar" ? data.chance(row.corpus) : null,
      emphasised: row.rank !== null,
    };
  }

  function topAnswer(row) {
    if (row.top_emotion === null) return numbers.UNKNOWN;
    return [row.top_emotion, " ", dom.make("small", {}, numbers.percent(row.top_share))];
  }

  /** One column of a number: its name in a row, and how it is written. */
  function column(title, name, write, more = {}) {
    return { title, value: (row) => row[name], cell: (row) => write(row[name]), number: true, hint: meaning(title), ...more };
  }

  function rightness(rows) {
    if (rows.every((row) => row.uar === null)) return [];
    const has = (name) => rows.some((row) => row[name] !== null);
    return [
      {
        title: "UAR",
        hint: meaning("UAR"),
        value: (row) => row.uar,
        cell: (row) => intervals.cell(score(row, "uar")),
        descending: true,
      },
      { ...column("accuracy", "accuracy", numbers.fraction, { descending: true, className: "wide" }) },
      ...(has("common_uar") ? [column("common UAR", "common_uar", numbers.fraction, { descending: true, className: "widest" })] : []),
    ];
  }

  function aboveGuessing(rows) {
    if (rows.every((row) => row.corpus !== null)) return [];
    return [
      {
        title: "above guessing",
        hint: "(UAR − 1/K) / (1 − 1/K), averaged over the corpora: 0 is guessing, 1 is perfect.",
        value: (row) => row.adjusted_uar,
        cell: (row) => numbers.withInterval(row.adjusted_uar, row.adjusted_uar_low, row.adjusted_uar_high),
        number: true,
        descending: true,
      },
    ];
  }

  function setup(rows) {
    const varies = (name) => new Set(rows.map((row) => row[name])).size > 1;
    return ["device", "backend", "dtype"]
      .filter(varies)
      .map((name) => ({ title: name, value: (row) => row[name], cell: (row) => row[name] ?? numbers.UNKNOWN }));
  }

  /** The leaderboard's table for these rows; which columns it has depends on what there is to tell. */
  function board(rows, caption) {
    const said = sharedFlags(rows);
    const isTied = ties(rows);
    const severalCorpora = new Set(rows.map((row) => row.corpus)).size > 1;
    const has = (name) => rows.some((row) => row[name] !== null);
    const ranked = has("rank");
    const columns = [
      ...(ranked
        ? [{ title: "rank", hint: meaning("rank"), value: (row) => row.rank, cell: (row) => rankCell(row, isTied(row)), number: true, className: "rank" }]
        : []),
      { title: "candidate", value: (row) => row.candidate.name, cell: (row) => candidateLink(row.candidate), header: true },
      ...(severalCorpora ? [{ title: "corpus", value: (row) => data.corpora[row.corpus].name, cell: (row) => data.corpora[row.corpus].name }] : []),
      ...rightness(rows),
      ...aboveGuessing(rows),
      ...(has("informative_emotions")
        ? [
            column("informative", "informative_emotions", numbers.quantity, {
              descending: true,
              className: "wide",
              cell: (row) => [numbers.quantity(row.informative_emotions), dom.make("small", {}, ` of ${row.emotions ?? "?"}`)],
            }),
            { title: "top answer", hint: meaning("top answer"), value: (row) => row.top_share, cell: topAnswer, descending: true, className: "wide steady" },
          ]
        : []),
      ...setup(rows),
      ...(has("latency_p50_ms")
        ? [
            column("p50 ms", "latency_p50_ms", numbers.milliseconds, { hint: meaning("p50, p90, p99") }),
          ]
        : []),
      column("size MB", "size_mb", numbers.quantity, { className: "wide", hint: "Megabytes of the weight files." }),
      { title: "flags", value: (row) => row.flags.filter((flag) => !said.has(flag)).length, cell: (row) => flagChips(row, said), className: "flags" },
    ];
    const rowClass = (row) => (ranked && row.rank === null ? "out" : isTied(row) ? "tied" : "");
    return { ...tables.sortable({ columns, caption, rowClass }), said };
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

  return { board, others, candidateLink, statusChip, flagChips, severity };
})();
