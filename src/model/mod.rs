//! The ONNX classifier: graph, pool, head and the engine's sessions. No other room names an engine.
//!
//! [`Model::load`] reads the file (`graph`), finds the global average pool that all evidence passes
//! (`pool`) and reads the part behind it as affine maps (`chain`). A [`Session`] then returns the
//! feature maps and the logits of an image.

mod affine;
mod chain;
mod class_weights;
mod classifier;
mod engine;
mod facts;
mod graph;
mod input_shape;
mod layer_norm;
mod layout;
mod no_pool;
mod outputs;
mod pool;
mod session;
mod subgraph;
mod weight_files;

pub use chain::Decomposition;
pub use class_weights::ClassWeights;
pub use classifier::{INVARIANT_TOLERANCE, Model, Options};
pub use engine::convolution::{Convolution, Geometry};
pub use engine::{instruction_set, list as engines};
pub use facts::{Facts, OutputActivation};
pub use input_shape::probe;
pub use layout::MapLayout;
pub use outputs::{Head, predicted};
pub use session::{Inference, Session};
