//! `camaudit gallery`: a contact sheet of the images behind a finding.

use super::images::Selection;
use super::output::{print, printable};
use crate::audit;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::report::contact_sheet::{Tile, contact_page, contact_sheet};
use crate::runs::documents::RunRecord;
use crate::runs::{open_finished, write_file};
use clap::Args;
use clap::builder::RangedI64ValueParser;
use image::ImageFormat;
use std::io::Cursor;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct GalleryArgs {
    #[command(flatten)]
    selection: Selection,
    /// Show at most N images, up to 1000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = limits())]
    limit: u32,
    /// Page or picture to write, by its extension
    #[arg(long, value_name = "HTML|PNG", default_value = "gallery.html")]
    out: PathBuf,
    /// The pipeline file, for where the photos are [default: the one that the run was started with]
    #[arg(long, value_name = "TOML")]
    pipeline: Option<PathBuf>,
    /// Override any key of the pipeline; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

fn limits() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=1000)
}

/// Writes a contact sheet.
///
/// # Errors
/// When the run or the photos cannot be read, or the file cannot be written.
pub fn gallery(args: &GalleryArgs) -> Result<()> {
    let kind = args.out.extension().and_then(|e| e.to_str());
    if !["html", "png"].map(Some).contains(&kind) {
        return Err(Error::new(format!(
            "--out {}: name a file that ends in .html or .png",
            args.out.display()
        )));
    }
    let selection = &args.selection;
    let record = open_finished(&selection.run)?.record;
    let plan = plan(args, &record)?;
    let all = selection.images()?;
    let shown = &all[..all.len().min(args.limit as usize)];
    let (tiles, scale) = audit::tiles(&plan, &record.facts.model, shown, &selection.region)?;
    check_any(&tiles, &plan)?;

    let changed = if plan.hash == record.identity.pipeline_hash {
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
    let title = format!("{} / {}", selection.class, selection.region);
    let note = format!(
        "{counted} Orange is evidence for the class, blue against it, up to {scale:.1} logits.\
         {changed}"
    );
    if kind == Some("png") {
        write_png(&args.out, &tiles, &format!("{title}: {note}"))?;
    } else {
        let page = contact_page(&tiles, &title, &note)?;
        write_file(&args.out, page.as_bytes())?;
    }
    let out = printable(&args.out.display().to_string());
    print(&format!("{counted}{changed}\n{out}\n"))
}

/// The pipeline as the run was started, with the command line's overrides.
fn plan(args: &GalleryArgs, record: &RunRecord) -> Result<Plan> {
    let file = match &args.pipeline {
        Some(file) => file.clone(),
        None => PathBuf::from(&record.identity.pipeline_file),
    };
    let mut overrides = record.identity.overrides.clone();
    overrides.extend(args.set.iter().cloned());
    Plan::load(&file, &overrides).map_err(|e| {
        let hint = "(as the run was started; --pipeline and --set name other places)";
        Error::new(format!("{e}\n  {hint}"))
    })
}

fn check_any(tiles: &[Tile], plan: &Plan) -> Result<()> {
    if tiles.iter().any(|tile| tile.pictures.is_some()) {
        return Ok(());
    }
    let first = tiles.first();
    let path = first.map_or("", |tile| tile.path.as_str());
    let missing = first.and_then(|tile| tile.missing.as_deref());
    Err(Error::new(format!(
        "none of the photos can be shown; the first, {path}: {}\n  the dataset is {}; --set \
         dataset.root=DIR names another place",
        missing.unwrap_or("missing"),
        plan.dataset.root.display()
    )))
}

fn write_png(file: &Path, tiles: &[Tile], title: &str) -> Result<()> {
    let mut png = Cursor::new(Vec::new());
    contact_sheet(tiles, title)
        .write_to(&mut png, ImageFormat::Png)
        .map_err(Error::cause(format!("encode {}", file.display())))?;
    write_file(file, png.get_ref())
}
