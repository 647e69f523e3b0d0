//! Measuring on several machines.

use crate::errors::raised;
use crate::module::function;
use camaudit::audit::{self, Observer, ShardWorker, Shards};
use camaudit::error::{Error, Result};
use camaudit::plan::Plan;
use camaudit::tables::SkipRow;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyTuple};
use std::path::PathBuf;

/// Writes the rows of a new run folder and returns it. `distribute(folder, count)` has the shards
/// measured and returns the bytes of each, in their order; `warn` gets warnings.
pub fn measure_shards(arguments: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
    let py = arguments.py();
    let (pipeline, overrides, out, distribute, warn): Arguments = arguments.extract()?;
    let measured = py.detach(|| {
        let observer = Warner { warn };
        let mut plan = Plan::load(&pipeline, &overrides)?;
        for warning in &plan.warnings {
            observer.warning(warning);
        }
        if let Some(out) = out {
            plan.run.out = out;
        }
        let distribute = |shards: &Shards| returned(&distribute, shards);
        let (folder, record) = audit::measure_shards(&plan, &observer, distribute)?;
        for warning in &record.warnings {
            observer.warning(warning);
        }
        Ok(folder)
    });
    let folder = measured.map_err(raised)?;
    Ok(folder.into_pyobject(py)?.into_any().unbind())
}

/// Pipeline, overrides, folder of the reports, `distribute`, `warn`.
type Arguments = (PathBuf, Vec<String>, Option<PathBuf>, Py<PyAny>, Py<PyAny>);

/// The shards as the caller's iterator returns them.
fn returned(distribute: &Py<PyAny>, shards: &Shards) -> Result<Returned> {
    Python::attach(|py| {
        let returned = distribute.call1(py, (&shards.folder, shards.count))?;
        Ok(Returned(returned.bind(py).try_iter()?.unbind()))
    })
    .map_err(python_error)
}

struct Returned(Py<PyIterator>);

impl Iterator for Returned {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = Python::attach(|py| {
            let mut shards = self.0.bind(py).clone();
            let shard = shards.next()?;
            Some(shard.and_then(|bytes| bytes.extract::<Vec<u8>>()))
        })?;
        Some(next.map_err(python_error))
    }
}

fn python_error(error: PyErr) -> Error {
    Error::cause("measure on other machines")(error)
}

struct Warner {
    warn: Py<PyAny>,
}

impl Observer for Warner {
    fn stage(&self, _: &str, _: Option<usize>) {}

    fn image(&self, _: Option<&SkipRow>) {}

    fn warning(&self, message: &str) {
        // A warning that is raised as an error must not lose the run.
        let _ = Python::attach(|py| self.warn.call1(py, (message,)));
    }
}

/// Loads what the shards of a folder need; returns the function that measures one of them. It does
/// not outlive a fork.
pub fn shard_worker(arguments: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
    let py = arguments.py();
    let (folder, threads): (PathBuf, usize) = arguments.extract()?;
    let opened = py.detach(|| ShardWorker::open(&folder, threads));
    let worker = opened.map_err(raised)?;

    let measure = function(py, c"measure", move |arguments| {
        let py = arguments.py();
        let (index,): (usize,) = arguments.extract()?;
        let measured = py.detach(|| worker.measure(index)).map_err(raised)?;
        Ok(PyBytes::new(py, &measured).into_any().unbind())
    })?;
    Ok(measure.into_any().unbind())
}
