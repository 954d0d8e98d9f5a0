// What Pillow does to a JPEG that is much larger than it is needed: it decodes
// it at a half, a quarter or an eighth of its size (`draft`). Each pixel is
// then the mean of a square of pixels, of squares that begin where the file's
// first pixel is.

const HEAD = 2 ** 18;
const SCALES = [8, 4, 2];
// The EXIF orientations that show the ends of a file's rows or columns on the
// left, and on the top.
const ENDS_LEFT = [2, 3, 6, 7];
const ENDS_TOP = [3, 4, 7, 8];

// How a picture of `width` x `height`, of which the shorter side is needed at
// `short` pixels, is reduced: by `scale`, and whether its last squares, which
// may be incomplete, are on the left and on the top.
export async function reductionOf(blob, width, height, short) {
  const room = Math.floor(Math.min(width, height) / (2 * short));
  const scale = SCALES.find((each) => room >= each) ?? 1;
  if (scale === 1) return { scale };
  const head = new DataView(await blob.slice(0, HEAD).arrayBuffer());
  if (head.getUint16(0) !== 0xffd8) return { scale: 1 };
  const orientation = orientationOf(head);
  return {
    scale,
    fromRight: ENDS_LEFT.includes(orientation),
    fromBottom: ENDS_TOP.includes(orientation),
  };
}

// The EXIF orientation of a JPEG, 1 where there is none.
function orientationOf(head) {
  try {
    // Segments: a marker, the length of the rest, the rest.
    let place = 2;
    while (head.getUint16(place) !== 0xffe1 || !isExif(head, place + 4)) {
      if (head.getUint8(place) !== 0xff) return 1;
      place += 2 + head.getUint16(place + 2);
    }
    const start = place + 10;
    const little = head.getUint16(start) === 0x4949;
    const table = start + head.getUint32(start + 4, little);
    const count = head.getUint16(table, little);
    for (let entry = 0; entry < count; entry++) {
      const at = table + 2 + 12 * entry;
      if (head.getUint16(at, little) === 0x0112) {
        return head.getUint16(at + 8, little);
      }
    }
  } catch {
    // It ends early: as without.
  }
  return 1;
}

function isExif(head, place) {
  return head.getUint32(place) === 0x45786966;
}

// Which pixel of a side of `old` pixels is where in its squares of `scale`:
// what is missing in the last square repeats the last pixel.
export function placesOf(old, scale, fromEnd) {
  const whole = Math.ceil(old / scale) * scale;
  const missing = fromEnd ? whole - old : 0;
  return Int32Array.from({ length: whole }, (_, place) =>
    Math.min(Math.max(place - missing, 0), old - 1));
}

// The means of squares of RGBA pixels, as RGB. `columns` and `rows` say which
// pixels belong to the squares.
export function reduce(pixels, width, columns, rows, scale) {
  const [wide, high] = [columns.length / scale, rows.length / scale];
  const reduced = new Uint8ClampedArray(wide * high * 3);
  const sums = new Uint32Array(wide * 3);
  for (let y = 0; y < high; y++) {
    sums.fill(0);
    for (const row of rows.subarray(y * scale, (y + 1) * scale)) {
      let place = 0;
      for (let x = 0; x < sums.length; x += 3) {
        for (let i = 0; i < scale; i++) {
          const source = (row * width + columns[place++]) * 4;
          sums[x] += pixels[source];
          sums[x + 1] += pixels[source + 1];
          sums[x + 2] += pixels[source + 2];
        }
      }
    }
    const line = y * sums.length;
    for (let x = 0; x < sums.length; x++) {
      reduced[line + x] = Math.floor(sums[x] / scale ** 2 + 0.5);
    }
  }
  return reduced;
}
