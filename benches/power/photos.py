"""Photos and tags, all drawn from seeds: no pixel of a tag is cut out of a photo of an audited set."""
import dataclasses, pathlib, sys
import numpy as np
from PIL import Image, ImageChops

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "fixtures"))
import horses

CLASSES = horses.CLASSES
SIDE = 64


@dataclasses.dataclass(frozen=True)
class Photo:
    picture: Image.Image
    label: int
    object_box: tuple


@dataclasses.dataclass(frozen=True)
class Tag:
    look: str = "label"  # "label", "letters" (the label without its background) or "frame"
    side: int = 32  # length in pixels of a photo of 224; a frame is a third of it thick
    opacity: float = 1.0
    place: str = "corner"  # "corner", "anywhere", "centre" or "object"; a frame has its own


def draw_photo(label, rng, in_corner=False):
    """One photo without a tag; `in_corner` moves the object to the bottom left, and the background wraps around."""
    picture, box = horses.draw(CLASSES[label], rng)
    if in_corner:
        dx, dy = 2 - box[0], picture.height - 2 - box[3]
        picture = ImageChops.offset(picture, dx, dy)
        box = (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy)

    across, down = SIDE / horses.WIDTH, SIDE / horses.HEIGHT
    box = (round(box[0] * across), round(box[1] * down), round(box[2] * across), round(box[3] * down))
    return Photo(picture.resize((SIDE, SIDE), Image.BILINEAR), label, box)


def draw_photos(key, count):
    """Photos of all classes in turn."""
    return [draw_photo(i % len(CLASSES), np.random.default_rng((*key, i))) for i in range(count)]


def _label():
    """The fixture's tag, drawn on nothing."""
    blank = Image.new("RGB", (horses.WIDTH, horses.HEIGHT))
    box = horses.tag(blank, np.random.default_rng(0))
    return blank.crop(tuple(int(v) for v in box))


LABEL = _label()
CUE_COLOUR = (225, 40, 190)
# The same form in other colours: the cue beside a tag.
SECOND_LABEL = Image.merge("RGB", LABEL.transpose(Image.Transpose.FLIP_LEFT_RIGHT).split()[::-1])


def place(tag, photo, rng):
    """Where a photo carries the tag: one box, or the four sides of a frame."""
    if tag.look == "frame":
        t = max(2, round(tag.side * SIDE / 224 / 3))
        return [(0, 0, SIDE, t), (0, SIDE - t, SIDE, SIDE), (0, t, t, SIDE - t), (SIDE - t, t, SIDE, SIDE - t)]

    w = max(3, round(tag.side * SIDE / 224 * 1.4))
    h = max(2, round(w * LABEL.height / LABEL.width))
    if tag.place == "corner":
        x, y = 3, SIDE - h - 3
    elif tag.place == "anywhere":
        x, y = int(rng.integers(0, SIDE - w)), int(rng.integers(0, SIDE - h))
    elif tag.place == "centre":
        x, y = (SIDE - w) // 2, (SIDE - h) // 2
    else:
        x0, y0, x1, y1 = photo.object_box
        x = (x0 + x1 - w) // 2 + int(rng.integers(-3, 4))
        y = (y0 + y1 - h) // 2 + int(rng.integers(-3, 4))
        x, y = min(max(x, 0), SIDE - w), min(max(y, 0), SIDE - h)
    return [(x, y, x + w, y + h)]


def stamp(picture, tag, boxes):
    """The picture with the tag at these boxes."""
    out = picture.copy()
    for box in boxes:
        drawn = _pixels(tag, box)
        under = picture.crop(box)
        opaque = Image.new("L", drawn.size, round(255 * tag.opacity))
        if tag.look == "letters":
            bright = drawn.convert("L").point(lambda v: 255 if v > 110 else 0)
            opaque = ImageChops.multiply(opaque, bright)
        out.paste(Image.composite(drawn, under, opaque), box[:2])
    return out


def _pixels(tag, box):
    """The tag itself. A frame is a band of many labels."""
    size = (box[2] - box[0], box[3] - box[1])
    if tag.look != "frame":
        return LABEL.resize(size, Image.BILINEAR)

    band = Image.new("RGB", (SIDE, SIDE))
    for x in range(0, SIDE, LABEL.width):
        for y in range(0, SIDE, LABEL.height):
            band.paste(LABEL, (x, y))
    return band.crop(box)


def stamp_cue(picture, cue, boxes):
    """The picture with what the class is recognised by: second tags or patches of colour above and below the tag."""
    x0, y0, x1, y1 = boxes[0]
    height = 8
    out = picture.copy()
    for top in (y0 - height, y1):
        size = (x1 - x0, height)
        drawn = SECOND_LABEL.resize(size, Image.BILINEAR) if cue == "second tag" else Image.new("RGB", size, CUE_COLOUR)
        out.paste(drawn, (x0, top))
    return out


def synthetic(picture, boxes, rng):
    """The same places under letters, checkers, bars or noise in two random colours."""
    out = picture.copy()
    ink, paper = rng.integers(0, 256, (2, 3))
    kind = rng.integers(4)
    for x0, y0, x1, y1 in boxes:
        y, x = np.mgrid[y0:y1, x0:x1]
        cell = max(1, min(x1 - x0, y1 - y0) // 6)
        if kind == 0:
            dots = rng.random((SIDE, SIDE)) < 0.5
            dark = dots[y, x] & (x % 6 < 5)
        elif kind == 1:
            dark = (x // cell + y // cell) % 2 == 1
        elif kind == 2:
            dark = x // cell % 2 == 1
        else:
            dark = rng.random(x.shape) < 0.5
        out.paste(Image.fromarray(np.where(dark[..., None], ink, paper).astype("u1")), (x0, y0))
    return out
