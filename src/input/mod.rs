//! From a file to the model's input tensor: decode, then exactly the training transform.

mod decode;
mod preprocess;

pub use decode::{Photo, decode, read};
pub use preprocess::{Preprocessor, Tensor};
