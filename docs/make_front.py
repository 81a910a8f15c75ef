"""Draw docs/front.png, the picture on top of the README, from a real run.

    python docs/make_front.py    # needs the extra `plots`, for its fonts; downloads Fashion-MNIST where it is absent

It writes folders of pictures, runs `zoo finetune`, `zoo evaluate` and `zoo predict` on them with an empty cache, and
draws the folders, what the commands print and how long the first one takes, and the pictures that were wrong.
"""

import os
import subprocess
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

import zoo
from zoo.data.named import load_named

OUT = Path(__file__).parent / "front.png"
CLASSES = ("bag", "coat", "dress", "sandal", "shirt")
PARTS = {"train": ("train", 60), "val": ("test", 30)}  # folder: split of Fashion-MNIST, pictures a class
SHOWN = ("clothes:", "  train:", "  validation:", "accuracy", "Saved", "Wrote", "clothes/")  # begin the lines shown
HEIGHT, GAP, MARGIN = 600, 24, 22  # pixels, at twice the size at which a browser shows them
WIDTHS = (500, 690, 560)
INK, GREY, LINE = "#1f2328", "#656d76", "#d0d7de"


def font(size: int, family: str = "DejaVu Sans") -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(findfont(family), size)


def write_folders(root: Path) -> None:
    """Write clothes/PART/CLASS/NUMBER.png: the first pictures of each class."""
    splits = load_named("fashion_mnist", "pictures").splits
    for part, (split, count) in PARTS.items():
        for name in CLASSES:
            folder = root / "clothes" / part / name
            folder.mkdir(parents=True)
            for number, pixels in enumerate(splits[split].of_class(name).items[:count]):
                Image.fromarray(pixels).save(folder / f"{number:02}.png")


def run(root: Path, *arguments: str) -> tuple[list[str], float]:
    """Run a `zoo` command in `root` with a cache of its own: the lines that it prints, and its seconds."""
    environment = {**os.environ, "ZOO_HOME": str(root / "home")}
    start = time.perf_counter()
    command = [sys.executable, "-m", "zoo", *arguments]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    return [line for line in (done.stderr + done.stdout).splitlines() if line.startswith(SHOWN)], seconds


def draw_folders(draw: ImageDraw.ImageDraw, canvas: Image.Image, x: int, root: Path) -> None:
    draw.text((x, MARGIN), "clothes/train/", INK, font(26, "DejaVu Sans Mono"))
    for row, name in enumerate(CLASSES):
        y = MARGIN + 54 + row * 104
        draw.text((x + 16, y + 28), name + "/", INK, font(22, "DejaVu Sans Mono"))
        for column in range(4):
            picture = Image.open(root / "clothes" / "train" / name / f"{column:02}.png").resize((80, 80))
            canvas.paste(picture.convert("RGB"), (x + 120 + column * 86, y))


def draw_terminal(draw: ImageDraw.ImageDraw, x: int, lines: list[str]) -> None:
    draw.rounded_rectangle((x, 0, x + WIDTHS[1], HEIGHT - 1), 14, "#0d1117")
    face = font(21, "DejaVu Sans Mono")
    for row, line in enumerate(lines):
        colour = "#7ee787" if line.startswith("$") else "#ffffff" if line.startswith("accuracy") else "#b8c0cc"
        draw.text((x + MARGIN, MARGIN + row * 36), line, colour, face)


def draw_page(draw: ImageDraw.ImageDraw, canvas: Image.Image, x: int, wrong: list, total: int) -> None:
    """The pairs of classes that are confused most, each with some pictures, as `zoo evaluate --errors` writes them."""
    draw.rounded_rectangle((x, 0, x + WIDTHS[2], HEIGHT - 1), 14, "white", LINE, 2)
    draw.text((x + MARGIN, MARGIN), f"wrong.html: {total} of {PARTS['val'][1] * len(CLASSES)} wrong", INK, font(26))

    def pair(error):
        return error.truth, error.said

    groups = [(key, list(group)) for key, group in groupby(sorted(wrong, key=pair), pair)]
    for row, ((truth, predicted), group) in enumerate(sorted(groups, key=lambda item: -len(item[1]))[:3]):
        y = MARGIN + 56 + row * 172
        draw.text((x + MARGIN, y), f"{truth} taken for {predicted}: {len(group)}", INK, font(23))
        for column, error in enumerate(group[:5]):
            left = x + MARGIN + column * 104
            picture = Image.open(error.name).convert("RGB").resize((92, 92))
            canvas.paste(picture, (left, y + 36))
            draw.text((left, y + 130), f"{error.probability:.0%}", GREY, font(19))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_folders(root)
        learned, seconds = run(root, "finetune", "clothes/")
        measured, _ = run(root, "evaluate", "clothes.keras", "clothes/val", "--errors", "wrong.html")
        wrong = zoo.load(root / "clothes.keras").evaluate(root / "clothes" / "val", progress=False).errors()
        lines = ["$ time zoo finetune clothes/"]
        for line in learned:
            head, _, rest = line.partition(" (")
            lines += [head, *([f"  ({rest.split(')')[0]})"] if line.startswith("accuracy") else [])]
        lines += [f"real    {seconds:.1f} s", ""]
        lines += ["$ zoo evaluate clothes.keras clothes/val \\", "      --errors wrong.html"]
        lines += [line for line in measured if line.startswith("Wrote")]
        picture = "clothes/val/shirt/00.png"
        printed, _ = run(root, "predict", "clothes.keras", picture, "--top", "3")
        lines += [
            "",
            "$ zoo predict clothes.keras --top 3 \\",
            f"      {picture}",
            *printed[0].removeprefix(f"{picture}: ").split("; "),
        ]
        canvas = Image.new("RGB", (sum(WIDTHS) + 2 * GAP, HEIGHT), "white")
        draw = ImageDraw.Draw(canvas)
        draw.rounded_rectangle((0, 0, WIDTHS[0], HEIGHT - 1), 14, "white", LINE, 2)
        draw_folders(draw, canvas, MARGIN, root)
        draw_terminal(draw, WIDTHS[0] + GAP, lines)
        draw_page(draw, canvas, WIDTHS[0] + WIDTHS[1] + 2 * GAP, wrong, len(wrong))
    canvas.quantize(64, dither=Image.Dither.NONE).save(OUT, optimize=True)
    print("\n".join(lines), f"{OUT}: {OUT.stat().st_size} bytes", sep="\n")


if __name__ == "__main__":
    main()
