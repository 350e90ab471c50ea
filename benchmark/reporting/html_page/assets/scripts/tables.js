"use strict";

/**
 * Tables that are sorted by a button in each heading.
 *
 * A column is `{title, hint, cell(row), value(row), number, descending, className, header}`: `cell` gives what is shown,
 * `value` what is sorted by, `descending` which way the first press sorts, `header` whether its cells name the row.
 */
const tables = (() => {
  /** Smaller first; what is not known comes last, whichever way. */
  function compare(one, other, direction) {
    const unknown = (value) => value === null || value === undefined || value === "";
    if (unknown(one) || unknown(other)) return Number(unknown(one)) - Number(unknown(other));
    if (typeof one === "string") return direction * one.localeCompare(other, "en", { numeric: true });
    return direction * (one - other);
  }

  function cellOf(column, row) {
    const classes = [column.number ? "number" : "", column.className ?? ""].join(" ").trim();
    const attributes = classes ? { class: classes } : {};
    const tag = column.header ? "th" : "td";
    return dom.make(tag, column.header ? { scope: "row", ...attributes } : attributes, column.cell(row));
  }

  /** A table of `rows`, in their order until a heading is pressed; `show` replaces the rows. */
  function sortable({ columns, caption, rowClass = () => "" }) {
    const made = new Map();
    const body = dom.make("tbody");
    const headings = columns.map((column) => heading(column));
    const table = dom.make(
      "table",
      { class: "sortable" },
      dom.make("caption", { class: "unseen" }, caption),
      dom.make("thead", {}, dom.make("tr", {}, headings)),
      body,
    );
    let rows = [];
    let sorted = { column: null, direction: 0 };

    function heading(column) {
      const press = dom.button(column.title, () => sortBy(column), column.hint ? { "data-hint": column.hint } : {});
      const classes = [column.number ? "number" : "", column.className ?? ""].join(" ").trim();
      return dom.make("th", { scope: "col", class: classes || null, "aria-sort": "none" }, press);
    }

    function sortBy(column) {
      const first = column.descending ? -1 : 1;
      sorted = { column, direction: sorted.column === column ? -sorted.direction : first };
      headings.forEach((each, place) => {
        const isIt = columns[place] === column;
        each.setAttribute("aria-sort", isIt ? (sorted.direction > 0 ? "ascending" : "descending") : "none");
      });
      render();
    }

    function element(row) {
      if (!made.has(row)) {
        const className = rowClass(row);
        made.set(row, dom.make("tr", className ? { class: className } : {}, columns.map((each) => cellOf(each, row))));
      }
      return made.get(row);
    }

    function render() {
      const ordered = [...rows];
      if (sorted.column) {
        const { column, direction } = sorted;
        ordered.sort((one, other) => compare(column.value(one), column.value(other), direction));
      }
      body.replaceChildren(...ordered.map(element));
    }

    function show(next) {
      rows = next;
      render();
    }

    return { element: dom.scrolling(table, caption), show };
  }

  /** A plain table: headings, and rows of which the first cell names the row. */
  function plain({ caption, headings, rows, numeric = () => true }) {
    return dom.scrolling(
      dom.make(
        "table",
        {},
        dom.make("caption", { class: "unseen" }, caption),
        dom.make(
          "thead",
          {},
          dom.make(
            "tr",
            {},
            headings.map((each, place) =>
              dom.make("th", { scope: "col", class: place && numeric(place) ? "number" : null }, each),
            ),
          ),
        ),
        dom.make(
          "tbody",
          {},
          rows.map((cells) =>
            dom.make(
              "tr",
              {},
              cells.map((cell, place) =>
                place
                  ? dom.make("td", { class: numeric(place) ? "number" : null }, cell)
                  : dom.make("th", { scope: "row" }, cell),
              ),
            ),
          ),
        ),
      ),
      caption,
    );
  }

  return { sortable, plain };
})();
