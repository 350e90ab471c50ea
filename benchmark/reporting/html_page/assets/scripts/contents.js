"use strict";

/** The contents at the head of the page, and the folds that they lead to. */
const contents = (() => {
  const nav = dom.byId("contents");
  const sections = [...document.querySelectorAll("#overview > section[id]")];

  /** List the sections that are there at present. */
  function show() {
    const shown = sections.filter((section) => !section.hidden);
    const link = (section) => dom.make("a", { href: `#${section.id}` }, section.querySelector("h2").textContent);
    nav.replaceChildren(dom.make("ul", {}, shown.map((section) => dom.make("li", {}, link(section)))));
  }

  /** Unfold a section and scroll to it; false where it is none. */
  function reveal(id) {
    const section = sections.find((each) => each.id === id);
    if (!section) return false;
    const fold = section.querySelector(":scope > details");
    if (fold) fold.open = true;
    section.scrollIntoView();
    return true;
  }

  nav.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link) reveal(link.hash.slice(1));
  });

  // What is folded would not be printed.
  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details.fold:not([open])")];
    for (const fold of unfolded) fold.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const fold of unfolded) fold.open = false;
  });

  return { show, reveal };
})();
