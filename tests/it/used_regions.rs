//! Regions that a model uses, under conditions that hid their use: a tag whose mirror images meet
//! itself, another scale of the head, labels that are one class, a template that misses tags.

#[cfg(feature = "onnxruntime")]
use crate::support::demo_text;
use crate::support::{audit, fixtures, numbers, parquet, plan, texts};
use image::RgbImage;
use image::imageops::{FilterType, replace, resize};
use polars::prelude::DataFrame;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A photo of the fixtures that carries no tag.
struct Untagged {
    path: PathBuf,
    class: String,
    number: usize,
}

fn untagged() -> Vec<Untagged> {
    let table = std::fs::read_to_string(fixtures().join("horses.boxes.csv")).expect("boxes");
    let tagged: BTreeSet<&str> = table
        .lines()
        .filter(|line| line.contains(",source-tag,"))
        .filter_map(|line| line.split(',').next())
        .collect();

    let mut photos = Vec::new();
    for entry in walkdir::WalkDir::new(fixtures().join("horses"))
        .min_depth(2)
        .sort_by_file_name()
    {
        let path = entry.expect("entry").into_path();
        let file = path
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        let folder = path.parent().expect("folder").file_name().expect("name");
        let class = folder.to_string_lossy().into_owned();
        if !tagged.contains(format!("{class}/{file}").as_str()) {
            let digits: String = file.chars().filter(char::is_ascii_digit).collect();
            let number = digits.parse().expect("a number");
            photos.push(Untagged {
                path,
                class,
                number,
            });
        }
    }
    photos
}

/// The untagged fixtures with a tag that `place` puts on some of them: its picture and its corner.
/// Returns the text of the boxes.
fn write_set(
    folder: &Path,
    label: impl Fn(&Untagged) -> String,
    place: impl Fn(&Untagged, &RgbImage) -> Option<(RgbImage, u32, u32)>,
) -> String {
    let mut boxes = String::from("path,category,xmin,ymin,xmax,ymax\n");
    for photo in untagged() {
        let mut pixels = image::open(&photo.path).expect("photo").to_rgb8();
        let name = format!("{}/{:03}-{}.png", label(&photo), photo.number, photo.class);
        if let Some((tag, x, y)) = place(&photo, &pixels) {
            replace(&mut pixels, &tag, i64::from(x), i64::from(y));
            let (x1, y1) = (x + tag.width(), y + tag.height());
            let _ = writeln!(boxes, "{name},source-tag,{x},{y},{x1},{y1}");
        }
        let file = folder.join("set").join(name);
        std::fs::create_dir_all(file.parent().expect("folder")).expect("folder");
        pixels.save(file).expect("save");
    }
    boxes
}

fn tag() -> RgbImage {
    let picture = image::open(fixtures().join("tag.png")).expect("tag");
    picture.to_rgb8()
}

/// A tag in the lower left corner.
fn in_the_corner(tag: RgbImage, photo: &RgbImage) -> (RgbImage, u32, u32) {
    let y = photo.height() - tag.height() - 3;
    (tag, 3, y)
}

/// The findings about a region of a set in `folder/set`.
fn findings(folder: &Path, model: &Path, boxes: &str, more: &str) -> DataFrame {
    let file = folder.join("boxes.csv");
    std::fs::write(&file, boxes).expect("boxes");
    let text = format!(
        "[dataset]\nroot = {:?}\nboxes = {file:?}\n{more}\n[model]\npath = {model:?}\nclasses = {:?}\n\
         [preprocess]\npreset = \"zero-one\"\nsize = 64\n[report]\npictures = \"none\"\n\
         [[region]]\nname = \"source-tag\"\nannotation = \"source-tag\"\n",
        folder.join("set"),
        fixtures().join("models/classes.txt"),
    );
    let outcome = audit(&plan(folder, "used", &text, &[]));
    parquet(&outcome.folder.join("findings.parquet"))
}

/// The row of a label.
fn row_of(findings: &DataFrame, label: &str) -> usize {
    let labels = texts(findings, "label");
    let regions = texts(findings, "region");
    let mut pairs = labels.iter().zip(&regions);
    pairs
        .position(|(l, r)| l == label && r == "source-tag")
        .expect("the finding")
}

fn shortcut() -> PathBuf {
    fixtures().join("models/shortcut.onnx")
}

/// All mirror images of a centred tag meet the tag: B cannot be had, which is not the same as no use.
#[test]
fn a_centred_tag_is_tested_without_a_contrast() {
    let folder = tempfile::tempdir().expect("folder");
    let boxes = write_set(
        folder.path(),
        |photo| photo.class.clone(),
        |photo, pixels| {
            let tag = tag();
            let (x, y) = (pixels.width() - tag.width(), pixels.height() - tag.height());
            let is_tagged = photo.class == "horse" && photo.number % 3 == 0;
            is_tagged.then_some((tag, x / 2, y / 2))
        },
    );
    let found = findings(folder.path(), &shortcut(), &boxes, "");
    let row = row_of(&found, "horse");
    assert_eq!(texts(&found, "contrast_missing")[row], "no_mirror_image");
    assert_eq!(texts(&found, "verdict")[row], "confirmed");
    assert!(numbers(&found, "flip_low")[row] >= Some(0.02));
}

/// Two labels are one class of the model, and the tag is on photos of one of them: one finding about
/// the class, which lists both.
#[test]
fn labels_of_one_class_are_one_finding() {
    let folder = tempfile::tempdir().expect("folder");
    let breed = |photo: &Untagged| match (photo.class.as_str(), photo.number % 2) {
        ("horse", 0) => "pony".to_owned(),
        ("horse", _) => "stallion".to_owned(),
        _ => photo.class.clone(),
    };
    let boxes = write_set(folder.path(), breed, |photo, pixels| {
        let is_tagged = breed(photo) == "pony";
        is_tagged.then(|| in_the_corner(tag(), pixels))
    });
    let labels =
        "labels = { pony = \"horse\", stallion = \"horse\", car = \"car\", boat = \"boat\" }";
    let found = findings(folder.path(), &shortcut(), &boxes, labels);

    let about = texts(&found, "label");
    assert!(
        !about.iter().any(|l| l == "pony" || l == "stallion"),
        "{about:?}"
    );
    let row = row_of(&found, "horse");
    assert_eq!(texts(&found, "verdict")[row], "confirmed");
    let sentence = &texts(&found, "sentence")[row];
    assert!(
        sentence.contains("source-tag in 80 of 160 horse images")
            && sentence.contains("by label: 80 of 80 pony, 0 of 80 stallion"),
        "{sentence}"
    );
}

/// The template knows one size only; half of the tags are smaller.
#[test]
fn a_template_that_misses_tags_makes_the_severity_a_lower_bound() {
    let folder = tempfile::tempdir().expect("folder");
    write_set(
        folder.path(),
        |photo| photo.class.clone(),
        |photo, pixels| {
            let tag = match photo.number % 4 {
                0 => tag(),
                2 => resize(&tag(), 18, 7, FilterType::Triangle),
                _ => return None,
            };
            (photo.class == "horse").then(|| in_the_corner(tag, pixels))
        },
    );
    let template = format!(
        "[[region]]\nname = \"source-tag\"\ncorner = {{ at = \"bottom-left\", width = 0.5, height = 0.4 }}\n\
         template = {{ picture = {:?}, scales = [1.0], threshold = 0.9 }}\n",
        fixtures().join("tag.png")
    );
    let text = format!(
        "[dataset]\nroot = {:?}\n[model]\npath = {:?}\nclasses = {:?}\n[preprocess]\n\
         preset = \"zero-one\"\nsize = 64\n{template}",
        folder.path().join("set"),
        shortcut(),
        fixtures().join("models/classes.txt"),
    );
    let outcome = audit(&plan(folder.path(), "template", &text, &[]));
    let finding = &outcome.summary.findings[0];
    assert_eq!(
        (finding.label.as_str(), finding.severity_at_least),
        ("horse", true)
    );
    let words = finding.severity_words().expect("a severity");
    assert!(words.starts_with("at least "), "{words}");

    let found = parquet(&outcome.folder.join("findings.parquet"));
    let (hits, tried) = (
        numbers(&found, "template_found")[0],
        numbers(&found, "template_tried")[0],
    );
    assert!(hits < tried && tried > Some(20.0), "{hits:?} of {tried:?}");
    let sentence = &texts(&found, "sentence")[0];
    assert!(sentence.contains("the template finds about"), "{sentence}");
}

/// The weights and the bias of the head times a constant.
#[cfg(feature = "onnxruntime")]
fn scaled_head(file: &Path, factor: f32, to: &Path) {
    use prost::Message;
    let bytes = std::fs::read(file).expect("model");
    let mut model = tract_onnx::pb::ModelProto::decode(bytes.as_slice()).expect("ONNX");
    let mut scaled = 0;
    for tensor in &mut model.graph.as_mut().expect("graph").initializer {
        if tensor.name.starts_with("fc.") {
            assert_eq!(tensor.raw_data.len() % 4, 0, "f32");
            for value in tensor.raw_data.chunks_exact_mut(4) {
                let number = f32::from_le_bytes(value.try_into().expect("four bytes"));
                value.copy_from_slice(&(factor * number).to_le_bytes());
            }
            scaled += tensor.raw_data.len();
        }
    }
    assert!(scaled > 0, "no head");
    std::fs::write(to, model.encode_to_vec()).expect("write");
}

/// Logits have no scale of their own: the same predictions give the same verdicts.
#[cfg(feature = "onnxruntime")]
#[test]
fn the_scale_of_the_head_changes_no_verdict() {
    let folder = tempfile::tempdir().expect("folder");
    for name in ["shortcut", "clean"] {
        let mut verdicts = Vec::new();
        for (i, factor) in [1.0, 0.1, 10.0].into_iter().enumerate() {
            let model = folder.path().join(format!("{name}{i}.onnx"));
            scaled_head(
                &fixtures().join(format!("models/{name}.onnx")),
                factor,
                &model,
            );
            let text = demo_text(model.to_str().expect("UTF-8"));
            let outcome = audit(&plan(folder.path(), &format!("{name}{i}"), &text, &[]));
            let found = parquet(&outcome.folder.join("findings.parquet"));
            let columns = ["label", "region", "verdict", "severity"];
            let mut rows: Vec<[String; 4]> = (0..found.height())
                .map(|row| columns.map(|column| texts(&found, column)[row].clone()))
                .collect();
            rows.sort();
            verdicts.push(rows);
        }
        assert_eq!(verdicts[0], verdicts[1], "{name} times 0.1");
        assert_eq!(verdicts[0], verdicts[2], "{name} times 10");
    }
}
