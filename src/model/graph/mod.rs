//! The ONNX graph as data: which node makes which tensor, which tensors every path passes, and how
//! to cut out a subgraph.

mod cut;
mod node;
mod unsupported;
mod wiring;

pub use node::{describe, label};
pub use wiring::{Graph, Logits};
