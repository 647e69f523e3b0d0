//! A model and a folder -> a pipeline file: what is in the folder, how the classes are named, and
//! which transform the model was trained with.
//!
//! Start reading in `start`. `hints` reads what the model and the files beside it state; `search`
//! tries the usual `transforms` on a `bench` of labeled images, `choose` compares them, `sentences`
//! says how sure that is, and `pipeline` writes the file.

mod bench;
mod choose;
mod classes;
mod files;
mod hints;
mod input_form;
mod paths;
mod pipeline;
mod search;
mod sentences;
mod set_files;
mod start;
mod transforms;

pub use bench::Try;
pub use choose::{Comparison, mcnemar};
pub use search::Search;
pub use sentences::{accuracy, p_value, verdict};
pub use start::{Request, Started, pipeline_name, start};
