//! The pipeline file as it is written: every key optional, no defaults yet.
//!
//! `pipelines/schema.json` is generated from here; its descriptions are these doc comments.

mod columns;
mod dataset;
mod discovery;
mod model;
mod policy;
mod preprocess;
mod region;
mod run;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use columns::Columns;
pub use dataset::{
    BoxCoordinates, ClassRef, DatasetFile, Format, LabelRule, Links, ProblemAction, UnknownLabels,
};
pub use discovery::DiscoveryFile;
pub use model::{Activation, EngineName, InputValue, ModelFile};
pub use policy::{Pictures, ReportFile, RetentionFile, ReviewFile, ScoresFile, VerdictFile};
pub use preprocess::{
    Channels, Decode, Exif, Filter, Layout, LetterboxFile, PreprocessFile, Preset, ResizeFile,
    StepFile,
};
pub use region::{
    BorderFile, Corner, CornerFile, OverlayFile, PolygonFile, RectFile, RegionFile, RegionKind,
    TemplateFile, Unit,
};
pub use run::RunFile;

/// One reproducible audit. Relative paths are relative to this file.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineFile {
    pub dataset: DatasetFile,
    pub model: ModelFile,
    pub preprocess: PreprocessFile,
    /// Regions whose heat is measured: known confounders, or parts of the object.
    pub region: Vec<RegionFile>,
    pub scores: ScoresFile,
    pub verdict: VerdictFile,
    // Skipped if absent: the hash of a pipeline without the table stays as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery: Option<DiscoveryFile>,
    pub report: ReportFile,
    pub review: ReviewFile,
    pub retention: RetentionFile,
    pub run: RunFile,
}
