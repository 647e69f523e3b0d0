//! `camaudit explain`: where one image's evidence lies, as a picture.

use super::{PipelineArgs, print, printable};
use crate::audit::{Auditor, Survey, Worker};
use crate::dataset::{Dataset, LabelMap, Sample, Source};
use crate::error::{Error, Skip};
use crate::region;
use crate::report::overlay::{self, Picture};
use clap::Args;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Classes listed for each image.
const TOP: usize = 5;

#[derive(Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Images, in the dataset or not
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// Class to explain [default: the image's label, else the prediction]
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// PNG to write, for one image [default: NAME.cam.png in the current folder]
    #[arg(long, value_name = "PNG")]
    out: Option<PathBuf>,
}

pub fn explain(args: &ExplainArgs) -> Result<(), Error> {
    if args.out.is_some() && args.images.len() > 1 {
        return Err(Error::new(
            "--out names one PNG, but there are several images",
        ));
    }
    let stems: BTreeSet<_> = args.images.iter().map(|i| i.file_stem()).collect();
    if stems.len() < args.images.len() {
        return Err(Error::new(
            "two of the images have one name, so that one picture would overwrite the other",
        ));
    }
    let plan = args.pipeline.load(None)?;
    let dataset = Dataset::open(&plan.dataset, None, plan.run.seed)?;
    let model = Auditor::load_model(&plan)?;
    let labels = LabelMap::new(&plan, dataset.listing.labels.keys(), model.facts.classes)?;
    let auditor = Auditor {
        plan: &plan,
        model: &model,
        labels: &labels,
        survey: Survey::default(),
        cache: None,
    };
    let class = args
        .class
        .as_deref()
        .map(|name| labels.class_named(name))
        .transpose()?;
    let mut worker = auditor.worker(|| false)?;
    // One bad picture does not keep the others from being explained.
    let mut failures = Vec::new();
    for path in &args.images {
        if let Err(e) = explain_one(args, &auditor, &mut worker, &dataset, path, class) {
            failures.push(e.to_string());
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(Error::new(failures.join("\n")))
    }
}

/// The dataset's sample of this file, if it is one.
fn sample(dataset: &Dataset, labels: &LabelMap, path: &Path) -> Result<Option<Sample>, Error> {
    let wanted = path
        .canonicalize()
        .map_err(Error::cause(format!("open {}", path.display())))?;
    let same = |s: &Sample| match &s.source {
        Source::File(file) => {
            file.file_name() == path.file_name() && file.canonicalize().is_ok_and(|p| p == wanted)
        }
        _ => false,
    };
    Ok(dataset.samples(labels)?.filter_map(Result::ok).find(same))
}

fn explain_one(
    args: &ExplainArgs,
    auditor: &Auditor<'_>,
    worker: &mut Worker<'_>,
    dataset: &Dataset,
    path: &Path,
    class: Option<usize>,
) -> Result<(), Error> {
    let mut known = sample(dataset, auditor.labels, path)?;
    if let Some(sample) = &mut known {
        auditor
            .annotate(worker, sample)
            .map_err(|skip| failed(path, &skip))?;
    }
    let seen = worker
        .see(&Source::File(path.to_path_buf()))
        .map_err(|skip| failed(path, &skip))?;
    if let Some(sample) = &mut known {
        sample.fit(seen.size, seen.turned);
    }
    let known = known.as_ref();
    let logits = &seen.inference.logits;
    let class = class
        .or(known.map(|s| s.class))
        .unwrap_or_else(|| seen.inference.predicted());
    let cam = auditor.cam(&seen.inference, class);
    cam.check(f64::from(logits[class]))?;
    let boxes = known.map_or(&[][..], |s| &s.annotations);
    let regions = region::place(&auditor.plan.regions, boxes, &seen.view);
    let name = |c: usize| printable(&auditor.labels.classes[c]);
    let label = known.map_or(String::new(), |s| {
        format!(", labeled {}", printable(&s.label))
    });
    let mut caption = vec![
        printable(&path.file_name().unwrap_or_default().to_string_lossy()) + &label,
        format!(
            "evidence for {} (logit {:+.2}, bias {:+.2})",
            name(class),
            logits[class],
            cam.bias
        ),
    ];
    let top = top(logits)
        .into_iter()
        .map(|c| format!("{:+8.2}  {}", logits[c], name(c)));
    caption.extend(top);
    let picture = overlay::draw(&Picture {
        view: &seen.tensor.picture(&auditor.plan.preprocess),
        cam: &cam,
        regions: &regions,
        caption: &caption,
    });
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{stem}.cam.png")));
    picture
        .save(&out)
        .map_err(Error::cause(format!("write {}", out.display())))?;
    print(&format!(
        "{}\n{}\n",
        caption.join("\n"),
        printable(&out.display().to_string())
    ))
}

fn failed(path: &Path, skip: &Skip) -> Error {
    Error::new(format!(
        "{}: {}: {}",
        path.display(),
        skip.reason,
        skip.message
    ))
}

fn top(logits: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    order.truncate(TOP);
    order
}
