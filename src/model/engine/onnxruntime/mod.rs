//! ONNX Runtime as the engine: the user's own library, loaded when a pipeline asks for it.

mod library;
mod runtime;

pub use library::find_library;
pub use runtime::{Engine, Runtime, State};
