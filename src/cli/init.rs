//! `camaudit init`: a pipeline file for a model and a folder.

use super::inspect::{ENGINES, engine};
use super::output::{fact, paragraph, print, printable, table, warn};
use super::progress::ProgressArgs;
use super::signals;
use crate::error::Result;
use crate::init::{
    Comparison, Request, Search, Started, Try, p_value, pipeline_name, start, verdict,
};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct InitArgs {
    /// ONNX file
    model: PathBuf,
    /// Folder of labeled images
    root: PathBuf,
    /// Pipeline file to write [default: pipelines/ROOT-MODEL.toml]
    #[arg(long, value_name = "TOML")]
    out: Option<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    force: bool,
    /// Engine that runs the model, here and in the pipeline
    #[arg(long, value_name = "NAME", default_value = ENGINES[0], value_parser = ENGINES)]
    engine: String,
    #[command(flatten)]
    progress: ProgressArgs,
}

/// Writes a pipeline file, and prints what it is made of and the commands that follow.
///
/// # Errors
/// As of [`start`].
pub fn init(args: &InitArgs) -> Result<()> {
    let pipeline = args.out.clone().unwrap_or_else(|| {
        let name = pipeline_name(&args.model, &args.root);
        PathBuf::from(format!("pipelines/{name}.toml"))
    });
    signals::listen()?;
    let observer = args.progress.observer();
    let request = Request {
        model: args.model.clone(),
        root: args.root.clone(),
        pipeline,
        force: args.force,
        engine: engine(&args.engine),
    };
    let started = start(&request, observer.as_ref())?;
    drop(observer);

    describe(&started)?;
    let file = printable(&started.pipeline.display().to_string());
    print(&format!(
        "\nnext: camaudit check {file}\n      camaudit run {file}\n"
    ))
}

/// Prints what a pipeline is made of.
///
/// # Errors
/// When stdout cannot be written.
pub fn describe(started: &Started) -> Result<()> {
    for (name, value) in &started.facts {
        print(&fact(name, &printable(value)))?;
    }
    print(&format!("\n{}\n", tries(&started.search)))?;
    for sentence in verdict(&started.search) {
        print(&paragraph(&printable(&sentence)))?;
    }
    for file in &started.written {
        print(&format!(
            "wrote          {}\n",
            printable(&file.display().to_string())
        ))?;
    }
    for warning in &started.warnings {
        warn(warning);
    }
    Ok(())
}

/// Transforms that are listed, and the one that is taken.
const LISTED: usize = 8;

/// The table of the best tries.
fn tries(search: &Search) -> String {
    let header = ["pixel values", "geometry", "images", "top-1", "margin", "p"];
    let mut listed: Vec<(usize, &Try)> = search.tries.iter().take(LISTED).enumerate().collect();
    let taken = search.stated.filter(|(index, _)| *index >= LISTED);
    listed.extend(taken.map(|(index, _)| (index, search.chosen())));
    let left_out = search.tries.len() - listed.len();
    let rows = listed.into_iter().map(|(index, tried)| {
        let transform = &tried.transform;
        let images = tried.answers.len();
        let top1 = 100.0 * tried.correct(images) as f64 / images.max(1) as f64;
        let p = match index {
            0 => String::new(),
            _ => p_value(Comparison::of(search.best(), tried).p),
        };
        [
            transform.values.clone(),
            transform.geometry.clone(),
            images.to_string(),
            format!("{top1:.1} %"),
            format!("{:+.2}", tried.margin(images)),
            p,
        ]
    });
    let mut out = table(header, rows);
    out += "p: McNemar's exact test against the first row, on the images of both\n";
    if left_out > 0 {
        out += &format!("{left_out} more were tried\n");
    }
    out
}
