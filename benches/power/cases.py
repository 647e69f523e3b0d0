"""Which sets are planted, in the short form and in the long one."""
import itertools, random

from photos import Tag
from planting import Case

PREVALENCES, SIDES = (0.05, 0.1, 0.2, 0.5, 1.0), (16, 24, 32, 48)


def all_cases(is_long):
    repeats = 5 if is_long else 1
    fixed = special(8 * repeats) + hard(28 * repeats) + easy(3 * repeats) + intervals(20 * repeats)
    return planted(is_long) + fixed


def planted(is_long):
    """A tag in one class, learned from the set that is audited: by prevalence, size, opacity, place and leakage."""
    others = list(itertools.product((1.0, 0.5), ("corner", "anywhere"), (0.0, 0.01, 0.05)))
    pairs = list(itertools.product(PREVALENCES, SIDES))
    if is_long:
        grid = [(*pair, *other, seed) for pair in pairs for other in others for seed in range(5)]
    else:
        # Every prevalence and side, twice; opacity, place and leakage take turns.
        turns = list(itertools.product(pairs, range(2)))
        grid = [(*pair, *others[(5 * i + 7 * turn) % len(others)], turn) for i, (pair, turn) in enumerate(turns)]

    cases = []
    for number, (prevalence, side, opacity, where, leak, _) in enumerate(grid):
        tag = Tag("label", side, opacity, where)
        cases.append(Case("planted", "planted", number, tag, (number % 3,), prevalence, leak))
    return cases


def special(count):
    """Tags that are learned, in forms and places that make the proof harder; half of the sets with a validation split."""
    cases = []
    for seed in range(count):
        one, two = (seed % 3,), (seed % 3, (seed + 1) % 3)
        some = (0.2, 0.3, 0.5, 0.8)[seed % 4]
        side = (48, 32)[seed // 4 % 2]
        label, boxes = Tag("label", side), seed % 2 == 1
        shared = {"prevalence": some, "held_out": 100 if seed // 2 % 2 else 0}
        cases += [
            Case("centred", "planted", seed, Tag("label", side, place="centre"), one, object_boxes=boxes, **shared),
            Case("frame", "planted", seed, Tag("frame", side), one, **shared),
            Case("whole class", "planted", seed, label, one, **{**shared, "prevalence": 1.0}),
            Case("over the object", "planted", seed, Tag("label", side, place="object"), one, object_boxes=boxes, **shared),
            Case("set of two classes", "planted", seed, label, (seed % 2,), class_count=2, **shared),
            Case("tag in two classes", "planted", seed, label, two, **shared),
            Case("scaled head", "planted", seed, label, one, scales=(0.1, 1.0, 10.0), **shared),
        ]
    # METHOD's known limit: these stay candidates.
    for seed in range(count // 2):
        cases += [
            Case("letters, whole class", "planted", seed, Tag("letters", 48), (seed % 3,), 1.0),
            Case("faint, whole class", "planted", seed, Tag("label", 48, 0.6), (seed % 3,), 1.0),
        ]
    return cases


def hard(count):
    """The tag is unused although the class has it: the head was trained without it, or with it at random everywhere.

    Each design makes B hold or unavailable, so that the intervention has to tell. Every class with either training has
    each form of a design; sizes and the like are drawn.
    """
    cases = []
    for seed in range(count):
        form, pick = seed // 6, random.Random(seed).choice
        shared = {"classes": (seed % 3,), "training": ("randomised", "untagged")[seed // 3 % 2], "per_class": 200}
        some = {"prevalence": pick((0.4, 0.6, 0.8))}
        centred = Tag("label", pick((24, 32, 48)), place="centre")
        tiny = Tag("label", 16, place="anywhere")

        # a: on all images of the class, so that B compares with other classes, which lack the object; or in the middle,
        # where the objects are and no mirrored place is free.
        faint = Tag("label", pick((40, 48)), pick((0.2, 0.25, 0.3)), ("object", "centre")[form % 2])
        boxes = pick((False, True))
        case = Case("a: faint, over the object", "hard", seed, faint, prevalence=1.0, object_boxes=boxes, **shared)
        cases.append(case)

        # b: a centred region has no free mirrored place, a tiny one is under a quarter of a cell, and into a large one
        # the evidence of the cue may reach.
        beside = (centred, tiny, centred, Tag("label", 48, 0.6, "anywhere"))[form % 4]
        cue = pick(("second tag", "colour patch"))
        cases.append(Case("b: beside the used cue", "hard", seed, beside, cue=cue, **some, **shared))

        # c: the class's own evidence lies under the tag. Objects are near the centre, where no mirrored place is free;
        # or nearly all images of the class have the tag, so that B compares with other classes.
        over, where = centred, some
        if form % 2 == 1:
            over, where = Tag("label", 48, pick((0.3, 0.45)), "object"), {"prevalence": 0.96}
        cases.append(Case("c: where the objects lie", "hard", seed, over, **where, **shared))

        # d: B cannot be had, as in b.
        alone = (centred, Tag("frame", pick((24, 32, 48))), tiny)[form % 3]
        cases.append(Case("d: honest head, times 10", "hard", seed, alone, scales=(10.0,), **some, **shared))
    return cases


def easy(count):
    """Tags without a meaning, which need not reach the intervention."""
    cases = []
    for seed in range(count):
        tag = Tag("label", SIDES[seed % 4], place=("corner", "anywhere")[seed % 2])
        shared = {"classes": (seed % 3,), "per_class": 200}
        cases += [
            Case("annotated only", "easy", seed, tag, training="untagged", stamped=False, **shared),
            Case("in all classes", "easy", seed, tag, leak=0.3, **shared),
            Case("randomised in training", "easy", seed, tag, training="randomised", **shared),
            Case("only at audit time", "easy", seed, tag, training="untagged", **shared),
        ]
    return cases


def intervals(count):
    """Learned tags on about 18, 34 and 100 photos: 9, 17 and 32 donors in the half that tests.

    The head is trained on other photos, so that the audited ones and the fresh ones are of one population.
    """
    cases = []
    for tagged, kind in ((18, "about 8 donors"), (34, "about 16 donors"), (100, "32 donors")):
        for seed in range(count):
            tag = Tag("label", 48, (1.0, 0.7)[seed % 2], ("corner", "anywhere")[seed // 2 % 2])
            shared = {"training": "other photos", "per_class": 200, "proof_min": 16}
            cases.append(Case(kind, "intervals", seed, tag, (seed % 3,), tagged / 200, **shared))
    return cases
