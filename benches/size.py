#!/usr/bin/env python3
"""Where the megabytes of the program are: its sections, and its code by the crate that a function is of.

    python benches/size.py target/release/camaudit

Reads the symbols by `nm` (binutils). A generic function of the standard library counts for the first other crate in its name, and a
copy that another crate instantiates counts for the crate that wrote it.
"""
import collections, os, re, subprocess, sys

SECTIONS = {
    ".text": "code",
    ".eh_frame": "unwinding", ".eh_frame_hdr": "unwinding", ".gcc_except_table": "unwinding",
    ".rodata": "constants", ".data.rel.ro": "constants", ".data": "constants",
    ".rela.dyn": "relocations", ".got": "relocations",
}
GROUPS = [
    (r"tract_\w+|ndarray|smallvec|maplit|anymap3", "tract, with ndarray"),
    (r"polars\w*|brotli\w*|zstd\w*|lz4\w*", "polars, with its compression"),
    (r"rayon\w*|crossbeam\w*", "rayon"),
    (r"image\w*|zune\w*|jpeg_decoder|tiff|png|gif|webp\w*|fast_image_resize|tiny_skia\w*", "pictures"),
    (r"rustfft|nalgebra|simba|statrs", "Fourier transforms, statistics"),
    (r"camaudit", "camaudit"),
    (r"std", "the standard library"),
]
STANDARD = {"core", "alloc", "std", "hashbrown"}


def group_of(name):
    crates = [c for c in re.findall(r"(?<![:\w])([a-z_][a-z_0-9]*)::", name)]
    crate = next((c for c in crates if c not in STANDARD), "std" if crates else "")
    return next((group for pattern, group in GROUPS if re.fullmatch(pattern, crate)), "others")


def show(title, sizes):
    print(title)
    for name, size in sizes.most_common():
        print(f"  {size / 1e6:6.1f} MB  {name}")


def main():
    binary = sys.argv[1]
    sections = collections.Counter()
    for line in subprocess.run(["size", "-A", binary], capture_output=True, text=True, check=True).stdout.splitlines():
        columns = line.split()
        if len(columns) == 3 and columns[0].startswith("."):
            sections[SECTIONS.get(columns[0], "others")] += int(columns[1])
    sections["symbols, which the wheel leaves out"] = os.path.getsize(binary) - sum(sections.values())
    show(f"{binary}: {os.path.getsize(binary) / 1e6:.1f} MB", sections)

    code = collections.Counter()
    for line in subprocess.run(["nm", "-S", "-C", binary], capture_output=True, text=True, errors="replace").stdout.splitlines():
        columns = line.split(" ", 3)
        if len(columns) == 4 and columns[1] and columns[2] in "tTwW":
            code[group_of(columns[3])] += int(columns[1], 16)
    show("code", code)


main()
