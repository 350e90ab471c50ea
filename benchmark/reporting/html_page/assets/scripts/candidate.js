"use strict";

/** All there is to know of one candidate. */
const candidateView = (() => {
  const article = dom.byId("candidate");

  const term = (name, value) => (value === null || value === undefined || value === "" || value.length === 0 ? null : [dom.make("dt", {}, name), dom.make("dd", {}, value)]);
  const section = (title, ...children) => dom.make("section", { class: "part" }, dom.make("h2", {}, title), children);

  function facts(candidate) {
    const head = Object.entries(candidate.head_parameters ?? {}).map(([name, value]) => `${name} ${value}`);
    return dom.make(
      "dl",
      { class: "facts-list" },
      term("repository", candidate.id === candidate.name ? null : candidate.id),
      term("revision", candidate.revision && dom.make("code", {}, candidate.revision.slice(0, 12))),
      term("architecture", candidate.architecture),
      term("head", [candidate.head, ...head].filter(Boolean).join(", ")),
      term("weights", candidate.parameters && `${numbers.weights(candidate.parameters)}, ${numbers.quantity(candidate.size_mb)} MB`),
      term("licence", candidate.license),
      term("languages", (candidate.languages ?? []).join(", ")),
      term("trained on", candidate.trained_on ? candidate.trained_on.join(", ") || "nothing declared" : null),
      term("hears", candidate.sampling_rate && `${numbers.count(candidate.sampling_rate)} Hz, windows of ${numbers.quantity(candidate.window_s)} s`),
      term("log", candidate.log && dom.make("code", {}, candidate.log)),
    );
  }

  function verdict(candidate) {
    const lines = [candidate.reason, candidate.why !== candidate.reason ? candidate.why : null, candidate.failure, ...(candidate.notes ?? [])];
    return dom.make(
      "div",
      { class: "verdict" },
      rowTables.statusChip(candidate),
      dom.make("div", {}, lines.filter(Boolean).map((line) => dom.make("p", {}, line)), candidate.expect ? dom.make("p", {}, `The registry expects ${candidate.expect}.`) : null),
    );
  }

  function evidence(candidate) {
    const findings = candidate.findings ?? [];
    if (!findings.length) return null;
    return section(
      "What the verdict rests on",
      findings.map((finding) =>
        dom.make(
          "div",
          { class: "finding" },
          dom.make("p", {}, dom.make("b", {}, finding.status), `: ${finding.reason}`),
          finding.evidence.length ? dom.make("dl", { class: "facts-list" }, finding.evidence.map(([name, value]) => term(name, value))) : null,
        ),
      ),
    );
  }

  function labels(candidate) {
    if (!candidate.labels?.length) return null;
    return section(
      "What its labels mean",
      tables.plain({ caption: "Labels and emotions", headings: ["label", "emotion"], numeric: () => false, rows: candidate.labels.map(([label, emotion]) => [label, emotion ?? "– (none)"]) }),
    );
  }

  function flags(row) {
    if (!row.flags.length) return null;
    return section(
      "Flags",
      dom.make("ul", { class: "flag-list" }, row.flags.map((flag) => dom.make("li", {}, dom.make("b", { class: `chip ${rowTables.severity(flag)}` }, flag), " ", data.flags[flag] ?? "", row.flag_reasons[flag] ? ` ${row.flag_reasons[flag]}` : ""))),
    );
  }

  // Scores that are shown with something else than their own value.
  const SCORES = {
    ...Object.fromEntries(
      ["uar", "compared_uar", "accuracy"].map((name) => [name, (row) => intervals.cell({ ...data.scoreOf(row, name), emphasised: true, open: data.isOpen(row) })]),
    ),
    confident_emotions: (row) => `${numbers.quantity(row.confident_emotions)} of ${row.emotions}`,
    clips: (row) => `${numbers.count(row.clips)}${row.failed_clips ? `, ${numbers.count(row.failed_clips)} failed` : ""}`,
  };
  const formatted = (row, name) => numbers.formatted(row[name], data.columns[name].format);

  function scores(row) {
    const stopped = data.stopped(row);
    const known = data.shown.scores.filter((name) => row[name] !== null || (name === "uar" && stopped));
    const written = (name) => (name === "uar" && stopped) || (SCORES[name]?.(row) ?? formatted(row, name));
    const terms = known.map((name) => term(data.columns[name].longTitle, written(name)));
    return dom.make("dl", { class: "facts-list scores" }, terms);
  }

  function speed(rows) {
    const timed = rows.filter((row) => row.latency_p50_ms !== null);
    if (!timed.length) return null;
    return section(
      "How fast",
      tables.plain({
        caption: "Latency of single calls",
        headings: ["device", ...data.shown.speed.map((name) => data.columns[name].title)],
        rows: timed.map((row) => [
          [row.device, row.backend, row.dtype].filter(Boolean).join(", "),
          ...data.shown.speed.map((name) => formatted(row, name)),
        ]),
      }),
    );
  }

  function confusion(found) {
    const names = found.emotions;
    const hasRest = found.confusion.some((row) => row.at(-1) > 0);
    const shown = hasRest ? names.length + 1 : names.length;
    const cell = (count, total, isRight) => {
      const share = total ? count / total : 0;
      const box = dom.make("td", { class: isRight ? "heat right" : "heat" }, count ? String(count) : dom.make("span", { class: "nothing" }, "0"));
      box.style.setProperty("--share", share);
      return box;
    };
    const table = dom.make(
      "table",
      { class: "confusion" },
      dom.make("caption", {}, "A row for the clips of each emotion, a column for each answer; the stronger the colour, the larger the share of the row."),
      dom.make("thead", {}, dom.make("tr", {}, dom.make("th", { scope: "col" }, "clips of"), [...names, ...(hasRest ? ["none of these"] : [])].map((name) => dom.make("th", { scope: "col" }, dom.make("span", {}, name))))),
      dom.make("tbody", {}, found.confusion.map((row, place) => {
        const total = row.reduce((sum, count) => sum + count, 0);
        return dom.make("tr", {}, dom.make("th", { scope: "row" }, names[place]), row.slice(0, shown).map((count, answer) => cell(count, total, answer === place)));
      })),
    );
    return section("What it takes for what", copying.framed(table, "Confusion matrix"));
  }

  function bar(share, kind) {
    const element = dom.make("span", { class: `bar ${kind}`, "aria-hidden": "true" });
    element.style.setProperty("--share", share);
    return element;
  }

  function distribution(profile) {
    const emotions = [...new Set([...Object.keys(profile.truth), ...Object.keys(profile.answers)])].sort();
    const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
    const [said, known] = [sum(profile.answers), sum(profile.truth)];
    const share = (counts, emotion, total) => (total ? (counts[emotion] ?? 0) / total : 0);
    const shares = emotions.flatMap((emotion) => [share(profile.answers, emotion, said), share(profile.truth, emotion, known)]);
    const longest = Math.max(...shares, 0.01);
    const cell = (value, kind) => [bar(value / longest, kind), dom.make("span", { class: "number" }, numbers.fraction(value))];
    const isScored = known > 0;
    return section(
      isScored ? "What it answers, beside the truth" : "What it answers",
      dom.make(
        "div",
        { class: "distribution" },
        tables.plain({
          caption: "Shares of the clips",
          headings: ["emotion", "its answers", ...(isScored ? ["truth"] : [])],
          numeric: () => false,
          rows: emotions.map((emotion) => [
            emotion,
            cell(share(profile.answers, emotion, said), "said"),
            ...(isScored ? [cell(share(profile.truth, emotion, known), "true")] : []),
          ]),
        }),
      ),
      profile.unanswered ? dom.make("p", { class: "note" }, `${numbers.counted(profile.unanswered, "clip")} it could not process.`) : null,
    );
  }

  /** Clips, answers, recall, precision and F1 of one emotion, as benchmark/scoring/class_scores.py counts them. */
  function emotionScores(confusion, place) {
    const hits = confusion[place][place];
    const clips = confusion[place].reduce((sum, count) => sum + count, 0);
    const answered = confusion.reduce((sum, row) => sum + row[place], 0);
    const scores = [hits / clips, answered ? hits / answered : null, (2 * hits) / (clips + answered)];
    return [numbers.count(clips), numbers.count(answered), ...scores.map(numbers.fraction)];
  }

  function perEmotion(found) {
    return section(
      "Emotion by emotion",
      tables.plain({
        caption: "Recall, precision and F1 of each emotion",
        headings: ["emotion", "clips", "answered", "recall", "precision", "F1"],
        rows: found.emotions.map((emotion, place) => [emotion, ...emotionScores(found.confusion, place)]),
      }),
    );
  }

  /** Whatever else was measured, as it comes. */
  function others(candidate, corpus) {
    const own = data.tables.filter((each) => each.candidate === candidate.place && each.corpus === corpus && each.rows.length);
    return own.map(({ title, columns, rows, note }) =>
      section(title, tables.plain({ caption: title, headings: columns, rows }), note ? dom.make("p", { class: "note" }, note) : null),
    );
  }

  function onCorpus(panel, candidate, rows) {
    const [row] = rows;
    const found = data.scores(candidate.place, row.corpus);
    const profile = data.profile(candidate.place, row.corpus);
    const parts = dom.make("div", { class: "parts" });
    panel.append(scores(row), parts);
    parts.append(...[
      found && confusion(found),
      profile && distribution(profile),
      found && perEmotion(found),
      ...others(candidate, row.corpus),
      flags(row),
      speed(rows),
    ].filter(Boolean));
    if (profile?.reliability.length) {
      const diagram = section("How sure, and how often right", dom.make("p", { class: "note" }, "On the dashed line it is as sure as it should be; below it, too sure."));
      parts.insertBefore(diagram, parts.children[2] ?? null);
      charts.reliability(diagram, profile.reliability);
    }
  }

  function corpora(candidate) {
    const own = data.rows.filter((row) => row.candidatePlace === candidate.place && row.corpus !== null);
    const places = [...new Set(own.map((row) => row.corpus))];
    if (!places.length) return null;
    const shown = tabs.make("On which corpus", places.map((place) => ({
      title: data.corpora[place].name,
      build: (panel) => onCorpus(panel, candidate, own.filter((row) => row.corpus === place)),
    })), (chosen) => address.set({ corpus: places[chosen] ? String(places[chosen]) : "" }));
    return { element: shown.element, show: (corpus) => shown.show(Math.max(0, places.indexOf(corpus))) };
  }

  /** Show a candidate, first on the corpus that was chosen in the table. */
  function show(candidate, corpus) {
    const results = corpora(candidate);
    article.replaceChildren(...[
      dom.make("p", { class: "back" }, dom.make("a", { href: "#overview" }, "← All candidates")),
      dom.make("h1", { id: "candidate-title", tabindex: -1 }, candidate.name),
      verdict(candidate),
      facts(candidate),
      results?.element,
      dom.make("div", { class: "parts" }, [labels(candidate), evidence(candidate)].filter(Boolean)),
    ].filter(Boolean));
    article.setAttribute("aria-labelledby", "candidate-title");
    results?.show(corpus);
  }

  return { show };
})();
