#!/usr/bin/env python3
"""Which classes does an overlay raise? The watermark of ImageNet-W against other drawings of its size, on several networks and seeds.

    pip install pillow polars onnx
    python benches/overlays.py target/release/camaudit MODEL.onnx.. --photos FOLDER --classes FILE --watermark MASK.png

Photos in a folder for each class, names of the classes in the order of the models, and the glyphs of the watermark as a mask of
224 x 224 (Li et al. 2023). Networks of the EfficientNet-Lite family have learned it: the class that --expected names (carton)
is to be a `model_shortcut` under the watermark for every network and seed, at most two other classes may be one, and under the
other drawings none. Exit code 1 if that fails.
"""
import argparse, pathlib, subprocess, sys, tempfile
import onnx, polars as pl
from PIL import Image, ImageDraw, ImageFont

SIDE, OPACITY, OTHERS_MAX = 224, 0.5, 2


def drawn(draw):
    mask = Image.new("L", (SIDE, SIDE))
    draw(ImageDraw.Draw(mask))
    return mask


def cross(d):
    d.line([76, 112, 148, 112], fill=255, width=10)
    d.line([112, 76, 112, 148], fill=255, width=10)


def overlays(watermark):
    """Masks by name; the watermark comes first."""
    return {
        "watermark": Image.open(watermark).convert("L"),
        "latin": drawn(lambda d: d.text((3, 100), "SHORTCUT SHORT", fill=255, font=ImageFont.load_default(26))),
        "ring": drawn(lambda d: d.ellipse([80, 80, 144, 144], outline=255, width=6)),
        "corner-ring": drawn(lambda d: d.ellipse([10, 170, 54, 214], outline=255, width=6)),
        "square": drawn(lambda d: d.rectangle([80, 80, 144, 144], outline=255, width=6)),
        "cross": drawn(cross),
    }


def side_of(model):
    """Height of the model's input."""
    shape = onnx.load(model, load_external_data=False).graph.input[0].type.tensor_type.shape
    return shape.dim[2].dim_value


def pipeline(model, options, names):
    side = side_of(model)
    text = f'[dataset]\nroot = "{options.photos}"\n[model]\npath = "{model}"\nclasses = "{options.classes}"\n'
    # As these networks were trained: a border of 16 pixels is cut off, whatever the side.
    steps = f'[{{ center_crop_fraction = {side / (side + 32)} }}, {{ resize = {{ exact = [{side}, {side}], filter = "bicubic" }} }}]'
    text += f'[preprocess]\nsteps = {steps}\nscale = 1.0\nmean = [127]\nstd = [128]\n[report]\npictures = "none"\n'
    for name in names:
        rect = f'{{ left = 0, top = 0, right = {side}, bottom = {side}, unit = "view-pixels" }}'
        text += f'[[region]]\nname = "{name}"\noverlay = {{ picture = "{name}.png", opacity = {OPACITY}, rect = {rect} }}\n'
    return text


def show(row, prefix):
    control = "shuffled" if "shuffled" in row["insertion_control"] else "synthetic"
    print(f"{prefix} {row['label']:>10} {row['verdict']:<14} rise {row['insertion']:+.2f} over {control} (least {row['causal_min_effect']:.2f}) z {row['effect_z']:5.2f} "
          f"q {row['insertion_q']:.0e} predicted {row['flips']}/{row['control_flips']} top {row['top_k']} {row['entries']}/{row['control_entries']} "
          f"net {row['flip_rate']:+.3f} lower bound {row['flip_low']:+.3f}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("binary", type=pathlib.Path)
    options.add_argument("models", type=pathlib.Path, nargs="+")
    for name in ("photos", "classes", "watermark"):
        options.add_argument(f"--{name}", type=pathlib.Path, required=True)
    options.add_argument("--expected", default="n02971356", help="the class that the watermark raises (default: carton)")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--set", action="append", default=[], help="as of camaudit run")
    options = options.parse_args()
    for name in ("binary", "photos", "classes", "watermark"):
        setattr(options, name, getattr(options, name).resolve())

    failures, others, runs = [], set(), 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        names = []
        for name, mask in overlays(options.watermark).items():
            picture = Image.new("RGBA", (SIDE, SIDE), (255, 255, 255, 0))
            picture.putalpha(mask)
            picture.save(folder / f"{name}.png")
            names.append(name)

        for model in [model.resolve() for model in options.models]:
            file = folder / f"{model.stem}.toml"
            file.write_text(pipeline(model, options, names))
            for seed in range(options.seeds):
                settings = [f"run.seed={seed}", *options.set]
                command = [options.binary, "run", file, "--out", folder / "out", "--quiet"]
                done = subprocess.run(command + [word for s in settings for word in ("--set", s)], capture_output=True, text=True)
                if done.returncode not in (0, 1):
                    sys.exit(f"{model.name}, seed {seed}: exit code {done.returncode}\n{done.stderr}")
                found = pl.read_parquet(folder / "out" / model.stem / "latest/findings.parquet").filter(pl.col("kind") == "overlay")
                runs += 1
                for name in names:
                    rows = found.filter(pl.col("region") == name).sort("insertion", descending=True).to_dicts()
                    shortcuts = [row for row in rows if row["verdict"] == "model_shortcut"]
                    # The expected class is shown whether it is a shortcut or not.
                    expected = [row for row in rows if name == names[0] and row["label"] == options.expected and row not in shortcuts]
                    for row in expected + shortcuts or rows[:1]:
                        show(row, f"{model.stem} seed {seed} {name:<11}")
                    labels = {row["label"] for row in shortcuts}
                    if name == names[0]:
                        others |= labels - {options.expected}
                        if options.expected not in labels:
                            failures.append(f"{model.stem}, seed {seed}: {options.expected} is no shortcut under the {name}")
                    elif labels:
                        failures.append(f"{model.stem}, seed {seed}: {', '.join(sorted(labels))} under the {name}")

    if len(others) > OTHERS_MAX:
        failures.append(f"{len(others)} other classes under the {names[0]}: {', '.join(sorted(others))}")
    print(f"{runs} runs; other classes under the {names[0]}: {', '.join(sorted(others)) or 'none'}")
    for failure in failures:
        print(f"FAILED {failure}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
