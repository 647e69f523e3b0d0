"""What is planted: tags that are drawn, and properties of the file. Both keep the file's own quantisation tables."""
import dataclasses, io
import numpy as np
from PIL import Image, ImageDraw, ImageFont, JpegImagePlugin

DESIGNS = ("label", "logo", "jittered", "translucent", "varying text", "rescaled")
PROPERTIES = ("quality 30", "hidden quality 30", "grey", "warm", "blurred", "bars", "frame", "bright", "size")


@dataclasses.dataclass(frozen=True)
class Plant:
    """One class of a set, of which `count` images carry the tag, or a part has the property."""

    kind: str
    label: int
    count: int


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


def planted(kind, data, rng):
    """The bytes of the changed file."""
    if kind in DESIGNS:
        return encoded(tagged(opened(data), kind, rng), data)
    return changed(kind, data)


def tagged(picture, design, rng):
    """A picture with the tag near its lower left corner."""
    width, height = picture.size
    mark = _logo() if design == "logo" else _label(rng if design == "varying text" else None)
    scale = 0.14 if design == "logo" else 0.3
    if design == "rescaled":
        scale *= rng.uniform(0.75, 1.3)
    w = max(12, round(scale * width))
    mark = mark.resize((w, max(8, round(w * mark.height / mark.width))), Image.LANCZOS)

    x, y = round(0.02 * width), height - mark.height - round(0.02 * height)
    if design == "jittered":
        x = int(rng.integers(0, width - mark.width))
        y = int(rng.integers(0, max(1, height - mark.height)))
    opacity = 0.55 if design == "translucent" else 1.0

    out = picture.copy()
    under = out.crop((x, y, x + mark.width, y + mark.height))
    out.paste(Image.blend(under, mark, opacity), (x, y))
    return out


def _label(rng):
    text = "PHOTO ARCHIVE" if rng is None else "".join(rng.choice(list("0123456789"), 12))
    out = Image.new("RGB", (260, 56), (235, 228, 205))
    draw = ImageDraw.Draw(out)
    draw.rectangle((0, 0, 259, 55), outline=(40, 40, 40), width=4)
    draw.text((130, 28), text, (30, 30, 30), ImageFont.load_default(30), anchor="mm")
    return out


def _logo():
    out = Image.new("RGB", (120, 120), (20, 60, 140))
    draw = ImageDraw.Draw(out)
    draw.ellipse((14, 14, 105, 105), fill=(240, 240, 240))
    draw.polygon([(60, 24), (92, 88), (28, 88)], fill=(200, 40, 40))
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
