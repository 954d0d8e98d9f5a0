// What a network looks at, by occlusion: parts of the picture are covered, one
// after the other, and the network is asked again (Zeiler and Fergus 2014,
// "Visualizing and understanding convolutional networks").

// The picture is divided into so many cells a side; two by two are covered.
const CELLS = 8;
const COVERED = 2;
// Opacity of what does not matter.
const DARKEST = 0.8;

// How much the probability of a class falls on average where each cell is
// covered, row by row, and the part that matters most.
export async function look(classifier, pixels, index, onProgress) {
  const side = classifier.settings.image_size;
  const before = (await classifier.run(pixels))[index];
  const colour = meanColour(pixels);
  const edge = (cell) => Math.round((cell * side) / CELLS);
  const sums = new Float64Array(CELLS * CELLS);
  const counts = new Float64Array(CELLS * CELLS);
  const places = CELLS - COVERED + 1;
  let most = { after: before, row: 0, column: 0 };
  for (let row = 0; row < places; row++) {
    for (let column = 0; column < places; column++) {
      const covered = pixels.slice();
      for (let y = edge(row); y < edge(row + COVERED); y++) {
        for (let x = edge(column); x < edge(column + COVERED); x++) {
          covered.set(colour, (y * side + x) * 3);
        }
      }
      const after = (await classifier.run(covered))[index];
      if (after < most.after) most = { after, row, column };
      for (let cell = 0; cell < COVERED ** 2; cell++) {
        const y = row + Math.floor(cell / COVERED);
        const x = column + (cell % COVERED);
        sums[y * CELLS + x] += before - after;
        counts[y * CELLS + x] += 1;
      }
    }
    await onProgress((row + 1) / places);
  }
  const falls = Array.from(sums, (sum, cell) => sum / counts[cell]);
  return { falls, before, after: most.after, place: placeOf(most, places) };
}

// Darkens the cells where the probability falls little or not at all. A colour
// would be lost on many a painting.
export function drawFalls(canvas, falls) {
  canvas.width = canvas.height = CELLS;
  const context = canvas.getContext("2d");
  const largest = Math.max(...falls);
  falls.forEach((fall, cell) => {
    const shade = DARKEST * (1 - Math.max(fall, 0) / largest);
    context.fillStyle = `rgb(0 0 0 / ${shade})`;
    context.fillRect(cell % CELLS, Math.floor(cell / CELLS), 1, 1);
  });
}

function meanColour(pixels) {
  const sums = [0, 0, 0];
  pixels.forEach((value, i) => (sums[i % 3] += value));
  return sums.map((sum) => (3 * sum) / pixels.length);
}

function placeOf({ row, column }, places) {
  const third = (position) => Math.floor((3 * position) / places);
  const vertical = ["top", "", "bottom"][third(row)];
  const horizontal = ["left", "", "right"][third(column)];
  return `${vertical} ${horizontal}`.trim() || "centre";
}
