#!/usr/bin/env python3
"""What a night can do to a run: it is killed at any moment, asked to stop, started twice, its cache is damaged, its disk fills,
and the set changes until the next night.

    python tests/check_faults.py target/release/camaudit [kills [nights]]

After every kill the same command must end in files equal, byte for byte, to those of an undisturbed run.
"""
import pathlib, random, shutil, signal, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN, KILLS, NIGHTS = pathlib.Path(sys.argv[1]).resolve(), *(int(n) for n in (sys.argv[2:] + ["6", "3"][len(sys.argv) - 2 :])[:2])
DEMO = [BIN, "run", ROOT / "pipelines/demo.toml", "--quiet", "--set", "run.shard_size=16"]
# These tell of the night itself: times, and the nights before.
OF_THE_NIGHT = {"run.json", "changes.json", "report.html"}


def start(out, *more):
    return subprocess.Popen([*DEMO, "--out", out, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(out, *more):
    process = start(out, *more)
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors


def under_way(out, process):
    """Waits for the first part of a run, however busy the machine is."""
    while process.poll() is None and not list(out.glob("demo/*/images/part-*")):
        time.sleep(0.01)


def files(out, pipeline="demo"):
    folder = (out / pipeline / "latest").resolve()
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in OF_THE_NIGHT}


def ok(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok  {what}")


def nights(home, chance):
    """Night after night photos come, go, change, and move, and tags are annotated anew; each night against a run without a past."""
    shutil.copytree(ROOT / "fixtures/horses", home / "set")
    boxes = home / "boxes.csv"
    header, *lines = (ROOT / "fixtures/horses.boxes.csv").read_text().splitlines()
    text = (ROOT / "pipelines/demo.toml").read_text()
    text = text.replace("../fixtures/horses.boxes.csv", str(boxes)).replace("../fixtures/horses", str(home / "set")).replace("../fixtures", str(ROOT / "fixtures"))
    (home / "night.toml").write_text(text)
    run = lambda out, *more: subprocess.run([BIN, "run", home / "night.toml", "--quiet", "--set", "run.shard_size=50", "--set", "run.max_skipped=0.9", "--out", home / out, *more], capture_output=True, text=True)
    for night in range(NIGHTS):
        photos = sorted((home / "set").rglob("*.jpg"))
        for photo in chance.sample(photos, 4):
            photo.unlink()
        for photo in chance.sample([p for p in photos if p.exists()], 12):
            change = chance.randrange(4)
            if change == 0:  # another photo under the same name
                photo.write_bytes(chance.choice([p for p in photos if p.exists()]).read_bytes())
            elif change == 1:  # new bytes, the same pixels
                photo.write_bytes(photo.read_bytes() + b"\0")
            elif change == 2:  # the same photo in another place
                photo.rename(photo.with_name(f"night{night}-{photo.name}"))
            else:  # broken
                photo.write_bytes(photo.read_bytes()[: chance.randrange(1, 600)])
        kept = [line for line in lines if (home / "set" / line.split(",")[0]).exists() and chance.random() > 0.02]
        boxes.write_text("\n".join([header, *kept]) + "\n")
        done, fresh = run("kept"), run(f"fresh{night}", "--no-cache")
        assert done.returncode == fresh.returncode == 0, done.stderr + fresh.stderr
        known = files(home / "kept", "night")
        assert known == files(home / f"fresh{night}", "night"), f"night {night}: the files differ from those of a fresh run"
        shutil.rmtree(home / f"fresh{night}")
    ok(True, f"{NIGHTS} nights with changes in between: each night's files equal a fresh run's")


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    began = time.monotonic()
    code, errors = finish(scratch / "calm")
    whole = time.monotonic() - began
    assert code == 0, errors
    calm = files(scratch / "calm")

    chance, moments = random.Random(7), []
    for i in range(KILLS):
        out = scratch / f"kill{i}"
        moment = chance.uniform(0.02, whole)
        process = start(out)
        time.sleep(moment)
        process.kill()
        process.communicate()
        moments.append(f"{moment:.2f}")
        code, errors = finish(out)
        assert code == 0, errors
        assert files(out) == calm, f"killed after {moment:.2f} s: the files differ"
        left = [p.name for p in (out / "demo").iterdir() if p.is_dir() and not p.is_symlink() and not (p / "run.json").exists()]
        assert not left, f"killed after {moment:.2f} s: torn runs stay: {left}"
    ok(True, f"{KILLS} kills (after {', '.join(moments)} s): the same command ends in equal files")

    for which in (signal.SIGINT, signal.SIGTERM):
        out = scratch / which.name
        process = start(out, "--no-cache")
        under_way(out, process)
        process.send_signal(which)
        began = time.monotonic()
        _, errors = process.communicate(timeout=60)
        took = time.monotonic() - began
        ok(process.returncode == 130 and took < 5 and "goes on where it stopped" in errors, f"{which.name} ends with 130 in {took:.1f} s")
        ok(not (out / "demo/latest").exists(), "a reader sees no torn run")

    first = start(scratch / "twice", "--no-cache")
    under_way(scratch / "twice", first)
    code, errors = finish(scratch / "twice")
    ok(code == 2 and f"process {first.pid}" in errors, f"a second run ends with 2 and says who holds the first: {errors.strip()[-120:]}")
    first.communicate()
    ok(first.returncode == 0, "the first is not disturbed")

    out = scratch / "calm"
    cache = out / "demo/cache.redb"
    sound = cache.read_bytes()
    for i in range(max(3, KILLS // 2)):
        damaged = bytearray(sound)
        for _ in range(200):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        cache.write_bytes(damaged)
        code, errors = finish(out)
        assert code == 0, errors
        assert files(out) == calm, "a damaged cache changed the files"
    cache.write_bytes(sound[: len(sound) // 2])
    code, errors = finish(out)
    ok(code == 0 and files(out) == calm, "a damaged or torn cache changes no byte")

    # No file may grow beyond so many KiB: one kind of write after the other is the first that fails.
    ends = []
    for kib in (0, 4, 8, 16, 40, 100, 400, 1600, 3000):
        out = scratch / f"full{kib}"
        full = subprocess.run(["bash", "-c", f'trap "" XFSZ; ulimit -f {kib}; exec "$@"', "-", *DEMO, "--out", out], capture_output=True, text=True)
        said = "failed to write" in full.stderr or "failed to make" in full.stderr
        whole_run = full.returncode == 0 and files(out) == calm
        refused = full.returncode == 2 and said and not (out / "demo/latest").exists()
        assert whole_run or refused, f"files up to {kib} KiB: exit {full.returncode}: {full.stderr}"
        code, errors = finish(out)
        assert code == 0 and files(out) == calm, f"after files up to {kib} KiB: {errors}"
        ends.append(f"{kib} KiB: {full.returncode}")
    ok("0 KiB: 2" in ends, f"a disk that is full publishes nothing and hurts nothing ({', '.join(ends)})")

    few = subprocess.run(["bash", "-c", 'ulimit -n 40; exec "$@"', "-", *DEMO, "--jobs", "2", "--out", scratch / "few"], capture_output=True, text=True)
    ok(few.returncode == 0 and files(scratch / "few") == calm, "40 open files are enough")

    (scratch / "blocked").write_text("a file where the folder should be")
    code, errors = finish(scratch / "blocked")
    ok(code == 2 and "blocked" in errors, f"a place that cannot be written to ends with 2: {errors.strip()[-90:]}")

    nights(scratch / "nights", chance)
