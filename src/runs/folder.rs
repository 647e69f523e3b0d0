//! The folder of one run as it is written. Every file is written beside its place, synced and
//! renamed, so that a killed run leaves no partial file.

use super::documents::{Document, MeasureRecord};
use super::files::{folder_of, refuse_link, write_file};
use super::latest;
use super::parquet;
use crate::error::{Error, Result};
use crate::tables::{
    ImageRow, ProblemRow, RegionRow, Row, SCHEMA_VERSION, SkipRow, encode, encode_groups,
};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A run folder that is being written.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Key-value metadata of every Parquet file.
    footer: Vec<(String, String)>,
    /// Number of parts written so far.
    parts: usize,
}

impl RunFolder {
    /// Creates the folder with its sub-folders for the rows.
    ///
    /// # Errors
    /// When the folder exists or cannot be created.
    pub fn create(path: &Path, audit_id: &str) -> Result<Self> {
        if path.exists() || path.is_symlink() {
            return Err(Error::new(format!(
                "the run folder {} exists; choose another --out",
                path.display()
            )));
        }

        std::fs::create_dir_all(folder_of(path))
            .and_then(|()| std::fs::create_dir(path))
            .map_err(Error::cause(format!(
                "create the run folder {}",
                path.display()
            )))?;
        for table in [ImageRow::TABLE, RegionRow::TABLE] {
            let folder = path.join(table);
            std::fs::create_dir(&folder).map_err(Error::cause(format!(
                "create the run folder {}",
                folder.display()
            )))?;
        }

        Ok(Self {
            path: path.to_path_buf(),
            footer: footer(audit_id),
            parts: 0,
        })
    }

    /// Opens a folder whose rows are complete, to write the documents that are concluded from them.
    /// Documents of the same audit have the same bytes, so that nothing is removed before.
    ///
    /// # Errors
    /// When the folder has no `measured.json` or cannot be listed.
    pub fn reopen(path: &Path, audit_id: &str) -> Result<Self> {
        if !path.join(MeasureRecord::FILE).is_file() {
            return Err(Error::new(format!(
                "{} has no {}: its rows are not complete; run the pipeline again",
                path.display(),
                MeasureRecord::FILE
            )));
        }

        Ok(Self {
            path: path.to_path_buf(),
            footer: footer(audit_id),
            parts: parquet::parts(path, ImageRow::TABLE)?.len(),
        })
    }

    /// Takes over the rows of another run: links their files into this folder, or copies them where
    /// the file system cannot link.
    ///
    /// # Errors
    /// When a file of the other run is missing or cannot be linked or copied; names the file.
    pub fn link_rows(&self, from: &Path) -> Result<()> {
        for table in [ImageRow::TABLE, RegionRow::TABLE] {
            for name in parquet::parts(from, table)? {
                self.link(from, &format!("{table}/{name}"))?;
            }
        }

        for table in [SkipRow::TABLE, ProblemRow::TABLE] {
            self.link(from, &format!("{table}.parquet"))?;
        }
        Ok(())
    }

    fn link(&self, from: &Path, name: &str) -> Result<()> {
        let source = from.join(name);
        let target = self.path.join(name);
        link_or_copy(&source, &target).map_err(Error::cause(format!(
            "link {} into {}",
            source.display(),
            self.path.display()
        )))
    }

    /// Writes the rows of one shard as the next part of both tables.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn part(&mut self, images: &[ImageRow], regions: &[RegionRow]) -> Result<()> {
        let name = format!("part-{:05}.parquet", self.parts);
        self.parts += 1;

        self.encoded(&format!("{}/{name}", ImageRow::TABLE), images)?;
        self.encoded(&format!("{}/{name}", RegionRow::TABLE), regions)
    }

    /// Writes the next part of both tables, as it was encoded with [`footer`].
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn encoded_part(&mut self, images: &[u8], regions: &[u8]) -> Result<()> {
        let name = format!("part-{:05}.parquet", self.parts);
        self.parts += 1;

        self.file(&format!("{}/{name}", ImageRow::TABLE), images)?;
        self.file(&format!("{}/{name}", RegionRow::TABLE), regions)
    }

    /// Writes a whole table as one file, `TABLE.parquet`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn table<R: Row>(&self, rows: &[R]) -> Result<()> {
        self.encoded(&format!("{}.parquet", R::TABLE), rows)
    }

    fn encoded<R: Row>(&self, name: &str, rows: &[R]) -> Result<()> {
        let bytes = encode(rows, &self.footer)
            .map_err(Error::cause(format!("encode {name} as Parquet")))?;
        self.file(name, &bytes)
    }

    /// Writes a large table as one file, `TABLE.parquet`; each group becomes a row group.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn table_in_groups<R: Row>(&self, groups: impl Iterator<Item = Vec<R>>) -> Result<()> {
        let name = format!("{}.parquet", R::TABLE);
        let bytes = encode_groups(groups, &self.footer)
            .map_err(Error::cause(format!("encode {name} as Parquet")))?;
        self.file(&name, &bytes)
    }

    /// Writes a document of the run.
    ///
    /// # Errors
    /// When the document cannot be written as JSON or the file cannot be written.
    pub fn document<D: Document>(&self, document: &D) -> Result<()> {
        self.file(D::FILE, document.to_json()?.as_bytes())
    }

    /// Writes a file; `name` is relative to the run folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        if path.parent() != Some(&self.path) {
            refuse_link(folder_of(&path))?;
        }
        write_file(&path, bytes)
    }

    /// Makes `latest` beside the run folder name this run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn publish(&self) -> Result<()> {
        latest::publish(&self.path)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Key-value metadata of every Parquet file of an audit.
pub fn footer(audit_id: &str) -> Vec<(String, String)> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    vec![
        ("camaudit.version".to_owned(), version),
        (
            "camaudit.schema_version".to_owned(),
            SCHEMA_VERSION.to_string(),
        ),
        ("camaudit.audit_id".to_owned(), audit_id.to_owned()),
    ]
}

fn link_or_copy(source: &Path, target: &Path) -> io::Result<()> {
    match std::fs::hard_link(source, target) {
        Ok(()) => return Ok(()),
        // Copying a file onto a link to itself would empty it.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Err(e),
        // For instance another file system.
        Err(_) => {}
    }
    std::fs::copy(source, target)?;
    File::open(target)?.sync_all()
}
