// A canvas to draw on.

const SIDE = 336; // pixels of the longer side
const PEN = 0.07; // of the longer side

// `act` is called after each stroke of the pen, and while it goes on. `penColour()` gives the colour.
export function openPad(canvas, [rows, columns], penColour, act) {
  const scale = SIDE / Math.max(rows, columns);
  canvas.width = Math.round(columns * scale);
  canvas.height = Math.round(rows * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let from = null; // where the pen was

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.x) * canvas.width) / box.width, ((event.clientY - box.y) * canvas.height) / box.height];
  }

  function stroke(event) {
    const to = place(event);
    Object.assign(context, { strokeStyle: penColour(), lineWidth: PEN * SIDE, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(...(from ?? to));
    context.lineTo(...to);
    context.stroke();
    from = to;
    act();
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    stroke(event);
  });
  canvas.addEventListener("pointermove", (event) => from && stroke(event));
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (from = null));

  return {
    fill(colour) {
      context.fillStyle = colour;
      context.fillRect(0, 0, canvas.width, canvas.height);
    },
    // A picture in the middle, as large as it may be without a part of the pad being left.
    show(picture) {
      const zoom = Math.max(canvas.width / picture.width, canvas.height / picture.height);
      const [width, height] = [picture.width * zoom, picture.height * zoom];
      context.imageSmoothingEnabled = zoom < 1;
      context.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
    },
  };
}
