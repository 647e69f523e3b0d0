//! `camaudit list`: every annotation of a dataset as it was read, one a line.

use super::output::csv_cell;
use super::pipeline_args::PipelineArgs;
use crate::dataset::{Annotation, Dataset, ImageBytes, LabelMap, Outline, Sample};
use crate::error::{Error, Result};
use crate::geometry::Size;
use clap::Args;
use csv::Writer;
use std::io::{ErrorKind, Stdout};

const HEADER: [&str; 11] = [
    "path", "label", "split", "group", "category", "shape", "xmin", "ymin", "xmax", "ymax",
    "ignore",
];

/// Cells of an annotation that are texts; the numbers follow.
const TEXTS: usize = 2;

#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
    /// Print texts as they are: without the apostrophe that keeps a spreadsheet from reading them
    /// as formulas
    #[arg(long)]
    raw: bool,
}

/// Prints the annotations as CSV.
///
/// # Errors
/// When the dataset cannot be read, or stdout fails; a closed pipe is no error.
pub fn list(args: &ListArgs) -> Result<()> {
    let plan = args.pipeline.load()?;
    let dataset = Dataset::open(&plan.dataset, plan.run.limit, plan.run.seed)?;
    let labels = LabelMap::without_model(dataset.stats.labels.keys());
    let samples = dataset.samples(&labels, ImageBytes::Leave)?;

    let out = Writer::from_writer(std::io::stdout());
    let written = write(samples.flatten(), out, args.raw);
    match written {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Error::new(format!("failed to write to stdout: {e}")))
        }
        _ => Ok(()),
    }
}

fn write(
    samples: impl Iterator<Item = Sample>,
    mut out: Writer<Stdout>,
    is_raw: bool,
) -> std::io::Result<()> {
    out.write_record(HEADER).map_err(io_error)?;
    for sample in samples {
        let head = [
            sample.path.clone(),
            sample.label.clone(),
            sample.split.clone().unwrap_or_default(),
            sample.group.clone().unwrap_or_default(),
        ];
        let mut annotations: Vec<[String; 7]> = sample.annotations.iter().map(cells).collect();
        if annotations.is_empty() {
            annotations.push([const { String::new() }; 7]);
        }
        for annotation in &annotations {
            let texts = head.iter().chain(&annotation[..TEXTS]);
            let texts = texts.map(|text| csv_cell(text, is_raw));
            // A number below zero is no formula.
            let numbers = annotation[TEXTS..].iter().cloned();
            out.write_record(texts.chain(numbers)).map_err(io_error)?;
        }
    }
    out.flush()
}

/// The error with its kind, which tells a closed pipe from a full disk.
fn io_error(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => e,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

/// The bounds as they are written: pixels, or fractions where the format has those.
fn cells(annotation: &Annotation) -> [String; 7] {
    let unit = if annotation.normalised {
        "normalised "
    } else {
        ""
    };
    let shape = match &annotation.outline {
        Outline::Box(_) => format!("{unit}box"),
        Outline::Polygons(rings) => {
            let points: usize = rings.iter().map(Vec::len).sum();
            format!("{unit}polygon of {points}")
        }
        Outline::Pixels(mask) => format!("mask of {:.0} px", mask.area()),
    };

    let bounds = annotation.bounds(Size::new(1, 1));
    [
        annotation.category.clone(),
        shape,
        bounds.x0.to_string(),
        bounds.y0.to_string(),
        bounds.x1.to_string(),
        bounds.y1.to_string(),
        annotation.ignore.to_string(),
    ]
}
