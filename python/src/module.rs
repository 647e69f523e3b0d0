//! The entry point that Python looks for, without PyO3's macros: see Cargo.toml.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};
use std::cell::UnsafeCell;
use std::ffi::CStr;
use std::ptr::null_mut;

struct Definition(UnsafeCell<ffi::PyModuleDef>);

// SAFETY: only Python writes to it, while it holds its lock of imports.
unsafe impl Sync for Definition {}

static DEFINITION: Definition = Definition(UnsafeCell::new(ffi::PyModuleDef {
    m_base: ffi::PyModuleDef_HEAD_INIT,
    m_name: c"_native".as_ptr(),
    m_doc: null_mut(),
    m_size: -1,
    m_methods: null_mut(),
    m_slots: null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
}));

/// Makes the module.
#[unsafe(no_mangle)]
pub extern "C" fn PyInit__native() -> *mut ffi::PyObject {
    Python::attach(|py| {
        // SAFETY: the definition is valid and stays; Python owns what is returned.
        let module = unsafe {
            let module = ffi::PyModule_Create(DEFINITION.0.get());
            Bound::from_owned_ptr_or_err(py, module)
        };
        let filled = module.and_then(|module| {
            let module = module.cast_into::<PyModule>()?;
            super::fill(&module)?;
            Ok(module.into_ptr())
        });
        filled.unwrap_or_else(|error| {
            error.restore(py);
            null_mut()
        })
    })
}

/// A function of Python with positional arguments.
pub fn function<'py>(
    py: Python<'py>,
    name: &'static CStr,
    call: impl for<'p> Fn(&Bound<'p, PyTuple>) -> PyResult<Py<PyAny>> + Send + Sync + 'static,
) -> PyResult<Bound<'py, PyCFunction>> {
    let positional =
        move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| call(arguments);
    PyCFunction::new_closure(py, Some(name), None, positional)
}
