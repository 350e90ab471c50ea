"use strict";

/** Numbers as leaderboard.md writes them (benchmark/reporting/numbers.py): never a rounded claim of perfection. */
const numbers = (() => {
  const UNKNOWN = "–";
  const grouped = (value) => Number(fixed(value, 0)).toLocaleString("en");

  /** As many decimals as Python would write: of two equally near numbers the even one, where `toFixed` takes the larger. */
  function fixed(value, decimals) {
    const scaled = value * 10 ** decimals;
    // Only numbers with few binary digits lie exactly in the middle; of these the product is exact, too.
    if (Number.isInteger(value * 1024) && Math.abs(scaled % 1) === 0.5) {
      return ((2 * Math.round(scaled / 2)) / 10 ** decimals).toFixed(decimals);
    }
    return value.toFixed(decimals);
  }

  /** A fraction of 0 to 1 with two decimals, with three where two would claim 0 or 1. */
  function fraction(value) {
    if (value === null || value === undefined) return UNKNOWN;
    const distance = Math.min(Math.abs(value), Math.abs(1 - value));
    if (distance === 0 || distance >= 0.005) return fixed(value, 2);
    if (distance >= 0.0005) return fixed(value, 3);
    return value < 0.5 ? "<0.001" : ">0.999";
  }

  /** A fraction with its interval, where it has one. */
  function withInterval(value, low, high) {
    return low === null || high === null ? fraction(value) : `${fraction(value)} [${fraction(low)}–${fraction(high)}]`;
  }

  /** A positive amount with about three digits. */
  function quantity(value) {
    if (value === null || value === undefined) return UNKNOWN;
    if (value === 0) return "0";
    const steps = [
      [0.0995, 3],
      [9.995, 2],
      [99.95, 1],
    ];
    const fitting = steps.find(([upper]) => Math.abs(value) < upper);
    return fitting ? fixed(value, fitting[1]) : grouped(value);
  }

  /** Milliseconds with one decimal under 100, none above. */
  function milliseconds(value) {
    if (value === null || value === undefined) return UNKNOWN;
    if (value > 0 && value < 1) return fixed(value, 2);
    return value < 99.95 ? fixed(value, 1) : grouped(value);
  }

  /** The number of a model's weights. */
  function weights(value) {
    if (value === null || value === undefined) return UNKNOWN;
    if (value >= 1e6) return `${quantity(value / 1e6)} M`;
    return value >= 1000 ? `${quantity(value / 1000)} k` : String(value);
  }

  const count = (value) => (value === null || value === undefined ? UNKNOWN : grouped(value));
  const percent = (value) => `${Math.round(100 * value)} %`;
  const counted = (number, noun, plural = `${noun}s`) => `${count(number)} ${number === 1 ? noun : plural}`;

  /** A value as its column declares (`data.columns`). */
  const WRITERS = { text: (value) => value ?? UNKNOWN, truth: (value) => (value ? "yes" : UNKNOWN), count, fraction, quantity, milliseconds, parameters: weights };
  const formatted = (value, format) => WRITERS[format](value);

  return { UNKNOWN, formatted, fraction, withInterval, quantity, milliseconds, weights, count, counted, percent };
})();
