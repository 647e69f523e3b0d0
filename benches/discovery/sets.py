"""Which sets are audited, and how one is made and read."""
import dataclasses, pathlib, resource, subprocess, tempfile, time
import numpy as np, polars as pl

import network, photos
from backgrounds import BACKGROUNDS
from plants import DESIGNS, PROPERTIES, Plant, planted

TAGGED, PARTS = (8, 17, 34, 85), (0.05, 0.1, 0.2, 0.5)
BEHIND = (0.1, 0.2)
# Left, top, right, bottom in fractions of every photo of a set with backgrounds: a stand-in for boxes of its objects.
STAND_IN = (0.2, 0.15, 0.8, 0.7)
# Plants of one set, each in a class of its own.
TOGETHER = 3
HOSTS = 150
PIPELINE = """[dataset]
root = "set"
%s
[model]
path = "network.onnx"
[preprocess]
steps = [{ resize = { exact = [224, 224] } }]
scale = 1.0
mean = [127]
std = [128]
[discovery]
%s
[report]
pictures = "none"
"""


@dataclasses.dataclass(frozen=True)
class Case:
    seed: int
    grouping: str  # "near": neighbouring categories are a class; "random": labels without a meaning
    plants: tuple

    @property
    def name(self):
        return f"{self.grouping} {self.seed}"

    @property
    def has_backgrounds(self):
        return any(plant.kind in BACKGROUNDS for plant in self.plants)


@dataclasses.dataclass(frozen=True)
class Found:
    """One finding that nobody declared, and how well it fits the planted images of its class."""

    label: int
    origin: str
    region: str
    verdict: str
    precision: float
    recall: float

    @property
    def fits(self):
        return self.precision >= 0.6 and self.recall >= 0.4


@dataclasses.dataclass(frozen=True)
class Shown:
    """Concepts and heat clusters of one class, by how well they show the images with a background."""

    label: int
    precisions: tuple  # of the strongest images of each concept, in the order in which they are shown
    by_share: tuple  # the places of the concepts when they are ordered by their share
    cluster: float  # largest F1 of a cluster


@dataclasses.dataclass(frozen=True)
class Audited:
    case: Case
    moved: dict  # by label of a plant: part of the images of other classes that it makes the class
    found: list
    seconds: float
    skipped: str = ""
    shown: tuple = ()


def all_cases(is_long, per_class):
    """Tags and properties, each beside classes without one; labels without a meaning; a tag in all classes."""
    repeats = 3 if is_long else 1
    parts = [round(part * per_class) for part in PARTS]
    cases = []
    for _ in range(repeats):
        for kinds, counts in ((DESIGNS, TAGGED), (PROPERTIES, parts)):
            for turn in range(len(counts)):
                for group in range(len(kinds) // TOGETHER):
                    # Every kind with every count once; no two of a set are of one kind.
                    number = len(cases)
                    classes = np.random.default_rng((number, 2)).permutation(photos.CLASS_COUNT)
                    plants = []
                    for i in range(TOGETHER):
                        kind, count = kinds[group * TOGETHER + i], counts[(turn + i) % len(counts)]
                        plants.append(Plant(kind, int(classes[i]), count, int(classes[i])))
                    cases.append(Case(number, ("near", "random")[(turn + group) % 2], tuple(plants)))

        for _ in range(14):
            cases.append(Case(len(cases), "random", ()))
        for design in ("label", "logo"):
            everywhere = tuple(Plant(design, label, per_class // 4) for label in range(photos.CLASS_COUNT))
            cases.append(Case(len(cases), "random", everywhere))

        for turn in range(2 * len(BEHIND)):
            classes = np.random.default_rng((len(cases), 2)).permutation(photos.CLASS_COUNT)
            plants = []
            for i, kind in enumerate(BACKGROUNDS):
                count = round(BEHIND[(turn + i) % len(BEHIND)] * per_class)
                plants.append(Plant(kind, int(classes[i]), count))
            cases.append(Case(len(cases), ("near", "random")[turn // len(BEHIND)], tuple(plants)))

        for counts in ((17, 34, 85), (24, 34, 85)):
            classes = np.random.default_rng((len(cases), 2)).permutation(photos.CLASS_COUNT)
            plants = tuple(Plant("rescaled", int(label), count, int(label)) for label, count in zip(classes, counts))
            cases.append(Case(len(cases), "random", plants))
    return cases


def run(binary, trunk_file, folders, per_class, case):
    """Plants, trains the head on the planted set, audits, and compares what was found with what was planted."""
    start, trunk = time.monotonic(), _trunk(trunk_file)
    classes = photos.labelled(photos.read(folders), per_class, case.grouping, case.seed)
    with tempfile.TemporaryDirectory(prefix="discovery-") as folder:
        folder = pathlib.Path(folder)
        names, data, labels, marked = _write(case, classes, folder / "set")
        features = np.stack([trunk.of(bytes_) for bytes_ in data])
        head = network.train_head(features, labels, photos.CLASS_COUNT)
        trunk.save(head, folder / "network.onnx")
        moved = {plant.label: _moved(trunk, head, plant, data, labels) for plant in case.plants}

        (folder / "set.toml").write_text(_pipeline(case, folder, names))
        command = [binary, "run", folder / "set.toml", "--out", folder / "out", "--jobs", "1", "--no-cache", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            return Audited(case, moved, [], time.monotonic() - start, done.stderr[-300:])
        latest = folder / "out/set/latest"
        if case.has_backgrounds:
            shown = tuple(_shown(latest, plant.label, names, marked) for plant in case.plants)
            return Audited(case, moved, [], time.monotonic() - start, shown=shown)
        found = _read(latest, names, labels, marked)
    return Audited(case, moved, found, time.monotonic() - start)


def nights(binary, trunk_file, folders, per_class, case):
    """Processor seconds of two runs of one set with the search and of two without it, the second of each with the cache of the first."""
    trunk = _trunk(trunk_file)
    classes = photos.labelled(photos.read(folders), per_class, case.grouping, case.seed)
    times = {}
    with tempfile.TemporaryDirectory(prefix="nights-") as folder:
        folder = pathlib.Path(folder)
        names, data, labels, _ = _write(case, classes, folder / "set")
        head = network.train_head(np.stack([trunk.of(bytes_) for bytes_ in data]), labels, photos.CLASS_COUNT)
        trunk.save(head, folder / "network.onnx")
        searched = _pipeline(case, folder, names)
        start, end = searched.index("[discovery]"), searched.index("[report]")
        for name, text in (("with the search", searched), ("without it", searched[:start] + searched[end:])):
            (folder / "set.toml").write_text(text)
            for night in ("first", "second"):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                command = [binary, "run", folder / "set.toml", "--out", folder / name, "--quiet"]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode not in (0, 1):
                    raise SystemExit(done.stderr)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                times[name, night] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return times


def _pipeline(case, folder, names):
    """What is searched for is what was planted; backgrounds come with a box in every photo."""
    if not case.has_backgrounds:
        return PIPELINE % ("", "concepts = false")
    rows = [f"{name},{name.split('/')[0]}," + ",".join(map(str, STAND_IN)) for name in names]
    (folder / "boxes.csv").write_text("\n".join(["path,category,xmin,ymin,xmax,ymax", *rows]))
    boxes = 'boxes = "boxes.csv"\nbox_coordinates = "normalised"'
    return PIPELINE % (boxes, "patches = false\nfixed = false\nproperties = false\n[verdict]\nmax_candidates = 0")


def _shown(run, label, names, marked):
    paths = pl.concat([pl.read_parquet(part) for part in sorted((run / "images").glob("*.parquet"))])
    paths = dict(paths.select("image_id", "path").iter_rows())
    truth = dict(zip(names, marked))
    is_marked = lambda image: bool(truth[paths[image]])
    of_class = pl.col("label_index") == label
    concepts = pl.read_parquet(run / "concepts.parquet").filter(of_class).sort("concept")
    precisions = [float(np.mean([is_marked(i) for i in row.split()] or [0])) for row in concepts["strongest"]]
    by_share = np.argsort(-concepts["share"].to_numpy(), kind="stable")

    clusters = pl.read_parquet(run / "heat_clusters.parquet").filter(of_class)
    total = sum(map(is_marked, clusters["image_id"]))
    scores = [0.0]
    for _, members in clusters.group_by("cluster"):
        hits = sum(map(is_marked, members["image_id"]))
        scores.append(2 * hits / max(1, len(members) + total))
    return Shown(label, tuple(precisions), tuple(int(place) for place in by_share), max(scores))


_TRUNKS = {}


def _trunk(path):
    if path not in _TRUNKS:
        _TRUNKS[path] = network.Trunk(path)
    return _TRUNKS[path]


def _write(case, classes, root):
    """The files under names that say nothing; their bytes, labels, and whether something was planted in them."""
    rng = np.random.default_rng((case.seed, 3))
    names, data, labels, marked = [], [], [], []
    for label, members in enumerate(classes):
        plant = next((plant for plant in case.plants if plant.label == label), None)
        chosen = set(rng.permutation(len(members))[: plant.count]) if plant else set()
        (root / f"class{label}").mkdir(parents=True)
        for i, photo in enumerate(members):
            content = photo.path.read_bytes()
            if i in chosen:
                content = planted(plant, content, rng)
            name = f"class{label}/{i:04}.jpg"
            (root / name).write_bytes(content)
            names.append(name)
            data.append(content)
            labels.append(label)
            marked.append(i in chosen)
    return names, data, np.array(labels), np.array(marked)


def _moved(trunk, head, plant, data, labels):
    """Part of images of other classes that the plant makes the class, net of those that are it already."""
    rng = np.random.default_rng(plant.count)
    hosts = rng.permutation(np.flatnonzero(labels != plant.label))[:HOSTS]
    says = lambda files: np.stack([trunk.of(file) for file in files]) @ head[0].T + head[1]
    before = says([data[i] for i in hosts]).argmax(1) == plant.label
    after = says([planted(plant, data[i], rng) for i in hosts]).argmax(1) == plant.label
    return float(after.mean() - before.mean())


def _read(run, names, labels, marked):
    findings = pl.read_parquet(run / "findings.parquet").filter(pl.col("origin") != "declared")
    patterns = pl.read_parquet(run / "discovered.parquet")
    properties = pl.read_parquet(run / "properties.parquet")
    place = {name: i for i, name in enumerate(names)}
    found = []
    for row in findings.iter_rows(named=True):
        label = int(row["label"].removeprefix("class"))
        if row["origin"] == "property":
            rows = properties.filter(pl.col("label") == row["label"])
            paths = [image["path"] for image in rows.iter_rows(named=True) if _holds(row["region"], image)]
        else:
            paths = patterns.filter((pl.col("region") == row["region"]) & (pl.col("label") == row["label"]))["path"]
        inside = np.zeros(len(names), bool)
        inside[[place[path] for path in set(paths)]] = True
        truth = marked & (labels == label)
        both = (inside & truth).sum()
        precision, recall = both / max(1, inside.sum()), both / max(1, truth.sum())
        found.append(Found(label, row["origin"], row["region"], row["verdict"], float(precision), float(recall)))
    return found


def _holds(rule, image):
    """Whether an image follows a rule as findings write it: `name <= a`, `name >= a`, `name a to b`, `name = a`, `name missing`."""
    name, rest = rule.split(" ", 1)
    value = image[name]
    if rest == "missing" or value is None:
        return rest == "missing" and value is None
    if " to " in rest:
        low, high = map(float, rest.split(" to "))
        return low <= value <= high

    sign, level = rest.split(" ", 1)
    if sign == "=":
        return value == level if isinstance(value, str) else value == float(level)
    return value <= float(level) if sign == "<=" else value >= float(level)
