#!/usr/bin/env python3
"""Images per second of whole runs: both engines of camaudit against a script of Pillow, ONNX Runtime and numpy.

    python benches/engines.py target/release/camaudit MODELS_FOLDER PHOTOS [--peer SCRIPT] [--images 2000] [--rounds 2] [--jobs 2]

MODELS_FOLDER is what benches/models.py wrote, or any folder of ImageNet classifiers with 1000 classes at 224 x 224. PHOTOS
is a folder of folders of images; it is repeated up to --images (nothing is cached). All run on the same files with the
transform of torchvision (shorter side 256, centre crop 224), one corner region, in turns; a ratio is the median over
the rounds of camaudit's images/s by the peer's, both without the start-up (camaudit's: while images are measured and rows
written). `whole` is the whole process, model loading and reports included. CPU is the time of all processors for one
image, start-up and reports included; `not infer` is what of it is not inference. The peer is any script that is called as
SCRIPT MODEL ROOT OUT --jobs N and prints "X img/s steady, Y img/s whole process".
"""
from datetime import datetime
import argparse, json, os, pathlib, re, resource, shutil, statistics, subprocess, sys, tempfile, time

STAGES = ("read", "decode", "preprocess", "infer", "score")


def repeated(photos, root, number):
    """Links to the photos, each class folder repeated as a whole, until there are enough images."""
    files = sorted(p for p in photos.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
    for i in range(number):
        source = files[i % len(files)]
        to = root / source.parent.name / f"{i // len(files):04}_{source.name}"
        to.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, to) if os.stat(source).st_dev == os.stat(root).st_dev else shutil.copy(source, to)
    return sorted(d.name for d in root.iterdir())


def timed(command, **options):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        sys.exit(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def camaudit(a, model, engine, scratch, root, names):
    labels = "".join(f'"{n}" = {i}\n' for i, n in enumerate(names))
    (scratch / "bench.toml").write_text(
        f'[dataset]\nroot = "{root}"\n[dataset.labels]\n{labels}[model]\npath = "{model}"\nengine = "{engine}"\n'
        f'[preprocess]\npreset = "imagenet-torchvision"\n[run]\ncache_gb = 0\njobs = {a.jobs}\n'
        '[[region]]\nname = "corner"\ncorner = { at = "bottom-left", width = 0.25, height = 0.25 }\n')
    began = time.perf_counter()
    done, cpu = timed([a.camaudit, "run", scratch / "bench.toml", "--out", scratch / "out", "--log", "json"])
    whole = time.perf_counter() - began
    run = json.loads((scratch / "out/bench/latest/run.json").read_text())
    n = run["counts"]["scored"]
    at = {e["stage"]: datetime.fromisoformat(e["time"][:26] + "+00:00") for e in map(json.loads, done.stderr.splitlines()) if e["event"] == "stage"}
    steady = n / (at["experiments"] - at["measure"]).total_seconds()
    return steady, 1e3 * cpu / n, {s: run["stages_ms"][s] / n for s in STAGES}, n / whole


def peer(a, model, scratch, root):
    done, cpu = timed([sys.executable, a.peer, model, root, scratch / "peer.parquet", "--jobs", str(a.jobs)])
    steady = float(re.search(r"([\d.]+) img/s steady", done.stdout)[1])
    whole = float(re.search(r"([\d.]+) img/s whole", done.stdout)[1])
    return steady, 1e3 * cpu / a.images, None, whole


def main():
    ap = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    ap.add_argument("camaudit", type=pathlib.Path), ap.add_argument("models", type=pathlib.Path), ap.add_argument("photos", type=pathlib.Path)
    ap.add_argument("--peer", type=pathlib.Path), ap.add_argument("--images", type=int, default=2000)
    ap.add_argument("--rounds", type=int, default=2), ap.add_argument("--jobs", type=int, default=os.cpu_count())
    ap.add_argument("--only", help="substring of a model's name")
    a = ap.parse_args()
    a.camaudit, a.peer = a.camaudit.resolve(), a.peer and a.peer.resolve()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as scratch:
        scratch = pathlib.Path(scratch)
        root = scratch / "photos"
        root.mkdir()
        names = repeated(a.photos.resolve(), root, a.images)
        print(f"{a.images} images, {a.jobs} jobs, {a.rounds} rounds in turns\n")
        print(f"{'model':<16}{'what':<14}{'img/s':>8}{'ratio':>8}{'whole':>8}{'CPU ms':>8}  " + "".join(f"{s:>11}" for s in STAGES) + f"{'not infer':>11}")
        for model in sorted(a.models.resolve().glob("*.onnx")):
            if a.only and a.only not in model.name:
                continue
            runs = {"peer": [], "tract": [], "onnxruntime": []}
            for _ in range(a.rounds):
                if a.peer:
                    runs["peer"].append(peer(a, model, scratch, root))
                for engine in ("tract", "onnxruntime"):
                    runs[engine].append(camaudit(a, model, engine, scratch, root, names))
            for what, results in runs.items():
                if not results:
                    print(f"{model.stem:<16}{what:<14} SKIPPED: no --peer script")
                    continue
                middle = lambda values: statistics.median(values)
                ratios = [r[0] / p[0] for r, p in zip(results, runs["peer"])]
                line = f"{model.stem:<16}{what:<14}{middle([r[0] for r in results]):8.1f}{f'{middle(ratios):.2f}' if ratios else '-':>8}{middle([r[3] for r in results]):8.1f}{middle([r[1] for r in results]):8.2f}  "
                if results[0][2]:
                    ms = {s: middle([r[2][s] for r in results]) for s in STAGES}
                    # All CPU of the process but the inference, whose wall time is counted with the part that its cores ran.
                    running = lambda r: min(1.0, r[1] * r[0] / (1e3 * a.jobs))
                    line += "".join(f"{ms[s]:11.3f}" for s in STAGES) + f"{middle([r[1] - r[2]['infer'] * running(r) for r in results]):11.2f}"
                print(line, flush=True)


main()
