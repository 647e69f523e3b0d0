#!/usr/bin/env python3
"""Audits pictures that ask for much memory in a control group of 1 GiB: python tests/check_memory.py target/release/camaudit

Each picture stands between twelve photos. The run must end with exit code 0 or 3, count the picture, name the limit where
it skips it, and stay within the group. Without the right to make a group, `--memory 1GiB` and the peak of the process are
used. Needs NumPy and Pillow.
"""
import json, os, pathlib, shutil, struct, subprocess, sys, tempfile, time, zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()
sys.path.insert(0, str(ROOT / "fixtures"))
import make_pictures as pictures
LIMIT = 1 << 30


def zeros(count):
    """So many zero bytes, deflated."""
    stream, block = zlib.compressobj(9), bytes(1 << 24)
    parts = [stream.compress(block[: min(1 << 24, count - at)]) for at in range(0, count, 1 << 24)]
    return b"".join(parts) + stream.flush()


def png(side, depth, colour, channels, interlaced=False):
    steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)] if interlaced else [(0, 0, 1, 1)]
    count = sum(-(-(side - y) // dy) * (1 + -(-(side - x) // dx) * channels * depth // 8) for x, y, dx, dy in steps)
    head = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + pictures.chunk(b"IHDR", head) + pictures.chunk(b"IDAT", zeros(count)) + pictures.chunk(b"IEND", b"")


def tiff(side, bits, samples, **tags):
    compress, zlib.compress = zlib.compress, lambda deflated: deflated
    try:
        count = side * side * samples * bits // 8
        return pictures.tiff([zeros(count)], width=side, height=side, bits=[bits] * samples, samples=samples, **tags)
    finally:
        zlib.compress = compress


def gif(side):
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0xF0, 0, 0) + b"\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2\x4c\1\0;"


def jpeg(side, **options):
    """A progressive JPEG that claims more than it holds, with an end of the image."""
    data = bytearray(pictures.saved(pictures.Image.new("RGB", (64, 64), (3, 4, 5)), "JPEG", progressive=True, **options))
    frame = data.index(b"\xff\xc2")
    data[frame + 5:frame + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def cases():
    rgb = dict(photometric=2, bits=[8] * 3, samples=3)
    small = pictures.saved(pictures.Image.fromarray(pictures.RGB), "PNG")
    yield "16-bit RGBA PNG, 13000^2", "png", png(13000, 16, 6, 4)
    yield "16-bit grey PNG, 13000^2", "png", png(13000, 16, 0, 1)
    yield "interlaced 16-bit RGBA PNG, 9000^2", "png", png(9000, 16, 6, 4, True)
    yield "PNG with 300 MiB of XMP", "png", pictures.with_chunk(small, b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zeros(300 << 20))
    yield "PNG with a profile of 300 MiB", "png", pictures.with_chunk(small, b"iCCP", b"x\0\0" + zeros(300 << 20))
    yield "float RGB TIFF, 11500^2", "tif", tiff(11500, 32, 3, photometric=2, format=3)
    yield "float grey TIFF, 13000^2", "tif", tiff(13000, 32, 1, photometric=1, format=3)
    yield "grey TIFF in one strip, 9000^2", "tif", tiff(9000, 8, 1, photometric=1)
    yield "TIFF tile with a JPEG of 16000^2", "tif", pictures.tiff([jpeg(16000)], width=64, height=64, deflate=False, compression=7, tile=(64, 64), **rgb)
    yield "GIF screen, 12000^2", "gif", gif(12000)
    yield "GIF screen, 65535^2", "gif", gif(65535)
    yield "progressive JPEG, 13300^2", "jpg", jpeg(13300, subsampling=0)
    yield "progressive JPEG, 65535^2", "jpg", jpeg(65535)
    yield "lossless WebP, 7000^2", "webp", pictures.saved(pictures.Image.new("RGB", (7000, 7000), (9, 8, 7)), "WEBP", lossless=True, method=0, quality=0)


class Group:
    """A control group of 1 GiB, of version 1 or 2."""

    def __init__(self):
        base = pathlib.Path("/sys/fs/cgroup")
        v1 = (base / "memory").is_dir()
        self.folder = base / ("memory" if v1 else "") / f"camaudit-check-{os.getpid()}"
        self.limit, self.peak = ("memory.limit_in_bytes", "memory.max_usage_in_bytes") if v1 else ("memory.max", "memory.peak")
        self.folder.mkdir()
        (self.folder / self.limit).write_text(str(LIMIT))

    def close(self):
        """Its peak in MiB."""
        peak = int((self.folder / self.peak).read_text()) >> 20
        self.folder.rmdir()
        return peak


def audit(work, files, has_groups):
    shutil.rmtree(work, ignore_errors=True)
    for kind in ("boat", "car", "horse"):
        (work / "set" / kind).mkdir(parents=True)
        for photo in sorted((ROOT / "fixtures/horses" / kind).iterdir())[:4]:
            shutil.copy(photo, work / "set" / kind)
    for name, data in files:
        (work / "set/horse" / name).write_bytes(data)
    (work / "p.toml").write_text(
        f'[dataset]\nroot = "{work}/set"\n[model]\npath = "{ROOT}/fixtures/models/shortcut.onnx"\nclasses = "{ROOT}/fixtures/models/classes.txt"\n'
        '[preprocess]\npreset = "zero-one"\nsize = 64\n[run]\nmax_skipped = 1.0\n')
    command = [BIN, "run", work / "p.toml", "--out", work / "out", "--quiet"]
    group = Group() if has_groups else None
    if group:
        command = ["sh", "-c", f'echo $$ > {group.folder}/cgroup.procs; exec "$@"', "sh", *command]
    else:
        command += ["--memory", "1GiB"]
    start = time.time()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode in (0, 3), f"exit code {child.returncode}: {errors}"
    counts = json.loads((work / "out/p/latest/run.json").read_text())["counts"]
    assert counts["found"] == 12 + len(files) == counts["scored"] + counts["skipped"], counts
    # Without a group the figure includes this script's own memory, from before the program started.
    peak = group.close() if group else usage.ru_maxrss >> 10
    assert peak << 20 < LIMIT, f"{peak} MiB"
    return peak, time.time() - start, counts["skipped_by_reason"]


def main():
    try:
        Group().close()
        has_groups = True
    except OSError as error:
        print(f"no control group ({error}): --memory 1GiB")
        has_groups = False
    with tempfile.TemporaryDirectory() as work:
        work, every = pathlib.Path(work), []
        for number, (name, extension, data) in enumerate(cases()):
            every.append((f"case{number}.{extension}", data))
            peak, seconds, reasons = audit(work, every[-1:], has_groups)
            print(f"{name:36} {len(data):>9} bytes {peak:5} MiB {seconds:6.1f} s  {', '.join(reasons) or 'scored'}", flush=True)
        peak, seconds, reasons = audit(work, every, has_groups)
        print(f"{'all of them':36} {sum(len(data) for _, data in every):>9} bytes {peak:5} MiB {seconds:6.1f} s  {reasons}")


main()
