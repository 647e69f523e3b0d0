//! Pipeline file -> [`Plan`]: reads the file, applies the overrides, lists the problems.

use super::document::{Document, Problem};
use super::file::{PipelineFile, PreprocessFile};
use super::sources::Sources;
use super::types::{Plan, Preprocess};
use super::validate;
use crate::bounded;
use crate::error::{Error, Result};
use std::path::Path;

/// Largest pipeline file: ten thousand entries of `[dataset.labels]` take half a megabyte.
const FILE_BYTES_MAX: u64 = 16 << 20;

impl Plan {
    /// Reads and validates a pipeline file with `key=value` overrides applied to it.
    ///
    /// # Errors
    /// One error that lists every problem with its line and key.
    pub fn load(file: &Path, overrides: &[String]) -> Result<Self> {
        let text = bounded::text(file, FILE_BYTES_MAX)
            .map_err(Error::cause(format!("read pipeline {}", file.display())))?;
        Self::parse(file, text, overrides)
    }

    /// Validates the text of a pipeline file that need not exist yet.
    ///
    /// # Errors
    /// As of [`Plan::load`].
    pub fn parse(file: &Path, text: String, overrides: &[String]) -> Result<Self> {
        let sources = Sources::new(text, overrides);

        let validated = match Document::parse(&sources) {
            Ok(document) => validate::plan(file, document),
            Err(problem) => Err(vec![problem]),
        };
        let mut plan = validated.map_err(|problems| Error::new(listed(file, &problems)))?;

        plan.run.trial = overrides.iter().any(|pair| sets_limit(pair));
        plan.overrides = overrides.to_vec();
        Ok(plan)
    }
}

/// The training transform that a `[preprocess]` table describes.
///
/// # Errors
/// One error that lists every problem with its key.
pub fn transform(file: &PreprocessFile) -> Result<Preprocess> {
    validate::transform(file).map_err(|problems| {
        let mut messages = Vec::new();
        for problem in problems {
            messages.push(format!("{}: {}", problem.key, problem.message));
        }
        Error::new(messages.join("; "))
    })
}

/// Whether a `key=value` override sets `run.limit`.
fn sets_limit(pair: &str) -> bool {
    let key = pair.split('=').next().unwrap_or_default();
    key.trim() == "run.limit"
}

/// All problems as one message: a heading, then one line for each.
fn listed(file: &Path, problems: &[Problem]) -> String {
    let plural = if problems.len() == 1 {
        "problem"
    } else {
        "problems"
    };

    let mut message = format!("{} {plural} in the pipeline", problems.len());
    for problem in problems {
        let place = problem.place(file);
        message += &format!("\n  {place}: {}: {}", problem.key, problem.message);
    }
    message
}

/// JSON schema of the pipeline file, as committed in `pipelines/schema.json`.
pub fn json_schema() -> Result<String> {
    let schema = schemars::schema_for!(PipelineFile);
    let text = serde_json::to_string_pretty(&schema).map_err(Error::cause("write the schema"))?;
    Ok(text + "\n")
}
