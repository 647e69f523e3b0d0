//! Images to rows.

use crate::columns::{Columns, columns};
use crate::errors::raised;
use crate::module::function;
use camaudit::audit::{self, GivenImage, GivenRows};
use camaudit::plan::Plan;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::path::PathBuf;

/// A box: category, left, top, right, bottom.
type GivenBox = (String, f64, f64, f64, f64);

/// An image: path, bytes, label, split, group, boxes, presence columns that are true.
type Given = (
    String,
    Option<Vec<u8>>,
    Option<String>,
    Option<String>,
    Option<String>,
    Vec<GivenBox>,
    Vec<String>,
);

/// Loads a model with workers of its own; returns the presence columns that its images need, and
/// the function that measures them. It does not outlive a fork.
pub fn auditor(arguments: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
    let py = arguments.py();
    let (pipeline, overrides, threads): (PathBuf, Vec<String>, usize) = arguments.extract()?;
    let loaded = py.detach(|| {
        let plan = Plan::load(&pipeline, &overrides)?;
        audit::Auditor::new(plan, threads)
    });
    let auditor = loaded.map_err(raised)?;
    let presence_columns = auditor.presence_columns().to_vec();

    let measure = function(py, c"measure", move |arguments| {
        let (images,): (Vec<Given>,) = arguments.extract()?;
        let images = images.into_iter().map(given).collect();
        let measured = arguments.py().detach(|| auditor.measure(images));
        tables(arguments.py(), &measured.map_err(raised)?)
    })?;
    let pair = (presence_columns, measure).into_pyobject(py)?;
    Ok(pair.into_any().unbind())
}

fn given((path, bytes, label, split, group, boxes, flags): Given) -> GivenImage {
    let boxes = boxes
        .into_iter()
        .map(|(category, x0, y0, x1, y1)| (category, [x0, y0, x1, y1]))
        .collect();
    GivenImage {
        path,
        bytes,
        label,
        split,
        group,
        boxes,
        flags,
    }
}

/// The columns of each table.
fn tables(py: Python<'_>, rows: &GivenRows) -> PyResult<Py<PyAny>> {
    let named: [(&str, Columns); 4] = [
        ("images", columns(py, &rows.images)?),
        ("regions", columns(py, &rows.regions)?),
        ("skipped", columns(py, &rows.skipped)?),
        ("problems", columns(py, &rows.problems)?),
    ];
    let tables = PyDict::new(py);
    for (name, columns) in named {
        tables.set_item(name, columns)?;
    }
    Ok(tables.into_any().unbind())
}
