//! What the network said of images already seen, by content: an unchanged image costs no inference on the next night, and a
//! run that was killed repeats at most its open shard.
//!
//! One embedded database beside the runs of a pipeline (redb: a torn write is rolled back when it is opened). An entry is
//! found by the hash of the image's bytes and of everything that decides what the network makes of them.

use crate::cam::Cam;
use crate::error::{Error, Result};
use crate::geometry::{Size, Transpose, View};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Key -> checksum and postcard bytes.
const ENTRIES: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("entries");
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
    database: Database,
    /// Hash of what decides the entries beside the images' bytes.
    scope: blake3::Hash,
    night: u64,
}

impl Memory {
    /// Class with the largest logit, the first where several are.
    pub fn predicted(&self) -> usize {
        self.logits.iter().enumerate().fold(0, |best, (i, z)| if *z > self.logits[best] { i } else { best })
    }

    pub fn maps_of(&self, class: usize) -> Option<&Maps> {
        self.maps.iter().find(|m| m.class == class)
    }
}

impl Cache {
    /// Opens or makes the database. One that cannot be read is moved aside; then the second value says so.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn open(file: &Path, scope: &[&str]) -> Result<(Self, Option<String>)> {
        let mut hasher = blake3::Hasher::new();
        scope.iter().for_each(|part| {
            hasher.update(part.as_bytes()).update(b"\n");
        });
        let scope = hasher.finalize();
        match Self::ready(file, scope) {
            Ok(cache) => Ok((cache, None)),
            Err(e) => {
                let broken = file.with_extension("broken");
                let moved = std::fs::rename(file, &broken);
                moved.map_err(|_| Error::new(format!("failed to open the cache {}: {e}", file.display())))?;
                let cache =
                    Self::ready(file, scope).map_err(Error::cause(format!("make the cache {}", file.display())))?;
                let warning =
                    format!("the cache could not be read ({e}); it lies in {} and was begun anew", broken.display());
                Ok((cache, Some(warning)))
            }
        }
    }

    fn ready(file: &Path, scope: blake3::Hash) -> std::result::Result<Self, redb::Error> {
        let database = Database::create(file)?;
        let write = database.begin_write()?;
        let night = {
            write.open_table(ENTRIES)?;
            let used = write.open_table(USED)?;
            let mut last = 0;
            for entry in used.iter()? {
                last = entry?.1.value().0.max(last);
            }
            last + 1
        };
        write.commit()?;
        Ok(Self { database, scope, night })
    }

    fn key(&self, content: &str) -> [u8; 32] {
        *blake3::Hasher::new().update(self.scope.as_bytes()).update(content.as_bytes()).finalize().as_bytes()
    }

    /// What is known of an image by the hash of its bytes; nothing where the entry is damaged.
    pub fn get(&self, content: &str) -> Option<Memory> {
        let entries = self.database.begin_read().ok()?.open_table(ENTRIES).ok()?;
        let entry = entries.get(&self.key(content)).ok()??;
        let (checksum, bytes) = entry.value().split_at_checked(CHECKSUM)?;
        (checksum == &blake3::hash(bytes).as_bytes()[..CHECKSUM]).then(|| postcard::from_bytes(bytes).ok())?
    }

    /// Keeps what is new, and notes what was used tonight, all or nothing.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn keep(&self, fresh: &[(String, Memory)], used: &[String]) -> Result<()> {
        let commit = || -> std::result::Result<(), Box<dyn std::error::Error>> {
            let write = self.database.begin_write()?;
            {
                let (mut entries, mut nights) = (write.open_table(ENTRIES)?, write.open_table(USED)?);
                for (content, memory) in fresh {
                    let bytes = postcard::to_stdvec(memory)?;
                    let entry = [&blake3::hash(&bytes).as_bytes()[..CHECKSUM], &bytes].concat();
                    entries.insert(&self.key(content), entry.as_slice())?;
                    nights.insert(&self.key(content), (self.night, entry.len() as u64))?;
                }
                for content in used {
                    let key = self.key(content);
                    let size = nights.get(&key)?.map_or(0, |v| v.value().1);
                    nights.insert(&key, (self.night, size))?;
                }
            }
            write.commit()?;
            Ok(())
        };
        commit().map_err(|e| Error::new(format!("failed to write the cache: {e}; --no-cache does without")))
    }

    /// Drops what was used longest ago until the entries take at most so many bytes. Returns how many were dropped.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn forget(&mut self, bytes_max: u64) -> Result<usize> {
        let drop_oldest = |database: &Database| -> std::result::Result<usize, redb::Error> {
            let write = database.begin_write()?;
            let dropped = {
                let (mut entries, mut nights) = (write.open_table(ENTRIES)?, write.open_table(USED)?);
                let mut all: Vec<(u64, [u8; 32], u64)> = Vec::new();
                for entry in nights.iter()? {
                    let (key, value) = entry?;
                    all.push((value.value().0, *key.value(), value.value().1));
                }
                let mut total: u64 = all.iter().map(|e| e.2).sum();
                all.sort_unstable();
                let mut dropped = 0;
                for (_, key, size) in all {
                    if total <= bytes_max {
                        break;
                    }
                    entries.remove(&key)?;
                    nights.remove(&key)?;
                    total -= size;
                    dropped += 1;
                }
                dropped
            };
            write.commit()?;
            Ok(dropped)
        };
        let dropped = drop_oldest(&self.database).map_err(Error::cause("make room in the cache"))?;
        if dropped > 0 {
            self.database.compact().map_err(Error::cause("make room in the cache"))?;
        }
        Ok(dropped)
    }
}
