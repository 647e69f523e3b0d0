//! `camaudit images`, `camaudit gallery`, `camaudit index`: the images behind a finding, and one page over all pipelines.

use super::{print, printable};
use crate::audit;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::report::{gallery as sheets, index as over_all};
use crate::store::{self, Found, MEASURES};
use clap::Args;
use csv::Writer;
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
    /// Most images
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
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
    out.write_record(["path", "predicted", "present"].into_iter().chain(MEASURES)).map_err(failed)?;
    for f in found {
        let present = f.present.map_or("", |p| if p { "yes" } else { "no" });
        let measures = f.measures.map(|m| m.map_or(String::new(), |v| v.to_string()));
        let head = [printable(&f.path), printable(&f.predicted), present.to_owned()];
        out.write_record(head.iter().chain(&measures)).map_err(failed)?;
    }
    let bytes = out.into_inner().map_err(|e| Error::new(format!("failed to write CSV: {e}")))?;
    print(&String::from_utf8_lossy(&bytes))
}

/// Writes a contact sheet.
pub fn gallery(args: &GalleryArgs) -> Result<()> {
    let kind = args.out.extension().and_then(|e| e.to_str()).unwrap_or_default();
    if !["html", "png"].contains(&kind) {
        return Err(Error::new(format!("--out {}: say a file that ends in .html or .png", args.out.display())));
    }
    let selection = &args.selection;
    let pipeline = args.pipeline.clone().or_else(|| pipeline_of(&selection.run)).ok_or_else(|| {
        Error::new(format!(
            "{} does not say which pipeline file it is of; name it with --pipeline",
            selection.run.display()
        ))
    })?;
    let plan = Plan::load(&pipeline, &args.set)
        .map_err(|e| Error::new(format!("{e}\n  (name the pipeline file of the run with --pipeline)")))?;
    let all = selection.find(usize::MAX)?;
    let shown = &all[..all.len().min(args.limit)];
    let tiles = audit::tiles(&plan, shown, &selection.region)?;
    let title = format!("{} / {}", selection.class, selection.region);
    let note = format!("{} of {} images, sorted by {}.", shown.len(), all.len(), selection.sort);
    let written = match kind {
        "png" => sheets::sheet(&tiles, &format!("{title}: {note}")).save(&args.out).map_err(std::io::Error::other),
        _ => std::fs::write(&args.out, sheets::page(&tiles, &title, &note)?),
    };
    written.map_err(Error::cause(format!("write {}", args.out.display())))?;
    print(&format!("{note}\n{}\n", printable(&args.out.display().to_string())))
}

/// Writes `index.html` over the last runs of all pipelines of a folder.
pub fn index(args: &IndexArgs) -> Result<()> {
    let file = args.folder.join("index.html");
    let beside = args.folder.join(".index.writing");
    let page = over_all::page(&args.folder)?;
    let written = std::fs::write(&beside, page).and_then(|()| std::fs::rename(&beside, &file));
    written.map_err(Error::cause(format!("write {}", file.display())))?;
    print(&format!("{}\n", printable(&file.display().to_string())))
}

impl Selection {
    fn find(&self, limit: usize) -> Result<Vec<Found>> {
        super::report::finished(&self.run)?;
        let mut found = store::found(&self.run, &self.class, &self.region)?;
        if found.is_empty() {
            let known: Vec<String> = super::report::pairs(&self.run);
            let message = format!("no image of {} has figures for {}", self.class, self.region);
            return Err(Error::new(format!("{message}; this run has {}", known.join(", "))));
        }
        let wanted = self.present.as_deref().map(|p| p == "yes");
        found.retain(|f| wanted.is_none() || f.present == wanted);
        let by = MEASURES.iter().position(|m| *m == self.sort).unwrap_or(0);
        let value = |f: &Found| f.measures[by].unwrap_or(f64::NEG_INFINITY);
        found.sort_by(|a, b| value(b).total_cmp(&value(a)).then_with(|| a.path.cmp(&b.path)));
        found.truncate(limit);
        Ok(found)
    }
}

fn pipeline_of(run: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(run.join("run.json")).ok()?;
    let record: serde_json::Value = serde_json::from_str(&text).ok()?;
    record["pipeline_file"].as_str().map(PathBuf::from)
}
