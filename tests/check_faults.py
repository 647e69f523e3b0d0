#!/usr/bin/env python3
"""What a night can do to a run: it is killed at any moment, asked to stop, started twice, its cache is damaged, its disk fills.

    python tests/check_faults.py target/release/camaudit [kills]

After every kill the same command must end in files equal, byte for byte, to those of an undisturbed run.
"""
import pathlib, random, signal, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN, KILLS = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 6
DEMO = [BIN, "run", ROOT / "pipelines/demo.toml", "--quiet", "--set", "run.shard_size=16"]
# These tell of the night itself: times, and the nights before.
OF_THE_NIGHT = {"run.json", "changes.json", "report.html"}


def start(out, *more):
    return subprocess.Popen([*DEMO, "--out", out, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(out, *more):
    process = start(out, *more)
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors


def files(out):
    folder = (out / "demo/latest").resolve()
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in OF_THE_NIGHT}


def ok(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok  {what}")


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
        time.sleep(whole * 0.4)
        process.send_signal(which)
        began = time.monotonic()
        _, errors = process.communicate(timeout=60)
        took = time.monotonic() - began
        ok(process.returncode == 130 and took < 5 and "goes on where it stopped" in errors, f"{which.name} ends with 130 in {took:.1f} s")
        ok(not (out / "demo/latest").exists(), "a reader sees no torn run")

    first = start(scratch / "twice", "--no-cache")
    time.sleep(whole * 0.4)
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

    full = subprocess.run(["bash", "-c", 'trap "" XFSZ; ulimit -f 40; exec "$@"', "-", *DEMO, "--out", scratch / "full"], capture_output=True, text=True)
    ok(full.returncode == 2 and "failed to write" in full.stderr and not (scratch / "full/demo/latest").exists(), f"where nothing more can be written, the run ends with {full.returncode} and publishes nothing: {full.stderr.strip()[-100:]}")
