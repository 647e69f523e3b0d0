//! The contents of the photos that a run measured.

use super::parquet;
use crate::dataset::ImageId;
use crate::error::{Error, Result};
use crate::tables::{ImageRow, Row};
use polars::prelude::{DataFrame, PolarsResult};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The content hashes of some images, from the rows of a run.
///
/// # Errors
/// When a part is missing, damaged, or of another schema version; names the file and the cause.
pub fn content_hashes(run: &Path, ids: &BTreeSet<ImageId>) -> Result<BTreeMap<ImageId, String>> {
    let mut hashes = BTreeMap::new();
    if ids.is_empty() {
        return Ok(hashes);
    }
    for part in parquet::parts(run, ImageRow::TABLE)? {
        let file = run.join(ImageRow::TABLE).join(part);
        let frame = parquet::read(&file, &["image_id", "content_hash"])?;
        add(&frame, ids, &mut hashes).map_err(Error::cause(format!("read {}", file.display())))?;
    }
    Ok(hashes)
}

fn add(
    frame: &DataFrame,
    ids: &BTreeSet<ImageId>,
    hashes: &mut BTreeMap<ImageId, String>,
) -> PolarsResult<()> {
    let image_ids = frame.column("image_id")?.str()?;
    let contents = frame.column("content_hash")?.str()?;
    for (id, content) in image_ids.iter().zip(contents.iter()) {
        let id = id.and_then(ImageId::parse).filter(|id| ids.contains(id));
        if let (Some(id), Some(content)) = (id, content) {
            hashes.insert(id, content.to_owned());
        }
    }
    Ok(())
}
