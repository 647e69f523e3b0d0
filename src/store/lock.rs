//! One run of a pipeline at a time: an operating-system lock on a file that says who holds it.

use crate::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Held until dropped; the system lets go of it when the process dies.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, not read")] File);

impl Lock {
    /// # Errors
    /// When another process holds it; the message says which.
    pub fn take(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .map_err(Error::cause(format!("make {}", folder.display())))?;
        let path = folder.join(".lock");
        let opened = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = opened.map_err(Error::cause(format!("open {}", path.display())))?;
        match file.try_lock() {
            Ok(()) => {
                let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
                let holder = format!("process {} since {now}\n", std::process::id());
                let written = file
                    .set_len(0)
                    .and_then(|()| file.rewind())
                    .and_then(|()| file.write_all(holder.as_bytes()));
                written.map_err(Error::cause(format!("write {}", path.display())))?;
                Ok(Self(file))
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                Err(Error::new(format!(
                    "another run of this pipeline holds {}: {}; wait for it, or choose another --out",
                    path.display(),
                    holder.trim()
                )))
            }
            Err(TryLockError::Error(e)) => Err(Error::new(format!(
                "failed to lock {}: {e}",
                path.display()
            ))),
        }
    }
}
