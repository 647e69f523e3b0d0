//! Rows -> Parquet files, each written beside its place, synced and renamed.

mod cache;
mod found;
mod lock;
mod parquet;

use crate::error::{Error, Result};
use crate::record::{ImageRow, RegionRow, Row, SCHEMA_VERSION};
use std::io::Write;
use std::path::{Path, PathBuf};

pub use cache::{Cache, Maps, Memory};
pub use found::{Found, MEASURES, found};
pub use lock::Lock;

/// A run folder being written.
pub struct Store {
    folder: PathBuf,
    /// Written into the footer of every file.
    footer: Vec<(String, String)>,
    parts: usize,
}

impl Store {
    /// Makes the folder with its sub-folders.
    ///
    /// # Errors
    /// When the folder exists already or cannot be made.
    pub fn create(folder: &Path, audit_id: &str) -> Result<Self> {
        let make = |path: &Path| {
            std::fs::create_dir_all(path).map_err(Error::cause(format!(
                "make the run folder {}",
                path.display()
            )))
        };
        if folder.exists() {
            return Err(Error::new(format!(
                "the run folder {} exists already; choose another --out",
                folder.display()
            )));
        }
        for table in [ImageRow::TABLE, RegionRow::TABLE] {
            make(&folder.join(table))?;
        }
        let entry = |key: &str, value: String| (key.to_owned(), value);
        let footer = vec![
            entry("camaudit.version", env!("CARGO_PKG_VERSION").into()),
            entry("camaudit.schema_version", SCHEMA_VERSION.to_string()),
            entry("camaudit.audit_id", audit_id.into()),
        ];
        Ok(Self {
            folder: folder.to_path_buf(),
            footer,
            parts: 0,
        })
    }

    /// Writes the rows of one shard as the next part of both tables.
    ///
    /// # Errors
    /// When the disk is full or the folder is gone.
    pub fn part(&mut self, images: &[ImageRow], regions: &[RegionRow]) -> Result<()> {
        let name = format!("part-{:05}.parquet", self.parts);
        self.parts += 1;
        self.write(&format!("{}/{name}", ImageRow::TABLE), images)?;
        self.write(&format!("{}/{name}", RegionRow::TABLE), regions)
    }

    /// Writes a whole table as one file.
    pub fn table<R: Row>(&self, rows: &[R]) -> Result<()> {
        self.write(&format!("{}.parquet", R::TABLE), rows)
    }

    fn write<R: Row>(&self, name: &str, rows: &[R]) -> Result<()> {
        let bytes = parquet::encode(rows, &self.footer)
            .map_err(|e| Error::new(format!("failed to encode {name}: {e}")))?;
        self.file(name, &bytes)
    }

    /// Writes a file of the run folder: a temporary file beside it, synced, then renamed.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write(&self.folder.join(name), bytes)
    }

    /// Points `latest` beside the run folder at this run, in one rename.
    ///
    /// # Errors
    /// When the link cannot be made.
    pub fn publish(&self) -> Result<()> {
        #[cfg(unix)]
        if let (Some(parent), Some(name)) = (self.folder.parent(), self.folder.file_name()) {
            let (temporary, latest) = (
                parent.join(format!(".latest-{}", std::process::id())),
                parent.join("latest"),
            );
            // One that a kill left behind.
            let _ = std::fs::remove_file(&temporary);
            let switch = std::os::unix::fs::symlink(name, &temporary)
                .and_then(|()| std::fs::rename(&temporary, &latest));
            switch.map_err(Error::cause(format!(
                "point {} at the run",
                latest.display()
            )))?;
        }
        Ok(())
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Writes a file whole or not at all: a temporary file beside it, synced, then renamed.
///
/// # Errors
/// When the disk is full or the folder cannot be written to.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut temporary = tempfile::Builder::new()
            .prefix(".writing-")
            .tempfile_in(folder)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        make_readable(temporary.as_file())?;
        temporary.persist(path).map_err(|e| e.error)?;
        std::fs::File::open(folder)?.sync_all()
    };
    write().map_err(Error::cause(format!("write {}", path.display())))
}

/// Temporary files are private to the user; results are for the team.
#[cfg(unix)]
pub fn make_readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
pub fn make_readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
