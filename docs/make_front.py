"""Draw docs/front.png, the picture on top of the README, from a real run.

    python docs/make_front.py    # needs the extras `app`, `export`, `plots` for its font, and Chromium;
                                 # downloads Fashion-MNIST where it is absent

It writes folders of pictures. They are put into the studio, which is photographed once it has trained. `zoo finetune`
and `zoo export` run on them with an empty cache, and what they print is drawn. The page that comes out is asked about
a picture that was held out, and photographed as a phone shows it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from zoo.data.named import load_named

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "tests"))
from browser import Browser, browser  # noqa: E402 a Chromium that is told what to do

OUT = HERE / "front.png"
CLASSES = ("bag", "dress", "sandal", "shirt")
PARTS = {"train": ("train", 60), "val": ("test", 30)}  # folder: split of Fashion-MNIST, pictures a class
SIDE = 112  # pixels, to which those of 28 are enlarged
SHOWN = ("clothes:", "  train:", "  validation:", "accuracy", "Saved", "Wrote")  # begin the lines shown
HEIGHT, GAP, MARGIN = 640, 24, 22  # pixels, at twice the size at which a browser shows them
WIDTHS = (760, 600, 400)  # of the studio, the terminal, the phone
LINE = "#d0d7de"


def write_folders(root: Path) -> None:
    """Write clothes/PART/CLASS/NUMBER.png: the first pictures of each class."""
    splits = load_named("fashion_mnist", "pictures").splits
    for part, (split, count) in PARTS.items():
        for name in CLASSES:
            folder = root / "clothes" / part / name
            folder.mkdir(parents=True)
            for number, pixels in enumerate(splits[split].of_class(name).items[:count]):
                picture = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
                picture.save(folder / f"{number:02}.png")


def run(root: Path, *arguments: str) -> tuple[list[str], float]:
    """Run a `zoo` command in `root` with a cache of its own: the lines that it prints, and its seconds."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "zoo", *arguments]
    done = subprocess.run(command, cwd=root, env=own(root), capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    return [line for line in (done.stderr + done.stdout).splitlines() if line.startswith(SHOWN)], seconds


def own(root: Path) -> dict[str, str]:
    return {**os.environ, "ZOO_HOME": str(root / "home")}


def sized(window: Browser, width: int, height: int, scale: float) -> None:
    """Make a window as large as gives pictures of `width` x `height`."""
    size = {"width": round(width / scale), "height": round(height / scale)}
    window.call("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=scale, mobile=False)


def photograph_studio(window: Browser, root: Path, file: Path) -> None:
    """Drop the folders into the studio, train, and photograph the boxes and what came of it."""
    command = [sys.executable, "-m", "zoo", "app", "--no-browser", "--json", "--port", "0"]
    with subprocess.Popen(command, env=own(root), stdout=subprocess.PIPE, text=True) as studio:
        text = ""
        while not text.endswith("}\n"):
            text += studio.stdout.readline()
        window.call("Page.navigate", url=json.loads(text)["address"])
        window.wait("!!document.getElementById('new-name')")
        window.run("document.getElementById('new-name').value = 'Clothes'")
        window.run("document.querySelector('#begin button').click()")
        window.wait("!!document.getElementById('box-name')")
        for count, name in enumerate(CLASSES, 1):
            window.run(f"document.getElementById('box-name').value = '{name}'")
            window.run("document.querySelector('#add-box button').click()")
            window.wait(f"!!document.querySelector('input[name=photos-{name}]')")
            window.choose(f"input[name=photos-{name}]", sorted((root / "clothes/train" / name).iterdir()))
            window.wait(f"document.querySelectorAll('.photos img').length == {count * PARTS['train'][1]}")
        window.run("document.getElementById('train').click()")
        window.wait("!!document.querySelector('.score strong')")
        # what there is room for: two rows of photos each, and no buttons
        window.run("document.querySelectorAll('.photos li:nth-child(n+13)').forEach(e => e.remove())")
        window.run("document.querySelectorAll('.box .row, .new, .findings, #upload-status').forEach(e => e.remove())")
        window.run("document.querySelectorAll('.box').forEach(e => (e.style.minHeight = 0))")
        top = "document.getElementById('boxes-step').getBoundingClientRect().top + scrollY - 12"
        window.run(f"scrollTo({{top: {top}, behavior: 'instant'}})")
        time.sleep(1)
        window.screenshot(file, whole=False)
        studio.terminate()


def photograph_page(window: Browser, page: Path, picture: Path, file: Path) -> None:
    """Ask the exported page about a picture."""
    window.call("Page.navigate", url=page.resolve().as_uri())
    window.wait("document.getElementById('selftest-result')?.textContent")
    window.choose("#files", [picture])
    window.wait("!!document.querySelector('#answers li')")
    window.run("document.getElementById('heat').click()")
    time.sleep(2)
    window.run("document.getElementById('results').scrollIntoView()")
    window.screenshot(file, whole=False)


def draw_terminal(draw: ImageDraw.ImageDraw, x: int, lines: list[str]) -> None:
    draw.rounded_rectangle((x, 0, x + WIDTHS[1], HEIGHT - 1), 14, "#0d1117")
    face = ImageFont.truetype(findfont("DejaVu Sans Mono"), 21)
    for row, line in enumerate(lines):
        colour = "#7ee787" if line.startswith("$") else "#ffffff" if line.startswith("accuracy") else "#b8c0cc"
        draw.text((x + MARGIN, MARGIN + row * 36), line, colour, face)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_folders(root)
        learned, seconds = run(root, "finetune", "clothes/")
        lines = ["$ time zoo finetune clothes/"]
        for line in learned:
            head, _, rest = line.partition(" (")
            lines += [head, *([f"  ({rest.split(')')[0]})"] if line.startswith("accuracy") else [])]
        run(root, "export", "clothes.keras", "clothes.html")
        size = (root / "clothes.html").stat().st_size / 1e6
        lines += [f"real    {seconds:.1f} s", "", "$ zoo export clothes.keras clothes.html"]
        lines += [
            "Wrote clothes.html",
            f"  one page of {size:.1f} MB, which runs in",
            "  any browser, without a network",
        ]
        with browser() as window:
            sized(window, WIDTHS[0], HEIGHT, 0.84)
            photograph_studio(window, root, root / "studio.png")
            sized(window, WIDTHS[2], HEIGHT, 1.05)
            photograph_page(window, root / "clothes.html", root / "clothes/val/shirt/00.png", root / "page.png")
        canvas = Image.new("RGB", (sum(WIDTHS) + 2 * GAP, HEIGHT), "white")
        draw = ImageDraw.Draw(canvas)
        draw_terminal(draw, WIDTHS[0] + GAP, lines)
        for name, x in (("studio", 0), ("page", WIDTHS[0] + WIDTHS[1] + 2 * GAP)):
            shot = Image.open(root / f"{name}.png").convert("RGB")
            shape = Image.new("L", shot.size)
            ImageDraw.Draw(shape).rounded_rectangle((0, 0, shot.width - 1, shot.height - 1), 14, 255)
            canvas.paste(shot, (x, 0), shape)
            draw.rounded_rectangle((x, 0, x + shot.width - 1, HEIGHT - 1), 14, None, LINE, 2)
    canvas.quantize(128, dither=Image.Dither.NONE).save(OUT, optimize=True)
    print("\n".join(lines), f"{OUT}: {OUT.stat().st_size} bytes", sep="\n")


if __name__ == "__main__":
    main()
