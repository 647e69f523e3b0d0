//! The order of a pipeline's runs: that in which they were made, whatever the clock said.

use crate::bounded;
use crate::plan::parse_run_id;
use crate::runs::documents::{Document, MeasureRecord, RunRecord};
use jiff::civil::DateTime;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The place of a run among the runs of its pipeline: by its number, then by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    sequence: u64,
    start: DateTime,
    /// Where several runs start in one second.
    number: u32,
}

/// A run folder in its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placed {
    pub place: Place,
    pub path: PathBuf,
}

#[derive(Deserialize)]
struct Numbered {
    #[serde(default)]
    sequence: u64,
}

impl Place {
    /// `None` for a name that is no run id.
    pub fn new(run_id: &str, sequence: u64) -> Option<Self> {
        let (start, number) = parse_run_id(run_id)?;
        Some(Self {
            sequence,
            start,
            number,
        })
    }

    /// When the run started, by the clock of that time.
    pub fn start(&self) -> DateTime {
        self.start
    }

    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    pub fn number(&self) -> u32 {
        self.number
    }
}

/// Folders that are named by a run id, the first one first. Other folders, and links, are not
/// touched.
///
/// A run without a number of its own, being written or damaged, comes behind those with smaller
/// names.
pub fn runs(home: &Path) -> Vec<Placed> {
    let mut by_name = Vec::new();
    for entry in std::fs::read_dir(home).into_iter().flatten().flatten() {
        let path = entry.path();
        if !path.is_dir() || path.is_symlink() {
            continue;
        }
        let name = entry.file_name();
        if let Some(place) = name.to_str().and_then(|name| Place::new(name, 0)) {
            by_name.push(Placed { place, path });
        }
    }
    by_name.sort();

    let mut last = 0;
    for run in &mut by_name {
        run.place.sequence = sequence(&run.path).unwrap_or(last);
        last = last.max(run.place.sequence);
    }
    by_name.sort();
    by_name
}

/// The number that a run's documents name.
fn sequence(run: &Path) -> Option<u64> {
    let documents = [RunRecord::FILE, MeasureRecord::FILE];
    documents.iter().find_map(|file| {
        let file = bounded::open(&run.join(file)).ok()?;
        let numbered: Numbered = serde_json::from_reader(std::io::BufReader::new(file)).ok()?;
        (numbered.sequence > 0).then_some(numbered.sequence)
    })
}
