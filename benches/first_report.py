#!/usr/bin/env python3
"""The time from nothing to the first report, without Rust: a fresh environment with the wheel alone.

    python benches/first_report.py WHEEL [MODEL PHOTOS]

Makes the environment, installs WHEEL without an index, lets `camaudit init` write a pipeline from a model and a folder, and runs it; for the
demo's model and photos, and for MODEL and PHOTOS (a folder per class). No cargo and no other Python package is on the path.
"""
import json, os, pathlib, resource, shutil, subprocess, sys, tempfile, time, typing

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"


class Spent(typing.NamedTuple):
    wall: float
    processor: float

    def __add__(self, other):
        return Spent(self.wall + other.wall, self.processor + other.processor)

    def __str__(self):
        return f"{self.wall:7.1f} s, {self.processor:6.1f} s of processor time"


def processor_time():
    """Of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    wheel, *own = [pathlib.Path(argument).resolve() for argument in sys.argv[1:]]
    pairs = [(FIXTURES / "models/shortcut.onnx", FIXTURES / "horses")]
    if own:
        pairs.append(tuple(own))

    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        programs = scratch / "environment/bin"
        environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(scratch), "LANG": "C.UTF-8"}
        assert shutil.which("cargo", path=environment["PATH"]) is None, "cargo is on the path"

        def timed(what, *command):
            start, before = time.time(), processor_time()
            done = subprocess.run(command, env=environment, cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode not in (0, 1):
                sys.exit(f"{what}: exit code {done.returncode}\n{done.stdout}")
            spent = Spent(time.time() - start, processor_time() - before)
            print(f"{spent}  {what}", flush=True)
            return spent

        print(f"{wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB; load {os.getloadavg()[0]:.2f}")
        installed = timed("python -m venv", sys.executable, "-m", "venv", scratch / "environment")
        installed += timed("pip install", programs / "pip", "install", "-q", "--no-index", "--disable-pip-version-check", wheel)
        for number, (model, photos) in enumerate(pairs):
            pipeline, reports = scratch / f"{number}.toml", scratch / "reports"
            total = installed + timed(f"camaudit init {model.name} {photos.name}", "camaudit", "init", model, photos, "--out", pipeline)
            total += timed("camaudit run", "camaudit", "run", pipeline, "--out", reports)
            run = reports / f"{number}/latest"
            summary = json.loads((run / "summary.json").read_text())
            images = summary["counts"]["scored"]
            print(f"{total}  from nothing to the report: {images} images, top-1 {100 * summary['top1_accuracy']:.1f} %, "
                  f"{(run / 'report.html').stat().st_size / 1e6:.1f} MB")


main()
