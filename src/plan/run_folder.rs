//! Which folders are runs: they may lie inside a data set, and are never data.

use jiff::civil::DateTime;
use std::path::Path;

/// The start of a run as its folder is named, in UTC. A number is added where several runs start in
/// one second, as in 20261123T021500Z-2.
pub const RUN_ID: &str = "%Y%m%dT%H%M%SZ";

/// What a run folder holds from its first moment to its last.
const CONTENTS: [&str; 5] = [
    "run.json",
    "measured.json",
    "summary.json",
    "skipped.parquet",
    "regions",
];

/// The start and the number of a run by the name of its folder; `None` for a name that is no run
/// id.
pub fn parse_run_id(run_id: &str) -> Option<(DateTime, u32)> {
    let (start, number) = run_id.split_once('-').unwrap_or((run_id, "1"));
    let start = DateTime::strptime(RUN_ID, start).ok()?;
    Some((start, number.parse().ok()?))
}

/// Whether a folder is the folder of a run, finished or not: by its name and by what it holds. A
/// link counts by the folder that it leads to.
pub fn is_run_folder(folder: &Path) -> bool {
    if folder.is_symlink() {
        return folder
            .canonicalize()
            .is_ok_and(|target| is_run_folder(&target));
    }

    let name = folder.file_name().and_then(|name| name.to_str());
    let is_named = name.is_some_and(|name| parse_run_id(name).is_some());
    is_named && CONTENTS.iter().any(|entry| folder.join(entry).exists())
}
