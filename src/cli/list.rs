//! `camaudit list`: what was understood of a dataset, one annotation a line.

use super::PipelineArgs;
use crate::dataset::{Annotation, Dataset, LabelMap, Outline};
use crate::error::{Error, Result};
use crate::geometry::Size;
use clap::Args;
use csv::Writer;
use std::io::Stdout;

const HEADER: [&str; 11] =
    ["path", "label", "split", "group", "category", "shape", "xmin", "ymin", "xmax", "ymax", "ignore"];

#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    pipeline: PipelineArgs,
}

pub fn list(args: &ListArgs) -> Result<()> {
    let plan = args.pipeline.load(None)?;
    let dataset = Dataset::open(&plan.dataset, plan.run.limit, plan.run.seed)?;
    let labels = LabelMap::without_model(dataset.listing.labels.keys());
    let mut out = Writer::from_writer(std::io::stdout());
    write(&mut out, &HEADER.map(str::to_owned))?;
    for sample in dataset.samples(&labels)?.filter_map(std::result::Result::ok) {
        let text = |v: &Option<String>| v.clone().unwrap_or_default();
        let head = [sample.path.clone(), sample.label.clone(), text(&sample.split), text(&sample.group)];
        if sample.annotations.is_empty() {
            write(&mut out, &[&head[..], &std::array::from_fn::<_, 7, _>(|_| String::new())].concat())?;
        }
        for annotation in &sample.annotations {
            write(&mut out, &[&head[..], &fields(annotation)].concat())?;
        }
    }
    out.flush().map_err(Error::cause("write to stdout"))
}

/// Bounds as they are written: pixels, or fractions where the format has those.
fn fields(a: &Annotation) -> [String; 7] {
    let r = a.bounds(Size::new(1, 1));
    let unit = if a.normalised { "normalised " } else { "" };
    let shape = match &a.outline {
        Outline::Box(_) => format!("{unit}box"),
        Outline::Polygon(points) => format!("{unit}polygon of {}", points.len()),
    };
    let edge = |v: f64| v.to_string();
    [a.category.clone(), shape, edge(r.x0), edge(r.y0), edge(r.x1), edge(r.y1), a.ignore.to_string()]
}

fn write(out: &mut Writer<Stdout>, row: &[String]) -> Result<()> {
    out.write_record(row).map_err(Error::cause("write to stdout"))
}
