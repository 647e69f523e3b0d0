//! `camaudit run MODEL ROOT`: a run without a pipeline file writes one first.

use super::init::describe;
use super::output::{print, printable};
use super::progress::ProgressArgs;
use crate::error::{Error, Result};
use crate::init::{Request, pipeline_name, start};
use crate::plan::{Engine, Plan};
use std::path::{Path, PathBuf};

/// Where the reports of pipelines without `run.out` are.
const REPORTS: &str = "reports";

/// Refuses a model where a pipeline file is expected.
///
/// # Errors
/// When the file has the extension of a model.
pub fn refuse_model(pipeline: &Path) -> Result<()> {
    if pipeline.extension().is_none_or(|e| e != "onnx") {
        return Ok(());
    }
    let model = pipeline.display();
    Err(Error::new(format!(
        "{model} is a model: name the folder of labeled images too, as in `camaudit run {model} \
         FOLDER`"
    )))
}

/// The pipeline of a model and a folder, in the folder of its reports. One that was written before
/// is used as it is.
///
/// # Errors
/// When no pipeline can be written, no transform is confirmed, or the file is that of another model
/// or folder.
pub fn pipeline(
    model: &Path,
    root: &Path,
    out: Option<&Path>,
    progress: &ProgressArgs,
) -> Result<PathBuf> {
    let name = pipeline_name(model, root);
    let folder = out.unwrap_or(Path::new(REPORTS)).join(&name);
    let pipeline = folder.join(format!("{name}.toml"));
    if pipeline.exists() {
        check_same(&pipeline, model, root)?;
        let file = printable(&pipeline.display().to_string());
        print(&format!("pipeline       {file}, as it is\n\n"))?;
        return Ok(pipeline);
    }

    let request = Request {
        model: model.to_path_buf(),
        root: root.to_path_buf(),
        pipeline,
        force: false,
        engine: Engine::default(),
    };
    let observer = progress.observer();
    let started = start(&request, observer.as_ref())?;
    drop(observer);
    describe(&started)?;
    print("\n")?;
    if started.search.is_confirmed || started.search.stated.is_some() {
        return Ok(started.pipeline);
    }
    // The same command would run it as it is.
    for file in &started.written {
        let what = format!("remove {}", file.display());
        std::fs::remove_file(file).map_err(Error::cause(what))?;
    }
    let (model, root) = (model.display(), root.display());
    Err(Error::new(format!(
        "no transform could be confirmed, so nothing is run: write a pipeline by `camaudit init \
         {model} {root}`, and correct its classes or its [preprocess]"
    )))
}

/// A pipeline of the same name may be that of another model or folder.
fn check_same(pipeline: &Path, model: &Path, root: &Path) -> Result<()> {
    let plan = Plan::load(pipeline, &[])?;
    let is_same = |a: &Path, b: &Path| a.canonicalize().ok() == b.canonicalize().ok();
    if is_same(&plan.model.path, model) && is_same(&plan.dataset.root, root) {
        return Ok(());
    }
    Err(Error::new(format!(
        "{} is the pipeline of {} and {}: choose another folder with --out, or write a pipeline \
         with `camaudit init`",
        pipeline.display(),
        plan.model.path.display(),
        plan.dataset.root.display()
    )))
}
