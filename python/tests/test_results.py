"""Runs, called and opened from Python."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import camaudit
import numpy
import polars
import pyarrow.parquet
import pytest


def test_the_demo_has_its_finding(demo_run: camaudit.Run) -> None:
    first = demo_run.findings.row(0, named=True)
    assert (first["label"], first["region"], first["verdict"]) == ("horse", "source-tag", "confirmed")
    assert demo_run.summary["findings"][0]["verdict"] == "confirmed"
    assert demo_run.report.read_text().lstrip().startswith("<!doctype html>")


def test_tables_are_those_of_the_files(demo_run: camaudit.Run) -> None:
    for name in ("findings", "classes", "skipped", "problems"):
        table = pyarrow.parquet.read_table(demo_run.folder / f"{name}.parquet")
        assert getattr(demo_run, name).to_dicts() == table.to_pylist(), name
    for name in ("images", "regions"):
        parts = sorted((demo_run.folder / name).iterdir())
        assert len(parts) == 7
        rows = [row for part in parts for row in pyarrow.parquet.read_table(part).to_pylist()]
        frame = getattr(demo_run, name)
        assert frame.drop("file", strict=False).to_dicts() == rows, name


def test_files_are_absolute(demo_run: camaudit.Run, root: Path) -> None:
    row = demo_run.images.row(0, named=True)
    assert row["file"] == str(root / "fixtures" / "horses" / row["path"])
    assert all(Path(file).is_file() for file in demo_run.images["file"])


def test_a_map_gives_its_logit(demo_run: camaudit.Run) -> None:
    for row in demo_run.images.head(20).iter_rows(named=True):
        map = demo_run.heatmap(row["image_id"], row["target"])
        assert map.shape == (8, 8)
        assert map.dtype == numpy.float32
        assert map.mean(dtype=float) + row["bias"] == pytest.approx(row["logit"], abs=1e-4)


def test_the_map_of_the_prediction(demo_run: camaudit.Run) -> None:
    images = demo_run.images.filter(polars.col("target") == "label")
    wrong = images.row(by_predicate=polars.col("image_id").is_in(_with_two_maps(demo_run)), named=True)
    assert (demo_run.heatmap(wrong["image_id"], "predicted") != demo_run.heatmap(wrong["image_id"])).any()
    right = images.filter(polars.col("label") == polars.col("predicted")).row(0, named=True)
    assert (demo_run.heatmap(right["image_id"], "predicted") == demo_run.heatmap(right["image_id"])).all()
    with pytest.raises(KeyError, match="no 'label' map of the image 'nowhere'"):
        demo_run.heatmap("nowhere")


def _with_two_maps(run: camaudit.Run) -> list[str]:
    return run.images.filter(polars.col("target") == "predicted")["image_id"].head(1).to_list()


def test_latest_is_opened_as_link_and_as_file(demo_run: camaudit.Run) -> None:
    latest = demo_run.folder.with_name("latest")
    assert camaudit.open(latest).folder == demo_run.folder
    latest.unlink()
    latest.write_text(demo_run.folder.name + "\n")
    assert camaudit.open(latest).folder == demo_run.folder


def test_a_folder_that_is_no_finished_run_is_refused(tmp_path: Path, demo_run: camaudit.Run) -> None:
    with pytest.raises(camaudit.Error, match="no such run folder"):
        camaudit.open(tmp_path / "nowhere")
    with pytest.raises(camaudit.Error, match="has no run.json"):
        camaudit.open(tmp_path)
    record = {**demo_run.record, "schema_version": 1}
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(camaudit.Error, match="schema version 1, and this camaudit reads"):
        camaudit.open(tmp_path)


def test_pandas_where_polars_is_absent(demo_run: camaudit.Run) -> None:
    code = (
        "import sys; sys.modules['polars'] = None\n"
        "import camaudit\n"
        "run = camaudit.open(sys.argv[1])\n"
        "image = run.images.iloc[0]\n"
        "print(type(run.findings).__module__.split('.')[0], len(run.images), image['file'])\n"
        "print(run.heatmap(image['image_id']).shape)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code, demo_run.folder], capture_output=True, text=True)
    first = demo_run.images.row(0, named=True)
    assert shown.stdout == f"pandas {len(demo_run.images)} {first['file']}\n(8, 8)\n", shown.stderr


def test_a_pipeline_that_cannot_be_used(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(camaudit.Error, match="run.shard_sise: ") as raised:
        camaudit.run(demo, out=tmp_path, run__shard_sise=64)
    assert raised.value.exit_code == 2
    assert raised.value.folder is None


@pytest.mark.filterwarnings("ignore:no region has presence")
def test_a_dataset_that_is_too_broken(
    write_pipeline: Callable[..., Path], root: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images" / "horse"
    images.mkdir(parents=True)
    horse = (root / "fixtures" / "horses" / "horse" / "horse005.jpg").read_bytes()
    for number in range(4):
        (images / f"{number}.jpg").write_bytes(horse if number == 0 else b"no picture")
    pipeline = write_pipeline(images.parent)
    with pytest.raises(camaudit.Error, match="3 of 4 images") as raised:
        camaudit.run(pipeline, out=tmp_path / "reports")
    assert raised.value.exit_code == 3
    assert raised.value.folder is not None
    skipped = camaudit.open(raised.value.folder).skipped
    assert skipped["reason"].to_list() == ["not_an_image"] * 3


def test_values_of_every_type_are_set(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" \\ folder\twith ü'
    run = camaudit.run(
        demo,
        **{"run.out": folder, "run.limit": 3},
        dataset__near_duplicates=False,
        verdict__causal_rate=0.25,
        region=[{"name": "left", "rect": {"left": 0, "top": 0.0, "right": 0.5, "bottom": 1}}],
    )
    assert run.folder.is_relative_to(folder)
    assert run.record["counts"]["found"] == 9
    assert set(run.regions["region"]) == {"left"}


def test_warnings_of_the_program_are_warnings(demo: Path, tmp_path: Path) -> None:
    with pytest.warns(RuntimeWarning, match="verdict.causal_logits"):
        camaudit.run(demo, out=tmp_path, run__limit=2, verdict__causal_logits=0.5)
