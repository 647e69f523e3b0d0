//! A finished run, opened for the commands that work on one.

use super::documents::{
    Changes, Document, Figures, MeasureRecord, RunIdentity, RunRecord, Summary,
};
use super::latest;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// The documents that every finished run has.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDocuments {
    /// The run folder.
    pub path: PathBuf,
    pub record: RunRecord,
    pub summary: Summary,
}

/// Opens a finished run and reads `run.json` and `summary.json`.
///
/// # Errors
/// When the folder has no `run.json`, or a document is missing, damaged, or of another schema
/// version; names the file and the cause.
pub fn open_finished(run: &Path) -> Result<RunDocuments> {
    if !run.join(RunRecord::FILE).is_file() {
        let remedy = if latest(run).is_some() {
            format!("its newest run is {}", run.join(latest::NAME).display())
        } else {
            "runs are in reports/PIPELINE/".to_owned()
        };
        return Err(Error::new(format!(
            "{} is not a finished run: it has no {}; {remedy}",
            run.display(),
            RunRecord::FILE
        )));
    }

    Ok(RunDocuments {
        path: run.to_path_buf(),
        record: RunRecord::read(run)?,
        summary: Summary::read(run)?,
    })
}

/// The identity of a run: from `run.json`, and from `measured.json` where it is not concluded yet.
///
/// # Errors
/// When the document is missing, damaged, or of another schema version; names the file and the
/// cause.
pub fn identity(run: &Path) -> Result<RunIdentity> {
    if run.join(RunRecord::FILE).is_file() {
        return Ok(RunRecord::read(run)?.identity);
    }
    Ok(MeasureRecord::read(run)?.identity)
}

impl RunDocuments {
    /// Reads `changes.json`.
    ///
    /// # Errors
    /// When it is missing, damaged, or of another schema version; names the file and the cause.
    pub fn changes(&self) -> Result<Changes> {
        Changes::read(&self.path)
    }

    /// Reads `figures.json`.
    ///
    /// # Errors
    /// When it is missing, damaged, or of another schema version; names the file and the cause.
    pub fn figures(&self) -> Result<Figures> {
        Figures::read(&self.path)
    }
}
