//! Rows as columns of Python.

use camaudit::tables::{Row, Values};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A column: its name, its kind as `reports/README.md` names it, and its values. Lists of numbers
/// are the lengths of the lists, and all numbers in the machine's order of bytes.
pub type Columns = Vec<(&'static str, &'static str, Py<PyAny>)>;

pub fn columns<R: Row>(py: Python<'_>, rows: &[R]) -> PyResult<Columns> {
    let mut columns = Vec::new();
    for (description, values) in R::COLUMNS.iter().zip(R::columns(rows)) {
        let values = python_values(py, values)?;
        columns.push((description.name, description.kind, values));
    }
    Ok(columns)
}

fn python_values(py: Python<'_>, values: Values) -> PyResult<Py<PyAny>> {
    let values = match values {
        Values::Text(v) => v.into_pyobject(py)?.into_any(),
        Values::Number(v) => v.into_pyobject(py)?.into_any(),
        Values::Count(v) => v.into_pyobject(py)?.into_any(),
        Values::Flag(v) => v.into_pyobject(py)?.into_any(),
        Values::Floats(v) => lists(py, &v, |v| v.to_ne_bytes())?,
        Values::Counts(v) => lists(py, &v, |v| v.to_ne_bytes())?,
    };
    Ok(values.unbind())
}

fn lists<'py, T: Copy>(
    py: Python<'py>,
    rows: &[Vec<T>],
    bytes_of: impl Fn(T) -> [u8; 4],
) -> PyResult<Bound<'py, PyAny>> {
    let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
    let bytes: Vec<u8> = rows.iter().flatten().flat_map(|v| bytes_of(*v)).collect();
    let pair = (lengths, PyBytes::new(py, &bytes));
    Ok(pair.into_pyobject(py)?.into_any())
}
