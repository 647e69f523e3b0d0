//! `camaudit explain`: where one image's evidence lies, as a picture.

use super::output::{print, printable};
use super::pipeline_args::PipelineArgs;
use crate::audit::{AuditContext, PredictedView, Worker, annotate, load_model, search, view};
use crate::dataset::{Dataset, ImageBytes, LabelMap, Sample, Source};
use crate::error::{Error, Result, Skip};
use crate::report::heatmap::{self, Picture};
use clap::Args;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Classes listed for each image.
const TOP: usize = 5;

#[derive(Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Images, in the dataset or not; also as the report names them, relative to dataset.root
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// Class to explain [default: the image's label, else the predicted class]
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// PNG to write, for one image [default: NAME.cam.png in the current folder]
    #[arg(long, value_name = "PNG")]
    out: Option<PathBuf>,
}

/// Writes one picture for each image.
///
/// # Errors
/// When the pipeline cannot be used, or for each image that cannot be explained; the others are.
pub fn explain(args: &ExplainArgs) -> Result<()> {
    check_names(args)?;
    let plan = args.pipeline.load()?;
    let dataset = Dataset::open(&plan.dataset, None, plan.run.seed)?;
    let model = load_model(&plan)?;
    let labels = LabelMap::new(&plan, dataset.stats.labels.keys(), model.facts.classes)?;
    let class = match &args.class {
        Some(name) => Some(labels.class_named(name)?),
        None => None,
    };

    let context = AuditContext {
        plan: &plan,
        model: &model,
        labels: &labels,
        cache: None,
    };
    let mut worker = Worker::new(&context, || false)?;
    let images = resolved(&args.images, &plan.dataset.root);
    let (files, mut failures) = canonical_paths(&images);
    let samples = samples(&dataset, &labels, &files)?;
    for (path, file) in &files {
        let sample = samples.get(file).cloned();
        if let Err(e) = explain_one(args, &context, &mut worker, path, sample, class) {
            failures.push(e.to_string());
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(Error::new(failures.join("\n")))
}

/// Refuses names by which one picture would overwrite another.
fn check_names(args: &ExplainArgs) -> Result<()> {
    if args.out.is_some() && args.images.len() > 1 {
        return Err(Error::new(
            "--out names one PNG, but there are several images",
        ));
    }
    let stems: BTreeSet<_> = args.images.iter().map(|path| path.file_stem()).collect();
    if stems.len() < args.images.len() {
        return Err(Error::new(
            "two of the images have the same name: one picture would overwrite the other",
        ));
    }
    Ok(())
}

/// The images, in the dataset's folder where the current one does not have them.
fn resolved(images: &[PathBuf], root: &Path) -> Vec<PathBuf> {
    let mut resolved = Vec::new();
    for image in images {
        let in_dataset = root.join(image);
        let is_there = !image.exists() && in_dataset.is_file();
        resolved.push(if is_there { in_dataset } else { image.clone() });
    }
    resolved
}

/// The images as they were typed and their canonical paths, and why some cannot be opened.
fn canonical_paths(images: &[PathBuf]) -> (Vec<(&Path, PathBuf)>, Vec<String>) {
    let (mut files, mut failures) = (Vec::new(), Vec::new());
    for path in images {
        match path.canonicalize() {
            Ok(file) => files.push((path.as_path(), file)),
            Err(e) => failures.push(format!("failed to open {}: {e}", path.display())),
        }
    }
    (files, failures)
}

/// The dataset's samples of these files, in one pass.
fn samples(
    dataset: &Dataset,
    labels: &LabelMap,
    files: &[(&Path, PathBuf)],
) -> Result<BTreeMap<PathBuf, Sample>> {
    let names: BTreeSet<_> = files.iter().map(|(_, file)| file.file_name()).collect();
    let mut samples = BTreeMap::new();
    if files.is_empty() {
        return Ok(samples);
    }
    for sample in dataset.samples(labels, ImageBytes::Leave)?.flatten() {
        let Source::File(file) = &sample.source else {
            continue;
        };
        // Only files of the same name are resolved: that costs a call to the file system.
        let link = file.file_name();
        if (names.contains(&link) || file.is_symlink())
            && let Ok(file) = file.canonicalize()
            && files.iter().any(|(_, wanted)| *wanted == file)
        {
            samples.insert(file, sample);
        }
    }
    Ok(samples)
}

fn explain_one(
    args: &ExplainArgs,
    context: &AuditContext<'_>,
    worker: &mut Worker<'_>,
    path: &Path,
    mut sample: Option<Sample>,
    class: Option<usize>,
) -> Result<()> {
    if let Some(sample) = &mut sample {
        let regions = &context.plan.regions;
        let places = search(regions, |template| worker.locate_template(sample, template));
        annotate(
            regions,
            sample,
            &places.map_err(|skip| failed(path, &skip))?,
        );
    }
    let source = Source::File(path.to_path_buf());
    let predicted = view(context, worker, &source, sample.as_ref(), class);
    let predicted = predicted.map_err(|skip| failed(path, &skip))?;
    let heat = &predicted.view.heat;
    let logit = f64::from(predicted.logits[predicted.class]);
    let facts = &context.model.facts;
    heat.check(logit, facts.invariant_tolerance, facts.invariant_unit)?;

    let label = sample.as_ref().map(|sample| sample.label.as_str());
    let caption = caption(context, path, label, &predicted);
    let picture = heatmap::draw(&Picture {
        view: &predicted.view.picture,
        cam: heat,
        regions: &predicted.view.regions,
        caption: &caption,
    });

    let out = match &args.out {
        Some(out) => out.clone(),
        None => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            PathBuf::from(format!("{stem}.cam.png"))
        }
    };
    picture
        .save(&out)
        .map_err(Error::cause(format!("write {}", out.display())))?;
    let out = printable(&out.display().to_string());
    print(&format!("{}\n{out}\n", caption.join("\n")))
}

fn caption(
    context: &AuditContext<'_>,
    path: &Path,
    label: Option<&str>,
    predicted: &PredictedView<'_>,
) -> Vec<String> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let mut first = printable(&file);
    if let Some(label) = label {
        first += &format!(", labeled {}", printable(label));
    }

    let logits = &predicted.logits;
    let classes = &context.labels.classes;
    let mut caption = vec![
        first,
        format!(
            "evidence for {} (logit {:+.2}, bias {:+.2})",
            printable(&classes[predicted.class]),
            logits[predicted.class],
            predicted.view.heat.bias
        ),
    ];
    for class in top(logits) {
        let name = printable(&classes[class]);
        caption.push(format!("{:+8.2}  {name}", logits[class]));
    }
    caption
}

fn failed(path: &Path, skip: &Skip) -> Error {
    Error::new(format!(
        "{}: {}: {}",
        path.display(),
        skip.reason,
        skip.message
    ))
}

/// The classes with the largest logits.
fn top(logits: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    order.truncate(TOP);
    order
}
