"use strict";

/** Two candidates side by side, clip by clip. */
const comparison = (() => {
  const section = dom.byId("compare-section");
  const fold = section.querySelector("details");
  const FIRST = 50;
  const WHICH = [
    ["", "where they differ"],
    ["first", "only the first is right"],
    ["second", "only the second is right"],
    ["neither", "neither is right"],
    ["every", "every clip"],
  ];
  let found = null;
  let isLabelled = false;
  let built = false;

  /** The pair in the address, or the two that are first in the table. */
  function pair(corpus) {
    const wanted = address.get("compare").split(",").map((place) => (place ? Number(place) : NaN));
    const ranked = data.rows.filter((row) => row.corpus === corpus).map((row) => row.candidatePlace);
    const known = [...wanted, ...ranked, ...found.candidates].filter((place) => found.candidates.includes(place));
    return [...new Set(known)].slice(0, 2);
  }

  function answersOf([first, second]) {
    return found.clips.map((clip) => {
      const said = [found.answer(clip, first), found.answer(clip, second)];
      const right = said.map((answer) => answer !== null && answer === clip.emotion);
      return { clip, said, right, differ: said[0] !== said[1] };
    });
  }

  const chooses = {
    "": ({ differ }) => differ,
    first: ({ right }) => right[0] && !right[1],
    second: ({ right }) => !right[0] && right[1],
    neither: ({ clip, right }) => clip.emotion !== null && !right[0] && !right[1],
    every: () => true,
  };

  function summary(answers, names) {
    const count = (which) => numbers.count(answers.filter(chooses[which]).length);
    const rights = isLabelled ? `: ${names[0]} alone is right on ${count("first")}, ${names[1]} alone on ${count("second")}. Neither is right on ${count("neither")}` : "";
    return `They differ on ${count("")} of ${numbers.counted(answers.length, "clip")}${rights}.${clipBrowser.cut(found)}`;
  }

  const word = (answer, right) => [answer ?? "no answer", right ? " ✓" : "", right ? dom.unseen(" right") : ""];

  function table(answers, names, caption) {
    const hasAudio = answers.some(({ clip }) => clip.recording);
    return tables.plain({
      caption,
      headings: ["clip", ...(isLabelled ? ["emotion"] : []), ...names, ...(hasAudio ? ["recording"] : [])],
      numeric: () => false,
      rows: answers.map(({ clip, said, right }) => [
        clip.clip,
        ...(isLabelled ? [clip.emotion ?? numbers.UNKNOWN] : []),
        word(said[0], right[0]),
        word(said[1], right[1]),
        ...(hasAudio ? [clips.player(clip) ?? ""] : []),
      ]),
    });
  }

  function build(corpus) {
    built = true;
    const names = found.candidates.map((place) => [String(place), data.candidates[place].name]);
    const chosen = pair(corpus);
    const form = dom.make(
      "form",
      { class: "fields", "aria-label": "Choose two candidates", autocomplete: "off" },
      dom.choice("compare-first", "first", "First", names),
      dom.choice("compare-second", "second", "Second", names),
      dom.choice("compare-show", "show", "Show", isLabelled ? WHICH : [WHICH[0], WHICH.at(-1)]),
    );
    const [first, second, which] = form.elements;
    first.value = String(chosen[0]);
    second.value = String(chosen[1]);
    if ([...which.options].some((option) => option.value === address.get("compare-show"))) which.value = address.get("compare-show");
    const sentence = dom.make("p", { class: "shown", role: "status" });
    const list = dom.make("div");

    function show() {
      const shown = [Number(first.value), Number(second.value)];
      const titles = shown.map((place) => data.candidates[place].name);
      const answers = answersOf(shown);
      const rows = answers.filter(chooses[which.value]);
      const caption = `${titles.join(" and ")}, clip by clip`;
      sentence.textContent = summary(answers, titles);
      const more = dom.button(`Show all ${numbers.count(rows.length)}`, () => list.replaceChildren(table(rows, titles, caption)));
      list.replaceChildren(...(rows.length ? [table(rows.slice(0, FIRST), titles, caption)] : []), ...(rows.length > FIRST ? [more] : []));
    }

    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", () => {
      address.set({ compare: `${first.value},${second.value}`, "compare-show": which.value });
      show();
    });
    dom.byId("comparison").replaceChildren(form, sentence, list);
    show();
  }

  /** Offer the comparison on a corpus; it is made when it is unfolded. */
  function show(corpus) {
    found = typeof corpus === "number" ? data.answersOn(corpus) : null;
    isLabelled = found !== null && data.isLabelled(corpus);
    section.hidden = found === null || found.candidates.length < 2;
    built = false;
    fold.ontoggle = () => fold.open && !built && !section.hidden && build(corpus);
    if (address.get("compare") && !section.hidden) fold.open = true;
    if (fold.open) fold.ontoggle();
  }

  return { show };
})();
