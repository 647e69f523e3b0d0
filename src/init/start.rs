//! From a model and a folder to a pipeline file.

use super::bench::Bench;
use super::classes::Classes;
use super::files::PipelineFiles;
use super::hints::{self, Hint};
use super::input_form::InputForm;
use super::paths::Paths;
use super::pipeline::{Categories, Draft};
use super::search::{Search, Space};
use super::sentences;
use super::set_files::{SetFiles, held_out_splits};
use super::transforms::Transform;
use crate::audit::Observer;
use crate::dataset::{Dataset, DatasetStats, ImageBytes, LabelMap, Sample};
use crate::error::{Error, Result};
use crate::model::{Declared, Model, Options};
use crate::plan::file::PreprocessFile;
use crate::plan::{self, ClassRef, Engine, Format, Plan, UnknownLabels};
use std::path::{Path, PathBuf};

/// Images that transforms are tried on.
const IMAGES: usize = 256;
/// Rounds that pass over few images.
const SCREENED_PASSES: usize = 2 * 64;
/// Side of the input where neither the graph nor a hint states one.
const SIDE: u32 = 224;

/// What to start from.
pub struct Request {
    pub model: PathBuf,
    pub root: PathBuf,
    /// The pipeline file to write.
    pub pipeline: PathBuf,
    /// Whether existing files are replaced.
    pub force: bool,
    /// What runs the model, here and in the pipeline.
    pub engine: Engine,
}

/// A pipeline that was written, and what is known of it.
pub struct Started {
    pub pipeline: PathBuf,
    /// All files that were written.
    pub written: Vec<PathBuf>,
    /// What was found, as a name and a value.
    pub facts: Vec<(&'static str, String)>,
    pub search: Search,
    pub warnings: Vec<String>,
}

/// The name of a pipeline for a model and a folder.
pub fn pipeline_name(model: &Path, root: &Path) -> String {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let mut name = String::new();
    for part in [root.file_name(), model.file_stem()].into_iter().flatten() {
        for c in part.to_string_lossy().chars() {
            let is_plain = c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
            name.push(if is_plain { c } else { '-' });
        }
        name.push('-');
    }
    name.trim_matches(['-', '.']).to_owned()
}

/// Writes the pipeline of a model and a folder.
///
/// # Errors
/// When a file would be overwritten, the model cannot be audited, or the folder is no labeled set
/// of its classes.
pub fn start(request: &Request, observer: &dyn Observer) -> Result<Started> {
    let files = PipelineFiles::of(&request.pipeline, request.force);
    files.check(&files.pipeline)?;
    files.check(&files.classes)?;

    let declared = Declared::read(&request.model)?;
    let form = InputForm::of(&declared)?;
    let hints = hints::all(&request.model, &declared, &form);
    let (size, size_note) = input_size(&form, &hints);

    let set = find_set(request, size)?;
    let model = load(request, &form, size)?;
    let labels: Vec<String> = set.stats.labels.keys().cloned().collect();
    let classes = Classes::find(
        &request.model,
        &request.root,
        &declared,
        &labels,
        model.facts.classes,
    )?;

    let plan = plan_of_tries(&set.plan, &classes);
    let (samples, drawn_from) = draw(&plan, &set, &model)?;
    let (stated, mut warnings) = usable(hints, &model);
    let images = samples.len().min(IMAGES);
    observer.stage("trying transforms", Some(SCREENED_PASSES + 2 * images));
    let mut bench = Bench::new(&plan, &model, samples, observer)?;
    let search = Space { form, size }.search(&mut bench, stated)?;
    observer.stage("writing the pipeline", None);

    let mut facts = facts_of_set(&set, &classes, &labels);
    facts.push(("input", input_text(&model.facts.input_shape, size_note)));
    let (inferences, tries) = (search.inferences, search.tries.len());
    facts.push((
        "tries",
        format!(
            "{tries} transforms on {} images{drawn_from}, {inferences} inferences",
            search.images
        ),
    ));
    warnings.extend(sentences::warnings(&search));
    let written = write(request, &files, &set, &classes, &search)?;
    Ok(Started {
        pipeline: files.pipeline,
        written,
        facts,
        search,
        warnings,
    })
}

/// Width and height of the input, and where they are from if not from the graph.
fn input_size(form: &InputForm, hints: &[Hint]) -> ([u32; 2], Option<String>) {
    if let Some(size) = form.size() {
        return (size, None);
    }
    for hint in hints {
        if let Some(size) = hints::size(hint) {
            let note = format!("the graph leaves the size open; {} states it", hint.source);
            return (form.size_or(size), Some(note));
        }
    }
    let note = format!("the graph leaves the size open; {SIDE} is the usual one");
    (form.size_or([SIDE; 2]), Some(note))
}

fn input_text(shape: &[usize], note: Option<String>) -> String {
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    let sides = sides.join(" x ");
    note.map_or_else(|| sides.clone(), |note| format!("{sides} ({note})"))
}

fn load(request: &Request, form: &InputForm, [width, height]: [u32; 2]) -> Result<Model> {
    let (width, height) = (width as usize, height as usize);
    let shape = match form.layout {
        plan::Layout::Nchw => [1, form.channels, height, width],
        plan::Layout::Nhwc => [1, height, width, form.channels],
    };
    let options = Options {
        input_shape: Some(&shape),
        engine: request.engine.clone(),
        ..Options::default()
    };
    Model::load(&request.model, &options)
}

/// A set that opens, and how it is described.
struct FoundSet {
    files: SetFiles,
    plan: Plan,
    stats: DatasetStats,
    /// Why more telling files are not used.
    notes: Vec<String>,
}

/// The first description of the folder under which it is a labeled set.
fn find_set(request: &Request, [width, height]: [u32; 2]) -> Result<FoundSet> {
    if !request.root.is_dir() {
        let root = request.root.display();
        return Err(Error::new(format!("{root} is no folder of images")));
    }
    let squash = PreprocessFile {
        steps: Some(vec![plan::file::StepFile::Resize(plan::file::ResizeFile {
            exact: Some([width, height]),
            ..plan::file::ResizeFile::default()
        })]),
        ..PreprocessFile::default()
    };

    let mut notes = Vec::new();
    let mut last = None;
    for files in SetFiles::candidates(&request.root) {
        match open(request, &files, &squash) {
            Ok((plan, stats)) => {
                return Ok(FoundSet {
                    files,
                    plan,
                    stats,
                    notes,
                });
            }
            Err(error) => {
                notes.push(format!("{}: {error}", files.named()));
                last = Some(error);
            }
        }
    }
    Err(last.unwrap_or_else(|| Error::new("the folder holds no labeled images")))
}

fn open(
    request: &Request,
    files: &SetFiles,
    preprocess: &PreprocessFile,
) -> Result<(Plan, DatasetStats)> {
    let draft = Draft {
        model: &request.model,
        root: &request.root,
        engine: &request.engine,
        set: files,
        format: None,
        classes: &Classes::default(),
        class_file: None,
        preprocess,
        why: Vec::new(),
        accuracy: None,
        categories: Categories::default(),
    };
    let text = draft.text(&Paths::Absolute)?;
    let plan = Plan::parse(&request.pipeline, text, &[])?;
    let dataset = Dataset::open(&plan.dataset, None, plan.run.seed)?;
    if dataset.stats.labels.is_empty() {
        return Err(Error::new("no image has a label"));
    }
    Ok((plan, dataset.stats))
}

/// The plan of the tries: labels without a class are skipped.
fn plan_of_tries(plan: &Plan, classes: &Classes) -> Plan {
    let mut plan = plan.clone();
    plan.model.classes.clone_from(&classes.names);
    plan.dataset.unknown_labels = UnknownLabels::Skip;
    for (label, class) in &classes.table {
        let class = ClassRef::Index(*class);
        plan.dataset.labels.insert(label.clone(), class);
    }
    plan
}

/// The images to try transforms on: spread over the classes and drawn by hash, from splits that the
/// model was not trained on where there are some.
fn draw(plan: &Plan, set: &FoundSet, model: &Model) -> Result<(Vec<Sample>, String)> {
    let labels = LabelMap::new(plan, set.stats.labels.keys(), model.facts.classes)?;
    let per_class = IMAGES.div_ceil(labels.iter().count().max(1));
    let held_out = match plan.dataset.format {
        Format::Folder => held_out_splits(&plan.dataset.root),
        _ => Vec::new(),
    };
    if !held_out.is_empty() {
        let dataset = plan::Dataset {
            splits: Some(held_out.clone()),
            ..plan.dataset.clone()
        };
        // A label of the training alone is no error here.
        let samples = samples(plan, &dataset, &labels, per_class).unwrap_or_default();
        if !samples.is_empty() {
            return Ok((samples, format!(" of {}", held_out.join(" and "))));
        }
    }
    let samples = samples(plan, &plan.dataset, &labels, per_class)?;
    Ok((samples, String::new()))
}

fn samples(
    plan: &Plan,
    dataset: &plan::Dataset,
    labels: &LabelMap,
    per_class: usize,
) -> Result<Vec<Sample>> {
    let dataset = Dataset::open(dataset, Some(per_class), plan.run.seed)?;
    let mut samples = Vec::new();
    for sample in dataset.samples(labels, ImageBytes::Read)? {
        samples.extend(sample.ok());
    }
    samples.sort_by_key(|sample| sample.id);
    samples.truncate(IMAGES);
    Ok(samples)
}

/// The transforms of hints that fit the model, and why others do not.
fn usable(hints: Vec<Hint>, model: &Model) -> (Vec<(String, Transform)>, Vec<String>) {
    let (mut stated, mut warnings) = (Vec::new(), Vec::new());
    for hint in hints {
        match hints::transform(&hint, &model.facts.input_shape) {
            Ok(transform) => stated.push((hint.source, transform)),
            Err(e) => warnings.push(format!("the transform of {} is not used: {e}", hint.source)),
        }
    }
    (stated, warnings)
}

fn facts_of_set(
    set: &FoundSet,
    classes: &Classes,
    labels: &[String],
) -> Vec<(&'static str, String)> {
    let mut facts = vec![("format", set.plan.dataset.format.name().to_owned())];
    if let Some(guess) = &set.plan.dataset.guess {
        facts[0].1 += &format!(" (guessed: {guess})");
    }
    for note in &set.notes {
        facts.push(("not used", note.clone()));
    }
    let (found, count) = (set.stats.found, labels.len());
    facts.push(("dataset", format!("{found} images, {count} labels")));

    let unknown = classes.unknown.len();
    let known = count - unknown;
    let text = format!("{}; {known} of {count} labels are classes", classes.source);
    facts.push(("classes", text));
    for note in &classes.notes {
        facts.push(("not used", note.clone()));
    }
    for label in &classes.unknown {
        facts.push(("no class", format!("{label}: {}", classes.nearest(label))));
    }
    facts
}

/// Writes the files and reads the pipeline back.
fn write(
    request: &Request,
    files: &PipelineFiles,
    set: &FoundSet,
    classes: &Classes,
    search: &Search,
) -> Result<Vec<PathBuf>> {
    files.make_folder()?;
    let class_file = match (&classes.file, &classes.names) {
        (Some(file), _) => Some(file.as_path()),
        (None, Some(_)) => Some(files.classes.as_path()),
        (None, None) => None,
    };
    let guess = set.plan.dataset.guess.clone();
    let chosen = search.chosen();
    let mut why = sentences::verdict(search);
    why.insert(0, SOURCE_OF_TRANSFORM.into());
    let draft = Draft {
        model: &request.model,
        root: &request.root,
        engine: &request.engine,
        set: &set.files,
        format: guess.map(|guess| (set.plan.dataset.format, guess)),
        classes,
        class_file,
        preprocess: &chosen.transform.file,
        why,
        accuracy: search.expected_accuracy(),
        categories: categories(&set.stats),
    };
    let head = format!(
        "#:schema schema.json\n# Written by `camaudit init`. Paths are relative to this file; \
         every key is in the schema.\n{}",
        draft.text(&Paths::beside(&files.pipeline)?)?
    );

    let mut written = vec![files.pipeline.clone()];
    if let (Some(names), None) = (&classes.names, &classes.file) {
        let lines = names.join("\n") + "\n";
        files.write(&files.classes, &lines)?;
        written.push(files.classes.clone());
    }
    if files.write_schema(&plan::json_schema()?)? {
        written.push(files.schema.clone());
    }
    files.write(&files.pipeline, &head)?;
    Plan::load(&files.pipeline, &[])?;
    Ok(written)
}

/// The first comment above `[preprocess]`.
const SOURCE_OF_TRANSFORM: &str =
    "The transform from photo to input must be that of the training's evaluation.";

fn categories(stats: &DatasetStats) -> Categories {
    let mut categories = Categories::default();
    for category in stats.categories.keys().filter(|name| !name.is_empty()) {
        let is_object = stats.labels.contains_key(category);
        let list = match is_object {
            true => &mut categories.objects,
            false => &mut categories.others,
        };
        list.push(category.clone());
    }
    categories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_folder_and_model() {
        let check = |model: &str, root: &str, expected: &str| {
            assert_eq!(pipeline_name(Path::new(model), Path::new(root)), expected);
        };
        check("m/net.onnx", "none/my photos", "my-photos-net");
        check("net.v2.onnx", "none/horses/", "horses-net.v2");
    }
}
