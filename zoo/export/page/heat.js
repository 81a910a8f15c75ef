// Where the evidence for a class lies: Grad-CAM, which for a linear head on the means of maps is the head's weights times the
// maps; see zoo/tasks/images/explanation.py.

import { box, PRECISION, weights } from "./resize.js";

// {rows, columns, values}, from 0 to 1: a tensor of maps, weighted by a row of the head's kernel.
export function heatOf(maps, row) {
  const first = maps.dims[1] === row.length; // channels first, as OpenVINO has them, or last
  const [rows, columns] = first ? maps.dims.slice(2) : maps.dims.slice(1, 3);
  const places = rows * columns;
  const values = new Float64Array(places);
  for (let c = 0; c < row.length; c++) {
    for (let i = 0; i < places; i++) values[i] += row[c] * maps.data[first ? c * places + i : i * row.length + c];
  }
  const most = Math.max(...values) > 0 ? Math.max(...values) : 1;
  return { rows, columns, values: values.map((value) => Math.max(0, value) / most) };
}

// A canvas of the same size: the picture in grey, the heat over it from yellow to red, what the network did not see dark.
export function heated(canvas, heat, rule) {
  const { width, height } = canvas;
  const [left, top, right, bottom] = box(width, height, rule).map(Math.round);
  const picture = canvas.getContext("2d").getImageData(0, 0, width, height);
  const [across, down] = [weights(heat.columns, 0, heat.columns, right - left), weights(heat.rows, 0, heat.rows, bottom - top)];
  const at = (x, y) => {
    let sum = 0;
    down.rows[y].forEach((weight, i) => {
      const from = (down.first[y] + i) * heat.columns + across.first[x];
      across.rows[x].forEach((other, j) => (sum += weight * other * heat.values[from + j]));
    });
    return Math.min(1, Math.max(0, sum / 4 ** PRECISION)); // both weights are in fixed point
  };
  const bytes = picture.data;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      const grey = 0.299 * bytes[i] + 0.587 * bytes[i + 1] + 0.114 * bytes[i + 2];
      const seen = x >= left && x < right && y >= top && y < bottom;
      const share = seen ? at(x - left, y - top) : 0;
      const colour = [255, 230 * (1 - share), 0];
      for (let c = 0; c < 3; c++) {
        const base = seen ? 0.25 * bytes[i + c] + 0.75 * grey : 0.35 * grey;
        bytes[i + c] = base + (colour[c] - base) * 0.75 * share;
      }
    }
  }
  const drawn = canvas.cloneNode();
  drawn.getContext("2d").putImageData(picture, 0, 0);
  return drawn;
}
