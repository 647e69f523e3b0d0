//! The ONNX graph as data: which node makes which tensor, which tensors every path passes, and how
//! to cut out a subgraph.

mod batch;
mod cut;
mod inputs;
mod levels;
mod maps;
mod node;
mod precision;
mod unsupported;
mod wiring;

pub use levels::take_levels;
pub use maps::InGraph;
pub use node::{attribute, describe, label};
pub use unsupported::{Constants, floats, integers};
pub use wiring::Graph;
