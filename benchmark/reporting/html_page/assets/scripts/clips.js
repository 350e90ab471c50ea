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

  function list(panel, found, intro) {
    const items = dom.make("ol", { class: "clips" }, found.slice(0, FIRST).map(item));
    panel.append(dom.make("p", { class: "note" }, intro), items);
    if (found.length > FIRST) {
      const more = dom.button(`Show ${found.length - FIRST} more`, () => {
        const added = found.slice(FIRST).map(item);
        items.append(...added);
        more.remove();
        added[0].querySelector("h3").tabIndex = -1;
        added[0].querySelector("h3").focus();
      });
      panel.append(more);
    }
  }

  /** The error browser of a corpus; false where there is nothing to listen to. */
  function show(element, corpus) {
    const found = corpus === undefined || corpus === null ? null : data.hardClips(corpus);
    const entries = [
      { title: "Most get wrong", key: "wrong", intro: "Counted are the candidates that have a name for the clip's emotion. First come the clips that most of them miss." },
      { title: "Most disagreed on", key: "disputed", intro: "The clips to which the candidates give the most different answers." },
    ].filter(({ key }) => found?.[key].length);
    if (!entries.length) return false;
    const shown = tabs.make("Which clips", entries.map(({ title, key, intro }) => ({ title, build: (panel) => list(panel, found[key], intro) })));
    const hasAudio = entries.some(({ key }) => found[key].some((clip) => clip.recording));
    element.replaceChildren(
      hasAudio ? "" : dom.make("p", { class: "note" }, "The page has no recordings of this corpus: ", dom.make("code", {}, "bench run --embed-audio 20"), " puts some into it."),
      shown.element,
    );
    shown.show(0);
    return true;
  }

  return { show };
})();
