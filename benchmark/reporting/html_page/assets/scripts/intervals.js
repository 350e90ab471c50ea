"use strict";

/** A score with its interval on the way from 0 to 1, small enough for a table. */
const intervals = (() => {
  const WIDTH = 104;
  const HEIGHT = 16;
  const MARGIN = 4;
  const at = (value) => (MARGIN + value * (WIDTH - 2 * MARGIN)).toFixed(1);

  function drawing({ value, low, high, chance, emphasised, open }) {
    const middle = HEIGHT / 2;
    const marks = [dom.draw("line", { class: "track", x1: at(0), x2: at(1), y1: middle, y2: middle })];
    if (chance !== null) {
      marks.push(dom.draw("line", { class: "chance", x1: at(chance), x2: at(chance), y1: 1, y2: HEIGHT - 1 }));
    }
    if (low !== null && high !== null) {
      marks.push(dom.draw("line", { class: open ? "span open" : "span", x1: at(low), x2: at(high), y1: middle, y2: middle }));
    }
    marks.push(dom.draw("circle", { class: "value", cx: at(value), cy: middle, r: 4 }));
    const size = { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}` };
    return dom.draw("svg", { class: emphasised ? "interval" : "interval pale", "aria-hidden": "true", ...size }, marks);
  }

  /** The number, its interval in small print, and both drawn; nothing but a dash where there is no number.
   *  An open interval is too narrow by an unknown amount: it is hatched. */
  function cell(score) {
    if (score.value === null) return numbers.UNKNOWN;
    const range =
      score.low === null || score.high === null
        ? null
        : dom.make("small", {}, `${numbers.fraction(score.low)}–${numbers.fraction(score.high)}`, score.open ? dom.unseen(" at least so wide") : null);
    const copied = numbers.withInterval(score.value, score.low, score.high);
    return dom.make("span", { class: "score", "data-copy": copied }, drawing(score), dom.make("b", {}, numbers.fraction(score.value)), range);
  }

  return { cell };
})();
