"use strict";

/** The clips that are worth listening to. */
const clips = (() => {
  const FIRST = 8;

  const asked = (clip) => clip.answers.reduce((sum, [, candidates]) => sum + candidates.length, 0);

  function player(clip) {
    const { recording } = clip;
    if (!recording) return null;
    const audio = dom.make("audio", { controls: true, preload: "none", src: recording.address, "aria-label": `Recording ${clip.clip}` });
    const problem = dom.make("p", { class: "note", hidden: true }, "The recording cannot be played: it is not where it was, or its format is not one that this browser knows.");
    audio.addEventListener("error", () => {
      problem.hidden = false;
    });
    const link = recording.embedded ? null : dom.make("a", { href: recording.address, class: "file" }, "open the file");
    const cut = recording.cut ? dom.make("small", {}, "its first 30 seconds") : null;
    return dom.make("div", { class: "player" }, audio, link, cut, problem);
  }

  function answerBar([said, { length }], clip) {
    const isRight = said !== null && said === clip.emotion;
    const share = length / asked(clip);
    const bar = dom.make("span", { class: isRight ? "bar right" : "bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", share);
    return dom.make("li", {}, dom.make("span", { class: "word" }, said ?? "no answer", isRight ? " ✓" : "", isRight ? dom.unseen(" right") : ""), bar, dom.make("span", { class: "number" }, `${length} of ${asked(clip)}`));
  }

  function everybody(clip) {
    const details = dom.make("details", {}, dom.make("summary", {}, "Who says what"));
    details.addEventListener("toggle", () => {
      if (details.childElementCount > 1) return;
      details.append(tables.plain({
        caption: `What each candidate says to ${clip.clip}`,
        headings: ["candidate", "says"],
        numeric: () => false,
        rows: clip.answers.flatMap(([said, candidates]) =>
          candidates.map((place) => [rowTables.candidateLink(data.candidates[place]), said ?? "no answer"]),
        ),
      }));
    });
    return details;
  }

  function facts(clip) {
    return [
      clip.emotion ? ["it is ", dom.make("b", {}, clip.emotion)] : null,
      clip.label && clip.label !== clip.emotion ? `labelled ${clip.label}` : null,
      clip.speaker ? `speaker ${clip.speaker}` : null,
      clip.duration_s === null ? null : `${clip.duration_s.toFixed(1)} s`,
      clip.able ? `missed by ${clip.wrong} of ${clip.able} that could know` : null,
    ]
      .filter(Boolean)
      .map((fact) => dom.make("li", {}, fact));
  }

  function item(clip) {
    return dom.make(
      "li",
      { class: "clip" },
      dom.make("h3", {}, clip.clip),
      dom.make("ul", { class: "facts" }, facts(clip)),
      player(clip),
      dom.make("ul", { class: "votes", "aria-label": "What the candidates say" }, clip.answers.map((each) => answerBar(each, clip))),
      everybody(clip),
    );
  }

  const NEXT = 24;

  /** The first clips, and a button for more. */
  function list(found) {
    const items = dom.make("ol", { class: "clips" }, found.slice(0, FIRST).map(item));
    const left = () => found.length - items.childElementCount;
    const wording = () => `Show ${Math.min(NEXT, left())} more of ${numbers.count(left())}`;
    const more = dom.button(wording(), () => {
      const shown = items.childElementCount;
      const added = found.slice(shown, shown + NEXT).map(item);
      items.append(...added);
      if (left()) more.textContent = wording();
      else more.remove();
      added[0].querySelector("h3").tabIndex = -1;
      added[0].querySelector("h3").focus();
    });
    return left() ? [items, more] : [items];
  }

  /** The error browser of a corpus; false where there is nothing to listen to. */
  function show(element, corpus) {
    const found = corpus === undefined || corpus === null ? null : data.hardClips(corpus);
    const entries = [
      { title: "Most get wrong", key: "wrong", intro: "Counted are the candidates that have a name for the clip's emotion. First come the clips that most of them miss." },
      { title: "Most disagreed on", key: "disputed", intro: "The clips to which the candidates give the most different answers." },
    ].filter(({ key }) => found?.[key].length);
    const answers = found && data.answersOn(corpus);
    if (!entries.length && !answers) return false;
    const panels = entries.map(({ title, key, intro }) => ({
      title,
      build: (panel) => panel.append(dom.make("p", { class: "note" }, intro), ...list(found[key])),
    }));
    if (answers) panels.push({ title: "All clips", build: (panel) => clipBrowser.build(panel, answers, data.isLabelled(corpus)) });
    const shown = tabs.make("Which clips", panels);
    const hasAudio = [...entries.flatMap(({ key }) => found[key]), ...(answers?.clips ?? [])].some((clip) => clip.recording);
    element.replaceChildren(
      hasAudio ? "" : dom.make("p", { class: "note" }, "The page has no recordings of this corpus: ", dom.make("code", {}, "bench run --embed-audio 20"), " puts some into it."),
      shown.element,
    );
    shown.show(answers && clipBrowser.isChosen() ? panels.length - 1 : 0);
    return true;
  }

  return { show, list, player };
})();
