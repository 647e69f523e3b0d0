#!/usr/bin/env python3
"""Independent checks of a run's files: DuckDB and polars read them, NumPy recomputes them, memory stays flat.

    python tests/check_run.py target/release/camaudit
"""
import json, os, pathlib, subprocess, sys, tempfile
import duckdb, numpy as np, polars as pl

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()
passed = 0


def ok(condition, what):
    global passed
    if not condition:
        sys.exit(f"FAILED: {what}")
    passed += 1
    print(f"ok  {what}")


def run(pipeline, out, *more):
    """Runs an audit; returns its folder and the peak memory in MiB."""
    child = subprocess.Popen([BIN, "run", pipeline, "--out", out, "--quiet", *more], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"FAILED: {pipeline} ended with {os.waitstatus_to_exitcode(status)}")
    return (pathlib.Path(out) / pathlib.Path(pipeline).stem / "latest").resolve(), usage.ru_maxrss / 1024


def upsample(cells, n):
    u = np.clip((np.arange(n) + 0.5) * cells.shape[0] / n - 0.5, 0, cells.shape[0] - 1)
    a = np.floor(u).astype(int)
    b, t = np.minimum(a + 1, cells.shape[0] - 1), u - a
    rows = cells[a] * (1 - t)[:, None] + cells[b] * t[:, None]
    return rows[:, a] * (1 - t) + rows[:, b] * t


def tables(folder):
    sql = duckdb.connect()
    record = json.loads((folder / "run.json").read_text())
    for table in ("images/*", "regions/*", "skipped", "problems", "classes"):
        path = f"{folder}/{table}.parquet"
        frame = pl.read_parquet(path)
        n, = sql.sql(f"SELECT count(*) FROM '{path}'").fetchone()
        ok(n == frame.height and frame.width == len(sql.sql(f"SELECT * FROM '{path}' LIMIT 0").columns), f"DuckDB and polars agree on {table}: {n} rows")
        keys = {k.decode(): v.decode() for k, v in sql.sql(f"SELECT DISTINCT key, value FROM parquet_kv_metadata('{path}')").fetchall()}
        ok(keys.get("camaudit.audit_id") == record["audit_id"] and keys.get("camaudit.schema_version") == str(record["schema_version"]), f"footer of {table}")
    counts = record["counts"]
    images = pl.read_parquet(f"{folder}/images/*.parquet")
    labels = images.filter(pl.col("target") == "label")
    ok(counts["found"] == counts["scored"] + counts["skipped"] and labels.height == counts["scored"], f"found {counts['found']} = scored {counts['scored']} + skipped {counts['skipped']}")
    cams = np.array(images["cam"].to_list())
    error = np.abs(cams.mean(1) + images["bias"].to_numpy() - images["logit"].to_numpy()) / np.maximum(1, np.abs(images["logit"].to_numpy()))
    ok(error.max() < 1e-4, f"mean(cam) + bias = logit on every row, largest error {error.max():.1e}")

    # Shares of the corner by brute force: the view is 64 px, the region 22.4 x 12.8 px, whole on a grid of 640.
    regions = pl.read_parquet(f"{folder}/regions/*.parquet").filter((pl.col("region") == "bottom-left") & (pl.col("target") == "label"))
    joined = labels.join(regions, on="image_id").head(60)
    worst = 0.0
    for cam, share in zip(joined["cam"], joined["share"]):
        heat = upsample(np.maximum(np.array(cam).reshape(8, 8), 0), 640)
        worst = max(worst, abs(heat[512:, :224].sum() / heat.sum() - share))
    ok(worst < 1e-4, f"shares equal sums over 640 x 640 upsampled pixels, largest difference {worst:.1e}")

    bins = ", ".join(f"count(*) FILTER (share IS NOT NULL AND least(floor(share * 10), 9) = {k})" for k in range(10))
    means = sql.sql(f"""SELECT label, region, avg(share), avg(relative_contribution), count(share),
                        [{bins}] FROM '{folder}/regions/*.parquet'
                        WHERE target = 'label' GROUP BY ALL""").fetchall()
    classes = {(r["label"], r["region"]): r for r in pl.read_parquet(folder / "classes.parquet").to_dicts()}
    close = lambda a, b: (a is None and b is None) or abs(a - b) <= 1e-9 * max(1, abs(b))
    for label, region, share, contribution, n, counts in means:
        row = classes[label, region]
        if not (close(row["share_mean"], share) and close(row["relative_contribution_mean"], contribution) and row["measured"] == n and row["share_counts"] == counts):
            sys.exit(f"FAILED: classes.parquet differs from DuckDB's means for {label}, {region}")
    ok(True, f"classes.parquet equals DuckDB's means and counts in {len(means)} rows")


def memory(scratch):
    """The same photos again and again under new names: peak memory at 5,000 images within 10 % of the peak at 500."""
    photos = sorted((ROOT / "fixtures/horses").glob("*/*.jpg"))
    text = (ROOT / "pipelines/demo.toml").read_text().replace("../fixtures", str(ROOT / "fixtures"))
    peaks = []
    for n in (500, 5000):
        root = scratch / f"set{n}"
        for i in range(n):
            photo = photos[i % len(photos)]
            (root / photo.parent.name).mkdir(parents=True, exist_ok=True)
            (root / photo.parent.name / f"{i:06}.jpg").symlink_to(photo)
        pipeline = scratch / f"memory{n}.toml"
        pipeline.write_text(text.replace(str(ROOT / "fixtures/horses") + '"', f'{root}"\nlinks = "anywhere"', 1))
        folder, peak = run(pipeline, scratch / "out", "--set", "run.shard_size=256")
        ok(json.loads((folder / "run.json").read_text())["counts"]["scored"] == n, f"{n} images scored")
        peaks.append(peak)
    ok(peaks[1] < 1.1 * peaks[0], f"peak memory {peaks[0]:.0f} MiB at 500 images, {peaks[1]:.0f} MiB at 5,000")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        folder, _ = run(ROOT / "pipelines/demo.toml", scratch / "out", "--set", "run.shard_size=100")
        tables(folder)
        memory(scratch)
    print(f"{passed} passed, 0 failed")


main()
