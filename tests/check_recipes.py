#!/usr/bin/env python3
"""Runs every SQL and Python block of docs/recipes.md down to the line in the middle, on reports/example; that of docs/mlflow.md
where mlflow is installed (pip install mlflow-skinny).

    python tests/check_recipes.py
"""
import importlib.util, json, os, pathlib, re, tempfile
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


def check_mlflow():
    """Metrics, tags and artifacts, read back from a store in a folder."""
    code = re.search(r"```python\n(.*?)```", (ROOT / "docs/mlflow.md").read_text(), re.S)[1]
    with tempfile.TemporaryDirectory() as store:
        os.environ |= {"MLFLOW_TRACKING_URI": pathlib.Path(store).as_uri(), "MLFLOW_ALLOW_FILE_STORE": "true"}
        names = {}
        exec(code, names)
        import mlflow

        logged = mlflow.get_run(names["logged"].info.run_id)
        summary = json.loads((ROOT / "reports/example/summary.json").read_text())
        assert logged.data.metrics["camaudit/scored"] == summary["counts"]["scored"], logged.data.metrics
        assert logged.data.metrics["camaudit/open_confirmed"] == 1, logged.data.metrics
        assert logged.data.tags["model_hash"] == summary["model_hash"] and logged.data.tags["reliable"] == "True"
        artifacts = {a.path for a in mlflow.MlflowClient().list_artifacts(logged.info.run_id)}
        assert artifacts == {"report.html", "summary.json", "findings.parquet"}, artifacts
        print(f"ok  docs/mlflow.md with mlflow {mlflow.__version__}")


if importlib.util.find_spec("mlflow"):
    check_mlflow()
else:
    print("SKIPPED docs/mlflow.md: no mlflow (pip install mlflow-skinny)")
