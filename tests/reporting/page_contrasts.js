// The contrasts of the page's colours, by pair (WCAG 2: 4.5 for text).
() => {
  const style = getComputedStyle(document.documentElement);
  const channels = (name) => {
    const value = style.getPropertyValue(`--${name}`).trim();
    return [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16) / 255);
  };
  const light = (name) => {
    const [r, g, b] = channels(name).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (first, second) => {
    const [low, high] = [light(first), light(second)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const pairs = ["ink", "soft", "accent", "right", "grave"].flatMap((name) => [[name, "paper"], [name, "raised"]]);
  pairs.push(["ink", "shade"]); // cells of a confusion matrix lie between raised and shade
  return Object.fromEntries(pairs.map(([front, back]) => [`${front} on ${back}`, contrast(front, back)]));
}
