"use strict";

/** What the page shows: the stored results, with rows as objects. */
const data = (() => {
  const content = JSON.parse(document.getElementById("data").textContent);
  const audio = JSON.parse(document.getElementById("recordings").textContent);

  const rows = content.rows.map((values, place) => {
    const row = Object.fromEntries(content.fields.map((name, index) => [name, values[index]]));
    return { ...row, place, candidate: content.candidates[row.candidate], candidatePlace: row.candidate };
  });
  content.candidates.forEach((candidate, place) => {
    candidate.place = place;
  });

  const isLabelled = (place) => Object.keys(content.corpora[place].emotions).length > 0;

  /** What guessing gives on a corpus; null for a summary, where nothing can be scored, and for the unknown. */
  function chance(corpus) {
    return corpus !== null && isLabelled(corpus) ? 1 / Object.keys(content.corpora[corpus].emotions).length : null;
  }

  function find(list, candidate, corpus) {
    return list.find((each) => each.candidate === candidate && each.corpus === corpus) ?? null;
  }

  /** The clips worth listening to on a corpus, each with its recording where there is one. */
  function hardClips(corpus) {
    const place = content.hardClips.findIndex((each) => each.corpus === corpus);
    if (place < 0) return null;
    const found = content.hardClips[place];
    const joined = (list) =>
      found[list].map((clip, index) => {
        const recording = audio[place]?.recordings[audio[place][list][index]] ?? null;
        return { ...clip, recording: recording && { address: recording[0], embedded: recording[1], cut: recording[2] } };
      });
    return { candidates: found.candidates, wrong: joined("wrong"), disputed: joined("disputed") };
  }

  return {
    ...content,
    rows,
    chance,
    isLabelled,
    isOpen: (row) => content.openIntervals.includes(row.interval),
    hardClips,
    profile: (candidate, corpus) => find(content.profiles, candidate, corpus),
    scores: (candidate, corpus) => find(content.classes, candidate, corpus),
  };
})();
