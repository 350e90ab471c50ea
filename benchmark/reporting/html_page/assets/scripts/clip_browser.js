"use strict";

/** All clips of a corpus, chosen by label, speaker, answer and who is right. */
const clipBrowser = (() => {
  const NAMES = ["clip-label", "clip-speaker", "clip-candidate", "clip-answer", "clip-right"];
  const NO_ANSWER = "no answer";
  const RIGHT = [
    ["", "any"],
    ["right", "right"],
    ["wrong", "wrong"],
    ["all", "everybody is right"],
    ["none", "nobody is right"],
  ];

  const isChosen = () => NAMES.some((name) => address.get(name));

  function options(values) {
    const distinct = [...new Set(values.filter((value) => value !== null))].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
    return [["", "any"], ...distinct.map((value) => [value, value])];
  }

  function form({ clips, candidates }, answers, isLabelled) {
    const choices = [
      ["label", "Label", options(clips.map((clip) => clip.label))],
      ["speaker", "Speaker", options(clips.map((clip) => clip.speaker))],
      ["candidate", "Candidate", [["", "any of them"], ...candidates.map((place) => [String(place), data.candidates[place].name])]],
      ["answer", "Its answer", options(answers.flat())],
      ["right", "Its answer is", isLabelled ? RIGHT : []],
    ].filter(([, , values]) => values.length > 2 || values === RIGHT);
    const element = dom.make("form", { class: "fields", "aria-label": "Choose clips", autocomplete: "off" }, choices.map(([name, label, values]) => dom.choice(`clip-${name}`, `clip-${name}`, label, values)));
    for (const field of element.elements) {
      const wanted = address.get(field.name);
      if ([...field.options].some((option) => option.value === wanted)) field.value = wanted;
    }
    return element;
  }

  /** Whether the answers to a clip, of those that are asked about, are as wanted; `said` are these, `all` everybody's. */
  function isRight(clip, wanted, said, all) {
    if (!wanted) return true;
    if (clip.emotion === null) return false;
    const right = (answer) => answer === clip.emotion;
    return { right: said.some(right), wrong: !said.every(right), all: all.every(right), none: !all.some(right) }[wanted];
  }

  /** A clip as the other lists have it, with who answers what. */
  function grouped(clip, said, candidates) {
    const groups = Map.groupBy(candidates, (_, place) => said[place]);
    return { ...clip, answers: [...groups].sort(([, one], [, other]) => other.length - one.length) };
  }

  /** The filters and the clips that they leave. */
  function build(panel, found, isLabelled) {
    const answers = found.clips.map((clip) => found.candidates.map((place) => found.answer(clip, place)));
    const fields = form(found, answers.map((said) => said.map((answer) => answer ?? NO_ANSWER)), isLabelled);
    const status = dom.make("p", { class: "shown", role: "status" });
    const list = dom.make("div");

    function show() {
      const value = (name) => fields.elements.namedItem(`clip-${name}`)?.value ?? "";
      const asked = found.candidates.indexOf(Number(value("candidate") || NaN));
      const chosen = found.clips.filter((clip) => {
        const said = asked < 0 ? answers[clip.index] : [answers[clip.index][asked]];
        return (
          (!value("label") || clip.label === value("label")) &&
          (!value("speaker") || clip.speaker === value("speaker")) &&
          (!value("answer") || said.some((answer) => (answer ?? NO_ANSWER) === value("answer"))) &&
          isRight(clip, value("right"), said, answers[clip.index])
        );
      });
      status.textContent = `${numbers.count(chosen.length)} of ${numbers.counted(found.clips.length, "clip")}.${cut(found)}`;
      list.replaceChildren(...clips.list(chosen.map((clip) => grouped(clip, answers[clip.index], found.candidates))));
    }

    fields.addEventListener("submit", (event) => event.preventDefault());
    fields.addEventListener("change", () => {
      address.set(Object.fromEntries([...fields.elements].map((field) => [field.name, field.value])));
      show();
    });
    panel.append(fields, status, list);
    show();
  }

  /** That a large corpus is in the page in part. */
  const cut = ({ clips: listed, total }) =>
    listed.length < total ? ` The corpus has ${numbers.count(total)}: these are the clips that most candidates miss.` : "";

  return { build, isChosen, cut };
})();
