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
  function chance(corpus, compared = false) {
    if (corpus === null || !isLabelled(corpus)) return null;
    return 1 / (compared ? content.corpora[corpus].compared : Object.keys(content.corpora[corpus].emotions).length);
  }

  /** A score with its interval. Where rare emotions or clips without a speaker are left out of intervals, the interval
   *  is around `compared_…`, the score without them. */
  function scoreOf(row, name) {
    const measure = name.replace("compared_", "");
    const isCompared = row[`compared_${measure}`] !== null;
    const hasInterval = isCompared === (measure !== name);
    const [low, high] = hasInterval ? [row[`${measure}_low`], row[`${measure}_high`]] : [null, null];
    const guessed = measure === "uar" ? chance(row.corpus, measure !== name) : row.majority_accuracy;
    return { value: row[name], low, high, chance: guessed };
  }

  /** Where a race has stopped a candidate, in place of its score; null if none has. */
  function stopped(row) {
    return row.stopped_after === null ? null : `stopped after ${numbers.count(row.stopped_after)} of ${numbers.count(row.stopped_of)} clips`;
  }

  function find(list, candidate, corpus) {
    return list.find((each) => each.candidate === candidate && each.corpus === corpus) ?? null;
  }

  function recordingOf(place, list, index) {
    const recording = audio[place]?.recordings[audio[place][list][index]] ?? null;
    return recording && { address: recording[0], embedded: recording[1], cut: recording[2] };
  }

  const NONE = "@".charCodeAt(0);
  const answered = new Map();

  /** The clips of a corpus with all answers, and who answered; null where they are not in the page. */
  function answersOn(corpus) {
    const found = content.clipAnswers.find((each) => each.corpus === corpus);
    if (!found) return null;
    if (!answered.has(corpus)) {
      const place = content.hardClips.findIndex((each) => each.corpus === corpus);
      const letters = new Map(found.answers);
      const answer = (clip, candidate) => found.classes[letters.get(candidate).charCodeAt(clip.index) - NONE - 1] ?? null;
      const clips = found.clips.map(([clip, label, emotion, speaker, duration_s], index) => ({
        clip, label, emotion, speaker, duration_s, index, recording: recordingOf(place, "answered", index),
      }));
      answered.set(corpus, { total: found.total, candidates: [...letters.keys()], clips, answer });
    }
    return answered.get(corpus);
  }

  /** The clips worth listening to on a corpus, each with its recording where there is one. */
  function hardClips(corpus) {
    const place = content.hardClips.findIndex((each) => each.corpus === corpus);
    if (place < 0) return null;
    const found = content.hardClips[place];
    const joined = (list) => found[list].map((clip, index) => ({ ...clip, recording: recordingOf(place, list, index) }));
    return { candidates: found.candidates, wrong: joined("wrong"), disputed: joined("disputed") };
  }

  return {
    ...content,
    rows,
    chance,
    scoreOf,
    stopped,
    isLabelled,
    isOpen: (row) => content.openIntervals.includes(row.interval),
    hardClips,
    answersOn,
    profile: (candidate, corpus) => find(content.profiles, candidate, corpus),
    scores: (candidate, corpus) => find(content.classes, candidate, corpus),
  };
})();
