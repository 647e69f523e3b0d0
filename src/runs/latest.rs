//! `latest` beside the runs of a pipeline: a link to the last run, or a file that holds its name
//! where the file system has no links.

use super::files::{is_unsupported, write_file};
use crate::bounded;
use crate::error::{Error, Result};
use crate::plan::parse_run_id;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Its name beside the run folders.
pub const NAME: &str = "latest";

/// Bytes of the file that are read: a run id and a line feed.
const BYTES_MAX: u64 = 64;

/// The run that `latest` names; `None` where there is no such run.
pub fn latest(home: &Path) -> Option<PathBuf> {
    let path = home.join(NAME);
    let run = if path.is_symlink() {
        path.canonicalize().ok()?
    } else {
        named_by(&path)?.canonicalize().ok()?
    };

    // A link that leads elsewhere names no run of this pipeline.
    let home = home.canonicalize().ok()?;
    let is_beside = run.parent() == Some(&home);
    (is_beside && run.is_dir()).then_some(run)
}

/// The folder that `latest` names, where the path is such a file; every other path as it is.
pub fn run_folder(path: PathBuf) -> PathBuf {
    let is_latest = path.file_name().is_some_and(|name| name == NAME);
    let named = is_latest.then(|| named_by(&path)).flatten();
    named.unwrap_or(path)
}

/// The run folder that a file beside it names.
fn named_by(file: &Path) -> Option<PathBuf> {
    let mut text = String::new();
    let opened = bounded::open(file).ok()?;
    opened.take(BYTES_MAX).read_to_string(&mut text).ok()?;

    let run_id = text.trim();
    parse_run_id(run_id)?;
    let run = file.with_file_name(run_id);
    run.is_dir().then_some(run)
}

/// Makes `latest` name this run, in one rename.
///
/// # Errors
/// When neither the link nor the file can be written.
pub fn publish(run: &Path) -> Result<()> {
    let (Some(home), Some(name)) = (run.parent(), run.file_name()) else {
        return Ok(());
    };
    let latest = home.join(NAME);
    match link(home, Path::new(name), &latest) {
        Err(e) if is_unsupported(&e) => {
            let name = format!("{}\n", name.to_string_lossy());
            write_file(&latest, name.as_bytes())
        }
        linked => linked.map_err(Error::cause(format!(
            "link {} to {}",
            latest.display(),
            run.display()
        ))),
    }
}

#[cfg(unix)]
fn link(home: &Path, name: &Path, latest: &Path) -> io::Result<()> {
    let temporary = home.join(format!(".latest-{}", std::process::id()));
    // A killed process with the same id may have left one.
    let _ = std::fs::remove_file(&temporary);

    std::os::unix::fs::symlink(name, &temporary)?;
    let renamed = std::fs::rename(&temporary, latest);
    if renamed.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    renamed
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
