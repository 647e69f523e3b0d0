//! The rows of a run folder, read back: the sums that a conclusion is made of.

use super::totals::Sums;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::runs::documents::MeasureRecord;
use crate::runs::parts;
use crate::score::Measurement;
use crate::tables::{ImageRow, RegionRow, Row, SCHEMA_VERSION, decode, measurements, read_footer};
use rayon::prelude::*;
use std::path::Path;

/// Parts that are decoded at once, at most: each is some megabytes, and the sums are added up in
/// order by one thread.
const PARTS_AT_ONCE: usize = 8;

/// Adds up the rows of all parts in their order. Some parts are in memory at once: while those are
/// added, the next ones are decoded.
///
/// # Errors
/// When a part is missing or damaged, of another schema or of another audit, or when rows are
/// missing.
pub fn read_sums(run: &Path, measured: &MeasureRecord, plan: &Plan) -> Result<Sums> {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(plan.run.jobs);
    let threads = threads
        .build()
        .map_err(Error::cause("start threads for the rows"))?;
    let at_once = threads.current_num_threads().min(PARTS_AT_ONCE);
    let parts = parts(run, ImageRow::TABLE)?;

    let mut sums = Sums::new(plan.run.seed);
    let mut images = 0;
    let mut decoded: Vec<Result<Vec<Measurement>>> = Vec::new();
    // The last round decodes nothing, and adds what the one before it has decoded.
    for next in parts.chunks(at_once).chain([&[][..]]) {
        let add = || -> Result<()> {
            for part in decoded {
                let part = part?;
                images += part.len();
                for measurement in &part {
                    sums.add(measurement, plan);
                }
            }
            Ok(())
        };
        let decode = || {
            let next = next.par_iter();
            next.map(|part| read_part(run, part, measured)).collect()
        };
        let (added, ahead) = threads.join(add, decode);
        added?;
        decoded = ahead;
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

/// The measurements of one part.
fn read_part(run: &Path, part: &str, measured: &MeasureRecord) -> Result<Vec<Measurement>> {
    let image_file = run.join(ImageRow::TABLE).join(part);
    let region_file = run.join(RegionRow::TABLE).join(part);
    for file in [&image_file, &region_file] {
        check_footer(file, measured)?;
    }
    let rows = decode::<ImageRow>(&image_file)?;
    let regions = decode::<RegionRow>(&region_file)?;
    measurements(rows, regions).map_err(|e| Error::new(format!("{}: {e}", image_file.display())))
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
