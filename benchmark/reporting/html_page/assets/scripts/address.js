"use strict";

/** What is shown, in the address of the page: `#overview?corpus=1&sort=-uar`. Whoever gets the address sees the same. */
const address = (() => {
  const read = () => {
    const [place, query] = location.hash.slice(1).split("?");
    return { place, values: query === undefined ? null : new URLSearchParams(query) };
  };

  const first = read();
  let place = first.place;
  let values = first.values ?? new URLSearchParams();

  function write() {
    const query = values.toString();
    try {
      history.replaceState(null, "", `#${place || "overview"}${query ? `?${query}` : ""}`);
    } catch {
      // A page inside another one may not; it works without.
    }
  }

  /** Keep these values; what is empty is left out. */
  function set(changes) {
    const before = values.toString();
    for (const [name, value] of Object.entries(changes)) {
      if (value) values.set(name, value);
      else values.delete(name);
    }
    // While the page loads, a new place in the address would be scrolled to.
    if (values.toString() !== before) write();
  }

  // A link within the page names a place only: what is chosen stays.
  window.addEventListener("hashchange", () => {
    const next = read();
    place = next.place;
    values = next.values ?? values;
    if (next.values === null && values.size) write();
  });

  return { place: () => place, get: (name) => values.get(name) ?? "", set };
})();
