//! `camaudit images`, `camaudit gallery`, `camaudit index`: the images behind a finding, and one page over all pipelines.

use super::{print, printable};
use crate::audit;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::report::{gallery as sheets, index as over_all};
use crate::store::{self, Found, MEASURES};
use clap::Args;
use csv::Writer;
use image::ImageFormat;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// Which images of a finished run, and in what order.
#[derive(Args)]
struct Selection {
    /// Folder of a finished run
    run: PathBuf,
    /// Label of the images
    #[arg(long)]
    class: String,
    /// Region whose figures are shown
    #[arg(long)]
    region: String,
    /// What they are sorted by, the largest first
    #[arg(long, value_name = "FIGURE", default_value = "share", value_parser = MEASURES)]
    sort: String,
    /// Only images where the region is there (yes) or is not (no)
    #[arg(long, value_name = "YES|NO", value_parser = ["yes", "no"])]
    present: Option<String>,
}

#[derive(Args)]
pub struct ImagesArgs {
    #[command(flatten)]
    selection: Selection,
    /// Most images
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
}

#[derive(Args)]
pub struct GalleryArgs {
    #[command(flatten)]
    selection: Selection,
    /// Most images, up to 1000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Page or picture to write; its ending says which
    #[arg(long, value_name = "HTML|PNG", default_value = "gallery.html")]
    out: PathBuf,
    /// The pipeline file, for where the photos are [default: as the run was started]
    #[arg(long, value_name = "TOML")]
    pipeline: Option<PathBuf>,
    /// Override any key of the pipeline; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Args)]
pub struct IndexArgs {
    /// Folder that holds the folders of the pipelines
    #[arg(default_value = "reports")]
    folder: PathBuf,
}

/// Prints the images as CSV, for relabeling or removal.
pub fn images(args: &ImagesArgs) -> Result<()> {
    let found = args.selection.find(args.limit)?;
    let mut out = Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| Error::new(format!("failed to write CSV: {e}"));
    out.write_record(["path", "predicted", "present"].into_iter().chain(MEASURES))
        .map_err(failed)?;
    for f in found {
        let present = f.present.map_or("", |p| if p { "yes" } else { "no" });
        let measures = f
            .measures
            .map(|m| m.map_or(String::new(), |v| v.to_string()));
        // In a file the names are what they are; a terminal is not to be commanded.
        let name = |text: &str| {
            if console::Term::stdout().is_term() {
                printable(text)
            } else {
                text.to_owned()
            }
        };
        let head = [name(&f.path), name(&f.predicted), present.to_owned()];
        out.write_record(head.iter().chain(&measures))
            .map_err(failed)?;
    }
    let bytes = out
        .into_inner()
        .map_err(|e| Error::new(format!("failed to write CSV: {e}")))?;
    print(&String::from_utf8_lossy(&bytes))
}

/// Writes a contact sheet.
pub fn gallery(args: &GalleryArgs) -> Result<()> {
    let kind = args
        .out
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    if !["html", "png"].contains(&kind) {
        return Err(Error::new(format!(
            "--out {}: say a file that ends in .html or .png",
            args.out.display()
        )));
    }
    let selection = &args.selection;
    let recorded = Recorded::read(&selection.run);
    let plan = recorded.plan(args)?;
    let all = selection.find(usize::MAX)?;
    let shown = &all[..all.len().min(args.limit as usize)];
    let (tiles, scale) = audit::tiles(&plan, shown, &selection.region)?;
    if let Some(lost) = tiles
        .iter()
        .all(|t| t.pictures.is_none())
        .then(|| tiles[0].lost.clone().unwrap_or_default())
    {
        return Err(Error::new(format!(
            "none of the photos can be shown; the first, {}: {lost}\n  the dataset is {}; --set dataset.root=DIR says where it is now",
            tiles[0].of.path,
            plan.dataset.root.display()
        )));
    }
    let title = format!("{} / {}", selection.class, selection.region);
    let other = if plan.hash == recorded.pipeline_hash {
        ""
    } else {
        " The pipeline has changed since the run."
    };
    let counted = format!(
        "{} of {} images, sorted by {}.",
        shown.len(),
        all.len(),
        selection.sort
    );
    let note = format!(
        "{counted} Orange speaks for the class, blue against it, up to {scale:.1} logits.{other}"
    );
    match kind {
        "png" => {
            let mut png = Cursor::new(Vec::new());
            let encoded = sheets::sheet(&tiles, &format!("{title}: {note}"))
                .write_to(&mut png, ImageFormat::Png);
            encoded
                .map_err(|e| Error::new(format!("failed to encode {}: {e}", args.out.display())))?;
            store::write(&args.out, png.get_ref())?;
        }
        _ => store::write(&args.out, sheets::page(&tiles, &title, &note)?.as_bytes())?,
    }
    print(&format!(
        "{counted}{other}\n{}\n",
        printable(&args.out.display().to_string())
    ))
}

/// Writes `index.html` over the last runs of all pipelines of a folder.
pub fn index(args: &IndexArgs) -> Result<()> {
    let file = args.folder.join("index.html");
    store::write(&file, over_all::page(&args.folder)?.as_bytes())?;
    print(&format!("{}\n", printable(&file.display().to_string())))
}

impl Selection {
    fn find(&self, limit: usize) -> Result<Vec<Found>> {
        super::report::finished(&self.run)?;
        let mut found = store::found(&self.run, &self.class, &self.region)?;
        if found.is_empty() {
            let near = super::report::nearest(&self.run, &self.class);
            return Err(Error::new(format!(
                "no image of {} has figures for {}; {near}",
                self.class, self.region
            )));
        }
        let region = &self.region;
        if let Some(wanted) = self.present.as_deref().map(|p| p == "yes") {
            if found.iter().all(|f| f.present.is_none()) {
                let ways = "annotation, presence_column, template or always";
                return Err(Error::new(format!(
                    "--present: nothing tells where {region} is present; declare it with {ways}"
                )));
            }
            found.retain(|f| f.present == Some(wanted));
        }
        let by = MEASURES.iter().position(|m| *m == self.sort).unwrap_or(0);
        let value = |f: &Found| f.measures[by].unwrap_or(f64::NEG_INFINITY);
        if found.iter().all(|f| f.measures[by].is_none()) {
            let what = if found.is_empty() {
                "no image is left".into()
            } else {
                format!("no image has a {}", self.sort)
            };
            return Err(Error::new(format!("{what} for {} / {region}", self.class)));
        }
        found.sort_by(|a, b| {
            value(b)
                .total_cmp(&value(a))
                .then_with(|| a.path.cmp(&b.path))
        });
        found.truncate(limit);
        Ok(found)
    }
}

/// What `run.json` says of the pipeline.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Recorded {
    pipeline_file: Option<PathBuf>,
    overrides: Vec<String>,
    pipeline_hash: String,
}

impl Recorded {
    fn read(run: &Path) -> Self {
        let text = std::fs::read_to_string(run.join("run.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The pipeline as the run was started, with what the user lays over it.
    fn plan(&self, args: &GalleryArgs) -> Result<Plan> {
        let file = args
            .pipeline
            .as_ref()
            .or(self.pipeline_file.as_ref())
            .ok_or_else(|| {
                let run = args.selection.run.display();
                Error::new(format!(
                    "{run} does not say which pipeline file it is of; name it with --pipeline"
                ))
            })?;
        let overrides: Vec<String> = self.overrides.iter().chain(&args.set).cloned().collect();
        Plan::load(file, &overrides).map_err(|e| {
            Error::new(format!(
                "{e}\n  (as the run was started; --pipeline and --set say where things are now)"
            ))
        })
    }
}
