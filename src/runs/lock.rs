//! One run of a pipeline at a time: an operating-system lock on a file that names its holder.

use crate::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// The lock of a pipeline's folder. It is released when it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "the open file holds the lock")] File);

impl Lock {
    /// Takes the lock of a pipeline's folder, which is created where it is missing.
    ///
    /// # Errors
    /// When another process holds the lock, which the message names, or the folder cannot be
    /// written.
    pub fn take(home: &Path) -> Result<Self> {
        std::fs::create_dir_all(home)
            .map_err(Error::cause(format!("create {}", home.display())))?;

        let path = home.join(".lock");
        let mut file = open(&path).map_err(Error::cause(format!("open {}", path.display())))?;

        match file.try_lock() {
            Ok(()) => {
                write_holder(&mut file)
                    .map_err(Error::cause(format!("write {}", path.display())))?;
                Ok(Self(file))
            }
            Err(TryLockError::WouldBlock) => Err(Error::new(format!(
                "another run of this pipeline holds {}: {}; \
                 wait for it, or choose another --out",
                path.display(),
                read_holder(&mut file)
            ))),
            Err(TryLockError::Error(e)) => Err(Error::new(format!(
                "failed to lock {}: {e}",
                path.display()
            ))),
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    // Truncating here would erase the name of another process that holds the lock.
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn write_holder(file: &mut File) -> std::io::Result<()> {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
    let holder = format!("process {} since {now}\n", std::process::id());

    file.set_len(0)?;
    file.rewind()?;
    file.write_all(holder.as_bytes())
}

/// The process that holds the lock; empty where the file cannot be read.
fn read_holder(file: &mut File) -> String {
    let mut holder = String::new();
    let _ = file.read_to_string(&mut holder);
    holder.trim().to_owned()
}
