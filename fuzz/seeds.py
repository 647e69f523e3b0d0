"""Writes the first inputs of every fuzz target from the fixtures: python fuzz/seeds.py target/fuzz/corpus"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).parent.parent
FORMATS = ROOT / "fixtures/formats"
SEPARATOR = b"\n====\n"


def seeds():
    read = lambda name: (FORMATS / name).read_bytes()
    for number, (folder, extension) in enumerate([("voc", "xml"), ("labelme", "json"), ("yolo", "txt"), ("masks", "png")]):
        for file in sorted((FORMATS / folder).glob("*." + extension)):
            names = SEPARATOR + read("data.yaml") if folder == "yolo" else b""
            names = SEPARATOR + read("masks.yaml") if folder == "masks" else names
            yield "sidecars", bytes([number]) + file.read_bytes() + names
    wsol = SEPARATOR.join(read("wsol/" + f) for f in ["class_labels.txt", "image_sizes.txt", "localization.txt"])
    tables = [read("coco.json"), read("open-images.csv") + SEPARATOR + read("class-descriptions.csv"),
              read("LOC_val_solution.csv"), wsol, read("manifest.csv"), read("manifest.tsv"), read("boxes.csv"),
              b"path,label\na.jpg,x\n"]
    for number, table in enumerate(tables):
        yield "tables", bytes([number]) + table
    for number, glob in enumerate(["webdataset/*.tar", "parquet-images/*.parquet", "manifest.parquet"]):
        for file in sorted(FORMATS.glob(glob)):
            yield "archives", bytes([number]) + file.read_bytes()
    for file in sorted((ROOT / "pipelines").glob("*.toml")):
        yield "pipeline", file.read_bytes()
        yield "pipeline", file.read_bytes() + SEPARATOR + b"run.seed=3"
    for file in sorted((ROOT / "fixtures/models/zoo").glob("*.onnx")):
        yield "model", file.read_bytes()
    head = b"class,region,decision,note,verdict,effect,unit,declared,expires\n"
    yield "decisions", head + b"horse,tag,confirm,seen,confirmed,0.5,fraction,,2030-01-01\n"
    pictures = [*sorted((ROOT / "fixtures/odd").iterdir()), *sorted((ROOT / "fixtures/pictures").iterdir())]
    for number, file in enumerate(pictures):
        if file.is_file() and file.stat().st_size < 1 << 16 and not file.name.endswith(".rgb.png"):
            yield "picture", bytes([number % 80, number % 32]) + file.read_bytes()


out = pathlib.Path(sys.argv[1])
for number, (target, data) in enumerate(seeds()):
    (out / target).mkdir(parents=True, exist_ok=True)
    (out / target / f"seed{number:03}").write_bytes(data)
