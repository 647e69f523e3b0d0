//! A labeled image set as a stream of [`Sample`]s, in an order that depends on names only.
//!
//! The set is read at least twice: [`Dataset::open`] counts and takes the fingerprint,
//! [`Dataset::samples`] streams. On the way from a file to a sample:
//!
//! 1. `reader` chooses the reader of the format in `formats`, which streams items: an image as its
//!    format describes it, a skipped image, an ignored file, or a problem.
//! 2. `rules` adds the boxes beside the set, applies the label rule, and decides by the policy of
//!    the pipeline which images are skipped.
//! 3. `set` keeps the images that a limit chose, and makes samples of them.

mod shared;
mod annotation;
mod problem;
mod checks;
mod sample;
mod item;
mod paths;
mod cells;
mod json;
mod yaml_depth;
mod class_names;
mod csv_table;
mod parquet;
mod unread;
mod walk;
mod formats;
mod boxes;
mod box_survey;
mod rules;
mod fingerprint;
mod limit;
mod missing_files;
mod stats;
mod name_checks;
mod labels;
mod reader;
mod set;

pub use annotation::{Annotation, Outline};
pub use boxes::image_boxes;
pub use item::Skipped;
pub use labels::LabelMap;
pub use name_checks::{nearest, uncounted_images, unmatched_names};
pub use paths::SetRoot;
pub use problem::{HandledProblem, Problem};
pub use sample::{ImageBytes, ImageId, MeasuredContent, Sample, Source};
pub use set::Dataset;
pub use stats::DatasetStats;
pub use unread::ignored_pictures;
pub use yaml_depth::check as check_yaml_depth;
