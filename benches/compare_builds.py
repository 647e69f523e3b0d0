#!/usr/bin/env python3
"""The same audits by two builds: every row, figure and picture must be the same.

    python benches/compare_builds.py OLD_BINARY NEW_BINARY [PIPELINE ...]

Without pipelines: the demo's two, films and trains. Columns that were renamed are compared under their new names;
columns that one build lacks are listed. Texts for people (sentences, reasons, captions) are compared by their numbers.
"""
import json, pathlib, re, subprocess, sys, tempfile

import polars as pl

ROOT = pathlib.Path(__file__).resolve().parent.parent
RENAMED = {
    "specificity": "relative_contribution", "specificity_mean": "relative_contribution_mean",
    "own_present": "in_class_present", "own_groups": "in_class_groups",
    "contrast_least": "contrast_min_effect", "causal_least": "causal_min_effect",
    "insertion_against": "insertion_control", "removal_against": "removal_control",
    "moved_most": "largest_shift", "unproved": "not_tested_reason",
}
TEXTS = {"sentence", "not_tested_reason", "insertion_control", "removal_control", "came_back", "message"}
NUMBER = re.compile(r"\d+(?:\.\d+)?")
ORDINALS = {"first": "1", "second": "2", "third": "3"}


def run(binary, pipeline, out):
    done = subprocess.run([binary, "run", pipeline, "--out", out, "--quiet"], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"FAILED: {binary} run {pipeline}: exit {done.returncode}: {done.stderr}")
    return (pathlib.Path(out) / pathlib.Path(pipeline).stem / "latest").resolve()


def same_text(a, b):
    """Whether two texts have the same numbers, in any order and with any sign: the words may be others."""
    numbers = lambda text: sorted(NUMBER.findall(re.sub("|".join(ORDINALS), lambda word: ORDINALS[word[0]], text or "")))
    return numbers(a) == numbers(b)


def compare_tables(old, new, table):
    a, b = (pl.read_parquet(f"{folder}/{table}.parquet") for folder in (old, new))
    a = a.rename({k: v for k, v in RENAMED.items() if k in a.columns})
    if a.height != b.height:
        sys.exit(f"FAILED: {table}: {a.height} rows, then {b.height}")
    for column in sorted(set(a.columns) ^ set(b.columns)):
        print(f"    {table}.{column}: only in one build")
    for column in [c for c in b.columns if c in a.columns]:
        if column in TEXTS:
            differ = [i for i, (x, y) in enumerate(zip(a[column], b[column])) if not same_text(x, y)]
        else:
            differ = [i for i, (x, y) in enumerate(zip(a[column].to_list(), b[column].to_list())) if x != y and not (x != x and y != y)]
        if differ:
            i = differ[0]
            sys.exit(f"FAILED: {table}.{column} differs in {len(differ)} rows; row {i}: {a[column][i]!r}, then {b[column][i]!r}")
    return a.height


def figures(folder):
    for name, key in (("figures.json", "figures"), ("exhibits.json", None)):
        if (folder / name).exists():
            found = json.loads((folder / name).read_text())
            found = found[key] if key else found
            return [(f["label"], f["region"], f["role"], f["path"], [(folder / p["file"]).read_bytes() for p in f["panels"]]) for f in found]
    return []


def main():
    old_binary, new_binary, *pipelines = sys.argv[1:]
    pipelines = pipelines or [str(ROOT / f"pipelines/{name}.toml") for name in ("demo", "demo-clean", "films", "trains")]
    for pipeline in pipelines:
        with tempfile.TemporaryDirectory() as scratch:
            old, new = run(old_binary, pipeline, scratch + "/old"), run(new_binary, pipeline, scratch + "/new")
            rows = {table: compare_tables(old, new, table) for table in ("images/*", "regions/*", "skipped", "problems", "duplicates", "classes", "findings")}
            a, b = figures(old), figures(new)
            if [f[:4] for f in a] != [f[:4] for f in b]:
                sys.exit(f"FAILED: the figures show other images: {[f[:4] for f in a]}, then {[f[:4] for f in b]}")
            pictures = sum(len(f[4]) for f in a)
            if [f[4] for f in a] != [f[4] for f in b]:
                sys.exit("FAILED: the pictures differ")
            print(f"ok  {pathlib.Path(pipeline).stem}: {', '.join(f'{n} {t}' for t, n in rows.items())}, {len(a)} figures, {pictures} pictures")


main()
