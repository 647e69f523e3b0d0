//! What the network said of images already seen, by content: an unchanged image costs no inference on the next night, and a
//! run that was killed repeats at most its open shard.
//!
//! One embedded database beside the runs of a pipeline (redb: a torn write is rolled back when it is opened). An entry is
//! found by the hash of the image's bytes and of everything that decides what the network makes of them.

use crate::cam::Cam;
use crate::error::guarded;
use crate::geometry::{Size, Transpose, View};
use crate::model::predicted;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

type Table = TableDefinition<'static, &'static [u8; 32], &'static [u8]>;

/// Key -> checksum and postcard bytes.
const ENTRIES: Table = TableDefinition::new("entries");
/// Key -> checksum and logits of a changed photo, by the hash of the model's input.
const PASSES: Table = TableDefinition::new("passes");
/// Key -> the night of its last use, and its bytes.
const USED: TableDefinition<'_, &[u8; 32], (u64, u64)> = TableDefinition::new("used");
/// Bytes of the checksum before an entry.
const CHECKSUM: usize = 8;

/// Everything that the rows of one image are made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    pub size: Size,
    pub turned: Option<Transpose>,
    pub view: View,
    pub logits: Vec<f32>,
    pub maps: Vec<Maps>,
    pub fingerprint: Option<String>,
}

/// The maps of one class: raw, and of the centred weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Maps {
    pub class: usize,
    pub cam: Cam,
    pub centred: Cam,
}

pub struct Cache {
    file: PathBuf,
    /// Always there, but for its end: [`Drop`] takes it.
    database: Option<Database>,
    /// Hash of what decides the entries beside the images' bytes.
    scope: blake3::Hash,
    night: u64,
    /// Why it can no longer be used tonight.
    failed: OnceLock<redb::Error>,
}

impl Memory {
    /// Class with the largest logit, the first where several are.
    pub fn predicted(&self) -> usize {
        predicted(&self.logits)
    }

    /// Whether the other says the same of everything that this one knows.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let facts = |m: &Self| {
            (
                m.size,
                m.turned,
                m.view,
                m.logits.clone(),
                m.fingerprint.clone(),
            )
        };
        facts(self) == facts(other)
            && self
                .maps
                .iter()
                .all(|maps| other.maps_of(maps.class) == Some(maps))
    }

    pub fn maps_of(&self, class: usize) -> Option<&Maps> {
        self.maps.iter().find(|m| m.class == class)
    }
}

impl Cache {
    /// Opens or makes the database; nothing where that fails, and the second value says why. A damaged one is moved aside: now,
    /// or when the run ends that noticed.
    pub fn open(file: &Path, scope: &[&str]) -> (Option<Self>, Option<String>) {
        let mut hasher = blake3::Hasher::new();
        scope.iter().for_each(|part| {
            hasher.update(part.as_bytes()).update(b"\n");
        });
        let scope = hasher.finalize();
        let without = |e: redb::Error| {
            (
                None,
                Some(format!(
                    "the cache {} cannot be used ({e}); going on without",
                    file.display()
                )),
            )
        };
        match attempt(|| Self::ready(file, scope)) {
            Ok(cache) => (Some(cache), None),
            Err(e) if is_damage(&e) => {
                let Ok(broken) = move_aside(file) else {
                    return without(e);
                };
                let aside = format!(
                    "the cache is damaged ({e}); it lies in {} and was begun anew",
                    broken.display()
                );
                attempt(|| Self::ready(file, scope))
                    .map_or_else(without, |cache| (Some(cache), Some(aside)))
            }
            Err(e) => without(e),
        }
    }

    fn ready(file: &Path, scope: blake3::Hash) -> Result<Self, redb::Error> {
        let database = Database::create(file)?;
        let write = database.begin_write()?;
        let night = {
            write.open_table(ENTRIES)?;
            write.open_table(PASSES)?;
            let used = write.open_table(USED)?;
            let mut last = 0;
            for entry in used.iter()? {
                last = entry?.1.value().0.max(last);
            }
            last + 1
        };
        write.commit()?;
        Ok(Self {
            file: file.to_path_buf(),
            database: Some(database),
            scope,
            night,
            failed: OnceLock::new(),
        })
    }

    fn key(&self, content: &str) -> [u8; 32] {
        *blake3::Hasher::new()
            .update(self.scope.as_bytes())
            .update(content.as_bytes())
            .finalize()
            .as_bytes()
    }

    /// What is known of an image by the hash of its bytes; nothing where the entry is damaged.
    pub fn get(&self, content: &str) -> Option<Memory> {
        self.read(ENTRIES, content)
    }

    /// The logits of an input by its hash.
    pub fn logits(&self, input: &str) -> Option<Vec<f32>> {
        self.read(PASSES, input)
    }

    fn read<T: DeserializeOwned>(&self, table: Table, name: &str) -> Option<T> {
        let bytes = self.use_it(|database| {
            let entries = database.begin_read()?.open_table(table)?;
            Ok(entries
                .get(&self.key(name))?
                .map(|entry| entry.value().to_vec()))
        });
        let bytes = bytes??;
        let (checksum, bytes) = bytes.split_at_checked(CHECKSUM)?;
        (checksum == &blake3::hash(bytes).as_bytes()[..CHECKSUM])
            .then(|| postcard::from_bytes(bytes).ok())?
    }

    /// Works on the database; after the first failure there is none until the next night.
    fn use_it<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Option<T> {
        let database = self
            .database
            .as_ref()
            .filter(|_| self.failed.get().is_none())?;
        attempt(|| work(database))
            .map_err(|e| self.failed.set(e))
            .ok()
    }

    /// What went wrong tonight: the run went on without the cache.
    pub fn failure(&self) -> Option<String> {
        self.failed.get().map(redb::Error::to_string)
    }

    /// Keeps what is new, and notes what was used tonight, all or nothing.
    pub fn keep(&self, fresh: &[(String, Memory)], used: &[String]) {
        self.write(ENTRIES, fresh, used);
    }

    /// The same for the logits of changed photos.
    pub fn keep_logits(&self, fresh: &[(String, Vec<f32>)], used: &[String]) {
        self.write(PASSES, fresh, used);
    }

    fn write<T: Serialize>(&self, table: Table, fresh: &[(String, T)], used: &[String]) {
        self.use_it(|database| {
            let write = database.begin_write()?;
            {
                let (mut entries, mut nights) = (write.open_table(table)?, write.open_table(USED)?);
                for (name, value) in fresh {
                    let bytes = postcard::to_stdvec(value).unwrap_or_default();
                    let entry = [&blake3::hash(&bytes).as_bytes()[..CHECKSUM], &bytes].concat();
                    entries.insert(&self.key(name), entry.as_slice())?;
                    nights.insert(&self.key(name), (self.night, entry.len() as u64))?;
                }
                for name in used {
                    let key = self.key(name);
                    let size = nights.get(&key)?.map_or(0, |v| v.value().1);
                    nights.insert(&key, (self.night, size))?;
                }
            }
            Ok(write.commit()?)
        });
    }

    /// Drops what was used longest ago until the entries take at most so many bytes.
    pub fn forget(&mut self, bytes_max: u64) {
        let dropped = self.use_it(|database| {
            let write = database.begin_write()?;
            let dropped = {
                let (mut entries, mut passes) =
                    (write.open_table(ENTRIES)?, write.open_table(PASSES)?);
                let mut nights = write.open_table(USED)?;
                let mut all: Vec<(u64, [u8; 32], u64)> = Vec::new();
                for entry in nights.iter()? {
                    let (key, value) = entry?;
                    all.push((value.value().0, *key.value(), value.value().1));
                }
                all.sort_unstable();
                let mut total: u64 = all.iter().map(|e| e.2).sum();
                let keep = all.iter().position(|(_, _, size)| {
                    let enough = total <= bytes_max;
                    total -= if enough { 0 } else { *size };
                    enough
                });
                let oldest = &all[..keep.unwrap_or(all.len())];
                for (_, key, _) in oldest {
                    entries.remove(key)?;
                    passes.remove(key)?;
                    nights.remove(key)?;
                }
                oldest.len()
            };
            write.commit()?;
            Ok(dropped)
        });
        if let Some(database) = self.database.as_mut().filter(|_| dropped > Some(0)) {
            let compacted = attempt(|| Ok(database.compact()?));
            let _ = compacted.map_err(|e| self.failed.set(e));
        }
    }
}

impl Drop for Cache {
    /// Closes the database, which panics where it is damaged; such a one does not stay for the next night.
    fn drop(&mut self) {
        let database = self.database.take();
        let died = guarded(|| drop(database)).is_none();
        if died || self.failed.get().is_some_and(is_damage) {
            let _ = move_aside(&self.file);
        }
    }
}

/// Renames a damaged database, for whoever wants to look at it.
fn move_aside(file: &Path) -> std::io::Result<PathBuf> {
    let broken = file.with_extension("broken");
    std::fs::rename(file, &broken).map(|()| broken)
}

/// A damaged file makes the library panic as well as fail.
fn attempt<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    guarded(work).unwrap_or_else(|| Err(redb::Error::Corrupted("it is no sound cache".into())))
}

/// Whether the file is to blame, and not the disk or its rights.
fn is_damage(error: &redb::Error) -> bool {
    match error {
        redb::Error::Io(e) => {
            matches!(
                e.kind(),
                ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof
            )
        }
        redb::Error::DatabaseAlreadyOpen
        | redb::Error::PreviousIo
        | redb::Error::LockProtocolMismatch => false,
        // A sound database of ours gives none of the others.
        _ => true,
    }
}
