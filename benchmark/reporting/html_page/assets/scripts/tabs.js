"use strict";

/** Tabs as the ARIA practices describe them: one stop of the tab key, arrows between them, the panel after them. */
const tabs = (() => {
  let made = 0;

  /** Tabs over panels that are built when they are first shown: `[{title, build(panel)}]`.
   *  `whenChosen` is told which one was pressed. */
  function make(label, entries, whenChosen = () => {}) {
    const name = `tabs-${(made += 1)}`;
    const built = new Set();
    const panels = entries.map((_, place) =>
      dom.make("div", { role: "tabpanel", id: `${name}-panel-${place}`, "aria-labelledby": `${name}-tab-${place}`, tabindex: 0, hidden: true }),
    );
    const heads = entries.map((entry, place) =>
      dom.button(entry.title, () => choose(place), { role: "tab", id: `${name}-tab-${place}`, "aria-controls": `${name}-panel-${place}` }),
    );

    function show(chosen) {
      heads.forEach((head, place) => {
        head.setAttribute("aria-selected", String(place === chosen));
        head.tabIndex = place === chosen ? 0 : -1;
        panels[place].hidden = place !== chosen;
      });
      if (!built.has(chosen)) {
        built.add(chosen);
        entries[chosen].build(panels[chosen]);
      }
    }

    function choose(place) {
      show(place);
      whenChosen(place);
    }

    const list = dom.make("div", { role: "tablist", "aria-label": label }, heads);
    list.addEventListener("keydown", (event) => {
      const now = heads.indexOf(document.activeElement);
      const last = heads.length - 1;
      const next = { ArrowRight: now === last ? 0 : now + 1, ArrowLeft: now === 0 ? last : now - 1, Home: 0, End: last }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      choose(next);
      heads[next].focus();
    });
    return { element: dom.make("div", { class: "tabs" }, list, panels), show };
  }

  return { make };
})();
