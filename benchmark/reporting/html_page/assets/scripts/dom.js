"use strict";

/** Elements, always from text: nothing here, or anywhere else in this page, reads data as HTML. */
const dom = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined && value !== false) {
        element.setAttribute(name, value === true ? "" : String(value));
      }
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }

  /** An element with attributes and children; a string becomes text. */
  function make(tag, attributes = {}, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }

  /** The same for a drawing. */
  function draw(tag, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
  }

  /** A labelled choice among `[value, text]`. */
  function choice(id, name, label, options) {
    const select = make("select", { id, name }, options.map(([value, text]) => make("option", { value }, text)));
    return make("div", { class: "field" }, make("label", { for: id }, label), select);
  }

  /** A button that does something. */
  function button(text, act, attributes = {}) {
    const element = make("button", { type: "button", ...attributes }, text);
    element.addEventListener("click", act);
    return element;
  }

  /** Text that only a screen reader says. */
  function unseen(text) {
    return make("span", { class: "unseen" }, text);
  }

  const frames = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const frame = target.closest(".scrolling");
      frame?.toggleAttribute("data-scrolls", frame.scrollWidth > frame.clientWidth + 1);
    }
  });

  /** Mark a frame while there is more in it than can be seen. */
  function marked(frame) {
    frames.observe(frame);
    frames.observe(frame.firstElementChild);
    return frame;
  }

  /** A table that scrolls inside its frame instead of widening the page. */
  function scrolling(table, label) {
    return marked(make("div", { class: "scrolling", role: "group", tabindex: 0, "aria-label": label }, table));
  }

  for (const frame of document.querySelectorAll(".scrolling")) marked(frame);

  const byId = (id) => document.getElementById(id);

  return { make, draw, choice, button, unseen, scrolling, byId };
})();
