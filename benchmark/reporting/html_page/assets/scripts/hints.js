"use strict";

/** Explanations that appear on hover and on focus, and go on Escape: `data-hint` on anything that can be focused. */
const hints = (() => {
  const bubble = dom.byId("hint");
  const GAP = 8;
  let shownFor = null;

  function place(target) {
    const box = target.getBoundingClientRect();
    const left = Math.min(Math.max(GAP, box.left), window.innerWidth - bubble.offsetWidth - GAP);
    const below = box.bottom + GAP;
    const fits = below + bubble.offsetHeight < window.innerHeight;
    bubble.style.left = `${Math.max(GAP, left)}px`;
    bubble.style.top = `${fits ? below : Math.max(GAP, box.top - GAP - bubble.offsetHeight)}px`;
  }

  function show(target, text = target.dataset.hint) {
    bubble.textContent = text;
    bubble.hidden = false;
    shownFor = target;
    target.setAttribute("aria-describedby", bubble.id);
    place(target);
  }

  function hide() {
    bubble.hidden = true;
    shownFor?.removeAttribute("aria-describedby");
    shownFor = null;
  }

  /** Show lines of text at a place of the window, for what a plot is pointed at. */
  function showAt(x, y, lines) {
    bubble.textContent = lines.join("\n");
    bubble.hidden = false;
    const left = x + 14 + bubble.offsetWidth > window.innerWidth ? x - 14 - bubble.offsetWidth : x + 14;
    bubble.style.left = `${Math.max(GAP, left)}px`;
    bubble.style.top = `${Math.max(GAP, Math.min(y + 14, window.innerHeight - bubble.offsetHeight - GAP))}px`;
  }

  const targetOf = (event) => (event.target instanceof Element ? event.target.closest("[data-hint]") : null);
  for (const begins of ["mouseover", "focusin"]) {
    document.addEventListener(begins, (event) => {
      const target = targetOf(event);
      if (target) show(target);
    });
  }
  for (const ends of ["mouseout", "focusout"]) {
    document.addEventListener(ends, (event) => {
      if (shownFor && targetOf(event) === shownFor) hide();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || bubble.hidden) return;
    hide();
    event.preventDefault(); // it has done its work
  });
  window.addEventListener("scroll", hide, { passive: true, capture: true });

  /** A word with its explanation. */
  function chip(word, explanation, kind = "") {
    return dom.make("button", { type: "button", class: `chip ${kind}`.trim(), "data-hint": explanation }, word);
  }

  return { chip, showAt, hide };
})();
