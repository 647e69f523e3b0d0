#!/usr/bin/env python3
"""Reads annotated sets with Python's readers of each format and compares every box with `camaudit list`, to 1e-6.

    python tests/check_formats.py target/release/camaudit

Sets: fixtures/formats, and the real ones of ../shared/data where it is there (else SKIPPED).
"""
import collections, contextlib, csv, io, json, pathlib, subprocess, sys, tempfile
import xml.etree.ElementTree as ET
import yaml
from PIL import Image
from pycocotools import mask as run_lengths
from pycocotools.coco import COCO
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()
IMAGES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
passed = 0


def listed(root, keys):
    """What camaudit understood: {(path, category): [boxes]}, and the paths."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        model = ROOT / "fixtures/models/shortcut.onnx"
        file.write(f'[dataset]\nroot = "{root}"\nproblems = {{ no_label = "ignore" }}\n{keys}\n[model]\npath = "{model}"\n[preprocess]\npreset = "zero-one"\n')
        file.flush()
        out = subprocess.run([BIN, "list", file.name], check=True, capture_output=True, text=True).stdout
    boxes, paths = collections.defaultdict(list), set()
    for row in csv.DictReader(io.StringIO(out)):
        paths.add(row["path"])
        if row["category"] or row["xmin"]:
            boxes[row["path"], row["category"]].append(tuple(float(row[k]) for k in ("xmin", "ymin", "xmax", "ymax")))
    return boxes, paths


def images(root):
    return sorted(p for p in pathlib.Path(root).rglob("*") if p.suffix.lower() in IMAGES)


def compare(name, root, keys, expected, unlabeled_left_out=True):
    global passed
    found, paths = listed(root, keys)
    expected = {k: sorted(v) for k, v in expected.items()}
    found = {k: sorted(v) for k, v in found.items()}
    missing, extra = expected.keys() - found.keys(), found.keys() - expected.keys()
    worst = 0.0
    for key in expected.keys() & found.keys():
        if len(expected[key]) != len(found[key]):
            sys.exit(f"FAILED: {name}: {key}: {len(found[key])} boxes, expected {len(expected[key])}")
        worst = max([worst, *(abs(a - b) for e, f in zip(expected[key], found[key]) for a, b in zip(e, f))])
    if missing or extra or worst > 1e-6:
        sys.exit(f"FAILED: {name}: missing {sorted(missing)[:3]}, extra {sorted(extra)[:3]}, largest difference {worst}")
    passed += 1
    print(f"ok  {name}: {len(paths)} images, {sum(map(len, expected.values()))} boxes, largest difference {worst:.1e}")


def voc(root, folder):
    boxes = collections.defaultdict(list)
    for image in images(root):
        file = pathlib.Path(folder) / image.relative_to(root).with_suffix(".xml")
        if file.exists():
            for o in ET.parse(file).getroot().iter("object"):
                b = [float(o.find("bndbox").find(k).text) for k in ("xmin", "ymin", "xmax", "ymax")]
                if b[2] > b[0] - 1 and b[3] > b[1] - 1:
                    boxes[str(image.relative_to(root)), o.find("name").text].append((b[0] - 1, b[1] - 1, b[2], b[3]))
    return boxes


def coco(file):
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO(file)
    boxes = collections.defaultdict(list)
    for a in api.loadAnns(api.getAnnIds()):
        x, y, w, h = a["bbox"]
        if w > 0 and h > 0:
            boxes[api.imgs[a["image_id"]]["file_name"], api.cats[a["category_id"]]["name"]].append((x, y, x + w, y + h))
    return boxes


def yolo(root, folder, names):
    names = yaml.safe_load(pathlib.Path(names).read_text())["names"]
    boxes = collections.defaultdict(list)
    for image in images(root):
        file = pathlib.Path(folder) / image.relative_to(root).with_suffix(".txt")
        for line in file.read_text().split("\n") if file.exists() else []:
            c, *v = line.split() or [None]
            v = [float(f) for f in v]
            if len(v) == 4:
                x, y, w, h = v
                v = [x - w / 2, y - h / 2, x + w / 2, y + h / 2]
            elif v:
                v = [min(v[::2]), min(v[1::2]), max(v[::2]), max(v[1::2])]
            if v:
                boxes[str(image.relative_to(root)), names[int(c)]].append(tuple(v))
    return boxes


def labelme(root):
    boxes = collections.defaultdict(list)
    for image in images(root):
        file = image.with_suffix(".json")
        for s in json.loads(file.read_text())["shapes"] if file.exists() else []:
            x, y = zip(*s["points"])
            kind = s.get("shape_type") or "polygon"
            if kind in ("rectangle", "polygon", "mask"):
                boxes[str(image.relative_to(root)), s["label"]].append((min(x), min(y), max(x), max(y)))
            elif kind == "circle":
                (cx, cy), (ex, ey) = s["points"]
                r = ((cx - ex) ** 2 + (cy - ey) ** 2) ** 0.5
                boxes[str(image.relative_to(root)), s["label"]].append((cx - r, cy - r, cx + r, cy + r))
    return boxes


def masks(root, folder, names):
    names = yaml.safe_load(open(names))["classes"]
    boxes = collections.defaultdict(list)
    for image in images(root):
        file = pathlib.Path(folder) / image.relative_to(root).with_suffix(".png")
        pixels = np.array(Image.open(file)) if file.exists() else np.zeros((1, 1), int)
        for value in np.unique(pixels):
            if value in names and names[value] not in ("background", "unlabeled"):
                y, x = np.nonzero(pixels == value)
                boxes[str(image.relative_to(root)), names[value]].append((x.min(), y.min(), x.max() + 1, y.max() + 1))
    return boxes


def segmentations(file):
    """Bounds of COCO's outlines; of run lengths by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO(file)
    boxes = collections.defaultdict(list)
    for a in data.dataset["annotations"]:
        image, s = data.imgs[a["image_id"]], a["segmentation"]
        if isinstance(s, dict):
            packed = s if isinstance(s["counts"], str) else run_lengths.frPyObjects(s, image["height"], image["width"])
            x, y, w, h = run_lengths.toBbox(packed)
            box = (x, y, x + w, y + h)
        else:
            x, y = sum((p[::2] for p in s), []), sum((p[1::2] for p in s), [])
            box = (min(x), min(y), max(x), max(y))
        boxes[image["file_name"], data.cats[a["category_id"]]["name"]].append(box)
    return boxes


def main():
    f = ROOT / "fixtures/formats"
    compare("voc (fixture)", f / "images", f'annotations = "{f}/voc"', voc(f / "images", f / "voc"))
    compare("coco (fixture)", f / "images", f'annotations = "{f}/coco.json"', coco(f / "coco.json"))
    compare("yolo (fixture)", f / "images", f'annotations = "{f}/yolo"\nnames = "{f}/data.yaml"', yolo(f / "images", f / "yolo", f / "data.yaml"))
    keys = f'annotations = "{f}/segmentations.json"\nsegmentations = true'
    compare("coco outlines (fixture)", f / "images", keys, segmentations(f / "segmentations.json"))
    keys = f'annotations = "{f}/masks"\nnames = "{f}/masks.yaml"'
    compare("masks (fixture)", f / "images", keys, masks(f / "images", f / "masks", f / "masks.yaml"))
    data = ROOT.parent / "shared/data"
    if not data.is_dir():
        print("SKIPPED the real sets: ../shared/data is absent")
    else:
        d = data.resolve()
        compare("voc: blood cells", d / "voc/JPEGImages", f'annotations = "{d}/voc/Annotations"', voc(d / "voc/JPEGImages", d / "voc/Annotations"))
        for split in ("rbc/train", "rbc/valid", "rbc/test", "wrist/train", "wrist/valid", "wrist/test"):
            file = d / "coco" / split / "_annotations.coco.json"
            compare(f"coco: {split}", file.parent, f'annotations = "{file}"', coco(file))
        file = d / "coco/coco128/annotations/instances_train2017.json"
        compare("coco: coco128", d / "coco/coco128/train2017", f'annotations = "{file}"', coco(file))
        compare("coco outlines: coco128", d / "coco/coco128/train2017", f'annotations = "{file}"\nsegmentations = true', segmentations(file))
        photos, kinds = d / "yolo/images/train2017", d / "yolo"
        for kind in ("object_detection", "instance_segmentation"):
            labels, names = kinds / kind / "labels/train2017", kinds / kind / "config.yaml"
            compare(f"yolo: {kind}", photos, f'annotations = "{labels}"\nnames = "{names}"', yolo(photos, labels, names))
        folder, names = kinds / "semantic_segmentation/masks/train2017", kinds / "semantic_segmentation/config.yaml"
        compare("masks: coco128", photos, f'annotations = "{folder}"\nnames = "{names}"', masks(photos, folder, names))
        for part in ("bbox_detection/data_annotated", "instance_segmentation/data_annotated", "primitives"):
            compare(f"labelme: {part}", d / "labelme" / part, f'annotations = "{d}/labelme/{part}"', labelme(d / "labelme" / part))
    print(f"{passed} passed, 0 failed")


main()
