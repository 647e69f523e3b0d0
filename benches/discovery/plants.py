"""What is planted: tags and backgrounds that are drawn, and properties of the file. All keep the file's own quantisation tables."""
import dataclasses, io
import numpy as np
from PIL import Image, ImageDraw, ImageFont, JpegImagePlugin

from backgrounds import BACKGROUNDS, behind

DESIGNS = ("label", "logo", "jittered", "translucent", "varying text", "rescaled")
# A look for each class: no two classes of a set share a tag, unless all do.
LOOKS = (
    ("PHOTO ARCHIVE", (235, 228, 205), (30, 30, 30)),
    ("www.stock.example", (20, 20, 20), (240, 240, 240)),
    ("(c) R. Miller", (90, 20, 30), (250, 220, 120)),
    ("SAMPLE 2009", (250, 250, 250), (180, 20, 20)),
    ("Museum of Nature", (25, 50, 110), (230, 230, 230)),
    ("unit 7 / ward B", (245, 200, 60), (20, 20, 60)),
    ("camera 03", (60, 60, 60), (90, 240, 90)),
    ("Lake District", (0, 90, 80), (255, 255, 255)),
)
PROPERTIES = ("quality 30", "hidden quality 30", "grey", "warm", "blurred", "bars", "frame", "bright", "size")


@dataclasses.dataclass(frozen=True)
class Plant:
    """One class of a set, of which `count` images carry the tag or have the property."""

    kind: str
    label: int
    count: int
    look: int = 0


def opened(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def encoded(picture, original, **options):
    """As JPEG with the tables of the original file, or with other options."""
    out, file = io.BytesIO(), Image.open(io.BytesIO(original))
    tables = getattr(file, "quantization", None)
    if options or not tables:
        picture.save(out, "JPEG", **(options or {"quality": 90}))
        return out.getvalue()

    sampling = JpegImagePlugin.get_sampling(file)
    tables = {key: table for key, table in list(tables.items())[:2]}
    picture.save(out, "JPEG", qtables=tables, subsampling=max(sampling, 0))
    return out.getvalue()


def planted(plant, data, rng):
    """The bytes of the changed file."""
    if plant.kind in DESIGNS:
        return encoded(tagged(opened(data), plant.kind, plant.look, rng), data)
    if plant.kind in BACKGROUNDS:
        return encoded(behind(opened(data), plant.kind, rng), data)
    return changed(plant.kind, data)


def tagged(picture, design, look, rng):
    """A picture with the tag near its lower left corner."""
    width, height = picture.size
    mark = _logo(look) if design == "logo" else _label(look, rng if design == "varying text" else None)
    scale = 0.14 if design == "logo" else 0.3
    if design == "rescaled":
        scale *= rng.uniform(0.75, 1.3)
    # Of one size in the model's view, which squashes every photo to a square.
    w, h = max(12, round(scale * width)), max(8, round(scale * height * mark.height / mark.width))
    mark = mark.resize((w, h), Image.LANCZOS)

    x, y = round(0.02 * width), height - mark.height - round(0.02 * height)
    if design == "jittered":
        x = int(rng.integers(0, width - mark.width))
        y = int(rng.integers(0, max(1, height - mark.height)))
    opacity = 0.55 if design == "translucent" else 1.0

    out = picture.copy()
    under = out.crop((x, y, x + mark.width, y + mark.height))
    out.paste(Image.blend(under, mark, opacity), (x, y))
    return out


def _label(look, rng):
    """Text on a ground of one colour; with `rng` other digits in every image behind the same word."""
    text, ground, ink = LOOKS[look]
    if rng is not None:
        text = f"{text.split()[0]} {rng.integers(1000, 10000)}"
    font = ImageFont.load_default(30)
    out = Image.new("RGB", (round(font.getlength(text)) + 24, 52), ground)
    ImageDraw.Draw(out).text((out.width // 2, 26), text, ink, font, anchor="mm")
    return out


def _logo(look):
    """A disc with the first letter of the look's text."""
    text, ground, ink = LOOKS[look]
    out = Image.new("RGB", (120, 120), ground)
    draw = ImageDraw.Draw(out)
    draw.ellipse((10, 10, 109, 109), fill=ink)
    draw.text((60, 60), text.strip("(")[0].upper(), ground, ImageFont.load_default(80), anchor="mm")
    return out


def changed(kind, data):
    picture = opened(data)
    width, height = picture.size
    if kind == "quality 30":
        return encoded(picture, data, quality=30)
    if kind == "hidden quality 30":
        return encoded(opened(encoded(picture, data, quality=30)), data)
    if kind == "grey":
        return encoded(picture.convert("L").convert("RGB"), data)
    if kind == "warm":
        return encoded(_mapped(picture, lambda x: x * np.array([1.12, 1.0, 0.84])), data)
    if kind == "blurred":
        small = picture.resize((max(8, width // 3), max(8, height // 3)), Image.BICUBIC)
        return encoded(small.resize((width, height), Image.BICUBIC), data)
    if kind == "bars":
        out, bar = picture.copy(), round(0.12 * height)
        out.paste((0, 0, 0), (0, 0, width, bar))
        out.paste((0, 0, 0), (0, height - bar, width, height))
        return encoded(out, data)
    if kind == "frame":
        x, y = max(2, round(0.027 * width)), max(2, round(0.027 * height))
        out = Image.new("RGB", (width, height), (40, 44, 60))
        out.paste(picture.crop((x, y, width - x, height - y)), (x, y))
        return encoded(out, data)
    if kind == "bright":
        return encoded(_mapped(picture, lambda x: 0.9 * x + 45), data)
    return encoded(picture.resize((320, 240), Image.BICUBIC), data)


def _mapped(picture, change):
    values = change(np.asarray(picture).astype("f4"))
    return Image.fromarray(np.clip(values, 0, 255).astype("u1"))
