//! Errors of the library as exceptions.

use camaudit::error::Error;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

/// The exception of the package, `camaudit.Error`.
pub fn raised(error: Error) -> PyErr {
    Python::attach(|py| match exception(py, &error) {
        Ok(exception) => exception,
        Err(failure) => failure,
    })
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    if error.is_interruption() {
        return Ok(PyKeyboardInterrupt::new_err(()));
    }
    let class = py.import("camaudit._error")?.getattr("Error")?;
    Ok(PyErr::from_value(class.call1((error.to_string(),))?))
}
