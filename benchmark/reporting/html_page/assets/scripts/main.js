"use strict";

/** What is shown when: the overview as the filters want it, or one candidate as the address says. */
(() => {
  const overview = dom.byId("overview");
  const article = dom.byId("candidate");
  const absent = data.candidates.filter((each) => !each.evaluated);
  const others = rowTables.others(absent);
  let shownCorpus;
  let board = null;
  let waiting = 0;

  const nameOf = (corpus) => (corpus === undefined ? "every corpus" : corpus === null ? "several corpora together" : data.corpora[corpus].name);

  /** The table is made for a corpus; filters only choose among its rows. */
  function makeBoard(corpus) {
    // Another order than that of the ranking stays while the corpus does.
    if (corpus !== shownCorpus) address.set({ sort: board === null ? address.get("sort") : "" });
    shownCorpus = corpus;
    board = rowTables.board(filters.all(), `Candidates on ${nameOf(corpus)}`);
    dom.byId("board").replaceChildren(board.element);
    dom.byId("shared-flags").replaceChildren(...[...board.said].map((flag) => dom.make("li", {}, "All rows: ", dom.make("b", {}, flag), `. ${data.flags[flag] ?? ""}`)));
    for (const about of document.querySelectorAll("[data-corpus]")) about.hidden = Number(about.dataset.corpus) !== corpus;
    const note = dom.byId("interval-note"); // not there where no score has an interval
    if (note) note.hidden = filters.all().every((row) => row.uar === null);
    const isScored = typeof corpus === "number" && data.isLabelled(corpus);
    dom.byId("clips-section-title").textContent = isScored ? "Listen to what went wrong" : "Listen to what they disagree on";
    dom.byId("clips-section").hidden = !clips.show(dom.byId("clips"), corpus);
    if (clipBrowser.isChosen()) dom.byId("clips").closest("details").open = true;
    comparison.show(corpus);
    board.sort(address.get("sort"));
  }

  function update() {
    const corpus = filters.corpus();
    if (board === null || corpus !== shownCorpus) makeBoard(corpus);
    const rows = filters.rows();
    const wanted = absent.filter((each) => filters.wants(each));
    board.show(rows);
    others.show(wanted);
    dom.byId("others-section").hidden = absent.length === 0;
    dom.byId("shown").textContent = summary(rows, wanted);
    contents.show();
    // Plots take longer than tables: they come when the reader has stopped typing.
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => plot(rows, corpus), 120);
  }

  function summary(rows, wanted) {
    const all = filters.all().length;
    const some = rows.length === all ? numbers.counted(all, "row") : `${numbers.count(rows.length)} of ${numbers.counted(all, "row")}`;
    return `${some} on ${nameOf(filters.corpus())}${absent.length ? `; ${numbers.count(wanted.length)} of ${numbers.counted(absent.length, "candidate")} not evaluated` : ""}.`;
  }

  function plot(rows, corpus) {
    const section = dom.byId("plot-section");
    // Before it is drawn it has to have a width.
    section.hidden = false;
    section.hidden = corpus === undefined || corpus === null || !charts.rightAndFast(dom.byId("plot"), rows);
    contents.show();
  }

  /** Show what the address says, as after a step back. */
  function restore() {
    filters.restore();
    if (filters.corpus() === shownCorpus) board.sort(address.get("sort"));
    update();
  }

  let cameFrom = null;

  function route({ first = false } = {}) {
    hints.hide();
    const found = /^candidate-(\d+)$/.exec(address.place());
    const candidate = found ? data.candidates[Number(found[1])] : undefined;
    overview.hidden = candidate !== undefined;
    document.querySelector("header.top").hidden = candidate !== undefined;
    article.hidden = candidate === undefined;
    if (!first && !candidate) restore();
    if (candidate) {
      cameFrom = candidate;
      filters.restore();
      candidateView.show(candidate, filters.corpus());
      window.scrollTo(0, 0);
      dom.byId("candidate-title").focus({ preventScroll: true });
    } else if (contents.reveal(address.place())) {
      cameFrom = null;
    } else if (!first && cameFrom) {
      overview.querySelector(`a[href="#candidate-${cameFrom.place}"]`)?.focus();
      cameFrom = null;
    }
    document.title = candidate ? `${candidate.name} · leaderboard` : "Speech-emotion leaderboard";
  }

  dom.byId("others").replaceChildren(others.element);
  filters.whenChanged(update);
  window.addEventListener("hashchange", () => route());
  rowTables.narrow.addEventListener("change", () => {
    makeBoard(filters.corpus());
    update();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !article.hidden) location.hash = "#overview";
  });
  update();
  route({ first: true });
})();
