"use strict";

/** Buttons below a table that copy it as it is shown: as CSV, and as LaTeX for a paper (booktabs). */
const copying = (() => {
  // As benchmark/reporting/escaping.py: what a spreadsheet would run gets an apostrophe.
  const FORMULA = /^[=+\-@\uff1d\uff0b\uff0d\uff20]/;
  const LATEX = {
    "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "`": "\\textasciigrave{}",
    '"': "''", "<": "$<$", ">": "$>$", "|": "$|$", "−": "$-$", "–": "--", "×": "$\\times$", "-": "-{}",
  };

  /** The text of a cell, without what only a screen reader says; scores have their interval in brackets. */
  function text(cell) {
    const copy = cell.cloneNode(true);
    for (const element of copy.querySelectorAll(".unseen")) element.remove();
    for (const element of copy.querySelectorAll("[data-copy]")) element.textContent = element.dataset.copy;
    for (const element of copy.querySelectorAll(".chip")) element.append(" ");
    return copy.textContent.replace(/\s+/g, " ").trim();
  }

  const lines = (table) => [...table.rows].map((row) => [...row.cells].map(text));

  function csvCell(content) {
    const safe = FORMULA.test(content) ? `'${content}` : content;
    return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  }

  const csv = (table) => lines(table).map((cells) => `${cells.map(csvCell).join(",")}\n`).join("");

  // A hyphen before another one would become a dash with it; a row that begins with [ or * would change the line end.
  const latexCell = (content) => content.replace(/-(?=-)|[\\~^`"<>|−–×{}$%&#_[\]*]/g, (found) => LATEX[found] ?? ("[]*".includes(found) ? `{${found}}` : `\\${found}`));

  function latex(table) {
    const [headings, ...rows] = lines(table).map((cells) => `${cells.map(latexCell).join(" & ")} \\\\`);
    const columns = [...table.rows[0].cells].map((cell) => (cell.classList.contains("number") ? "r" : "l")).join("");
    return [`\\begin{tabular}{${columns}}`, "\\toprule", headings, "\\midrule", ...rows, "\\bottomrule", "\\end{tabular}", ""].join("\n");
  }

  /** Browsers that refuse the clipboard to a page on disk still copy what is selected. */
  function copySelected(content) {
    const field = dom.make("textarea", { class: "unseen", "aria-hidden": "true", readonly: true });
    const active = document.activeElement;
    field.value = content;
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    active?.focus();
    return isCopied;
  }

  async function copy(content) {
    try {
      await navigator.clipboard.writeText(content);
      return true;
    } catch {
      return copySelected(content);
    }
  }

  /** The buttons for a table. */
  function buttons(table) {
    const status = dom.make("span", { "aria-live": "polite" });
    const press = (name, write) =>
      dom.button(`Copy as ${name}`, async () => {
        status.textContent = (await copy(write(table))) ? ` ${name} copied.` : " This browser does not let the page copy.";
        window.setTimeout(() => status.replaceChildren(), 4000);
      }, { class: "quiet" });
    return dom.make("p", { class: "copies" }, press("CSV", csv), press("LaTeX", latex), status);
  }

  /** A table that scrolls inside its frame, above its buttons. */
  const framed = (table, label) => dom.make("div", {}, dom.scrolling(table, label), buttons(table));

  for (const table of document.querySelectorAll(".prose .scrolling > table")) table.parentElement.after(buttons(table));

  return { framed };
})();
