#!/usr/bin/env python3
"""How good is the auditor? Planted tags whose effect is known by behaviour, and negatives, against the verdicts.

    make power            short grid, a few minutes
    make power GRID=long  every combination, five seeds

The networks: the frozen convolutions of fixtures/models/{clean,shortcut,films,trains}.onnx side by side (192 channels, of which
some can tell the tag), with a linear head trained anew on every planted set by logistic regression, so that one network costs
a second. The truth is defined by behaviour: on 1,000 fresh images of the other classes an oracle pastes the tag as the training
set has it, and foreign patches at the same places. Where the tag makes at least a tenth more of them the tagged class, it is a
shortcut, however the set was planted. Where it moves under one in fifty of them, and the tagged class is recognised without it
as well as with it (two points of recall on 500 fresh images), it is none.
"""
import csv, itertools, math, pathlib, subprocess, sys, tempfile
import numpy as np, onnx, onnxruntime as ort, polars as pl
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageChops

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "fixtures"))
import horses

BIN, LONG = pathlib.Path(sys.argv[1]).resolve(), "long" in sys.argv[2:]
SIDE, PER_CLASS, TAGGED, WIDTH = 64, 300, 2, 192
CLASSES = horses.CLASSES


def trunk():
    """Four fixture networks up to their last ReLU, side by side, pooled; `features` is [batch, 192]."""
    nodes, weights, ends = [], [], []
    for name in ("clean", "shortcut", "films", "trains"):
        graph = onnx.load(ROOT / f"fixtures/models/{name}.onnx").graph
        for node in graph.node:
            if node.op_type in ("Conv", "Relu"):
                rename = lambda t: t if t == "image" else f"{name}.{t}"
                nodes.append(helper.make_node(node.op_type, [rename(t) for t in node.input], [rename(t) for t in node.output], f"{name}.{node.name}"))
                nodes[-1].attribute.extend(node.attribute)
                end = rename(node.output[0])
        weights += [numpy_helper.from_array(numpy_helper.to_array(w), f"{name}.{w.name}") for w in graph.initializer if "conv" in w.name]
        ends.append(end)
    nodes += [helper.make_node("Concat", ends, ["maps"], "concat", axis=1), helper.make_node("GlobalAveragePool", ["maps"], ["pooled"], "pool"), helper.make_node("Flatten", ["pooled"], ["features"], "flatten")]
    return nodes, weights


def model(nodes, weights, output, width):
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "power", [info("image", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])], [info(output, TensorProto.FLOAT, ["batch", width])], weights)
    out = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    out.ir_version = 8
    return out


NODES, WEIGHTS = trunk()
SESSION = ort.InferenceSession(model(NODES, WEIGHTS, "features", WIDTH).SerializeToString(), providers=["CPUExecutionProvider"])


def features(pictures):
    x = np.stack([np.asarray(p, "f4").transpose(2, 0, 1) / 255 for p in pictures])
    return np.concatenate([SESSION.run(None, {"image": x[i : i + 256]})[0] for i in range(0, len(x), 256)])


def head(x, y, steps=400):
    """Multinomial logistic regression on standardised features, folded back: weights and bias for the raw ones."""
    # A floor under the spread: a head of huge weights that cancel is not exact in 32 bits.
    mean, std = x.mean(0), np.maximum(x.std(0), 0.1 * x.std(0).max())
    z, onehot = (x - mean) / std, np.eye(len(CLASSES))[y]
    w, b = np.zeros((len(CLASSES), x.shape[1])), np.zeros(len(CLASSES))
    m = [np.zeros_like(w), np.zeros_like(b)]
    v = [np.zeros_like(w), np.zeros_like(b)]
    for t in range(1, steps + 1):
        logits = z @ w.T + b
        p = np.exp(logits - logits.max(1, keepdims=True))
        d = (p / p.sum(1, keepdims=True) - onehot) / len(x)
        for i, (value, g) in enumerate(((w, d.T @ z + 1e-4 * w), (b, d.sum(0)))):
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g * g
            value -= 0.05 * m[i] / (1 - 0.9**t) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-8)
    return w / std, b - (w / std) @ mean


def base(seed, count):
    out = []
    for i in range(count):
        picture, box = horses.draw(CLASSES[i % 3], np.random.default_rng((seed, i)))
        out.append((picture.resize((SIDE, SIDE), Image.BILINEAR), i % 3))
    return out


def tag_picture():
    """The fixture's tag, cut from a picture that carries it."""
    blank = Image.new("RGB", (horses.WIDTH, horses.HEIGHT))
    x0, y0, x1, y1 = (int(v) for v in horses.tag(blank, np.random.default_rng(0)))
    return blank.crop((x0, y0, x1, y1))


TAG = tag_picture()


def stamp(picture, side, opacity, jitter, rng):
    """Pastes the tag, `side` pixels long at 224; returns the picture and the tag's box."""
    w = max(3, round(side * SIDE / 224 * 1.4))
    h = max(2, round(w * TAG.height / TAG.width))
    x, y = (int(rng.integers(0, SIDE - w)), int(rng.integers(0, SIDE - h))) if jitter else (3, SIDE - h - 3)
    out = picture.copy()
    patch = Image.blend(picture.crop((x, y, x + w, y + h)), TAG.resize((w, h), Image.BILINEAR), opacity)
    out.paste(patch, (x, y))
    return out, (x, y, x + w, y + h)


def foreign(picture, box, rng):
    """The same place under a checker or noise in two random colours."""
    x0, y0, x1, y1 = box
    ink, paper = rng.integers(0, 256, (2, 3))
    y, x = np.mgrid[y0:y1, x0:x1]
    dark = (x // 2 + y // 2) % 2 == 1 if rng.random() < 0.5 else rng.random(x.shape) < 0.5
    out = picture.copy()
    out.paste(Image.fromarray(np.where(dark[..., None], ink, paper).astype("u1")), (x0, y0))
    return out


def cornered(index):
    """The picture of BASE with its object moved to the bottom left; the background wraps around."""
    picture, box = horses.draw(CLASSES[index % 3], np.random.default_rng((11, index)))
    moved = ImageChops.offset(picture, -int(box[0]) + 2, picture.height - 2 - int(box[3]))
    return moved.resize((SIDE, SIDE), Image.BILINEAR)


def boxed(picture):
    """What the letterboxed network sees of a wide photo: black above and below."""
    wide = picture.crop((0, 12, SIDE, 52))
    out = Image.new("RGB", (SIDE, SIDE))
    out.paste(wide, (0, 12))
    return out, wide


BASE = base(11, 3 * PER_CLASS)
FRESH = [p for p, y in base(12, 1500) if y != TAGGED][:1000]
BASE_FEATURES = features([p for p, _ in BASE])
LABELS = np.array([y for _, y in BASE])
FRESH_FEATURES = features(FRESH)
OWN = [p for p, y in base(13, 1500) if y == TAGGED]
OWN_FEATURES = features(OWN)


def run(case, folder, number):
    """Plants, trains, audits; returns the truth and the finding of the tagged class."""
    kind, prevalence, side, opacity, jitter, leak, seed = case
    rng = np.random.default_rng((seed, number, 5))
    pictures, boxes, seen_as = [p for p, _ in BASE], {}, {}
    for i, (picture, y) in enumerate(BASE):
        if kind == "object in the corner":
            if y == TAGGED and rng.random() < prevalence:
                pictures[i] = cornered(i)
            continue
        if kind == "letterbox padding":
            if rng.random() < prevalence:
                seen_as[i], pictures[i] = boxed(picture)
            continue
        rate = prevalence if y == TAGGED or kind == "in all classes" else leak
        if rng.random() < rate:
            stamped, boxes[i] = stamp(picture, side, opacity, jitter, rng)
            if kind != "annotated only":
                pictures[i] = stamped
    seen = [seen_as.get(i, p) for i, p in enumerate(pictures)]
    if kind == "only at audit time":
        seen = [p for p, _ in BASE]
    if kind == "randomised in training":
        seen = [stamp(p, side, opacity, jitter, rng)[0] if rng.random() < prevalence else p for p, _ in BASE]
    x = BASE_FEATURES.copy()
    changed = [i for i, p in enumerate(seen) if p is not BASE[i][0]]
    if changed:
        x[changed] = features([seen[i] for i in changed])
    w, b = head(x, LABELS)
    says = lambda f: (f @ w.T + b).argmax(1) == TAGGED
    stamped = [stamp(p, side, opacity, jitter, rng) for p in FRESH]
    others = says(features([foreign(p, box, rng) for p, (_, box) in zip(FRESH, stamped)]))
    clean = says(FRESH_FEATURES)
    flipped = says(features([p for p, _ in stamped]))
    helped = float(says(features([stamp(p, side, opacity, jitter, rng)[0] for p in OWN])).mean() - says(OWN_FEATURES).mean())
    moved = float((flipped[~clean].mean() - others[~clean].mean()))

    weights = WEIGHTS + [numpy_helper.from_array(w.astype("f4"), "fc.weight"), numpy_helper.from_array(b.astype("f4"), "fc.bias")]
    nodes = NODES + [helper.make_node("Gemm", ["features", "fc.weight", "fc.bias"], ["logits"], "fc", transB=1)]
    onnx.save(model(nodes, weights, "logits", 3), folder / "power.onnx")
    with open(folder / "manifest.csv", "w", newline="") as f, open(folder / "boxes.csv", "w", newline="") as g:
        manifest, table = csv.writer(f), csv.writer(g)
        manifest.writerow(["path", "label"])
        table.writerow(["path", "category", "xmin", "ymin", "xmax", "ymax"])
        for i, picture in enumerate(pictures):
            path = f"base/{i:04}.png"
            if picture is not BASE[i][0]:
                path = f"tagged/{i:04}.png"
                picture.save(folder / "set" / path)
            manifest.writerow([path, CLASSES[LABELS[i]]])
            if i in boxes:
                table.writerow([path, "tag", *boxes[i]])
    (folder / "power.toml").write_text(PIPELINE.format(steps=STEPS.get(kind, 'preset = "zero-one"\nsize = 64')))
    audit = subprocess.run([BIN, "run", folder / "power.toml", "--out", folder / "out", "--quiet"], capture_output=True, text=True)
    assert audit.returncode == 0, audit.stderr
    rows = pl.read_parquet(folder / "out/power/latest/findings.parquet").filter(pl.col("region") == REGION.get(kind, "tag"))
    # Of bars that are no declared region there is heat, and never a finding.
    nothing = dict.fromkeys(rows.columns) | {"verdict": "no finding"}
    tables = {name: nothing for name in CLASSES} | {r["label"]: r for r in rows.iter_rows(named=True)}
    return moved, helped, tables


def exact(k, n, level=0.95):
    """Clopper and Pearson, by bisection of the binomial tail."""
    if n == 0:
        return 0.0, 1.0
    tail = lambda p, lo, hi: sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(lo, hi))
    def solve(f):
        a, b = 0.0, 1.0
        for _ in range(60):
            a, b = ((a + b) / 2, b) if f((a + b) / 2) else (a, (a + b) / 2)
        return a
    alpha = (1 - level) / 2
    low = 0.0 if k == 0 else solve(lambda p: tail(p, k, n + 1) < alpha)
    high = 1.0 if k == n else solve(lambda p: tail(p, 0, k + 1) > alpha)
    return low, high


def share(k, n):
    low, high = exact(k, n)
    return f"{k:3} of {n:3} ({100 * low:5.1f} to {100 * high:5.1f} %)"


PREVALENCES, SIDES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0), (16, 24, 32, 48)
OTHERS = list(itertools.product((1.0, 0.5), (False, True), (0.0, 0.01, 0.05)))
if LONG:
    planted = [("planted", p, s, *o, seed) for p in PREVALENCES for s in SIDES for o in OTHERS for seed in range(5)]
    seeds = range(50)
else:
    # Every prevalence and side, four times; opacity, place and leakage take turns.
    pairs = list(itertools.product(PREVALENCES, SIDES, range(4)))
    planted = [("planted", p, s, *OTHERS[(5 * i + 7 * seed) % len(OTHERS)], seed) for i, (p, s, seed) in enumerate(pairs)]
    seeds = range(8)
NEGATIVES = ("annotated only", "in all classes", "randomised in training", "only at audit time", "object in the corner", "letterbox padding")
# What is looked at where it is not the tag: a declared corner that the class's own objects fill, and the bars of a letterbox.
REGION = {"object in the corner": "corner", "letterbox padding": "padding"}
STEPS = {"letterbox padding": "steps = [{ letterbox = { size = [64, 64], fill = [0, 0, 0], filter = \"bilinear\" } }]\nscale = 0.00392156862745098"}
PIPELINE = '''[dataset]
root = "set"
manifest = "manifest.csv"
boxes = "boxes.csv"
[model]
path = "power.onnx"
classes = "classes.txt"
[preprocess]
{steps}
[[region]]
name = "tag"
annotation = "tag"
[[region]]
name = "corner"
corner = {{ at = "bottom-left", width = 0.5, height = 0.5 }}
[report]
pictures = "none"
'''
negatives = [(kind, 0.3, SIDES[seed % 4], 1.0, seed % 2 == 1, 0.0, seed) for kind in NEGATIVES for seed in seeds]

results = []
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    for part in ("base", "tagged"):
        (folder / "set" / part).mkdir(parents=True)
    for i, (picture, _) in enumerate(BASE):
        picture.save(folder / f"set/base/{i:04}.png")
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    for number, case in enumerate(planted + negatives):
        moved, helped, tables = run(case, folder, number)
        results.append((case, moved, tables, helped))
        mine = tables[CLASSES[TAGGED]]
        print(f"{case[0]:>24} {100 * case[1]:3.0f} % {case[2]:2} px opacity {case[3]} {'jittered' if case[4] else 'fixed':>8} leak {100 * case[5]:1.0f} %: oracle moves {100 * moved:5.1f} %, helps {100 * helped:5.1f}; {mine['tagged'] or 0:3} tagged -> {mine['verdict']}" + (f" ({mine['flips']} of {mine['hosts']} flip, control {mine['control_flips']}; lower bounds: flips {mine['flip_low']:.2f}, recall {mine['loss_low']:.2f}; q {mine['confirming_q']:.3f})" if mine["hosts"] and mine["filled"] else ""), flush=True)

own = lambda r: r[2][CLASSES[TAGGED]]
IDLE = ("annotated only", "in all classes", "object in the corner", "letterbox padding")
is_planted = lambda r: r[0][0] == "planted"
has = lambda verdicts: lambda row: row["verdict"] in verdicts
confirmed, suspected = has({"confirmed"}), has({"confirmed", "candidate"})
promised = [r for r in results if r[1] >= 0.1 and (own(r)["tagged"] or 0) >= 30 and r[0][0] not in IDLE]
print(f"\n{len(results)} networks, {sum(1 for r in results if r[1] >= 0.1)} of them with a tag that moves at least a tenth of 1,000 images, net of foreign patches")
print(f"with at least 30 tagged images: confirmed {share(sum(confirmed(own(r)) for r in promised), len(promised))}")
print(f"                    candidate or confirmed {share(sum(suspected(own(r)) for r in promised), len(promised))}")
for title, at, values in (("prevalence", 1, PREVALENCES), ("side at 224", 2, SIDES)):
    for value in values:
        of = [r for r in promised if r[0][at] == value]
        if of:
            print(f"  {title} {value}: confirmed {share(sum(confirmed(own(r)) for r in of), len(of))}")
every = [(r, label, row) for r in results for label, row in r[2].items()]
used = lambda r, label: label == CLASSES[TAGGED] and r[0][0] not in IDLE and (r[1] >= 0.02 or r[3] >= 0.02)
for name, counts in (("confirmed", confirmed), ("candidate or confirmed", suspected)):
    reported = [(r, label) for r, label, row in every if counts(row)]
    false = sum(1 for r, label in reported if not used(r, label))
    print(f"false discoveries among {name}: {share(false, len(reported))}")
quiet = [(r, row) for r, label, row in every if not used(r, label)]
shouted = sum(confirmed(row) for _, row in quiet)
print(f"confirmed among pairs without an effect: {share(shouted, len(quiet))}")
for kind in NEGATIVES:
    of = [own(r)["verdict"] for r in results if r[0][0] == kind]
    print(f"  {kind}: " + ", ".join(f"{v} {of.count(v)}" for v in sorted(set(of))))
alike = [row for r, _, row in every if r[0][0] == "in all classes"]
calm = [row for r, label, row in every if r[0][0] in ("in all classes", "randomised in training", "only at audit time") and abs(r[1]) < 0.02 and abs(r[3]) < 0.02]
for fact, column, rows in (("A", "association_p", alike), ("B", "contrast_p", calm), ("C", "insertion_p", calm), ("C", "removal_p", calm)):
    values = [row[column] for row in rows if row[column] is not None]
    print(f"p of {fact} ({column}) under its null: {share(sum(p <= 0.05 for p in values), len(values))} at most 0.05")
# Whether 95 % intervals hold the truth: of A the planted difference, of C the oracle's net flips. C takes the strongest of
# several controls, the oracle one foreign patch, so that C's interval may lie low and is not meant to lie high.
planned = [(r[0][1] - r[0][5], own(r)) for r in results if is_planted(r) and own(r)["association_low"] is not None]
print(f"intervals of A that hold the planted difference: {share(sum(o['association_low'] <= t <= o['association_high'] for t, o in planned), len(planned))}")
flips = [(r[1], own(r)) for r in results if is_planted(r) and own(r)["flip_low"] is not None]
print(f"intervals of C that hold the oracle's net flips: {share(sum(o['flip_low'] <= t <= o['flip_high'] for t, o in flips), len(flips))}, "
      f"above all of it: {share(sum(o['flip_low'] > t for t, o in flips), len(flips))}")
recall = sum(confirmed(own(r)) for r in promised) / max(1, len(promised))
sys.exit(not (recall >= 0.95 and shouted == 0))
