//! `camaudit images`: the images behind a finding as CSV.

use super::output::{csv_cell, print};
use super::run_arg::run_folder;
use crate::error::{Error, Result};
use crate::finding::FindingOrigin;
use crate::runs::images::{FoundImage, Measure, images as read_images, labels_of};
use crate::runs::{RunDocuments, open_finished, verdicts};
use clap::Args;
use csv::Writer;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Names listed where a class or region is not found.
const NAMES_MAX: usize = 10;

/// Which images of a finished run, and in what order.
#[derive(Args)]
pub struct Selection {
    /// Folder of a finished run
    #[arg(value_parser = run_folder())]
    pub run: PathBuf,
    /// Label of the images
    #[arg(long)]
    pub class: String,
    /// Region whose figures are shown
    #[arg(long)]
    pub region: String,
    /// Figure to sort by, the largest first
    #[arg(long, value_name = "FIGURE", default_value = "share", value_parser = measure_names())]
    pub sort: String,
    /// Only images in which the region is present (yes) or absent (no)
    #[arg(long, value_name = "YES|NO", value_parser = ["yes", "no"])]
    present: Option<String>,
}

fn measure_names() -> Vec<clap::builder::PossibleValue> {
    let mut names = Vec::new();
    for measure in Measure::ALL {
        let mut name = clap::builder::PossibleValue::new(measure.name());
        if measure == Measure::RelativeContribution {
            name = name.alias("specificity");
        }
        names.push(name);
    }
    names
}

#[derive(Args)]
pub struct ImagesArgs {
    #[command(flatten)]
    selection: Selection,
    /// Print at most N images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Print names as they are: without the apostrophe that keeps a spreadsheet from reading them
    /// as formulas
    #[arg(long)]
    raw: bool,
}

/// Prints the images as CSV, for relabeling or removal.
///
/// # Errors
/// When the run cannot be read, or has no such images.
pub fn images(args: &ImagesArgs) -> Result<()> {
    let mut images = args.selection.images()?;
    images.truncate(args.limit.map_or(usize::MAX, |limit| limit as usize));

    let mut out = Writer::from_writer(Vec::new());
    let measures = Measure::ALL.map(Measure::name);
    let header = ["path", "predicted", "present"].into_iter().chain(measures);
    out.write_record(header)
        .map_err(Error::cause("write CSV"))?;
    for image in &images {
        out.write_record(record(image, args.raw))
            .map_err(Error::cause("write CSV"))?;
    }
    let bytes = out
        .into_inner()
        .map_err(|e| Error::new(format!("failed to write CSV: {e}")))?;
    print(&String::from_utf8_lossy(&bytes))
}

fn record(image: &FoundImage, is_raw: bool) -> Vec<String> {
    let present = match image.present {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    };
    let mut cells = vec![
        csv_cell(&image.path, is_raw),
        csv_cell(&image.predicted, is_raw),
        present.to_owned(),
    ];
    for measure in Measure::ALL {
        let value = image.measure(measure);
        cells.push(value.map_or(String::new(), |v| v.to_string()));
    }
    cells
}

impl Selection {
    /// The images, sorted.
    ///
    /// # Errors
    /// When the run cannot be read, or has no such images; names what it has.
    pub fn images(&self) -> Result<Vec<FoundImage>> {
        let run = open_finished(&self.run)?;
        let mut images = read_images(&self.run, &labels_of(&self.run, &self.class)?, &self.region)?;
        if images.is_empty() {
            if let Some(message) = self.found_by_search(&run) {
                return Err(Error::new(message));
            }
            return Err(Error::new(format!(
                "no image of {} has figures for {}; {}",
                self.class,
                self.region,
                self.nearest(&run)?
            )));
        }
        if let Some(present) = &self.present {
            self.retain(&mut images, present == "yes")?;
        }

        let measure: Measure = self.sort.parse().map_err(Error::new)?;
        if images.iter().all(|image| image.measure(measure).is_none()) {
            let what = if images.is_empty() {
                "no image is left".to_owned()
            } else {
                format!(
                    "no image has a {} (images without a region have a contrast alone: --sort \
                     contrast)",
                    self.sort
                )
            };
            return Err(Error::new(format!(
                "{what} for {} / {}",
                self.class, self.region
            )));
        }
        images.sort_by(|a, b| {
            let by_value = value(b, measure).total_cmp(&value(a, measure));
            by_value.then_with(|| a.path.cmp(&b.path))
        });
        Ok(images)
    }

    /// Where the images are of a finding of the search, since the rows have figures of declared
    /// regions alone; `None` for a region that is declared or unknown.
    fn found_by_search(&self, run: &RunDocuments) -> Option<String> {
        let (class, region) = (&self.class, &self.region);
        let mut findings = run.summary.findings.iter();
        let found = findings.find(|f| f.label == *class && f.region == *region)?;
        let file = |name: &str| self.run.join(name).display().to_string();
        let images = match found.origin {
            FindingOrigin::Declared => return None,
            FindingOrigin::Property => format!(
                "its images are the rows of {} that it holds for",
                file("properties.parquet")
            ),
            FindingOrigin::Patch | FindingOrigin::Fixed => format!(
                "its images are in {}; to have their heat measured, declare it with the lines in \
                 the report",
                file(&format!("found/{region}.csv"))
            ),
        };
        Some(format!(
            "{class} / {region} was found by the search, not declared: {images}"
        ))
    }

    fn retain(&self, images: &mut Vec<FoundImage>, present: bool) -> Result<()> {
        if images.iter().all(|image| image.present.is_none()) {
            return Err(Error::new(format!(
                "--present: region {} has no presence information; declare it with annotation, \
                 presence_column, template or always",
                self.region
            )));
        }
        images.retain(|image| image.present == Some(present));
        Ok(())
    }

    /// The regions of the class with figures by image; for an unknown class the classes with the
    /// nearest names.
    fn nearest(&self, run: &RunDocuments) -> Result<String> {
        let pairs = verdicts(&run.path)?;
        let declared = pairs.iter().filter(|(_, pair)| pair.declared.is_some());
        let (mut regions, mut classes) = (BTreeSet::new(), BTreeSet::new());
        for ((label, region), _) in declared {
            classes.insert(label.as_str());
            if *label == self.class {
                regions.insert(region.as_str());
            }
        }

        if !regions.is_empty() {
            let regions: Vec<&str> = regions.into_iter().collect();
            return Ok(format!("{} has {}", self.class, shortened(&regions)));
        }
        let mut classes: Vec<&str> = classes.into_iter().collect();
        classes.sort_by_key(|name| strsim::damerau_levenshtein(name, &self.class));
        Ok(format!("the run has the classes {}", shortened(&classes)))
    }
}

fn value(image: &FoundImage, measure: Measure) -> f64 {
    image.measure(measure).unwrap_or(f64::NEG_INFINITY)
}

fn shortened(names: &[&str]) -> String {
    let listed = &names[..names.len().min(NAMES_MAX)];
    match names.len() - listed.len() {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}
