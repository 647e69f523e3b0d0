"""Writes a planted set, runs the auditor on it as a user would, and reads its findings."""
import csv, pathlib, subprocess
import polars as pl

import network
from photos import CLASSES

PIPELINE = """[dataset]
root = "set"
manifest = "manifest.csv"
boxes = "boxes.csv"
[model]
path = "power.onnx"
classes = "classes.txt"
{trained}[preprocess]
preset = "zero-one"
size = 64
[[region]]
name = "tag"
annotation = "tag"
[verdict]
proof_min = {proof_min}
[report]
pictures = "none"
"""


def write_set(case, items, folder):
    """The photos, their labels and boxes, and the pipeline."""
    (folder / "set").mkdir()
    manifest, boxes = [("path", "label", "split")], [("path", "category", "xmin", "ymin", "xmax", "ymax")]
    for i, item in enumerate(items):
        path, label = f"{i:04}.png", CLASSES[item.photo.label]
        item.picture.save(folder / "set" / path, compress_level=1)
        manifest.append((path, label, "val" if item.is_held_out else "train"))
        boxes += [(path, "tag", *box) for box in item.boxes]
        if case.object_boxes:
            boxes.append((path, label, *item.photo.object_box))

    for name, rows in (("manifest.csv", manifest), ("boxes.csv", boxes)):
        with open(folder / name, "w", newline="") as file:
            csv.writer(file).writerows(rows)
    (folder / "classes.txt").write_text("\n".join(CLASSES[: case.class_count]) + "\n")
    trained = 'trained_splits = ["train"]\n' if case.held_out else ""
    (folder / "power.toml").write_text(PIPELINE.format(proof_min=case.proof_min, trained=trained))


def audit(binary, head, scale, folder):
    """The findings about the tag: of every class, by column.

    A class without one has the verdict "no finding", and every class "stopped" where the run ended with an error.
    """
    names = CLASSES[: len(head[1])]
    network.save(head, scale, folder / "power.onnx")
    out = pathlib.Path(folder, f"out-{scale}")
    command = [binary, "run", folder / "power.toml", "--out", out, "--jobs", "1", "--quiet"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        return [{"verdict": "stopped", "not_tested_reason": run.stderr.strip()[-200:]} for _ in names]

    table = pl.read_parquet(out / "power/latest/findings.parquet").filter(pl.col("region") == "tag")
    rows = {row["label"]: row for row in table.iter_rows(named=True)}
    return [rows.get(name, {"verdict": "no finding"}) for name in names]
