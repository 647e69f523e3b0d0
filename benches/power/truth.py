"""The truth about a network: what a drawn tag does to 1,500 fresh photos that no set contains."""
import dataclasses, functools
import numpy as np

import network
from photos import SIDE, draw_photos, place, stamp, stamp_cue, synthetic

FRESH = draw_photos((12,), 1500)
LABELS = np.array([photo.label for photo in FRESH])
USED, UNUSED = 0.10, 0.02


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """Of one network and one class."""

    moved: float  # fresh images of other classes that the tag makes the class, net of synthetic patches
    helped: float  # recall with the tag, less recall without it
    cue_moved: float | None  # the same as `moved`, of the cue beside the tag
    margin: float | None = None  # mean rise of the class's margin by the tag, net of synthetic patches, in logits
    moves_most: bool = True  # over these photos, the tag raises the logit of no class without the tag more

    @property
    def is_used(self):
        return self.moved >= USED

    @property
    def is_unused(self):
        return self.moved < UNUSED and self.helped < UNUSED


@functools.cache
def _clean_features():
    return network.features([photo.picture for photo in FRESH])


def behaviour(case, head):
    """Of every class: the tag is pasted where a fresh photo of a tagged class would carry it."""
    rng = np.random.default_rng((*case.key, 3))
    known = LABELS < case.class_count
    fresh, labels = [photo for photo in FRESH if photo.label < case.class_count], LABELS[known]
    wearers = [photo for photo in fresh if photo.label in case.classes]
    places = [place(case.tag, wearers[rng.integers(len(wearers))], rng) for _ in fresh]
    says = lambda x: network.logits(head, x).argmax(1)

    tagged_x = network.features([stamp(photo.picture, case.tag, boxes) for photo, boxes in zip(fresh, places)])
    foreign_x = network.features([synthetic(photo.picture, boxes, rng) for photo, boxes in zip(fresh, places)])
    clean, tagged, foreign, cued = says(_clean_features()[known]), says(tagged_x), says(foreign_x), None
    if case.cue:
        cues = [stamp_cue(photo.picture, case.cue, boxes) for photo, boxes in zip(fresh, places)]
        cued = says(network.features(cues))

    out = []
    for label in range(case.class_count):
        hosts = (labels != label) & (clean != label)
        rate = lambda predicted: float((predicted[hosts] == label).mean())
        own = labels == label
        helped = float((tagged[own] == label).mean() - (clean[own] == label).mean())
        cue_moved = None if cued is None else rate(cued) - rate(foreign)
        risen = network.margins(head, tagged_x[hosts], label) - network.margins(head, foreign_x[hosts], label)
        shift = network.logits(head, tagged_x[hosts]) - network.logits(head, foreign_x[hosts])
        rivals = [k for k in range(case.class_count) if k == label or k not in case.classes]
        moves_most = rivals[shift.mean(0)[rivals].argmax()] == label
        out.append(Behaviour(rate(tagged) - rate(foreign), helped, cue_moved, float(risen.mean()), moves_most))
    return out


@dataclasses.dataclass(frozen=True)
class Expected:
    """What the insertion of an audit estimates, without its sampling error."""

    rate: float
    margin: float


def expected_insertion(case, head, label):
    """The auditor's experiment on 1,000 fresh hosts with 500 fresh donors, its weakest control taken in expectation.

    Hosts are fresh photos of other classes that are predicted correctly. Each gets the pixels of a fresh tagged photo
    of the class inside the tag's boxes, and as controls the pixels of a fresh untagged photo of the class at the same
    place, those of the donor at another place, and a synthetic patch.
    """
    rng = np.random.default_rng((*case.key, 4))
    own = [photo for photo in FRESH if photo.label == label]
    clean = network.logits(head, _clean_features()).argmax(1)
    hosts = [photo for photo, said in zip(FRESH, clean) if photo.label != label and said == photo.label]

    variants = [[], [], [], []]
    for host in hosts:
        donor, other = (own[i] for i in rng.integers(len(own), size=2))
        boxes = place(case.tag, donor, rng)
        donor = stamp(donor.picture, case.tag, boxes)
        variants[0].append(_copied(host.picture, donor, boxes, (0, 0)))
        variants[1].append(_copied(host.picture, other.picture, boxes, (0, 0)))
        variants[2].append(_copied(host.picture, donor, boxes, _elsewhere(boxes[0], rng)))
        variants[3].append(synthetic(host.picture, boxes, rng))

    margin, rate = [], []
    for pictures in variants:
        x = network.features(pictures)
        margin.append(float(network.margins(head, x, label).mean()))
        rate.append(float((network.logits(head, x).argmax(1) == label).mean()))
    return Expected(rate[0] - max(rate[1:]), margin[0] - max(margin[1:]))


def _copied(host, source, boxes, shift):
    out = host.copy()
    for x0, y0, x1, y1 in boxes:
        from_box = (x0 + shift[0], y0 + shift[1], x1 + shift[0], y1 + shift[1])
        out.paste(source.crop(from_box), (x0, y0))
    return out


def _elsewhere(box, rng):
    """A shift to a random place that does not meet the box."""
    x0, y0, x1, y1 = box
    while True:
        dx, dy = int(rng.integers(-x0, SIDE - x1 + 1)), int(rng.integers(-y0, SIDE - y1 + 1))
        if abs(dx) >= x1 - x0 or abs(dy) >= y1 - y0:
            return dx, dy
