"""What is looked for in a page: scripts for a browser to evaluate."""

# Texts that stick out of an element around them which neither scrolls nor
# shortens them with an ellipsis; SVG text by the drawing's own frame.
OVERFLOWING = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const svg = node.parentElement.closest("svg");
    for (const box of range.getClientRects()) {
      if (!box.width || !box.height) continue;
      const out = frame => box.left < frame.left - 1.5
        || box.right > frame.right + 1.5
        || (svg && (box.top < frame.top - 1.5
                    || box.bottom > frame.bottom + 1.5));
      if (svg) {
        if (out(svg.getBoundingClientRect())) found.push(node.data);
        continue;
      }
      for (let e = node.parentElement; e; e = e.parentElement) {
        const style = getComputedStyle(e);
        if (style.display === "inline") continue;
        if (style.textOverflow === "ellipsis") break;
        if (["auto", "scroll"].includes(style.overflowX)) break;
        if (out(e.getBoundingClientRect())) {
          found.push(`${e.tagName}.${e.className}: ${node.data}`);
          break;
        }
      }
    }
  }
  return found;
}"""
# Every text's contrast with the plain colour behind it, the lowest.
LOWEST_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {
    willReadFrequently: true});
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  // A cell of a matrix, or another shape that is drawn below a number.
  const shape = e => {
    const box = e.getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    return [...e.closest("svg").querySelectorAll("path")].reverse().find(p => {
      const b = p.getBoundingClientRect();
      return getComputedStyle(p).fill !== "none"
        && b.left < x && x < b.right && b.top < y && y < b.bottom;
    });
  };
  const behind = e => {
    const cell = e.closest("svg") && shape(e);
    if (cell) return rgb(getComputedStyle(cell).fill);
    const layers = [];
    for (; e; e = e.parentElement) {
      layers.unshift(rgb(getComputedStyle(e).backgroundColor));
    }
    return layers.reduce((under, [r, g, b, a]) =>
      [r, g, b].map((c, i) => (c * a + under[i] * (255 - a)) / 255));
  };
  let lowest = [99, ""];
  for (const e of document.querySelectorAll("body *:not(style)")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) {
      continue;
    }
    const style = getComputedStyle(e);
    const colour = e.closest("svg") ? style.fill : style.color;
    const pair = [light(rgb(colour)), light(behind(e))].sort((a, b) => a - b);
    const contrast = (pair[1] + 0.05) / (pair[0] + 0.05);
    if (contrast < lowest[0]) lowest = [contrast, e.outerHTML.slice(0, 200)];
  }
  return lowest;
}"""
