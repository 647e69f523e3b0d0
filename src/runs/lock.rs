//! One run of a pipeline at a time: an operating-system lock on a file that names its holder, or
//! the file alone where the file system has no locks.

use super::clock;
use super::files::{is_unsupported, refuse_link};
use super::holder::Holder;
use crate::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// The lock of a pipeline's folder. It is released when it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// The operating system releases it with the open file.
    Open {
        #[allow(dead_code, reason = "the open file holds the lock")]
        file: File,
    },
    /// Its presence is the lock.
    Present { path: PathBuf },
}

impl Lock {
    /// Takes the lock of a pipeline's folder, which is created where it is missing.
    ///
    /// # Errors
    /// When another process holds the lock, which the message names, the folder cannot be written,
    /// or the folder or the lock is a symbolic link.
    pub fn take(home: &Path) -> Result<Self> {
        refuse_link(home)?;
        std::fs::create_dir_all(home)
            .map_err(Error::cause(format!("create {}", home.display())))?;

        let path = home.join(".lock");
        refuse_link(&path)?;
        let mut file = open(&path).map_err(Error::cause(format!("open {}", path.display())))?;

        match file.try_lock() {
            Ok(()) => {
                write_holder(&mut file)
                    .map_err(Error::cause(format!("write {}", path.display())))?;
                Ok(Self {
                    held: Held::Open { file },
                })
            }
            Err(TryLockError::WouldBlock) => Err(is_held(&path, &read_holder(&mut file), "")),
            Err(TryLockError::Error(e)) if has_no_locks(&e) => {
                let held = take_file(&home.join(".lock-holder"))?;
                Ok(Self { held })
            }
            Err(TryLockError::Error(e)) => Err(Error::new(format!(
                "failed to lock {}: {e}",
                path.display()
            ))),
        }
    }

    /// What the user should know of a lock that the operating system does not hold.
    pub fn warning(&self) -> Option<String> {
        match &self.held {
            Held::Open { .. } => None,
            Held::Present { path } => Some(format!(
                "this file system has no locks: {} keeps other runs away; after a crash on another \
                 computer remove it by hand",
                path.display()
            )),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Held::Present { path } = &self.held {
            // A file that stays is found to be without its process by the next run.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    // Truncating here would erase the name of another process that holds the lock.
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    Ok(file)
}

/// Whether the file system has no locks; ENOLCK is what NFS says without its lock service.
fn has_no_locks(error: &std::io::Error) -> bool {
    const ENOLCK: i32 = 37;
    is_unsupported(error) || error.raw_os_error() == Some(ENOLCK)
}

/// Creates the file that is the lock. One whose process is gone is replaced.
fn take_file(path: &Path) -> Result<Held> {
    // Once for a file that was left behind.
    for _ in 0..2 {
        match File::create_new(path) {
            Ok(mut file) => {
                let written = file.write_all(Holder::this().text().as_bytes());
                written.map_err(Error::cause(format!("write {}", path.display())))?;
                return Ok(Held::Present {
                    path: path.to_path_buf(),
                });
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                if !Holder::parse(&text).is_some_and(|holder| holder.is_gone()) {
                    let remedy = "; if that process is gone, remove the file";
                    return Err(is_held(path, text.trim(), remedy));
                }
                let _ = std::fs::remove_file(path);
            }
            Err(e) => {
                return Err(Error::new(format!(
                    "failed to lock {}: {e}",
                    path.display()
                )));
            }
        }
    }
    Err(is_held(path, "a process that started just now", ""))
}

fn is_held(path: &Path, holder: &str, remedy: &str) -> Error {
    Error::new(format!(
        "another run of this pipeline holds {}: {holder}; wait for it, or choose another \
         --out{remedy}",
        path.display()
    ))
}

fn write_holder(file: &mut File) -> std::io::Result<()> {
    let now = clock::now().strftime("%Y-%m-%d %H:%M:%S UTC");
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
