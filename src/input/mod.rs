//! From a file to the model's input tensor: decode, then exactly the training transform.

mod decode;
mod jpeg;
mod preprocess;

pub use decode::{Photo, decode, read};
pub use preprocess::{Preprocessor, Tensor};
