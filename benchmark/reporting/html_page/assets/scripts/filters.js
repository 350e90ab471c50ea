"use strict";

/** What the reader wants to see. */
const filters = (() => {
  const form = dom.byId("filters");
  const ANY = "";
  const EVERY_CORPUS = "every";
  const SUMMARY = "summary";

  const distinct = (values) => [...new Set(values.filter((value) => value !== null && value !== undefined && value !== ""))].sort();

  const select = (name, label, options) => dom.choice(`filter-${name}`, name, label, options);

  /** A choice among the values that occur; none where there is nothing to choose. */
  function choice(name, label, values) {
    return values.length > 1 ? select(name, label, [[ANY, "any"], ...values.map((value) => [value, value])]) : null;
  }

  function corpora() {
    const options = data.corpora.map((corpus, place) => [String(place), corpus.name]);
    if (data.hasSummary) options.push([SUMMARY, "summary over several"]);
    if (data.corpora.length > 1) options.push([EVERY_CORPUS, "every corpus"]);
    return options.length > 1 ? select("corpus", "Corpus", options) : null;
  }

  function build() {
    const most = Math.max(0, ...data.candidates.map((each) => each.emotions ?? 0));
    const statuses = distinct(data.candidates.map((each) => each.status));
    form.append(
      ...[
        corpora(),
        dom.make(
          "div",
          { class: "field grows" },
          dom.make("label", { for: "filter-text" }, "Search"),
          dom.make("input", { id: "filter-text", name: "text", type: "search", placeholder: "name, label, licence, flag …" }),
        ),
        choice("device", "Device", distinct(data.rows.map((row) => row.device))),
        most > 2
          ? select("emotions", "Emotions", [[ANY, "any number"], ...Array.from({ length: most - 1 }, (_, place) => [String(place + 2), `at least ${place + 2}`])])
          : null,
        choice("status", "Status", statuses),
        choice("language", "Language", distinct(data.candidates.flatMap((each) => each.languages ?? []))),
        choice("license", "Licence", distinct(data.candidates.map((each) => each.license))),
        dom.button("Reset", () => { form.reset(); form.dispatchEvent(new Event("change")); }, { class: "quiet", id: "filter-reset" }),
      ].filter(Boolean),
    );
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  const value = (name) => form.elements.namedItem(name)?.value ?? ANY;

  function wordsOf(candidate) {
    candidate.words ??= [
      candidate.name, candidate.id, candidate.status, candidate.license, candidate.architecture, candidate.reason, candidate.why,
      ...(candidate.languages ?? []), ...(candidate.labels ?? []).flat(),
    ].filter(Boolean).join(" ").toLowerCase();
    return candidate.words;
  }

  /** Whether a candidate is wanted; `more` is what else of it can be searched. */
  function wants(candidate, more = "") {
    const text = value("text").trim().toLowerCase();
    return (
      (value("status") === ANY || candidate.status === value("status")) &&
      (value("license") === ANY || candidate.license === value("license")) &&
      (value("language") === ANY || (candidate.languages ?? []).includes(value("language"))) &&
      (value("emotions") === ANY || (candidate.emotions ?? 0) >= Number(value("emotions"))) &&
      text.split(/\s+/).every((word) => wordsOf(candidate).includes(word) || more.includes(word))
    );
  }

  /** The chosen corpus: its place, null for the summary, undefined for every one. */
  function corpus() {
    const chosen = value("corpus");
    if (!data.corpora.length) return undefined;
    if (chosen === SUMMARY) return null;
    if (chosen === EVERY_CORPUS) return undefined;
    return chosen === ANY ? 0 : Number(chosen);
  }

  /** The rows of the chosen corpus that are wanted. */
  function rows() {
    const chosen = corpus();
    return data.rows.filter(
      (row) =>
        (chosen === undefined ? row.corpus !== null : row.corpus === chosen) &&
        (value("device") === ANY || row.device === value("device")) &&
        wants(row.candidate, row.flags.join(" ")),
    );
  }

  /** All rows of the chosen corpus. */
  function all() {
    const chosen = corpus();
    return data.rows.filter((row) => (chosen === undefined ? row.corpus !== null : row.corpus === chosen));
  }

  function whenChanged(act) {
    form.addEventListener("input", act);
    form.addEventListener("change", act);
  }

  const fields = () => [...form.elements].filter((field) => field.name);
  /** What a field holds before anything is chosen: nothing, or its first option. */
  const initial = (field) => field.options?.[0].value ?? ANY;

  function keep() {
    address.set(Object.fromEntries(fields().map((field) => [field.name, field.value === initial(field) ? "" : field.value])));
  }

  /** Choose what the address says. */
  function restore() {
    for (const field of fields()) {
      const wanted = address.get(field.name) || initial(field);
      const isKnown = !field.options || [...field.options].some((option) => option.value === wanted);
      field.value = isKnown ? wanted : initial(field);
    }
  }

  build();
  restore();
  whenChanged(keep);
  return { corpus, rows, all, wants, whenChanged, restore };
})();
