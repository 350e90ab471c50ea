"use strict";

/** Names beside points, as many as fit without covering each other or a point; the others tell theirs on hover. */
const pointLabels = (() => {
  const LETTER = 6.6; // pixels, about, of the plot's 12-pixel type
  const LINE = 15;
  const NEAR = 16; // pixels from the middle of a point
  const LONGEST = 30;

  const places = [
    { align: "left", dx: NEAR, dy: -8 },
    { align: "right", dx: -NEAR, dy: -8 },
    { align: "left", dx: NEAR, dy: 10 },
    { align: "right", dx: -NEAR, dy: 10 },
    { align: "center", dx: 0, dy: -NEAR - 8 },
    { align: "center", dx: 0, dy: NEAR + 8 },
  ];

  const shortened = (name) => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);

  function box({ x, y }, text, { align, dx, dy }) {
    const width = text.length * LETTER;
    const left = x + dx - { left: 0, right: width, center: width / 2 }[align];
    return { left, right: left + width, top: y + dy - LINE / 2, bottom: y + dy + LINE / 2 };
  }

  const overlap = (one, other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

  /** The points that get a name, each with where it stands; those on the front choose first, then the best. */
  function place(points, domains, { width, height }) {
    const [fastest, slowest] = domains.x.map(Math.log);
    const [worst, best] = domains.y;
    const at = (point) => ({
      x: ((Math.log(point.ms) - fastest) / (slowest - fastest)) * width,
      y: ((best - point.score) / (best - worst || 1)) * height,
    });
    const taken = points.map(at).map(({ x, y }) => ({ left: x - 7, right: x + 7, top: y - 7, bottom: y + 7 }));
    const inside = (each) => each.left > 0 && each.right < width && each.top > -LINE && each.bottom < height;
    const ordered = [...points].sort((one, other) => one.front.localeCompare(other.front) * -1 || other.score - one.score);
    const placed = [];
    for (const point of ordered) {
      const text = shortened(point.name);
      const found = places.find((each) => inside(box(at(point), text, each)) && !taken.some((other) => overlap(box(at(point), text, each), other)));
      if (found) {
        taken.push(box(at(point), text, found));
        placed.push({ ...point, ...found, name: text });
      }
    }
    return placed;
  }

  return { place };
})();
