//! From a file to the model's input tensor: decode, then exactly the training transform.

mod decode;
mod decoder;
mod jpeg;
mod preprocess;
mod similar;
mod template;

pub use decode::{Photo, decode, decode_for, read};
pub use decoder::{Decoder, abandoned};
pub use preprocess::{Preprocessor, Tensor};
pub use similar::Fingerprinter;
pub use template::find;
