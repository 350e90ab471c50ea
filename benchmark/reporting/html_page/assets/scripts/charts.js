"use strict";

/** Plots by Vega-Lite, in the page's own colours; beside each stands a table that says the same. */
const charts = (() => {
  const SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"; // a name, which nobody asks for over the network
  const ON_FRONT = "on the front";
  const BEATEN = "beaten in both";
  const USELESS = "never recommended";
  const darkness = window.matchMedia("(prefers-color-scheme: dark)");

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function config() {
    const text = colour("soft");
    const axis = { gridColor: colour("line"), domainColor: colour("line"), tickColor: colour("line"), labelColor: text, titleColor: text, titleFontWeight: 500 };
    return {
      background: "transparent",
      font: getComputedStyle(document.body).fontFamily,
      axis: { ...axis, labelFontSize: 12, titleFontSize: 12, titlePadding: 10 },
      legend: { labelColor: text, titleColor: text, titleFontWeight: 500, labelFontSize: 12, symbolStrokeColor: text },
      view: { stroke: null },
    };
  }

  /** Draw a specification, and again whenever light and dark change places. */
  function show(element, specification, { lines = null, open = null } = {}) {
    const options = {
      ast: true, // no `eval`, which the page's policy forbids
      actions: false,
      renderer: "svg",
      defaultStyle: false,
      tooltip: (handler, event, item, value) => (value && lines ? hints.showAt(event.clientX, event.clientY, lines(item.datum)) : hints.hide()),
    };
    const draw = () =>
      vegaEmbed(element, { $schema: SCHEMA, config: config(), ...specification() }, options).then(({ view }) => {
        if (open) view.addEventListener("click", (event, item) => item?.datum?.place !== undefined && open(item.datum));
      });
    const again = () => (element.isConnected ? draw() : darkness.removeEventListener("change", again));
    darkness.addEventListener("change", again);
    return draw();
  }

  /** Mark what nothing else beats: at most as slow and at least as right, and one of the two strictly. What is useless beats nothing. */
  function markFront(points) {
    const beats = (one, other) => one.ms <= other.ms && one.score >= other.score && (one.ms < other.ms || one.score > other.score);
    const useful = points.filter((point) => !point.useless);
    const front = (point) => (useful.some((other) => beats(other, point)) ? BEATEN : ON_FRONT);
    return points.map((point) => ({ ...point, front: point.useless ? USELESS : front(point) }));
  }

  function scatterPoints(rows, measure) {
    const points = rows
      .filter((row) => row[measure] !== null && row.latency_p50_ms !== null)
      .map((row) => ({
        name: row.candidate.name,
        place: row.candidate.place,
        device: row.device,
        ms: row.latency_p50_ms,
        score: row[`compared_${measure}`] ?? row[measure],
        low: row[`${measure}_low`] ?? row[measure],
        high: row[`${measure}_high`] ?? row[measure],
        mb: row.size_mb,
        useless: row.flags.some((flag) => data.disqualifying.includes(flag)),
        open: data.isOpen(row),
      }));
    return markFront(points);
  }

  const HEIGHT = 380;

  /** What the axes show: all points with some air around them, and guessing. */
  function domains(points, guessing) {
    const lowest = Math.min(...points.map((point) => point.low), guessing ?? 1);
    const times = points.map((point) => point.ms);
    const air = 1.25;
    return {
      x: [Math.min(...times) / air, Math.max(...times) * air],
      y: [Math.max(0, Math.floor(20 * lowest) / 20), Math.min(1, Math.ceil(20 * Math.max(...points.map((point) => point.high))) / 20)],
    };
  }

  function scatter(points, title, width, guessing) {
    const shown = domains(points, guessing);
    const kinds = [[ON_FRONT, "accent"], [BEATEN, "other"], [USELESS, "line"]].filter(([kind]) => kind !== USELESS || points.some((point) => point.useless));
    const x = { field: "ms", type: "quantitative", scale: { type: "log", domain: shown.x, nice: false }, axis: { title: "median latency in ms (left is faster)", tickCount: 8, grid: false, format: "~r", labelOverlap: true } };
    const y = { field: "score", type: "quantitative", scale: { domain: shown.y, zero: false, nice: false }, axis: { title: `${title} (up is better)`, format: ".2f", tickCount: 6 } };
    const shade = { field: "front", type: "nominal", scale: { domain: kinds.map(([kind]) => kind), range: kinds.map(([, name]) => colour(name)) }, legend: { title: null, orient: "top", symbolType: "circle", symbolSize: 90 } };
    const named = pointLabels.place(points, shown, { width: width - 60, height: HEIGHT });
    return {
      description: `${title} against median latency of ${points.length} candidates; the table below says the same.`,
      width: "container",
      height: HEIGHT,
      autosize: { type: "fit-x", contains: "padding" },
      data: { values: points },
      layer: [
        ...(guessing === null ? [] : [{ data: { values: [{ score: guessing }] }, mark: { type: "rule", strokeDash: [2, 3], strokeWidth: 1, color: colour("soft"), aria: false }, encoding: { y } }]),
        {
          transform: [{ filter: `datum.front === '${ON_FRONT}'` }],
          mark: { type: "line", interpolate: "step-after", strokeDash: [4, 4], strokeWidth: 1.5, color: colour("accent"), opacity: 0.7, aria: false },
          encoding: { x, y, order: { field: "ms" } },
        },
        { mark: { type: "rule", strokeWidth: 1.5, opacity: 0.55, aria: false }, encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color: shade, strokeDash: { condition: { test: "datum.open", value: [3, 3] }, value: [1, 0] } } },
        {
          mark: { type: "circle", opacity: 0.85, stroke: colour("paper"), strokeWidth: 1.5, cursor: "pointer", tooltip: { content: "data" }, aria: false },
          encoding: { x, y, color: shade, size: { field: "mb", type: "quantitative", scale: { range: [50, 900], zero: true }, legend: { title: "size in MB", orient: "top", tickCount: 3, symbolFillColor: colour("other") } } },
        },
        {
          data: { values: named },
          mark: { type: "text", align: { expr: "datum.align" }, dx: { expr: "datum.dx" }, dy: { expr: "datum.dy" }, baseline: "middle", fontSize: 12, fill: colour("ink"), aria: false },
          encoding: { x, y, text: { field: "name" } },
        },
      ],
    };
  }

  const MEASURES = [["uar", "UAR"], ["accuracy", "accuracy"]];

  /** What one reaches who does not listen; null where that is unknown. */
  const guessed = (measure, row) => (measure === "uar" ? data.chance(row.corpus, row.compared_uar !== null) : row.majority_accuracy);

  /** Right against fast, of these rows; false where there is nothing to plot. */
  function rightAndFast(element, rows) {
    if (!scatterPoints(rows, "uar").length) return false;
    const canvas = dom.make("div", { class: "canvas" });
    const table = dom.make("div");
    const choices = MEASURES.map(([measure, title], place) => {
      const input = dom.make("input", { type: "radio", name: "measure", value: measure, id: `measure-${measure}`, checked: place === 0 });
      input.addEventListener("change", () => render(measure, title));
      return [input, dom.make("label", { for: input.id }, title)];
    });

    function render(measure, title) {
      const points = scatterPoints(rows, measure);
      const guessing = guessed(measure, rows.find((row) => row[measure] !== null));
      const lines = (point) => [point.name, `${title} ${numbers.withInterval(point.score, point.low, point.high)}`, `${numbers.milliseconds(point.ms)} ms on ${point.device}`, `${numbers.quantity(point.mb)} MB`];
      show(canvas, () => scatter(points, title, canvas.clientWidth, guessing), { lines, open: ({ place }) => (location.hash = `#candidate-${place}`) });
      table.replaceChildren(frontTable(points, title, guessing));
    }

    element.replaceChildren(
      dom.make("fieldset", { class: "switch" }, dom.make("legend", {}, "How right"), choices),
      canvas,
      dom.make("p", { class: "note" }, "The dashed line joins those that nobody beats in both, the dotted one is guessing. A larger area is a larger file; bars are intervals. A press on a point opens the candidate."),
      dom.make("details", {}, dom.make("summary", {}, "The plot as a table"), table),
    );
    render(...MEASURES[0]);
    return true;
  }

  function frontTable(points, title, guessing) {
    const ordered = [...points].sort((one, other) => one.ms - other.ms);
    return tables.plain({
      caption: `${title} against latency, the fastest first${guessing === null ? "" : `; guessing gives ${numbers.fraction(guessing)}`}`,
      headings: ["candidate", "device", "p50 ms", title, "size MB", "front"],
      numeric: (place) => place > 1 && place < 5,
      rows: ordered.map((point) => [
        dom.make("a", { href: `#candidate-${point.place}` }, point.name),
        point.device ?? numbers.UNKNOWN,
        numbers.milliseconds(point.ms),
        numbers.withInterval(point.score, point.low, point.high),
        numbers.quantity(point.mb),
        point.front,
      ]),
    });
  }

  /** How right a candidate is by how sure it is. */
  function reliability(element, bins) {
    const values = bins.map(([clips, confidence, accuracy]) => ({ clips, confidence, accuracy }));
    const axis = (title) => ({ title, format: ".1f", tickCount: 5 });
    const unit = { domain: [0, 1] };
    const x = { field: "confidence", type: "quantitative", scale: unit, axis: { ...axis("how sure (mean probability)"), grid: false } };
    const y = { field: "accuracy", type: "quantitative", scale: unit, axis: axis("how often right") };
    const canvas = dom.make("div", { class: "canvas square" });
    const specification = () => ({
      description: "How often answers are right by how sure they are; the table below says the same.",
      width: "container",
      height: 260,
      autosize: { type: "fit-x", contains: "padding" },
      layer: [
        { data: { values: [{ confidence: 0, accuracy: 0 }, { confidence: 1, accuracy: 1 }] }, mark: { type: "line", strokeDash: [4, 4], strokeWidth: 1, color: colour("soft"), aria: false }, encoding: { x, y } },
        { data: { values }, mark: { type: "line", color: colour("accent"), strokeWidth: 2, aria: false }, encoding: { x, y } },
        { data: { values }, mark: { type: "circle", color: colour("accent"), opacity: 1, size: 60, tooltip: { content: "data" }, aria: false }, encoding: { x, y } },
      ],
    });
    element.append(
      canvas,
      dom.make("details", {}, dom.make("summary", {}, "The diagram as a table"), tables.plain({
        caption: "How often answers are right by how sure they are",
        headings: ["clips", "how sure", "how often right"],
        rows: bins.map(([clips, confidence, accuracy]) => [numbers.count(clips), numbers.fraction(confidence), numbers.fraction(accuracy)]),
      })),
    );
    const lines = (point) => [`${numbers.counted(point.clips, "clip")}`, `how sure ${numbers.fraction(point.confidence)}`, `how often right ${numbers.fraction(point.accuracy)}`];
    show(canvas, specification, { lines });
  }

  return { rightAndFast, reliability };
})();
