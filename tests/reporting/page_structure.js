// What screen readers would stumble over in the page, as sentences.
() => {
  const all = (what) => [...document.querySelectorAll(what)];
  const complaints = [];
  const ids = all("[id]").map((element) => element.id);
  complaints.push(...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `two elements are #${id}`));
  for (const field of all("select, input")) if (!field.labels.length) complaints.push(`${field.name} has no label`);
  for (const table of all("table")) {
    if (!table.caption?.textContent.trim()) complaints.push("a table has no caption");
    for (const th of table.querySelectorAll("th")) if (!th.scope) complaints.push(`no scope: ${th.textContent}`);
  }
  for (const element of all("button, a[href], summary")) {
    if (!element.textContent.trim() && !element.ariaLabel) complaints.push("something to press has no name");
  }
  for (const svg of all("svg:not([aria-hidden])")) {
    const named = svg.closest("[aria-label], [role=graphics-document]");
    if (!named) complaints.push("a plot has no name");
  }
  for (const element of all("[aria-labelledby], [aria-controls], [aria-describedby]")) {
    for (const name of ["aria-labelledby", "aria-controls", "aria-describedby"]) {
      const id = element.getAttribute(name);
      if (id && !document.getElementById(id)) complaints.push(`${name} names #${id}, which is not there`);
    }
  }
  const headings = all("h1, h2, h3, h4, h5, h6").filter((element) => element.offsetParent);
  const levels = headings.map((element) => Number(element.tagName[1]));
  levels.forEach((level, index) => {
    if (index && level > levels[index - 1] + 1) complaints.push(`heading ${index} skips a level`);
  });
  return complaints;
}
