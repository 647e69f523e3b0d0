#!/usr/bin/env python3
"""Runs every SQL and Python block of docs/recipes.md down to the line in the middle, on reports/example.

    python tests/check_recipes.py
"""
import os, pathlib, re
import duckdb

ROOT = pathlib.Path(__file__).resolve().parent.parent
os.chdir(ROOT)
tested = (ROOT / "docs/recipes.md").read_text().split("\n---\n")[0]
blocks = re.findall(r"```(sql|python)\n(.*?)```", tested, re.S)
assert len(blocks) >= 5, blocks
for kind, code in blocks:
    if kind == "sql":
        rows = duckdb.sql(code).fetchall()
        # The example has no skipped image; every other query finds something.
        assert rows or "skipped.parquet" in code, code
        print(f"ok  {code.split(chr(10))[0][:70]} -> {len(rows)} rows")
    else:
        names = {}
        exec(code, names)
        # The evidence for the horse that learned the tag: most of it bottom left.
        row, column = divmod(int(names["mean"].argmax()), int(names["width"]))
        assert row >= 5 and column <= 3, (row, column)
tagged = [r for r in duckdb.sql(blocks[2][1]).fetchall() if r[1]]
assert [r[:3] for r in tagged] == [("horse", True, 40)], tagged
first = duckdb.sql(blocks[0][1]).fetchone()
assert first[:3] == ("horse", "source-tag", "confirmed"), first
