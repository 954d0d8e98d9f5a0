// A picture as `artkd predict` reads it: the pixels that the network gets.
//
// keras_artkd.json says the same in words: the EXIF orientation, alpha over
// white, no colour profile, the longer side at most twice the shorter one,
// Pillow's bicubic resize of the shorter side, what makes it square, the
// central crop, and its resize to the network's input.

import { placesOf, reduce, reductionOf } from "./jpeg.js";
import {
  bicubicWeights,
  resize,
  resizeHeight,
  resizeSquare,
  resizeWidth,
} from "./resize.js";

const MAX_ASPECT = 2;
// Pixels that are taken from the picture at once.
const STRIP = 1_000_000;

// Uint8ClampedArray of `image_size` x `image_size` RGB pixels.
export async function readPicture(blob, settings) {
  const { short_side: short, crop_size: crop, image_size: size, fit } = settings;
  const bitmap = await decode(blob);
  try {
    const { width, height } = bitmap;
    const reduction = await reductionOf(blob, width, height, short);
    // Where no more than the centre is seen, no more of it is computed.
    const wanted = fit === "crop" ? crop : Infinity;
    const picture = resizeShort(bitmap, reduction, short, wanted);
    const square = fit === "crop" ? picture : makeSquare(picture, fit);
    return resizeSquare(centreOf(square, crop), crop, size);
  } finally {
    bitmap.close();
  }
}

async function decode(blob) {
  if (!blob.size) throw new Error("is empty.");
  try {
    return await createImageBitmap(blob, {
      imageOrientation: "from-image",
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch {
    throw new Error("is no picture that this browser can read.");
  }
}

// The picture, its shorter side `short` pixels, of it the central `wanted`
// columns and rows: `{pixels, width, height}`.
function resizeShort(bitmap, reduction, short, wanted) {
  const { scale, fromRight, fromBottom } = reduction;
  const columns = placesOf(bitmap.width, scale, fromRight);
  const rows = placesOf(bitmap.height, scale, fromBottom);
  const [wide, high] = [columns.length / scale, rows.length / scale];
  const shorter = Math.min(wide, high);
  const longest = Math.floor(MAX_ASPECT * shorter);
  const across = sideOf(wide, longest, short / shorter, short, wanted);
  const down = sideOf(high, longest, short / shorter, short, wanted);
  const kept = (places, { first, count }) =>
    places.subarray(first * scale, (first + count) * scale);
  const width = across.weights.length;
  const flat = new Uint8ClampedArray(down.count * width * 3);
  let done = 0;
  for (const strip of strips(
    bitmap, kept(columns, across), kept(rows, down), scale,
  )) {
    const narrow = resizeWidth(strip, across.count, across.weights);
    flat.set(narrow, done);
    done += narrow.length;
  }
  const pixels = resizeHeight(flat, width, down.weights);
  return { pixels, width, height: down.weights.length };
}

// Of a side: which pixels are kept where the longer one is cropped, and the
// weights that make the central `wanted` pixels of its resize.
function sideOf(old, longest, scale, short, wanted) {
  const count = Math.min(old, longest);
  const size = Math.max(short, round(count * scale));
  const taken = Math.min(size, wanted);
  const middle = Math.floor((size - taken) / 2);
  return {
    first: Math.floor((old - count) / 2),
    count,
    weights: bicubicWeights(count, size, middle, taken),
  };
}

// `fit_square` of `keras_artkd.data.images`, for "stretch" and "pad".
function makeSquare({ pixels, width, height }, fit) {
  const side = Math.min(width, height);
  const square = (pixels, width, height) => ({
    pixels: resize(pixels, width, height, side, side),
    width: side,
    height: side,
  });
  if (fit === "stretch") return square(pixels, width, height);
  const longer = Math.max(width, height);
  const padded = new Uint8ClampedArray(longer * longer * 3);
  const left = Math.floor((longer - width) / 2);
  const top = Math.floor((longer - height) / 2);
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * width * 3, (y + 1) * width * 3);
    padded.set(row, ((top + y) * longer + left) * 3);
  }
  return square(padded, longer, longer);
}

// The central square of a picture.
function centreOf({ pixels, width, height }, side) {
  const left = Math.floor((width - side) / 2);
  const top = Math.floor((height - side) / 2);
  const centre = new Uint8ClampedArray(side * side * 3);
  for (let y = 0; y < side; y++) {
    const start = ((top + y) * width + left) * 3;
    centre.set(pixels.subarray(start, start + side * 3), y * side * 3);
  }
  return centre;
}

// Python's `round`: halves to even.
function round(x) {
  const half = Math.abs(x % 1) === 0.5;
  return half ? 2 * Math.round(x / 2) : Math.round(x);
}

// Some rows of the reduced picture at a time, RGB, over white.
function* strips(bitmap, columns, rows, scale) {
  const left = columns[0];
  const width = columns.at(-1) - left + 1;
  const inside = columns.map((place) => place - left);
  const count = Math.max(1, Math.floor(STRIP / columns.length / scale)) * scale;
  const canvas = new OffscreenCanvas(width, Math.min(count, bitmap.height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let y = 0; y < rows.length; y += count) {
    const taken = rows.subarray(y, y + count);
    const top = taken[0];
    const height = taken.at(-1) - top + 1;
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.drawImage(
      bitmap, left, top, width, height, 0, 0, width, height,
    );
    const { data } = context.getImageData(0, 0, width, height);
    yield reduce(data, width, inside, taken.map((place) => place - top), scale);
  }
}
