// Pillow's bicubic resize of a box, to the last bit: weights in fixed point, whole numbers between the two passes.

export const PRECISION = 22; // bits of a weight after the point
const HALF = 2 ** (PRECISION - 1);
const SUPPORT = 2; // of the bicubic filter, in pixels of the result

function bicubic(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

// For each of `length` pixels of the result: which pixels of `side` count (first, and how many), and how much.
export function weights(side, start, end, length) {
  const scale = (end - start) / length;
  const widened = Math.max(scale, 1);
  const first = new Int32Array(length);
  const rows = [];
  for (let i = 0; i < length; i++) {
    const centre = start + (i + 0.5) * scale;
    first[i] = Math.max(0, Math.trunc(centre - SUPPORT * widened + 0.5));
    const last = Math.min(side, Math.trunc(centre + SUPPORT * widened + 0.5));
    const row = new Float64Array(last - first[i]);
    for (let j = 0; j < row.length; j++) row[j] = bicubic((j + first[i] - centre + 0.5) / widened);
    const sum = row.reduce((a, b) => a + b, 0);
    rows.push(row.map((weight) => {
      const fixed = (weight / sum) * 2 ** PRECISION;
      return Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }));
  }
  return { first, rows };
}

function clipped(sum) {
  const value = Math.floor((sum + HALF) / 2 ** PRECISION);
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

// The centred box of the zoo's rule in a picture of width x height pixels: left, top, right, bottom.
export function box(width, height, rule) {
  const [rows, columns] = rule.size;
  const scale = Math.min(width / columns, height / rows) * rule.crop;
  const left = (width - columns * scale) / 2;
  const top = (height - rows * scale) / 2;
  return [
    Math.max(0, left), Math.max(0, top),
    Math.min(width, left + columns * scale), Math.min(height, top + rows * scale),
  ];
}

// Rows of `bytes`, of `stride` bytes a pixel, along which pixels become fewer or more; writes to `out` from `at` on.
function alongRows(bytes, stride, width, channels, { first, rows }, out, at) {
  const count = bytes.length / stride / width;
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < rows.length; i++) {
      const values = rows[i];
      const from = (row * width + first[i]) * stride;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let j = 0, x = from + c; j < values.length; j++, x += stride) sum += values[j] * bytes[x];
        out[at++] = clipped(sum);
      }
    }
  }
}

// Adds to `sums`, lines of `line` numbers, what the rows of `bytes` count for; `top` is the number of the first of them.
function alongColumns(bytes, line, top, { first, rows }, sums) {
  const count = bytes.length / line;
  for (let i = 0; i < rows.length; i++) {
    const begin = Math.max(first[i], top);
    const end = Math.min(first[i] + rows[i].length, top + count);
    for (let y = begin; y < end; y++) {
      const weight = rows[i][y - first[i]];
      for (let x = 0, from = (y - top) * line, to = i * line; x < line; x++) sums[to++] += weight * bytes[from++];
    }
  }
}

// Pixels of shape (rows, columns, channels), as the network takes them.
// `band(top, count)` gives rows of the picture as bytes of shape (count, width, 4), red, green, blue and one unused.
export function resize(width, height, rule, band) {
  const [rows, columns] = rule.size;
  const channels = rule.channels;
  const [left, top, right, bottom] = box(width, height, rule);
  const across = weights(width, left, right, columns);
  const down = weights(height, top, bottom, rows);
  const begin = down.first[0];
  const end = down.first[rows - 1] + down.rows[rows - 1].length;
  const step = Math.max(1, Math.floor(2 ** 20 / width)); // rows at a time: four megabytes

  function eachBand(use) {
    for (let y = begin; y < end; y += step) {
      const bytes = band(y, Math.min(step, end - y));
      if (channels === 1) use(grey(bytes), 1, y);
      else use(bytes, 4, y);
    }
  }

  const pixels = new Uint8Array(rows * columns * channels);
  // Pillow, since version 13, takes columns first where that leaves less to do. The order shows in the last bits.
  if (height - rows > Math.max(0, 2 * (width - columns))) {
    const stride = channels === 1 ? 1 : 4;
    const sums = new Float64Array(rows * width * stride);
    eachBand((bytes, _, y) => alongColumns(bytes, width * stride, y, down, sums));
    alongRows(Uint8Array.from(sums, clipped), stride, width, channels, across, pixels, 0);
  } else {
    const line = columns * channels;
    const narrow = new Uint8Array((end - begin) * line);
    eachBand((bytes, stride, y) => alongRows(bytes, stride, width, channels, across, narrow, (y - begin) * line));
    const sums = new Float64Array(rows * line);
    alongColumns(narrow, line, begin, down, sums);
    pixels.set(Uint8Array.from(sums, clipped));
  }
  return pixels;
}

// Bytes of one channel, as Pillow makes grey of colours.
function grey(bytes) {
  const values = new Uint8Array(bytes.length / 4);
  for (let i = 0, at = 0; i < values.length; i++, at += 4) {
    values[i] = (bytes[at] * 19595 + bytes[at + 1] * 38470 + bytes[at + 2] * 7471 + 32768) >> 16;
  }
  return values;
}
