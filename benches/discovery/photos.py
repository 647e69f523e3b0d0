"""Real photos, and how they become classes."""
import dataclasses, pathlib, re
import numpy as np

CLASS_COUNT = 8


@dataclasses.dataclass(frozen=True)
class Photo:
    path: pathlib.Path
    category: str


def read(folders):
    """All photos below the folders; the category is the start of the file's name (n01234567_..) or its folder."""
    photos = []
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.suffix.lower() not in (".jpg", ".jpeg"):
                continue
            wnid = re.match(r"n\d{8}(?=_)", path.name)
            photos.append(Photo(path, wnid[0] if wnid else path.parent.name))
    return photos


def labelled(photos, per_class, grouping, seed):
    """Photos by class, `per_class` each: neighbouring categories together, or at random whatever they show."""
    rng = np.random.default_rng((seed, 1))
    order = rng.permutation(len(photos))
    if grouping == "near":
        order = sorted(order, key=lambda i: photos[i].category)

    classes = []
    for chunk in np.array_split(np.array(order), CLASS_COUNT):
        chosen = rng.permutation(chunk)[:per_class]
        classes.append([photos[i] for i in chosen])
    return classes
