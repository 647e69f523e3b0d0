//! A pipeline file with overrides, as most commands take it.

use super::output::warn;
use crate::error::Result;
use crate::plan::Plan;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct PipelineArgs {
    /// Pipeline file (TOML)
    pub(super) pipeline: PathBuf,
    /// Override any key, as in --set run.jobs=2, or the whole list of regions; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl PipelineArgs {
    /// Loads the pipeline with its overrides, and prints its warnings.
    ///
    /// # Errors
    /// As of [`Plan::load`].
    pub fn load(&self) -> Result<Plan> {
        let plan = self.load_with(None)?;
        for warning in &plan.warnings {
            warn(warning);
        }
        Ok(plan)
    }

    /// Loads the pipeline with its overrides and `more` of them; the caller reports its warnings.
    ///
    /// # Errors
    /// As of [`Plan::load`].
    pub fn load_with(&self, more: impl IntoIterator<Item = String>) -> Result<Plan> {
        let mut overrides = self.set.clone();
        overrides.extend(more);
        Plan::load(&self.pipeline, &overrides)
    }
}
