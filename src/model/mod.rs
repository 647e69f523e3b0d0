//! The ONNX classifier: graph, pool, head and the engine's sessions. No other room names an engine.
//!
//! [`Model::load`] reads the file (`model_file`, `graph`), walks back from the output to the logits
//! (`logits`), finds the pool that all evidence passes (`pool`), reads the part behind it as a
//! chain of affine maps and gates (`chain`, `gate`), and checks the maps (`coverage`, `frame`,
//! `knockout`). A [`Session`] then returns the feature maps and the logits of an image.

mod affine;
mod batched;
mod chain;
mod class_maps;
mod class_weights;
mod classifier;
mod coverage;
mod declared;
mod engine;
mod facts;
mod frame;
mod gate;
mod graph;
mod head;
mod input_shape;
mod knockout;
mod layout;
mod logits;
mod map_checks;
mod model_file;
mod no_pool;
mod normalisation;
mod normalisers;
mod opened;
mod options;
mod outputs;
mod place;
mod pool;
mod session;
mod subgraph;
mod survey;

pub use chain::Decomposition;
pub use class_maps::ClassMap;
pub use class_weights::ClassWeights;
pub use classifier::Model;
pub use declared::Declared;
pub use engine::convolution::{Convolution, Geometry};
pub use engine::{Permit, instruction_set, list as engines};
pub use facts::{Facts, OutputActivation};
pub use input_shape::probe;
pub use layout::MapLayout;
pub use normalisation::Normalisation;
pub use options::Options;
pub use outputs::{Head, predicted};
pub use session::{Evidence, Inference, PixelSession, Session};
