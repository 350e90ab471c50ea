"use strict";

/**
 * Tables that are sorted by a button in each heading.
 *
 * A column is `{name, title, hint, cell(row), value(row), number, descending, className, header}`: `cell` gives what is shown,
 * `value` what is sorted by, `descending` which way the first press sorts, `header` whether its cells name the row, `name` what
 * `sort` calls it.
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
  function sortable({ columns, caption, rowClass = () => "", whenSorted = () => {} }) {
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
      const button = dom.button(column.title, () => press(column), column.hint ? { "data-hint": column.hint } : {});
      const classes = [column.number ? "number" : "", column.className ?? ""].join(" ").trim();
      return dom.make("th", { scope: "col", class: classes || null, "aria-sort": "none" }, button);
    }

    function press(column) {
      const first = column.descending ? -1 : 1;
      sortBy(column, sorted.column === column ? -sorted.direction : first);
      whenSorted(`${sorted.direction < 0 ? "-" : ""}${column.name}`);
    }

    /** Sort as `whenSorted` was told: a name, with a minus before it where the largest comes first. */
    function sort(order) {
      const column = columns.find((each) => each.name === order.replace(/^-/, ""));
      if (column) sortBy(column, order.startsWith("-") ? -1 : 1);
    }

    function sortBy(column, direction) {
      sorted = { column, direction };
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

    return { element: copying.framed(table, caption), show, sort };
  }

  /** A plain table: headings, and rows of which the first cell names the row. */
  function plain({ caption, headings, rows, numeric = () => true }) {
    return copying.framed(
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
