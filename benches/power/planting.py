"""Planted sets: which photos carry the tag, what the audit reads, and what the head was trained on."""
import dataclasses, zlib
import numpy as np

from photos import Tag, draw_photo, place, stamp, stamp_cue


@dataclasses.dataclass(frozen=True)
class Case:
    """One set of photos, and the networks on it: one, or the same with its head multiplied by several factors."""

    kind: str
    group: str  # "planted", "hard", "easy" or "intervals"
    seed: int
    tag: Tag = Tag()
    classes: tuple = (2,)  # that carry the tag
    prevalence: float = 0.3  # in these classes
    leak: float = 0.0  # prevalence in the others
    training: str = "as audited"  # or "untagged", "randomised" (over all classes), "other photos" (planted alike)
    stamped: bool = True  # or annotated only
    cue: str = ""  # beside the tag, the class carries a "second tag" or a "colour patch", and this is what is learned
    in_corner: bool = False  # objects of tagged photos lie at the bottom left
    object_boxes: bool = False  # are in the annotations
    class_count: int = 3  # of the set and of the network, from the first class on
    scales: tuple = (1.0,)
    per_class: int = 300
    held_out: int = 0  # further audited photos per class, of a split that the head is not trained on
    proof_min: int = 30  # of the pipeline

    @property
    def key(self):
        """Seed of all that is drawn: no two sets share a photo."""
        return (zlib.crc32(self.kind.encode()), self.seed)


@dataclasses.dataclass(frozen=True)
class Item:
    """One photo of an audited set."""

    photo: object
    picture: object
    boxes: list  # of the tag
    is_held_out: bool = False


@dataclasses.dataclass(frozen=True)
class PlantedSet:
    items: list
    training_pictures: list
    training_labels: np.ndarray


def plant(case):
    """The audited set, and the pictures that its head is trained on."""
    rng = np.random.default_rng((*case.key, 1))
    items = [_item(case, i, case.key, rng) for i in range(case.class_count * case.per_class)]
    taught = list(items)
    if case.training == "other photos":
        taught = [_item(case, i, (*case.key, 2), rng) for i in range(len(items))]

    held_out = [_item(case, i, (*case.key, 5), rng) for i in range(case.class_count * case.held_out)]
    items += [dataclasses.replace(item, is_held_out=True) for item in held_out]

    pictures = [_lesson(case, item, rng) for item in taught]
    return PlantedSet(items, pictures, np.array([item.photo.label for item in taught]))


def _item(case, index, key, rng):
    label = index % case.class_count
    is_tagged = rng.random() < (case.prevalence if label in case.classes else case.leak)
    photo = draw_photo(label, np.random.default_rng((*key, index)), case.in_corner and is_tagged)
    if not is_tagged:
        return Item(photo, photo.picture, [])

    boxes = place(case.tag, photo, rng)
    picture = photo.picture
    if case.cue:
        picture = stamp_cue(picture, case.cue, boxes)
    if case.stamped:
        picture = stamp(picture, case.tag, boxes)
    return Item(photo, picture, boxes)


def _lesson(case, item, rng):
    """What the head sees of a photo. The cue stays where it is; the tag does only where it is to be learned."""
    if case.training in ("as audited", "other photos"):
        return item.picture

    picture = item.photo.picture
    if case.cue and item.boxes:
        picture = stamp_cue(picture, case.cue, item.boxes)
    if case.training == "randomised" and rng.random() < 0.5:
        boxes = item.boxes or place(case.tag, item.photo, rng)
        picture = stamp(picture, case.tag, boxes)
    return picture
