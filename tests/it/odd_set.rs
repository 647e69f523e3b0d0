//! A small set in a temporary folder, with files that a test writes, and what becomes of it.

use crate::support::{fixtures, plan};
use camaudit::dataset::{Annotation, Dataset, ImageBytes, LabelMap, Outline};
use camaudit::geometry::Size;
use camaudit::plan::Plan;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The photos of `fixtures/formats/images`, 64 x 64, their category and a box in pixels.
pub const BOXES: [(&str, &str, [f64; 4]); 9] = [
    ("p0.jpg", "boat", [22.0, 18.0, 47.0, 46.0]),
    ("p1.jpg", "car", [17.0, 23.0, 48.0, 48.0]),
    ("p2.jpg", "horse", [13.0, 6.0, 43.0, 38.0]),
    ("p3.jpg", "boat", [22.0, 24.0, 41.0, 43.0]),
    ("p4.jpg", "car", [23.0, 12.0, 54.0, 37.0]),
    ("p5.jpg", "horse", [8.0, 21.0, 41.0, 55.0]),
    ("p6.jpg", "boat", [25.0, 7.0, 48.0, 31.0]),
    ("p7.jpg", "car", [10.0, 23.0, 38.0, 45.0]),
    ("p8.jpg", "horse", [15.0, 16.0, 43.0, 46.0]),
];
const SIZE: u32 = 64;

pub struct OddSet {
    folder: tempfile::TempDir,
}

impl OddSet {
    /// The nine photos in `set/`.
    pub fn new() -> Self {
        let set = Self::empty();
        for (path, _, _) in BOXES {
            set.photo(&format!("set/{path}"), path);
        }
        set
    }

    pub fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("set")).expect("the root");
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file; `name` is relative to the folder of the set.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        let parent = path.parent().expect("a parent");
        std::fs::create_dir_all(parent).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    /// Copies one of the photos.
    pub fn photo(&self, name: &str, photo: &str) {
        self.write(name, photo_bytes(photo));
    }

    /// A pipeline with these keys in `[dataset]`; `SET` stands for the root.
    pub fn plan(&self, keys: &str) -> Plan {
        self.plan_of_model(keys, "")
    }

    pub fn plan_of_model(&self, keys: &str, model: &str) -> Plan {
        let root = self.path("set");
        let text = format!(
            "[dataset]\nroot = {root:?}\n{}\n[model]\npath = {:?}\n{model}\n[preprocess]\n\
             preset = \"zero-one\"\nsize = 64\n[[region]]\nname = \"corner\"\n\
             corner = {{ at = \"top-left\", width = 0.25, height = 0.25 }}\n",
            keys.replace("SET", &root.display().to_string()),
            fixtures().join("models/shortcut.onnx"),
        );
        plan(self.folder.path(), "odd", &text, &[])
    }

    pub fn open(&self, keys: &str) -> Result<Dataset, String> {
        let plan = self.plan(keys);
        Dataset::open(&plan.dataset, None, 0).map_err(|error| error.to_string())
    }

    /// Opens the set and checks its boxes with the sizes of the photos, as `check` and `run` do.
    pub fn check_boxes(&self, keys: &str) -> Result<(), String> {
        let dataset = self.open(keys)?;
        let mut sizes = BTreeMap::new();
        for id in dataset.photos_of_boxes().into_keys() {
            sizes.insert(id, Size::new(SIZE, SIZE));
        }
        let checked = dataset.check_boxes(&sizes);
        checked.map(drop).map_err(|error| error.to_string())
    }

    /// `found; reason skipped; label images` of an opened set.
    pub fn counts(&self, keys: &str) -> String {
        let dataset = self.open(keys).unwrap_or_else(|error| panic!("{error}"));
        let stats = &dataset.stats;
        let mut parts = vec![format!("{} found", stats.found)];
        for (name, count) in stats.skipped.iter().chain(&stats.labels) {
            parts.push(format!("{name} {count}"));
        }
        parts.join("; ")
    }

    /// The objects of an image in pixels, or the counts of the problems where there is none.
    pub fn objects(&self, keys: &str, image: &str) -> String {
        let dataset = self.open(keys).unwrap_or_else(|error| panic!("{error}"));
        let labels = LabelMap::without_model(dataset.stats.labels.keys());
        let samples = dataset
            .samples(&labels, ImageBytes::Leave)
            .expect("samples");
        let mut objects = Vec::new();
        for sample in samples.filter_map(Result::ok) {
            if sample.path == image {
                objects.extend(sample.annotations.iter().map(object));
            }
        }
        if !objects.is_empty() {
            return objects.join("; ");
        }

        let mut counts = dataset.stats.problem_counts();
        counts.remove("image_without_annotation");
        let counts = counts
            .iter()
            .map(|(code, count)| format!("{count} x {code}"));
        counts.collect::<Vec<_>>().join("; ")
    }
}

fn object(annotation: &Annotation) -> String {
    let bounds = annotation.bounds(Size::new(SIZE, SIZE));
    let edges = [bounds.x0, bounds.y0, bounds.x1, bounds.y1].map(|edge| edge.to_string());
    let mut text = format!("{} {}", annotation.category, edges.join(","));
    if annotation.ignore {
        text += " ignored";
    }
    if let Outline::Polygons(rings) = &annotation.outline
        && !annotation.normalised
    {
        text += &format!(" ({} corners)", rings.concat().len());
    }
    text
}

pub fn photo_bytes(photo: &str) -> Vec<u8> {
    let file = Path::new("formats/images").join(photo);
    std::fs::read(fixtures().join(file)).expect("a photo")
}
