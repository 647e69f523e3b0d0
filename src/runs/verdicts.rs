//! The verdicts of a run on everything that it audited: `summary.json` lists only some of them.

use super::parquet;
use crate::error::{Error, Result};
use crate::finding::Verdict;
use crate::tables::{FindingRow, Row};
use polars::prelude::{DataFrame, PolarsResult};
use std::collections::BTreeMap;
use std::path::Path;

/// The verdict of a run on one class and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedPair {
    pub verdict: Verdict,
    /// Hash of the region's declaration; `None` for a region that is not declared.
    pub declared: Option<String>,
}

const COLUMNS: [&str; 4] = ["label", "region", "verdict", "declared"];

/// Reads the verdicts of `findings.parquet` by label and region.
///
/// # Errors
/// When the file is missing, damaged, or of another schema version; names the file and the cause.
pub fn verdicts(run: &Path) -> Result<BTreeMap<(String, String), AuditedPair>> {
    let file = run.join(format!("{}.parquet", FindingRow::TABLE));
    let frame = parquet::read(&file, &COLUMNS)?;

    let rows = rows(&frame).map_err(Error::cause(format!("read {}", file.display())))?;

    let mut verdicts = BTreeMap::new();
    for row in rows {
        let verdict = row
            .verdict
            .parse::<Verdict>()
            .map_err(|e| Error::new(format!("{}: verdict: {e}", file.display())))?;
        let declared = row.declared;
        verdicts.insert((row.label, row.region), AuditedPair { verdict, declared });
    }
    Ok(verdicts)
}

struct VerdictRow {
    label: String,
    region: String,
    verdict: String,
    declared: Option<String>,
}

fn rows(frame: &DataFrame) -> PolarsResult<Vec<VerdictRow>> {
    let labels = frame.column("label")?.str()?;
    let regions = frame.column("region")?.str()?;
    let verdicts = frame.column("verdict")?.str()?;
    let declared = frame.column("declared")?.str()?;

    let mut rows = Vec::new();
    for row in 0..frame.height() {
        rows.push(VerdictRow {
            label: labels.get(row).unwrap_or_default().to_owned(),
            region: regions.get(row).unwrap_or_default().to_owned(),
            verdict: verdicts.get(row).unwrap_or_default().to_owned(),
            declared: declared.get(row).map(str::to_owned),
        });
    }
    Ok(rows)
}
