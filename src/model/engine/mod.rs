//! Engines that run a graph: arrays in, arrays out. tract is built in; ONNX Runtime is a library
//! that the user installs.

mod array;
mod batches;
pub mod convolution;
mod geometries;
mod instruction_set;
#[cfg(feature = "onnxruntime")]
mod onnxruntime;
mod max_pool;
mod operator;
mod replace_convolutions;
mod runtime;
mod tensor;
mod tract;

pub use array::{Array, Values, is_same_in_batch};
pub use batches::{Batches, Permit, Request};
pub use instruction_set::instruction_set;
pub use runtime::{Engine, Runtime, State, list};
