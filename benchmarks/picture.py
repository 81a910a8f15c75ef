"""The README's picture: a cat that scikit-image carries, and what EfficientNet-Lite0 says of it."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import zoo
from zoo.data.named import sample_picture

HEIGHT, BAR, LEFT = 300, 34, 20  # pixels


def main() -> None:
    path = sample_picture("chelsea")
    photo = Image.open(path).convert("RGB")
    photo = photo.resize((round(photo.width * HEIGHT / photo.height), HEIGHT))
    top = zoo.get("efficientnet_lite0", weights="imagenet").predict(path).top
    canvas = Image.new("RGB", (photo.width + 420, HEIGHT), "white")
    canvas.paste(photo)
    draw = ImageDraw.Draw(canvas)
    font, small = ImageFont.load_default(20), ImageFont.load_default(16)
    x = photo.width + LEFT
    draw.text((x, 12), "zoo predict efficientnet_lite0 chelsea", "#333333", small)
    for row, (label, probability) in enumerate(top):
        y = 52 + row * (BAR + 14)
        draw.rectangle((x, y, x + 380, y + BAR), fill="#f0f0f0")
        draw.rectangle((x, y, x + max(2, round(380 * probability)), y + BAR), fill="#8fbce6")
        draw.text((x + 10, y + 5), f"{label}  {probability:.1%}", "#111111", font)
    out = Path(__file__).parent.parent / "docs" / "chelsea.png"
    out.parent.mkdir(exist_ok=True)
    canvas.quantize(128).save(out, optimize=True)
    print(out, out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
