#!/usr/bin/env python3
"""How far fingerprints of one photo lie apart when it is saved again, scaled, brightened or slightly cropped, and how near
those of different photos come.

    pip install numpy pillow polars
    python benches/near_duplicates.py target/release/camaudit PHOTOS
"""
import pathlib, subprocess, sys, tempfile
import numpy as np, polars as pl
from PIL import Image, ImageEnhance, ImageOps

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN, PHOTOS = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
CHANGES = {
    "original": lambda im: im,
    "quality 30": lambda im: im,
    "half size": lambda im: im.resize((max(1, im.width // 2), max(1, im.height // 2)), Image.BICUBIC),
    "brighter by a fifth": lambda im: ImageEnhance.Brightness(im).enhance(1.2),
    "cropped by 1 %": lambda im: im.crop((im.width // 100, im.height // 100, im.width - im.width // 100, im.height - im.height // 100)),
    "mirrored": ImageOps.mirror,
}
with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    files = sorted(p for p in PHOTOS.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))[:1000]
    for i, file in enumerate(files):
        im = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
        for name, change in CHANGES.items():
            out = scratch / "set" / "car" / f"{i:05}-{name}.jpg"
            out.parent.mkdir(parents=True, exist_ok=True)
            change(im).save(out, quality=30 if name == "quality 30" else 92)
    (scratch / "near.toml").write_text(f'''[dataset]
root = "{scratch / "set"}"
labels = {{ car = 0 }}
[model]
path = "{ROOT / "fixtures/models/shortcut.onnx"}"
[preprocess]
steps = [{{ resize = {{ exact = [64, 64] }} }}]
''')
    subprocess.run([BIN, "run", scratch / "near.toml", "--out", scratch / "out", "--quiet"], check=True, capture_output=True)
    run = scratch / "out/near/latest"
    rows = pl.read_parquet(run / "images/*.parquet").filter(pl.col("target") == "label")
    grouped = pl.read_parquet(run / "duplicates.parquet").join(rows, on="image_id").select("path", "group")
bits = {p: np.unpackbits(np.frombuffer(bytes.fromhex(f), np.uint8)) for p, f in rows.select("path", "fingerprint").iter_rows()}
at = lambda i, name: bits[f"car/{i:05}-{name}.jpg"]
for name in list(CHANGES)[1:]:
    d = np.array([(at(i, "original") != at(i, name)).sum() for i in range(len(files))])
    print(f"{name:>20}: {np.median(d):.0f} bits at the median, {np.percentile(d, 95):.0f} at the 95th percentile; {100 * (d <= 16).mean():.0f} % within 16")
originals = np.array([at(i, "original") for i in range(len(files))]).astype(int)
apart = (originals[:, None] != originals[None]).sum(2) if len(files) <= 1000 else None
pairs = apart[np.triu_indices(len(files), 1)]
print(f"{'different photos':>20}: {pairs.min()} bits at the nearest of {len(pairs)} pairs, {np.median(pairs):.0f} at the median")
photos = {p: p.split("/")[1].split("-")[0] for p in grouped["path"]}
mixed = grouped.with_columns(photo=pl.col("path").replace_strict(photos)).group_by("group").agg(pl.col("photo").n_unique())
print(f"{len(mixed)} groups, {(mixed['photo'] > 1).sum()} of them of more than one photo")
