// Pixels of shape (rows, columns, channels) on a canvas.

export function paint(canvas, pixels, [rows, columns, channels]) {
  canvas.width = columns;
  canvas.height = rows;
  const data = new ImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    for (let c = 0; c < 3; c++) data.data[4 * i + c] = pixels[i * channels + (channels === 1 ? 0 : c)];
    data.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
}

// Any numbers, of shape (n,) or (rows, columns, n): n tiles side by side, dark for the least and light for the most.
export function paintNumbers(canvas, numbers, shape) {
  const [rows, columns] = shape.length === 3 ? shape : [1, 1];
  const count = shape.at(-1);
  const across = Math.ceil(Math.sqrt((count * rows) / columns));
  const down = Math.ceil(count / across);
  const gap = rows * columns > 1 ? 1 : 0; // a pixel between maps
  const [height, width] = [down * (rows + gap) - gap, across * (columns + gap) - gap];
  const [least, most] = numbers.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  const pixels = new Uint8Array(height * width);
  numbers.forEach((value, i) => {
    const [place, tile] = [Math.floor(i / count), i % count];
    const y = Math.floor(tile / across) * (rows + gap) + Math.floor(place / columns);
    const x = (tile % across) * (columns + gap) + (place % columns);
    pixels[y * width + x] = 40 + (215 * (value - least)) / (most - least || 1);
  });
  paint(canvas, pixels, [height, width, 1]);
}
