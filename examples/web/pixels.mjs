// What becomes of a picture before the network sees it, as keras_artkd.json
// inside the model says: the very pixels of `artkd predict`.

// Kernels of a resize: how far they reach, and their value at a distance.
const bicubic = [2, (x) => x < 1 ? (1.5 * x - 2.5) * x * x + 1 :
  x < 2 ? ((2.5 - 0.5 * x) * x - 4) * x + 2 : 0];
const triangle = [1, (x) => Math.max(0, 1 - x)];

// Resizes the rows of an image, with antialiasing, and swaps rows and columns:
// twice, it has resized both. Pixels are RGBA, row by row.
function resizeRows({width, height, data}, size, [reach, kernel]) {
  const scale = width / size;
  const spread = Math.max(scale, 1);
  const result = new Uint8ClampedArray(4 * size * height);
  for (let i = 0; i < size; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach * spread + 0.5));
    const end = Math.min(width, Math.floor(centre + reach * spread + 0.5));
    const weights = [];
    for (let j = first; j < end; j++) {
      weights.push(kernel(Math.abs(j + 0.5 - centre) / spread));
    }
    const sum = weights.reduce((a, b) => a + b);
    for (let row = 0; row < height; row++) {
      for (let channel = 0; channel < 4; channel++) {
        let value = 0;
        let at = 4 * (row * width + first) + channel;
        for (const weight of weights) {
          value += weight * data[at];
          at += 4;
        }
        result[4 * (i * height + row) + channel] = value / sum;
      }
    }
  }
  return {width: height, height: size, data: result};
}

function resize(image, width, height, kernel) {
  return resizeRows(resizeRows(image, width, kernel), height, kernel);
}

// The square of RGBA pixels that the network sees of an upright picture without
// transparency, with the settings in keras_artkd.json (of fit "crop").
export function square(image, {short_side, crop_size, image_size}) {
  const scale = short_side / Math.min(image.width, image.height);
  const small = resize(image, Math.round(scale * image.width),
    Math.round(scale * image.height), bicubic);
  const left = Math.floor((small.width - crop_size) / 2);
  const top = Math.floor((small.height - crop_size) / 2);
  const data = new Uint8ClampedArray(4 * crop_size ** 2);
  for (let row = 0; row < crop_size; row++) {
    const start = 4 * ((top + row) * small.width + left);
    data.set(small.data.subarray(start, start + 4 * crop_size),
      4 * row * crop_size);
  }
  return resize({width: crop_size, height: crop_size, data}, image_size,
    image_size, triangle);
}
