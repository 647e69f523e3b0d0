//! Writing the files of a new pipeline: none is overwritten unless that is asked for.

use crate::error::{Error, Result};
use crate::runs::write_file;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The files of a pipeline.
pub struct PipelineFiles {
    pub pipeline: PathBuf,
    /// Class names, where no file has them yet.
    pub classes: PathBuf,
    /// The schema for editors.
    pub schema: PathBuf,
    /// Whether existing files are replaced.
    pub force: bool,
}

impl PipelineFiles {
    pub fn of(pipeline: &Path, force: bool) -> Self {
        Self {
            pipeline: pipeline.to_path_buf(),
            classes: pipeline.with_extension("classes.txt"),
            schema: pipeline.with_file_name("schema.json"),
            force,
        }
    }

    /// Refuses to replace a file.
    ///
    /// # Errors
    /// When there is one, and `force` is not set.
    pub fn check(&self, file: &Path) -> Result<()> {
        if self.force || file.symlink_metadata().is_err() {
            return Ok(());
        }
        Err(Error::new(format!(
            "{} exists: name another file with --out, or replace it with --force",
            file.display()
        )))
    }

    /// Makes the folder of the files.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_folder(&self) -> Result<()> {
        let Some(folder) = self.pipeline.parent() else {
            return Ok(());
        };
        let what = format!("make the folder {}", folder.display());
        std::fs::create_dir_all(folder).map_err(Error::cause(what))
    }

    /// # Errors
    /// When the file exists and `force` is not set, or it cannot be written.
    pub fn write(&self, file: &Path, text: &str) -> Result<()> {
        self.check(file)?;
        if self.force {
            return write_file(file, text.as_bytes());
        }
        let what = format!("write {}", file.display());
        let mut options = OpenOptions::new();
        let mut opened = options
            .write(true)
            .create_new(true)
            .open(file)
            .map_err(Error::cause(&what))?;
        opened
            .write_all(text.as_bytes())
            .map_err(Error::cause(&what))
    }

    /// Writes the schema where there is none, or where files are replaced.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_schema(&self, text: &str) -> Result<bool> {
        if !self.force && self.schema.symlink_metadata().is_ok() {
            return Ok(false);
        }
        self.write(&self.schema, text)?;
        Ok(true)
    }
}
