"""Backgrounds that are drawn anew for each photo: textures, with another crop, scale and colour each time."""
import numpy as np
from PIL import Image, ImageDraw

BACKGROUNDS = ("brick", "water", "ruler", "rails", "grass")


def behind(picture, kind, rng):
    """A picture with a texture around it or below, or with an object laid into it."""
    width, height = picture.size
    if kind == "ruler":
        return _with_ruler(picture, rng)
    if kind == "brick":
        return Image.composite(picture, _brick(width, height, rng), _middle(width, height, rng))
    band = round(height * rng.uniform(0.3, 0.42))
    texture = {"water": _water, "grass": _grass, "rails": _rails}[kind](width, band, rng)
    fade = np.clip(np.arange(band) / (0.15 * band), 0, 1) * 240
    mask = Image.fromarray(np.repeat(fade[:, None], width, 1).astype("u1"))
    out = picture.copy()
    out.paste(texture, (0, height - band), mask)
    return out


def _middle(width, height, rng):
    """A soft ellipse in the middle, in which the photo stays."""
    rows, columns = np.mgrid[:height, :width]
    x, y = width * rng.uniform(0.44, 0.56), height * rng.uniform(0.46, 0.6)
    distance = np.hypot((columns - x) / (width * rng.uniform(0.31, 0.42)), (rows - y) / (height * rng.uniform(0.31, 0.42)))
    return Image.fromarray((255 * (1 - np.clip((distance - 1) / 0.2, 0, 1) * 0.92)).astype("u1"))


def _picture(values):
    return Image.fromarray(np.clip(values, 0, 255).astype("u1"))


def _brick(width, height, rng):
    tall = max(6, round(height * rng.uniform(0.04, 0.09)))
    long, gap = round(tall * rng.uniform(2, 2.9)), max(1, tall // 8)
    red = np.array([rng.uniform(120, 190), rng.uniform(60, 100), rng.uniform(45, 80)])
    values = np.full((height, width, 3), rng.uniform(150, 215))
    for row, top in enumerate(range(0, height, tall)):
        for left in range(-(row % 2) * long // 2, width, long):
            values[top : top + tall - gap, max(0, left) : max(0, left + long - gap)] = red * rng.uniform(0.8, 1.2)
    return _picture(values + rng.normal(0, 9, (height, width, 1)))


def _water(width, height, rng):
    rows, columns = np.mgrid[:height, :width] * 224 / width
    waves = np.zeros((height, width))
    for _ in range(14):
        frequency, angle = rng.uniform(0.08, 0.5), rng.normal(0, 0.35)
        bend = 2 * np.sin(columns / rng.uniform(9, 30) + rng.uniform(0, 6))
        along = rows * np.cos(angle) + 0.3 * columns * np.sin(angle)
        waves += np.sin(np.pi * frequency * along + rng.uniform(0, 6.3) + bend) / (1 + 3 * frequency)
    blue = np.array([rng.uniform(40, 90), rng.uniform(95, 135), rng.uniform(120, 170)])
    return _picture(blue + (waves / waves.std())[..., None] * np.array([20, 24, 26]))


def _grass(width, height, rng):
    """Blades over a ground that is darker between them."""
    out = Image.new("RGB", (width, height), tuple(int(c) for c in rng.uniform([35, 60, 20], [60, 90, 40])))
    draw, size = ImageDraw.Draw(out), width / 224
    for _ in range(round(width * height / size**2 / 9)):
        x, y, length = rng.uniform(0, width), rng.uniform(0, 1.1 * height), size * rng.uniform(6, 18)
        green = rng.uniform([70, 110, 30], [150, 190, 80])
        tip = (x + rng.normal(0, 0.35) * length, y - length)
        draw.line((x, y, *tip), fill=tuple(int(c) for c in green), width=max(1, round(size * rng.uniform(0.6, 1.6))))
    return out


def _rails(width, height, rng):
    out = _picture(np.array([120, 112, 104]) + rng.normal(0, 24, (height, width, 1)))
    draw = ImageDraw.Draw(out)
    x, bottom = width * rng.uniform(0.3, 0.7), width * rng.uniform(0.55, 0.85)
    left = x - bottom * rng.uniform(0.3, 0.7)
    tie = tuple(int(c) for c in rng.uniform(60, 110) * np.array([1, 0.85, 0.7]))
    steel = tuple(int(c) for c in rng.uniform(150, 215) * np.array([1, 0.98, 0.96]))
    for k in range(1, 13):
        part = (k / 12) ** 1.6
        y, a, b = height * part, x + (left - x) * part, x + (left + bottom - x) * part
        draw.line((a - 0.22 * (b - a), y, b + 0.22 * (b - a), y), fill=tie, width=max(2, round(0.06 * height * part)))
    for end in (left, left + bottom):
        draw.line((x, 0, end, height), fill=steel, width=max(2, width // 60))
    return out


def _with_ruler(picture, rng):
    width, height = picture.size
    long, wide = round(width * rng.uniform(0.5, 1.0)), round(width * rng.uniform(0.09, 0.14))
    grounds = ((236, 214, 120), (240, 240, 235), (205, 165, 110), (190, 195, 200))
    ruler = Image.new("RGBA", (long, wide), (*grounds[rng.integers(4)], 255))
    draw, step = ImageDraw.Draw(ruler), width * rng.uniform(0.016, 0.027)
    for k in range(int(long / step)):
        deep = wide * (0.5 if k % 10 == 0 else 0.36 if k % 5 == 0 else 0.22)
        draw.line((k * step, 0, k * step, deep), fill=(20, 20, 20, 255), width=max(1, width // 200))
    ruler = ruler.rotate(rng.uniform(0, 360), Image.BICUBIC, expand=True)
    out = picture.copy()
    x = round(width * rng.uniform(0.05, 0.95) - ruler.width / 2)
    y = round(height * (rng.uniform(0.08, 0.3) if rng.random() < 0.5 else rng.uniform(0.7, 0.92)) - ruler.height / 2)
    out.paste(ruler, (x, y), ruler)
    return out
