#!/usr/bin/env python3
"""What can happen to a run that nobody watches: it is killed at any moment, asked to stop, started twice, its cache is damaged,
calls to the file system fail, its disk fills, and until the next run the set changes and the clock jumps.

    python tests/check_faults.py target/release/camaudit [short | long]

Whatever happened, the same command must end in files equal, byte for byte, to those of an undisturbed run.
"""
import errno, os, pathlib, random, shutil, signal, subprocess, sys, tempfile, time

import polars as pl

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()
LONG = sys.argv[2:] == ["long"]
# The demo's photos, so many times over (400 and 2,000 images); kills; failing calls of each kind; damaged caches; runs in a row.
COPIES, KILLS, CALLS, CACHES, RUNS = (5, 200, 60, 100, 30) if LONG else (1, 4, 5, 3, 3)
# These name the run itself: its times, and the runs before.
OF_ONE_RUN = {"measured.json", "run.json", "changes.json", "report.html"}
chance = random.Random(7)


def ok(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok  {what}", flush=True)


def make_set(home, name):
    """A set of our own in `home`, its boxes, and the demo's pipeline on them."""
    lines = (ROOT / "fixtures/horses.boxes.csv").read_text().splitlines()
    boxes = [lines[0]]
    for copy in range(COPIES):
        for photo in sorted((ROOT / "fixtures/horses").rglob("*.jpg")):
            to = home / "set" / photo.parent.name / f"{copy}{photo.name}"
            to.parent.mkdir(parents=True, exist_ok=True)
            # Bytes behind the end of a JPEG make another file of the same photo.
            to.write_bytes(photo.read_bytes() + b"\0" * copy)
        for line in lines[1:]:
            label, photo = line.split("/", 1)
            boxes.append(f"{label}/{copy}{photo}")
    (home / "boxes.csv").write_text("\n".join(boxes) + "\n")
    text = (ROOT / "pipelines/demo.toml").read_text()
    text = text.replace("../fixtures/horses.boxes.csv", "boxes.csv").replace("../fixtures/horses", "set").replace("../fixtures", str(ROOT / "fixtures"))
    (home / f"{name}.toml").write_text(text)
    return [BIN, "run", home / f"{name}.toml", "--quiet"]


def start(out, *more, **how):
    return subprocess.Popen([*RUN, "--out", out, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **how)


def finish(out, *more, **how):
    process = start(out, *more, **how)
    _, errors = process.communicate(timeout=600)
    return process.returncode, errors


def under_way(out, process):
    """Waits for the first part of a run, however busy the machine is."""
    while process.poll() is None and not list(out.glob("audit/*/images/part-*")):
        time.sleep(0.01)


def files(out, pipeline="audit"):
    return files_of((out / pipeline / "latest").resolve())


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in OF_ONE_RUN}


def ends_well(out, after):
    code, errors = finish(out)
    assert code == 0, f"{after}: {errors}"
    assert files(out) == CALM, f"{after}: the files differ"
    for left in [p for p in (out / "audit").iterdir() if p.is_dir() and not p.is_symlink() and not (p / "run.json").exists()]:
        # Rows that are complete wait for `conclude`.
        assert (left / "measured.json").exists(), f"{after}: an incomplete run stays: {left.name}"
        done = subprocess.run([BIN, "conclude", left, "--quiet"], capture_output=True, text=True)
        assert done.returncode == 0, f"{after}: conclude: {done.stderr}"
        assert files_of(left) == CALM, f"{after}: conclude: the files differ"
    shutil.rmtree(out)


def kills(home, whole):
    moments = []
    for i in range(KILLS):
        out, moment = home / f"kill{i}", chance.uniform(0.02, whole)
        process = start(out)
        time.sleep(moment)
        process.kill()
        process.communicate()
        moments.append(moment)
        ends_well(out, f"killed after {moment:.2f} s")
    ok(True, f"{KILLS} kills ({min(moments):.2f} to {max(moments):.2f} s after the start): the same command ends in equal files")


def stops(home):
    for which in (signal.SIGINT, signal.SIGTERM):
        out = home / which.name
        process = start(out, "--no-cache")
        under_way(out, process)
        process.send_signal(which)
        began = time.monotonic()
        _, errors = process.communicate(timeout=60)
        took = time.monotonic() - began
        ok(process.returncode == 130 and took < 5 and "continues where it stopped" in errors, f"{which.name} ends with 130 in {took:.1f} s")
        ok(not (out / "audit/latest").exists(), "a reader sees no incomplete run")


def two_at_once(home):
    first = start(home / "twice", "--no-cache")
    under_way(home / "twice", first)
    code, errors = finish(home / "twice")
    ok(code == 2 and f"process {first.pid}" in errors, f"a second run ends with 2 and says who holds the first: {errors.strip()[-120:]}")
    first.communicate()
    ok(first.returncode == 0, "the first is not disturbed")


def damaged_caches(home):
    out = home / "damaged"
    code, errors = finish(out)
    assert code == 0, errors
    cache = out / "audit/cache.redb"
    sound = cache.read_bytes()
    torn = [sound[: len(sound) // 2], sound[:100], b"", b"no cache at all"]
    for i in range(CACHES):
        damaged = bytearray(sound)
        for _ in range(chance.choice([1, 20, 200, 2000])):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        torn.append(bytes(damaged))
    for i, damaged in enumerate(torn):
        cache.write_bytes(damaged)
        code, errors = finish(out)
        assert code == 0 and "panicked" not in errors, errors
        assert files(out) == CALM, f"damaged cache {i} changed the files"
    ok(True, f"{len(torn)} damaged or torn caches change no byte")


def damaged_parts(home):
    """Parts of a run that was killed are never built on: they are made again."""
    for how in ("torn", "flipped"):
        out = home / f"parts-{how}"
        process = start(out)
        under_way(out, process)
        process.kill()
        process.communicate()
        for part in out.glob("audit/*/*/part-*"):
            data = bytearray(part.read_bytes())
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            part.write_bytes(data if how == "flipped" else data[: len(data) // 2])
        ends_well(out, f"{how} parts")
    ok(True, "torn parts, and parts with a flipped bit, of a killed run do not stay")


def preloaded(library):
    """The environment of a run in which things fail; None where that cannot be."""
    if not shutil.which("cc") or sys.platform != "linux":
        print("SKIPPED failing calls and clocks: they need Linux and a C compiler")
        return None
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, ROOT / "tests/faults.c", "-ldl"], check=True)
    return lambda **how: {**os.environ, "LD_PRELOAD": str(library), **{k.upper(): str(v) for k, v in how.items()}}


def failing_calls(home, fail):
    """One call to the file system fails, or every one from it on."""
    for kind, errors_of in (("write", [errno.EIO, errno.ENOSPC, errno.EROFS]), ("read", [errno.EIO, errno.ESTALE])):
        counter = home / f"count-{kind}"
        code, errors = finish(home / f"counted-{kind}", env=fail(fault_calls=kind, fault_count=counter))
        assert code == 0, errors
        total, ends = int(counter.read_text()), {}
        for i in range(CALLS):
            # The first calls are of the start, and the last of the end: half of the tries are theirs.
            at = chance.choice([chance.randrange(1, total + 1), chance.randrange(1, 60), total - chance.randrange(60)])
            number, lasts = chance.choice(errors_of), chance.randrange(2)
            out = home / f"{kind}{i}"
            code, errors = finish(out, env=fail(fault_calls=kind, fault_at=at, fault_errno=number, fault_lasts=lasts))
            what = f"{errno.errorcode[number]} of {kind} call {at}{' and all behind it' if lasts else ''}: exit {code}: {errors}"
            assert code in (0, 2, 3) and "panicked" not in errors, what
            latest = (out / "audit/latest").exists()
            if code == 0 and kind == "write":
                assert files(out) == CALM, what
            elif code in (0, 3) and latest:
                # Photos that could not be read are skips, each with its reason.
                folder = out / "audit/latest"
                scored, skipped = pl.read_parquet(f"{folder}/images/*.parquet").filter(pl.col("target") == "label"), pl.read_parquet(folder / "skipped.parquet")
                assert scored.height + skipped.height == 400 * COPIES, what
                assert set(skipped["reason"]) <= {"io"}, f"{what} {set(skipped['reason'])}"
            elif code == 2:
                assert errors.strip(), what
            ends[code] = ends.get(code, 0) + 1
            ends_well(out, what)
        ok(True, f"{CALLS} of {total} {kind} calls failed, one or all from it on: exit codes {ends}, nothing incomplete is shown, the same command ends in equal files")


def poor_file_systems(home, fail):
    """Network and FUSE file systems without links, locks, rights, or a sync of folders: a run ends, and is the last run to every command."""
    features = ["symlink", "foldersync", "lock", "chmod"]
    for lacks in [*features, ",".join(features)]:
        out, log = home / f"without-{lacks}", home / f"refused-{lacks}"
        poor = fail(fault_lacks=lacks, fault_lacked=log)
        for _ in range(2):
            code, errors = finish(out, env=poor)
            assert code == 0, f"without {lacks}: {errors}"
        # Rights are left to the umask, so that nothing asks for them.
        refused = set(log.read_text().split()) if log.exists() else set()
        assert refused >= set(lacks.split(",")) - {"chmod"}, f"without {lacks}: only {refused} was asked for"

        latest = out / "audit/latest"
        assert latest.is_symlink() != ("symlink" in lacks), f"without {lacks}: latest is of the wrong kind"
        folder = latest.resolve() if latest.is_symlink() else latest.with_name(latest.read_text().strip())
        assert files_of(folder) == CALM, f"without {lacks}: the files differ"
        told = "no locks" in errors or "lock" in errors
        assert told == ("lock" in lacks), f"without {lacks}: {errors}"
        for command in (["review", latest], ["diff", latest, latest], ["runs", out / "audit"]):
            done = subprocess.run([BIN, *command], capture_output=True, text=True, env=poor)
            assert done.returncode == 0, f"without {lacks}: {command[0]}: {done.stderr}"
    ok(True, f"file systems without {', '.join(features)}, or all of them: equal files, and the last run is found")


def full_disks(home):
    """No file may grow beyond so many KiB: one kind of write after the other is the first that fails."""
    ends = []
    for kib in (0, 4, 8, 16, 40, 100, 400, 1600, 3000):
        out = home / f"full{kib}"
        full = subprocess.run(["bash", "-c", f'trap "" XFSZ; ulimit -f {kib}; exec "$@"', "-", *RUN, "--out", out], capture_output=True, text=True)
        said = "failed to write" in full.stderr or "failed to create" in full.stderr
        whole_run = full.returncode == 0 and files(out) == CALM
        refused = full.returncode == 2 and said and not (out / "audit/latest").exists()
        assert whole_run or refused, f"files up to {kib} KiB: exit {full.returncode}: {full.stderr}"
        ends.append(f"{kib} KiB: {full.returncode}")
        ends_well(out, f"after files up to {kib} KiB")
    ok("0 KiB: 2" in ends, f"a disk that is full publishes nothing and hurts nothing ({', '.join(ends)})")


def narrow_places(home):
    few = subprocess.run(["bash", "-c", 'ulimit -n 40; exec "$@"', "-", *RUN, "--jobs", "2", "--out", home / "few"], capture_output=True, text=True)
    ok(few.returncode == 0 and files(home / "few") == CALM, "40 open files are enough")
    (home / "blocked").write_text("a file where the folder should be")
    code, errors = finish(home / "blocked")
    ok(code == 2 and "blocked" in errors, f"a place that cannot be written to ends with 2: {errors.strip()[-90:]}")


def changing_set(home, fail):
    """Between runs photos come, go, change, and move, tags are annotated anew, and the clock is wrong by up to ten years; each
    run against one without earlier runs."""
    home.mkdir()
    command = make_set(home, "changing") + ["--set", "run.shard_size=50", "--set", "run.max_skipped=0.9"]
    run = lambda out, *more, **how: subprocess.run([*command, "--out", home / out, *more], capture_output=True, text=True, **how)
    header, *lines = (home / "boxes.csv").read_text().splitlines()
    for number in range(RUNS):
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
                photo.rename(photo.with_name(f"moved{number}-{photo.name}"))
            else:  # broken
                photo.write_bytes(photo.read_bytes()[: chance.randrange(1, 600)])
        kept = [line for line in lines if (home / "set" / line.split(",")[0]).exists() and chance.random() > 0.02]
        (home / "boxes.csv").write_text("\n".join([header, *kept]) + "\n")
        clock = chance.randrange(-315_000_000, 315_000_000)
        done, fresh = run("kept", env=fail and fail(fault_clock=clock)), run(f"fresh{number}", "--no-cache")
        assert done.returncode == fresh.returncode == 0, done.stderr + fresh.stderr
        assert files(home / "kept", "changing") == files(home / f"fresh{number}", "changing"), f"run {number}: the files differ from those of a fresh run"
        shutil.rmtree(home / f"fresh{number}")
    ok(True, f"{RUNS} runs with changes in between and a clock that jumps: each one's files equal a fresh run's")


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    RUN = [*make_set(scratch, "audit"), "--set", "run.shard_size=16"]
    began = time.monotonic()
    code, errors = finish(scratch / "calm")
    assert code == 0, errors
    CALM, whole = files(scratch / "calm"), time.monotonic() - began

    kills(scratch, whole)
    stops(scratch)
    two_at_once(scratch)
    damaged_caches(scratch)
    damaged_parts(scratch)
    fail = preloaded(scratch / "faults.so")
    if fail:
        failing_calls(scratch, fail)
        poor_file_systems(scratch, fail)
    full_disks(scratch)
    narrow_places(scratch)
    changing_set(scratch / "changing", fail)
