//! `camaudit list`: what was understood of a dataset, one annotation a line.

use super::{PipelineArgs, printable};
use crate::dataset::{Annotation, Dataset, LabelMap, Outline, Sample};
use crate::error::{Error, Result};
use crate::geometry::Size;
use clap::Args;
use csv::Writer;
use std::io::Stdout;

const HEADER: [&str; 11] = [
    "path", "label", "split", "group", "category", "shape", "xmin", "ymin", "xmax", "ymax",
    "ignore",
];

#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
}

pub fn list(args: &ListArgs) -> Result<()> {
    let plan = args.pipeline.load(None)?;
    let dataset = Dataset::open(&plan.dataset, plan.run.limit, plan.run.seed)?;
    let labels = LabelMap::without_model(dataset.listing.labels.keys());
    let samples = dataset
        .samples(&labels)?
        .filter_map(std::result::Result::ok);
    match write(samples, Writer::from_writer(std::io::stdout())).map_err(|e| (e.kind(), e)) {
        // Whoever reads has read enough.
        Err((std::io::ErrorKind::BrokenPipe, _)) | Ok(()) => Ok(()),
        Err((_, e)) => Err(Error::new(format!("failed to write to stdout: {e}"))),
    }
}

fn write(samples: impl Iterator<Item = Sample>, mut out: Writer<Stdout>) -> std::io::Result<()> {
    out.write_record(HEADER).map_err(io)?;
    for sample in samples {
        let text = |v: &Option<String>| v.clone().unwrap_or_default();
        let head = [
            sample.path.clone(),
            sample.label.clone(),
            text(&sample.split),
            text(&sample.group),
        ];
        let nothing = [std::array::from_fn(|_| String::new())];
        let annotated: Vec<[String; 7]> = sample.annotations.iter().map(fields).collect();
        for row in if annotated.is_empty() {
            &nothing[..]
        } else {
            &annotated
        } {
            out.write_record(head.iter().chain(row).map(|cell| printable(cell)))
                .map_err(io)?;
        }
    }
    out.flush()
}

/// The cause with its kind, which tells a closed pipe from a full disk.
fn io(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => e,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

/// Bounds as they are written: pixels, or fractions where the format has those.
fn fields(a: &Annotation) -> [String; 7] {
    let r = a.bounds(Size::new(1, 1));
    let unit = if a.normalised { "normalised " } else { "" };
    let shape = match &a.outline {
        Outline::Box(_) => format!("{unit}box"),
        Outline::Polygons(rings) => format!(
            "{unit}polygon of {}",
            rings.iter().map(Vec::len).sum::<usize>()
        ),
        Outline::Pixels(mask) => format!("mask of {:.0} px", mask.area()),
    };
    let edge = |v: f64| v.to_string();
    [
        a.category.clone(),
        shape,
        edge(r.x0),
        edge(r.y0),
        edge(r.x1),
        edge(r.y1),
        a.ignore.to_string(),
    ]
}
