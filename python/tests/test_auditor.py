"""Arrow batches of images to rows."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import camaudit
import polars
import pyarrow
import pyarrow.csv
import pytest


def batch(root: Path, count: int = 12, with_bytes: bool = False) -> pyarrow.Table:
    """Images of the demo with their boxes."""
    boxes: dict[str, list[dict[str, Any]]] = {}
    for row in pyarrow.csv.read_csv(root / "fixtures" / "horses.boxes.csv").to_pylist():
        boxes.setdefault(row.pop("path"), []).append(row)
    images = root / "fixtures" / "horses"
    paths = [str(file.relative_to(images)) for file in sorted(images.glob("*/*.jpg"))][:: 400 // count]
    columns: dict[str, Any] = {
        "path": paths,
        "label": [path.split("/")[0] for path in paths],
        "boxes": [boxes.get(path, []) for path in paths],
    }
    if with_bytes:
        columns["image"] = [{"bytes": (images / path).read_bytes(), "path": path} for path in columns.pop("path")]
    return pyarrow.table(columns)


def expected(run: camaudit.Run, name: str, paths: list[str]) -> pyarrow.Table:
    """The rows of a run that do not depend on the other images."""
    ids = run.images.filter(polars.col("path").is_in(paths))["image_id"].unique().to_list()
    rows = getattr(run, name).filter(polars.col("image_id").is_in(ids), polars.col("target") != "baseline")
    return rows.drop("file", strict=False).to_arrow()


@pytest.mark.parametrize("with_bytes", [False, True])
def test_rows_are_those_of_a_run(demo: Path, demo_run: camaudit.Run, root: Path, with_bytes: bool) -> None:
    given = batch(root, with_bytes=with_bytes)
    auditor = camaudit.Auditor(demo, threads=2, dataset__near_duplicates=True)
    measured = auditor.measure(given)
    paths = batch(root)["path"].to_pylist()
    assert measured.images.drop_columns("fingerprint").to_pylist() == (
        expected(demo_run, "images", paths).drop_columns("fingerprint").to_pylist()
    )
    assert measured.images.schema.field("cam").type == pyarrow.list_(pyarrow.float32())
    # The contrast at a place where the region is absent needs the places of the whole dataset.
    regions = measured.regions.drop_columns("contrast").to_pylist()
    assert regions == expected(demo_run, "regions", paths).drop_columns("contrast").to_pylist()
    assert measured.skipped.num_rows == 0


def test_batches_of_any_size_give_the_same_rows(demo: Path, root: Path) -> None:
    auditor = camaudit.Auditor(demo, threads=1)
    given = batch(root)
    parts = [auditor.measure(part).images for part in given.to_batches(max_chunksize=5)]
    assert pyarrow.concat_tables(parts) == auditor.measure(given).images


def test_an_image_that_cannot_be_measured_is_a_row_of_skipped(demo: Path, root: Path) -> None:
    horse = (root / "fixtures" / "horses" / "horse" / "horse005.jpg").read_bytes()
    given = pyarrow.table({
        "path": ["good.jpg", "cut.jpg", "none.jpg", "odd.jpg", "unlabeled.jpg", "boxed.jpg"],
        "image": [horse, horse[:900], None, horse, horse, horse],
        "label": ["horse", "horse", "horse", "unicorn", None, "horse"],
        "boxes": [None, None, None, None, None, [{"category": "horse", "xmin": 0, "ymin": 0, "xmax": 0, "ymax": 9}]],
    })  # fmt: skip
    measured = camaudit.Auditor(demo, dataset__problems={"box_without_area": "skip"}).measure(given)
    assert measured.images["path"].to_pylist() == ["good.jpg"] * len(measured.images)
    reasons = dict(zip(measured.skipped["path"].to_pylist(), measured.skipped["reason"].to_pylist()))
    assert reasons == {
        "cut.jpg": "truncated",
        "none.jpg": "not_found",
        "odd.jpg": "unknown_label",
        "unlabeled.jpg": "no_label",
        "boxed.jpg": "box_without_area",
    }
    assert measured.problems["code"].to_pylist() == ["box_without_area"]


def test_presence_columns_are_needed(
    write_pipeline: Callable[..., Path], root: Path
) -> None:
    more = '[[region]]\nname = "tag"\npresence_column = "tagged"\nrect = { left = 0, top = 0.8, right = 0.3, bottom = 1 }\n'
    # Which images a manifest names does not count here.
    manifest = root / "fixtures" / "formats" / "manifest.csv"
    auditor = camaudit.Auditor(write_pipeline(root / "fixtures" / "horses", more), dataset__manifest=manifest)
    given = batch(root)
    with pytest.raises(camaudit.Error, match="no column 'tagged'"):
        auditor.measure(given)
    flags = [number % 2 == 0 for number in range(given.num_rows)]
    regions = auditor.measure(given.append_column("tagged", pyarrow.array(flags))).regions.to_pylist()
    present = [row["present"] for row in regions if row["region"] == "tag" and row["target"] == "label"]
    assert present == flags


def test_a_model_is_loaded_once_per_process(demo: Path) -> None:
    first = camaudit.Auditor(demo, threads=1)
    assert first._native() is camaudit.Auditor(str(demo), threads=1)._native()
    assert first._native() is not camaudit.Auditor(demo, threads=2)._native()
    assert first._native() is not camaudit.Auditor(demo, threads=1, run__seed=7)._native()


def _measure(auditor: camaudit.Auditor, given: pyarrow.Table) -> tuple[int, Any]:
    return os.getpid(), auditor.measure(given).images.to_pylist()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_get_auditors(demo: Path, root: Path, method: str) -> None:
    auditor = camaudit.Auditor(demo, threads=2)
    given = batch(root)
    rows = auditor.measure(given).images.to_pylist()
    with multiprocessing.get_context(method).Pool(2) as pool:
        measured = pool.starmap_async(_measure, [(auditor, given)] * 4).get(timeout=120)
    assert all(process != os.getpid() and of_process == rows for process, of_process in measured)


def test_an_auditor_that_was_used_before_the_fork_is_used_after_it(demo: Path, root: Path) -> None:
    auditor = camaudit.Auditor(demo, threads=2)
    given = batch(root)
    rows = auditor.measure(given).images.to_pylist()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=lambda: queue.put(_measure(auditor, given)))
    process.start()
    assert queue.get(timeout=120)[1] == rows
    process.join(timeout=10)
    assert pickle.loads(pickle.dumps(auditor)).measure(given).images.to_pylist() == rows


def test_pipelines_that_name_no_classes_are_refused(demo: Path, tmp_path: Path, root: Path) -> None:
    text = demo.read_text().replace("../fixtures", str(root / "fixtures"))
    lines = [line for line in text.splitlines() if not line.startswith("classes")]
    pipeline = tmp_path / "demo.toml"
    pipeline.write_text("\n".join(lines))
    with pytest.raises(camaudit.Error, match="model.classes is missing"):
        camaudit.Auditor(pipeline)
