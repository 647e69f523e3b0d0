//! The extension module of the Python package `camaudit`: thin, the work is in the library. The
//! functions are described in `camaudit/_native.pyi`.

mod auditor;
mod columns;
mod errors;
mod module;
mod shards;

use camaudit::audit;
use camaudit::plan::{Format, Plan};
use camaudit::tables::SCHEMA_VERSION;
use errors::raised;
use module::function;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::ffi::OsString;
use std::path::PathBuf;

/// Adds everything to the new module.
fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    module.add("SCHEMA_VERSION", SCHEMA_VERSION)?;
    module.add("main", function(py, c"main", main)?)?;
    module.add("image_root", function(py, c"image_root", image_root)?)?;
    module.add("content_key", function(py, c"content_key", content_key)?)?;
    module.add("auditor", function(py, c"auditor", auditor::auditor)?)?;
    module.add(
        "measure_shards",
        function(py, c"measure_shards", shards::measure_shards)?,
    )?;
    module.add(
        "shard_worker",
        function(py, c"shard_worker", shards::shard_worker)?,
    )
}

/// Runs the program; returns its exit code.
fn main(arguments: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
    let py = arguments.py();
    let (arguments,): (Vec<OsString>,) = arguments.extract()?;
    let code = py.detach(|| camaudit::cli::main_with(arguments));
    Ok(code.into_pyobject(py)?.into_any().unbind())
}

/// The folder that the paths of a pipeline's images are relative to; `None` where they are inside
/// of other files.
fn image_root(arguments: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
    let (pipeline, overrides): (PathBuf, Vec<String>) = arguments.extract()?;
    let plan = Plan::load(&pipeline, &overrides).map_err(raised)?;
    let is_packed = matches!(
        plan.dataset.format,
        Format::Webdataset | Format::ParquetImages
    );
    let root = (!is_packed).then_some(plan.dataset.root);
    Ok(root.into_pyobject(arguments.py())?.unbind())
}

/// Names a pipeline and its model by their contents.
fn content_key(arguments: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
    let py = arguments.py();
    let (pipeline, overrides): (PathBuf, Vec<String>) = arguments.extract()?;
    let key = py.detach(|| audit::content_key(&Plan::load(&pipeline, &overrides)?));
    let key = key.map_err(raised)?;
    Ok(key.into_pyobject(py)?.into_any().unbind())
}
