// Resizing to the very bytes of `artkd predict`.
//
// Two resizes: Pillow's BICUBIC (its Resample.c) brings a picture's shorter
// side to size, and `keras_artkd.data.resampling` its central square to the
// network's input. Both are separable and round to 8 bits after each pass, of
// which Pillow's first is the width, the other's the height. Pixels are RGB,
// 3 bytes each, row by row.

// Weights are whole numbers over these: Pillow's, and those of the other.
const BICUBIC_UNIT = 2 ** 22;
const TRIANGLE_UNIT = 256;

function bicubic(x) {
  const a = -0.5;
  x = Math.abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// The weights of new pixels `first` to `first + count` of a side that is
// resized from `old` to `size`: for each the first old pixel, and whole
// numbers.
export function bicubicWeights(old, size, first = 0, count = size) {
  const scale = old / size;
  const width = Math.max(scale, 1);
  const support = 2 * width;
  const rows = [];
  for (let index = first; index < first + count; index++) {
    const centre = (index + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(old, Math.trunc(centre + support + 0.5));
    const parts = [];
    let sum = 0;
    for (let x = start; x < end; x++) {
      const part = bicubic((x - centre + 0.5) * (1 / width));
      parts.push(part);
      sum += part;
    }
    const weights = parts.map((part) => {
      const whole = (sum ? part / sum : part) * BICUBIC_UNIT;
      return Math.trunc(whole + (whole < 0 ? -0.5 : 0.5));
    });
    rows.push({ start, weights });
  }
  return rows;
}

// The same of the resize with the triangle filter: weights sum to 256.
export function triangleWeights(old, size) {
  const scale = old / size;
  const width = Math.max(scale, 1);
  const rows = [];
  for (let index = 0; index < size; index++) {
    const centre = (index + 0.5) * scale - 0.5;
    const shares = [];
    for (let x = 0; x < old; x++) {
      shares.push(Math.max(1 - Math.abs(x - centre) / width, 0));
    }
    const sum = shares.reduce((a, b) => a + b, 0);
    const parts = shares.map((share) => (TRIANGLE_UNIT * share) / sum);
    const weights = parts.map(Math.floor);
    // What rounding down has left goes to the largest remainders; of equal
    // ones the first gets it.
    const remainders = parts.map(
      (part, x) => Math.round((part - weights[x]) * 1e9) / 1e9,
    );
    let missing = Math.round(TRIANGLE_UNIT - weights.reduce((a, b) => a + b, 0));
    const order = [...parts.keys()].sort(
      (a, b) => remainders[b] - remainders[a] || a - b,
    );
    for (const x of order.slice(0, missing)) weights[x] += 1;
    const start = weights.findIndex((weight) => weight > 0);
    const end = weights.findLastIndex((weight) => weight > 0) + 1;
    rows.push({ start, weights: weights.slice(start, end) });
  }
  return rows;
}

// Another width: a pixel for each of `rows`.
export function resizeWidth(pixels, width, rows, unit = BICUBIC_UNIT) {
  const height = pixels.length / (width * 3);
  const resized = new Uint8ClampedArray(height * rows.length * 3);
  let target = 0;
  for (let y = 0; y < height; y++) {
    const line = y * width * 3;
    for (const { start, weights } of rows) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let source = line + start * 3;
      for (const weight of weights) {
        red += weight * pixels[source];
        green += weight * pixels[source + 1];
        blue += weight * pixels[source + 2];
        source += 3;
      }
      resized[target++] = Math.floor(red / unit + 0.5);
      resized[target++] = Math.floor(green / unit + 0.5);
      resized[target++] = Math.floor(blue / unit + 0.5);
    }
  }
  return resized;
}

// Another height: a row for each of `rows`.
export function resizeHeight(pixels, width, rows, unit = BICUBIC_UNIT) {
  const line = width * 3;
  const resized = new Uint8ClampedArray(rows.length * line);
  rows.forEach(({ start, weights }, index) => {
    for (let x = 0; x < line; x++) {
      let sum = 0;
      let source = start * line + x;
      for (const weight of weights) {
        sum += weight * pixels[source];
        source += line;
      }
      resized[index * line + x] = Math.floor(sum / unit + 0.5);
    }
  });
  return resized;
}

// Pillow's resize of RGB pixels. Of one that changes the aspect much Pillow may
// begin with the height; of the page's both sides change alike, or one.
export function resize(pixels, width, height, wide, high) {
  const columns = bicubicWeights(width, wide);
  const flat = resizeWidth(pixels, width, columns);
  return resizeHeight(flat, wide, bicubicWeights(height, high));
}

// A square of RGB pixels, resized with the triangle filter.
export function resizeSquare(pixels, old, size) {
  if (old === size) return pixels;
  const rows = triangleWeights(old, size);
  const flat = resizeHeight(pixels, old, rows, TRIANGLE_UNIT);
  return resizeWidth(flat, old, rows, TRIANGLE_UNIT);
}
