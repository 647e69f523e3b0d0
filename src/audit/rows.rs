//! The rows of a run folder, read back: the sums that a conclusion is made of.

use super::totals::Sums;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::runs::documents::MeasureRecord;
use crate::runs::parts;
use crate::tables::{ImageRow, RegionRow, Row, SCHEMA_VERSION, decode, measurements, read_footer};
use std::path::Path;

/// Adds up the rows of all parts, one part in memory at a time.
///
/// # Errors
/// When a part is missing or damaged, of another schema or of another audit, or when rows are
/// missing.
pub fn read_sums(run: &Path, measured: &MeasureRecord, plan: &Plan) -> Result<Sums> {
    let mut sums = Sums::new(plan.run.seed);
    let mut images = 0;
    for part in parts(run, ImageRow::TABLE)? {
        let image_file = run.join(ImageRow::TABLE).join(&part);
        let region_file = run.join(RegionRow::TABLE).join(&part);
        for file in [&image_file, &region_file] {
            check_footer(file, measured)?;
        }
        let rows = decode::<ImageRow>(&image_file)?;
        let regions = decode::<RegionRow>(&region_file)?;
        let measured = measurements(rows, regions)
            .map_err(|e| Error::new(format!("{}: {e}", image_file.display())))?;
        for measurement in &measured {
            sums.add(measurement, plan);
        }
        images += measured.len();
    }

    let scored = measured.facts.counts.scored;
    if images != scored {
        return Err(Error::new(format!(
            "{}: rows of {images} images, but {scored} were measured: part files are missing",
            run.display()
        )));
    }
    Ok(sums)
}

fn check_footer(file: &Path, measured: &MeasureRecord) -> Result<()> {
    let expected = [
        ("camaudit.schema_version", SCHEMA_VERSION.to_string()),
        ("camaudit.audit_id", measured.identity.audit_id.clone()),
    ];
    for (key, expected) in expected {
        let found = read_footer(file, key)?;
        if found.as_ref() != Some(&expected) {
            return Err(Error::new(format!(
                "{}: {key} is {}, but measured.json says {expected}: the rows are of another audit",
                file.display(),
                found.as_deref().unwrap_or("missing")
            )));
        }
    }
    Ok(())
}
