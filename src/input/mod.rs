//! From a file to the model's input tensor: decode, then apply the training transform.

mod container;
mod decode;
mod decoder;
mod fingerprint;
mod jpeg;
mod memory;
mod photo;
mod picture;
mod preprocess;
mod properties;
mod read;
mod template;
mod tensor;
mod transform;

pub use decode::{decode, decode_for};
pub use decoder::{Decoder, abandoned};
pub use fingerprint::Fingerprinter;
pub use memory::{PictureMemory, Use};
pub use photo::Photo;
pub use preprocess::Preprocessor;
pub use properties::{Border, FileProperties, border};
pub use read::read;
pub use template::{locate_template, template_correlation};
pub use tensor::Tensor;
