#!/usr/bin/env python3
"""How far logits move because our JPEG decoder is not Pillow's: label logits of a run against Pillow + ONNX Runtime.

    pip install numpy onnxruntime pillow polars
    python benches/decoder_drift.py target/release/camaudit MODEL.onnx PHOTOS CLASSES.txt

PHOTOS holds one folder per class; the transform is `tf-lite` (centre crop 0.875, bicubic to 224, (x - 127) / 128).
"""
import pathlib, subprocess, sys, tempfile
import numpy as np, onnxruntime as ort, polars as pl
from PIL import Image, ImageOps

BIN, MODEL, PHOTOS, CLASSES = (pathlib.Path(a).resolve() for a in sys.argv[1:5])


def view(path):
    im = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    s = int(min(im.size) * 0.875)
    left, top = round((im.width - s) / 2), round((im.height - s) / 2)
    im = im.crop((left, top, left + s, top + s)).resize((224, 224), Image.BICUBIC)
    return ((np.asarray(im, "f4") - 127) / 128).transpose(2, 0, 1)[None]


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    (scratch / "drift.toml").write_text(f'[dataset]\nroot = "{PHOTOS}"\n[model]\npath = "{MODEL}"\nclasses = "{CLASSES}"\n[preprocess]\npreset = "tf-lite"\n')
    subprocess.run([BIN, "run", scratch / "drift.toml", "--out", scratch / "out", "--quiet"], check=True, capture_output=True)
    rows = pl.read_parquet(scratch / "out/drift/latest/images/*.parquet").filter(pl.col("target") == "label")
session = ort.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
logits = np.array([session.run(None, {session.get_inputs()[0].name: view(PHOTOS / p)})[0][0] for p in rows["path"]])
drift = np.abs(logits[np.arange(len(logits)), rows["label_index"]] - rows["logit"].to_numpy())
same = (logits.argmax(1) == rows["predicted_index"].to_numpy()).mean()
print(f"{len(drift)} photos: label logits differ by {drift.mean():.4f} on average, {drift.max():.3f} at most; {100 * same:.1f} % of the predictions agree")
