//! File types -> [`Plan`]: defaults filled in, ranges checked, files found. All problems are collected.

use super::file::{LetterboxFile, PipelineFile, Preset, RegionFile, ResizeFile, StepFile};
use super::read::{Document, Problem};
use super::*;
use crate::geometry::{Rect, Size};

/// Longest side of a model input, crop or resize that a pipeline may ask for.
const SIDE_MAX: u32 = 8192;

pub(super) fn plan(file: &Path, mut doc: Document<'_>) -> std::result::Result<Plan, Vec<Problem>> {
    let mut parsed = doc.read();
    let base = file.parent().unwrap_or(Path::new(""));
    let dataset = dataset(&parsed, base, &mut doc);
    let model = model(&parsed, base, &mut doc);
    let preprocess = preprocess(&parsed, &mut doc);
    let regions = regions(&parsed, base, &mut doc);
    let scores = scores(&parsed, &mut doc);
    let run = run(&parsed, base, &mut doc);
    if !doc.problems.is_empty() {
        let mut problems = doc.problems;
        problems.sort_by_key(|p| p.line);
        return Err(problems);
    }
    (parsed.run.jobs, parsed.run.out) = (None, None);
    let meaning = serde_json::to_vec(&parsed).unwrap_or_default();
    let hash = blake3::hash(&meaning).to_hex().to_string();
    let name = file.file_stem().map_or_else(|| "pipeline".into(), |s| s.to_string_lossy().into_owned());
    Ok(Plan { name, hash, dataset, model, preprocess, regions, scores, run })
}

/// A path relative to the pipeline file, which must exist.
fn existing(value: Option<&String>, base: &Path, key: &str, folder: bool, doc: &mut Document<'_>) -> Option<PathBuf> {
    let path = base.join(value?);
    let found = if folder { path.is_dir() } else { path.is_file() };
    if !found {
        let what = if folder { "folder" } else { "file" };
        doc.complain(key, format!("there is no {what} {} (paths are relative to the pipeline file)", path.display()));
    }
    Some(path)
}

fn required(given: Option<PathBuf>, key: &str, what: &str, doc: &mut Document<'_>) -> PathBuf {
    given.unwrap_or_else(|| {
        doc.complain(key, format!("missing: {what}"));
        PathBuf::new()
    })
}

fn dataset(parsed: &PipelineFile, base: &Path, doc: &mut Document<'_>) -> Dataset {
    let d = &parsed.dataset;
    let root = existing(d.root.as_ref(), base, "dataset.root", true, doc);
    let root = required(root, "dataset.root", "the folder of the images", doc);
    let manifest = existing(d.manifest.as_ref(), base, "dataset.manifest", false, doc);
    let boxes = existing(d.boxes.as_ref(), base, "dataset.boxes", false, doc);
    let format = d.format.unwrap_or(if manifest.is_some() { Format::Csv } else { Format::Folder });
    match (format, &manifest) {
        (Format::Csv, None) => doc.complain("dataset.manifest", "missing: format = \"csv\" needs a manifest"),
        (Format::Folder, Some(_)) => doc.complain("dataset.manifest", "only format = \"csv\" has a manifest"),
        _ => {}
    }
    if format == Format::Folder && d.splits.is_some() {
        doc.complain("dataset.splits", "only format = \"csv\" has splits; point root at the split's folder");
    }
    Dataset {
        root,
        format,
        manifest,
        boxes,
        box_coordinates: d.box_coordinates.unwrap_or(BoxCoordinates::Pixels),
        splits: d.splits.clone(),
        links: d.links.unwrap_or(Links::Inside),
        labels: d.labels.clone(),
    }
}

fn model(parsed: &PipelineFile, base: &Path, doc: &mut Document<'_>) -> Model {
    let m = &parsed.model;
    let path = existing(m.path.as_ref(), base, "model.path", false, doc);
    let path = required(path, "model.path", "the ONNX file", doc);
    let file = existing(m.classes.as_ref(), base, "model.classes", false, doc);
    let classes = file.filter(|f| f.is_file()).map(|f| read_classes(&f, doc));
    if let Some(accuracy) = m.expected_accuracy {
        range(accuracy, 0.0, 1.0, "model.expected_accuracy", doc);
    }
    Model { path, classes, output: m.output.clone(), activation: m.activation, expected_accuracy: m.expected_accuracy }
}

fn read_classes(file: &Path, doc: &mut Document<'_>) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| {
        doc.complain("model.classes", format!("failed to read {}: {e}", file.display()));
        String::new()
    });
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let names: Vec<String> = text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    let mut sorted = names.clone();
    sorted.sort();
    if let Some(pair) = sorted.windows(2).find(|p| p[0] == p[1]) {
        doc.complain("model.classes", format!("{} names {:?} twice", file.display(), pair[0]));
    }
    names
}

fn range(value: f64, min: f64, max: f64, key: &str, doc: &mut Document<'_>) -> f64 {
    if !(min..=max).contains(&value) {
        doc.complain(key, format!("found {value}, allowed is {min} to {max}"));
    }
    value
}

fn side(value: u32, key: &str, doc: &mut Document<'_>) -> u32 {
    if !(1..=SIDE_MAX).contains(&value) {
        doc.complain(key, format!("found {value}, allowed is 1 to {SIDE_MAX} pixels"));
    }
    value.clamp(1, SIDE_MAX)
}

fn preprocess(parsed: &PipelineFile, doc: &mut Document<'_>) -> Preprocess {
    let p = &parsed.preprocess;
    if p.preset.is_none() && p.steps.is_none() {
        doc.complain("preprocess.preset", "missing: name a preset, or spell out preprocess.steps");
    }
    if p.size.is_some() && p.steps.is_some() {
        doc.complain("preprocess.size", "only a preset has a size; spelled-out steps say their own");
    }
    let preset = p.preset.map(|preset| from_preset(preset, side(p.size.unwrap_or(224), "preprocess.size", doc)));
    let (preset_steps, scale, mean, std) = preset.unwrap_or((Vec::new(), 1.0 / 255.0, vec![0.0], vec![1.0]));
    let steps = match &p.steps {
        Some(steps) => steps.iter().enumerate().map(|(i, s)| step(s, i, doc)).collect(),
        None => preset_steps,
    };
    let channels = p.channels.unwrap_or(Channels::Rgb);
    let count = if channels == Channels::Grey { 1 } else { 3 };
    let grey_mean =
        |v: Vec<f64>| if count == 1 && p.mean.is_none() { vec![v.iter().sum::<f64>() / v.len() as f64] } else { v };
    let scale = p.scale.unwrap_or(scale);
    let mean = per_channel(p.mean.clone().unwrap_or_else(|| grey_mean(mean)), count, "preprocess.mean", doc);
    let std = per_channel(p.std.clone().unwrap_or_else(|| grey_mean(std)), count, "preprocess.std", doc);
    if std.iter().any(|s| s.abs() < f64::MIN_POSITIVE) {
        doc.complain("preprocess.std", "found 0, which divides by zero");
    }
    let output = output_size(&steps).unwrap_or_else(|| {
        let key = if steps.is_empty() { "preprocess.preset" } else { "preprocess.steps" };
        doc.complain(key, "the steps end in no fixed size; end with center_crop, resize exact or letterbox");
        Size::new(1, 1)
    });
    Preprocess { steps, channels, layout: p.layout.unwrap_or(Layout::Nchw), scale, mean, std, output }
}

/// Steps, scale, mean and deviation of a preset at an input of `size` pixels.
fn from_preset(preset: Preset, size: u32) -> (Vec<Step>, f64, Vec<f64>, Vec<f64>) {
    let short = (f64::from(size) * 256.0 / 224.0).round() as u32;
    let crop = |filter| vec![Step::ResizeShort { side: short, filter }, Step::CenterCrop { side: size }];
    let squash = |filter| Step::ResizeExact { size: Size::new(size, size), filter };
    let imagenet = |steps| (steps, 1.0 / 255.0, vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]);
    match preset {
        Preset::ImagenetTorchvision => imagenet(crop(Filter::Bilinear)),
        Preset::ImagenetTimmBicubic => imagenet(crop(Filter::Bicubic)),
        Preset::TfLite => {
            let steps = vec![Step::CenterCropFraction { fraction: 0.875 }, squash(Filter::Bicubic)];
            (steps, 1.0, vec![127.0], vec![128.0])
        }
        Preset::ZeroOne => (vec![squash(Filter::Bilinear)], 1.0 / 255.0, vec![0.0], vec![1.0]),
        Preset::MinusOneOne => (vec![squash(Filter::Bilinear)], 1.0 / 255.0, vec![0.5], vec![0.5]),
    }
}

fn per_channel(values: Vec<f64>, count: usize, key: &str, doc: &mut Document<'_>) -> Vec<f64> {
    match values.len() {
        1 => vec![values[0]; count],
        n if n == count => values,
        n => {
            doc.complain(key, format!("found {n} numbers, allowed is 1 or {count}"));
            vec![1.0; count]
        }
    }
}

fn step(step: &StepFile, i: usize, doc: &mut Document<'_>) -> Step {
    let key = |name: &str| format!("preprocess.steps[{i}].{name}");
    match step {
        StepFile::Resize(ResizeFile { short: Some(short), exact: None, filter }) => Step::ResizeShort {
            side: side(*short, &key("resize.short"), doc),
            filter: filter.unwrap_or(Filter::Bilinear),
        },
        StepFile::Resize(ResizeFile { short: None, exact: Some(exact), filter }) => Step::ResizeExact {
            size: size(*exact, &key("resize.exact"), doc),
            filter: filter.unwrap_or(Filter::Bilinear),
        },
        StepFile::Resize(_) => {
            doc.complain(&key("resize"), "expected exactly one of short, exact");
            Step::CenterCrop { side: 1 }
        }
        StepFile::CenterCrop(n) => Step::CenterCrop { side: side(*n, &key("center_crop"), doc) },
        StepFile::CenterCropFraction(f) => {
            Step::CenterCropFraction { fraction: range(*f, 0.01, 1.0, &key("center_crop_fraction"), doc) }
        }
        StepFile::Letterbox(LetterboxFile { size: given, fill, filter }) => {
            if given.is_none() {
                doc.complain(&key("letterbox.size"), "missing: [width, height] of the model's input");
            }
            Step::Letterbox {
                size: size(given.unwrap_or([1, 1]), &key("letterbox.size"), doc),
                fill: fill.unwrap_or([0; 3]),
                filter: filter.unwrap_or(Filter::Bilinear),
            }
        }
    }
}

fn size([width, height]: [u32; 2], key: &str, doc: &mut Document<'_>) -> Size {
    Size::new(side(width, key, doc), side(height, key, doc))
}

fn output_size(steps: &[Step]) -> Option<Size> {
    steps.iter().fold(None, |size, step| match *step {
        Step::ResizeShort { side, .. } => size.filter(|s: &Size| s.width == s.height).map(|_| Size::new(side, side)),
        Step::ResizeExact { size, .. } | Step::Letterbox { size, .. } => Some(size),
        Step::CenterCrop { side } => Some(Size::new(side, side)),
        Step::CenterCropFraction { fraction } => size.map(|s| {
            let side = (f64::from(s.width.min(s.height)) * fraction).floor().max(1.0) as u32;
            Size::new(side, side)
        }),
    })
}

fn regions(parsed: &PipelineFile, base: &Path, doc: &mut Document<'_>) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    for (i, file) in parsed.region.iter().enumerate() {
        let key = format!("region[{i}]");
        let name = file.name.clone().unwrap_or_default();
        if name.is_empty() || name.chars().any(char::is_control) {
            doc.complain(&format!("{key}.name"), "missing: every region has a name, without control characters");
        } else if name == "padding" || regions.iter().any(|r| r.name == name) {
            doc.complain(
                &format!("{key}.name"),
                format!("{name:?} is taken; region names are unique, `padding` is built in"),
            );
        }
        if let Some(place) = place(file, &key, base, doc) {
            regions.push(Region { name, kind: file.kind.unwrap_or(RegionKind::Confounder), place });
        }
    }
    regions
}

fn place(r: &RegionFile, key: &str, base: &Path, doc: &mut Document<'_>) -> Option<Place> {
    let given = [
        r.corner.is_some(),
        r.border.is_some(),
        r.rect.is_some(),
        r.polygon.is_some(),
        r.annotation.is_some(),
        r.mask.is_some(),
    ];
    let count = given.iter().filter(|g| **g).count();
    if count != 1 {
        doc.complain(
            key,
            format!("found {count} places, expected exactly one of corner, border, rect, polygon, annotation, mask"),
        );
        return None;
    }
    let number = |value: Option<f64>, unit: Unit, name: &str, doc: &mut Document<'_>| {
        let max = if unit == Unit::Fraction { 1.0 } else { 1e6 };
        let key = format!("{key}.{name}");
        match value {
            Some(v) => range(v, 0.0, max, &key, doc),
            None => {
                doc.complain(&key, "missing");
                0.0
            }
        }
    };
    if let Some(c) = &r.corner {
        let unit = c.unit.unwrap_or_default();
        if c.at.is_none() {
            doc.complain(&format!("{key}.corner.at"), "missing: top-left, top-right, bottom-left or bottom-right");
        }
        let width = number(c.width, unit, "corner.width", doc);
        let height = number(c.height, unit, "corner.height", doc);
        return Some(Place::Corner { at: c.at?, width, height, unit });
    }
    if let Some(b) = &r.border {
        let unit = b.unit.unwrap_or_default();
        return Some(Place::Border { thickness: number(b.thickness, unit, "border.thickness", doc), unit });
    }
    if let Some(b) = &r.rect {
        let unit = b.unit.unwrap_or_default();
        let [left, top, right, bottom] = [(b.left, "left"), (b.top, "top"), (b.right, "right"), (b.bottom, "bottom")]
            .map(|(v, name)| number(v, unit, &format!("rect.{name}"), doc));
        if left >= right || top >= bottom {
            doc.complain(&format!("{key}.rect"), "expected left < right and top < bottom");
        }
        return Some(Place::Rect { left, top, right, bottom, unit });
    }
    if let Some(p) = &r.polygon {
        let points = p.points.clone().unwrap_or_default();
        if points.len() < 3 || points.iter().flatten().any(|v| !v.is_finite()) {
            doc.complain(&format!("{key}.polygon.points"), "expected at least three points [x, y]");
        }
        return Some(Place::Polygon { points, unit: p.unit.unwrap_or_default() });
    }
    if let Some(category) = &r.annotation {
        return Some(Place::Annotation { category: category.clone() });
    }
    let path = existing(r.mask.as_ref(), base, &format!("{key}.mask"), false, doc)?;
    match image::open(&path) {
        Ok(picture) => {
            let grey = picture.to_luma8();
            let size = Size::new(grey.width(), grey.height());
            Some(Place::Mask(Mask { size, coverage: grey.into_raw(), frame: Rect::new(0.0, 0.0, 1.0, 1.0) }))
        }
        Err(e) => {
            doc.complain(&format!("{key}.mask"), format!("failed to read {}: {e}", path.display()));
            None
        }
    }
}

fn scores(parsed: &PipelineFile, doc: &mut Document<'_>) -> Scores {
    let s = &parsed.scores;
    Scores {
        object_visible_min: range(s.object_visible_min.unwrap_or(0.25), 0.0, 1.0, "scores.object_visible_min", doc),
        confounder_visible_min: range(
            s.confounder_visible_min.unwrap_or(0.5),
            0.0,
            1.0,
            "scores.confounder_visible_min",
            doc,
        ),
        pointing_tolerance_px: range(
            s.pointing_tolerance_px.unwrap_or(15.0),
            0.0,
            112.0,
            "scores.pointing_tolerance_px",
            doc,
        ),
    }
}

fn run(parsed: &PipelineFile, base: &Path, doc: &mut Document<'_>) -> Run {
    let r = &parsed.run;
    let shard_size = range(f64::from(r.shard_size.unwrap_or(512)), 1.0, 65536.0, "run.shard_size", doc) as usize;
    let jobs = range(f64::from(r.jobs.unwrap_or(0)), 0.0, 1024.0, "run.jobs", doc) as usize;
    Run {
        shard_size,
        jobs,
        seed: r.seed.unwrap_or(0),
        limit: r.limit.map(|n| n as usize),
        max_skipped: range(r.max_skipped.unwrap_or(0.1), 0.0, 1.0, "run.max_skipped", doc),
        out: r.out.as_ref().map_or_else(|| PathBuf::from("reports"), |out| base.join(out)),
    }
}
