//! `--junit` and `--sarif`: the findings of a run as files for continuous integration.

use super::ending::{Ending, FailOnArgs};
use crate::error::{Error, Result};
use crate::report::{self, TestedRun};
use crate::runs::documents::{RunRecord, Summary};
use crate::runs::{tested, write_file};
use clap::Args;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct CiArgs {
    /// Write JUnit XML: one test case for each class and region; it fails where --fail-on names the
    /// finding
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write SARIF 2.1.0: one result for each class and region, with its level and the decision
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
}

/// A finished run.
pub struct Ended<'r> {
    pub folder: &'r Path,
    pub record: &'r RunRecord,
    pub summary: &'r Summary,
    pub ending: &'r Ending,
}

impl CiArgs {
    /// Removes the files of an earlier run: where this run ends without result, they must not be
    /// taken for its own.
    ///
    /// # Errors
    /// When a path is a folder, both paths are one, or a file cannot be removed.
    pub fn prepare(&self) -> Result<()> {
        if self.junit.is_some() && self.junit == self.sarif {
            return Err(Error::new(
                "--junit and --sarif name the same file: name two files",
            ));
        }
        for (option, file) in [("--junit", &self.junit), ("--sarif", &self.sarif)] {
            let Some(file) = file else { continue };
            if file.is_dir() {
                let file = file.display();
                return Err(Error::new(format!(
                    "{option} {file}: a folder; name a file"
                )));
            }
            match std::fs::remove_file(file) {
                Err(e) if e.kind() != ErrorKind::NotFound => {
                    return Err(Error::new(format!("{option} {}: {e}", file.display())));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the files that were asked for.
    ///
    /// # Errors
    /// When `findings.parquet` cannot be read, or a file cannot be written.
    pub fn write(&self, ended: &Ended<'_>, fail_on: &FailOnArgs) -> Result<()> {
        if self.junit.is_none() && self.sarif.is_none() {
            return Ok(());
        }
        let pairs = tested(ended.folder)?;
        // `latest` may name another run tomorrow.
        let folder = ended.folder.canonicalize();
        let run = TestedRun {
            folder: folder.as_deref().unwrap_or(ended.folder),
            record: ended.record,
            summary: ended.summary,
            pairs: &pairs,
            failing: &ended.ending.failing,
            fail_on: &fail_on.name(),
            exit_code: ended.ending.code.number(),
        };
        if let Some(file) = &self.junit {
            write_file(file, report::junit(&run)?.as_bytes())?;
        }
        if let Some(file) = &self.sarif {
            write_file(file, report::sarif(&run)?.as_bytes())?;
        }
        Ok(())
    }
}
