//! The text of a pipeline file.

use super::classes::Classes;
use super::paths::{Paths, quoted};
use super::set_files::SetFiles;
use crate::error::Result;
use crate::plan::file::{PreprocessFile, ResizeFile, StepFile};
use crate::plan::{Engine, Format};
use serde::Serialize;
use std::path::Path;

/// Columns of a comment.
const COLUMNS: usize = 98;
/// Categories that get a region.
const CATEGORIES_MAX: usize = 20;
/// Names of other regions.
const NAMES_TAKEN: [&str; 5] = ["frame", "padding", "object", "border", "surroundings"];
/// Labels that a comment lists.
const LABELS_MAX: usize = 10;

const DISCOVERY: &str = "
# The search for confounders that no region declares: pictures that many images of a class repeat,
# anywhere or at one place, and properties of files (JPEG quality, colour, borders, sharpness,
# names, columns of a manifest). Concepts of each class are shown to look at.
[discovery]
";

/// What a pipeline says.
pub struct Draft<'a> {
    pub model: &'a Path,
    pub root: &'a Path,
    pub engine: &'a Engine,
    pub set: &'a SetFiles,
    pub format: Option<(Format, String)>,
    pub classes: &'a Classes,
    /// The file of the class names.
    pub class_file: Option<&'a Path>,
    pub preprocess: &'a PreprocessFile,
    /// Why this transform, in sentences.
    pub why: Vec<String>,
    /// Top-1 of the images that were tried, where it is known well enough to be expected.
    pub accuracy: Option<f64>,
    pub categories: Categories,
}

/// Categories of the boxes of a set.
#[derive(Default)]
pub struct Categories {
    /// Those that are named as a label: the objects.
    pub objects: Vec<String>,
    /// The others.
    pub others: Vec<String>,
}

impl Draft<'_> {
    /// The file's text, with paths as `paths` writes them.
    ///
    /// # Errors
    /// When a path is no UTF-8.
    pub fn text(&self, paths: &Paths) -> Result<String> {
        let mut out = self.dataset(paths)?;
        out += &self.model(paths)?;
        out += &self.preprocess();
        out += &self.regions();
        out += DISCOVERY;
        Ok(out)
    }

    fn dataset(&self, paths: &Paths) -> Result<String> {
        let mut out = format!("[dataset]\nroot = {}\n", paths.text(self.root)?);
        if let Some((format, why)) = &self.format {
            out += &comment(&format!("Guessed: {why}."));
            out += &format!("format = {}\n", quoted(format.name()));
        }
        let files = [
            ("manifest", &self.set.manifest),
            ("annotations", &self.set.annotations),
            ("names", &self.set.names),
            ("boxes", &self.set.boxes),
        ];
        for (key, file) in files {
            if let Some(file) = file {
                out += &format!("{key} = {}\n", paths.text(file)?);
            }
        }
        if !self.classes.unknown.is_empty() {
            let labels = listed(&self.classes.unknown);
            out += &comment(&format!(
                "These labels are no class of the model, and their images are skipped: {labels}."
            ));
            out += "unknown_labels = \"skip\"\n";
        }
        if !self.classes.table.is_empty() {
            out += "\n# Labels that are named otherwise than their class: the class's index.\n";
            out += "[dataset.labels]\n";
            for (label, class) in &self.classes.table {
                let names = self.classes.names.as_deref().unwrap_or_default();
                let name = names.get(*class as usize).map_or("", String::as_str);
                let name = crate::report::printable(name);
                out += &format!("{} = {class}  # {name}\n", quoted(label));
            }
        }
        Ok(out)
    }

    fn model(&self, paths: &Paths) -> Result<String> {
        let mut out = format!("\n[model]\npath = {}\n", paths.text(self.model)?);
        out += &comment(&format!("Class names: {}.", self.classes.source));
        if let Some(file) = self.class_file {
            out += &format!("classes = {}\n", paths.text(file)?);
        }
        if matches!(self.engine, Engine::OnnxRuntime { .. }) {
            out += "engine = \"onnxruntime\"\n";
        }
        if let Some(accuracy) = self.accuracy {
            out += "# Measured on images of all classes in turn. Runs warn of 10 points less.\n";
            out += &format!("expected_accuracy = {accuracy:.2}\n");
        }
        Ok(out)
    }

    fn preprocess(&self) -> String {
        let mut out = "\n".to_owned();
        for sentence in &self.why {
            out += &comment(sentence);
        }
        out + "[preprocess]\n" + &table(self.preprocess)
    }

    fn regions(&self) -> String {
        let mut out = String::from(
            "\n# Corners and frame: their heat is a screening figure. A verdict needs to know in \
             which images\n# something is there: annotation, presence_column, template or \
             always.\n",
        );
        let corners = ["top-left", "top-right", "bottom-left", "bottom-right"];
        for at in corners {
            out += &format!(
                "[[region]]\nname = \"{at}\"\ncorner = {{ at = \"{at}\", width = 0.3, height = 0.2 \
                 }}\n\n"
            );
        }
        out += "[[region]]\nname = \"frame\"\nborder = { thickness = 0.05 }\n";

        let Categories { objects, others } = &self.categories;
        if !objects.is_empty() {
            out.push('\n');
            out += &comment(&format!(
                "Boxes named as a label are the objects of that label, and need no region: {}.",
                listed(objects)
            ));
        }
        if others.len() > CATEGORIES_MAX {
            out.push('\n');
            out += &comment(&format!(
                "{} more categories of boxes have no region here: {}.",
                others.len() - CATEGORIES_MAX,
                listed(&others[CATEGORIES_MAX..])
            ));
        }
        for category in others.iter().take(CATEGORIES_MAX) {
            let is_taken =
                NAMES_TAKEN.contains(&category.as_str()) || corners.contains(&category.as_str());
            let name = if is_taken {
                format!("{category}-boxes")
            } else {
                category.clone()
            };
            out += &format!(
                "\n# Boxes of this category. kind = \"object\" if it belongs to what is labeled.\n\
                 [[region]]\nname = {}\nannotation = {}\n",
                quoted(&name),
                quoted(category)
            );
        }
        out
    }
}

/// `[preprocess]` without its heading.
pub fn table(file: &PreprocessFile) -> String {
    let mut out = String::new();
    let mut line = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            out += &format!("{key} = {value}\n");
        }
    };
    line("preset", file.preset.map(word));
    line("size", file.size.map(|size| size.to_string()));
    line("steps", file.steps.as_deref().map(steps));
    line("channels", file.channels.map(word));
    line("layout", file.layout.map(word));
    line("scale", file.scale.map(number));
    line("mean", file.mean.as_deref().map(numbers));
    line("std", file.std.as_deref().map(numbers));
    line("decode", file.decode.map(word));
    line("exif", file.exif.map(word));
    out
}

fn steps(steps: &[StepFile]) -> String {
    let steps: Vec<String> = steps.iter().map(step).collect();
    if steps.len() < 2 {
        return format!("[{}]", steps.concat());
    }
    format!("[\n  {},\n]", steps.join(",\n  "))
}

fn step(step: &StepFile) -> String {
    match step {
        StepFile::Resize(ResizeFile {
            short,
            exact,
            filter,
        }) => {
            let mut keys = Vec::new();
            keys.extend(short.map(|short| format!("short = {short}")));
            keys.extend(exact.map(|[width, height]| format!("exact = [{width}, {height}]")));
            keys.extend(filter.map(|filter| format!("filter = {}", word(filter))));
            format!("{{ resize = {{ {} }} }}", keys.join(", "))
        }
        StepFile::CenterCrop(side) => format!("{{ center_crop = {side} }}"),
        StepFile::CenterCropFraction(fraction) => {
            format!("{{ center_crop_fraction = {} }}", number(*fraction))
        }
        StepFile::Letterbox(letterbox) => {
            let mut keys = Vec::new();
            let size = letterbox.size;
            keys.extend(size.map(|[width, height]| format!("size = [{width}, {height}]")));
            keys.extend(letterbox.fill.map(|fill| format!("fill = {fill:?}")));
            let filter = letterbox.filter;
            keys.extend(filter.map(|filter| format!("filter = {}", word(filter))));
            format!("{{ letterbox = {{ {} }} }}", keys.join(", "))
        }
    }
}

/// A value of a closed set, as the pipeline file writes it.
fn word(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    quoted(value.as_str().unwrap_or_default())
}

fn number(value: f64) -> String {
    toml::Value::Float(value).to_string()
}

fn numbers(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().copied().map(number).collect();
    format!("[{}]", values.join(", "))
}

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(LABELS_MAX);
    let first: Vec<&str> = names.iter().take(LABELS_MAX).map(String::as_str).collect();
    let mut text = crate::report::printable(&first.join(", "));
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

/// Lines of a comment.
fn comment(text: &str) -> String {
    let text = crate::report::printable(text);
    let mut out = String::new();
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            out += &line;
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line += word;
    }
    out + &line + "\n"
}
