//! One embedded database beside the runs of a pipeline (redb: a torn write is rolled back when it
//! is opened). The key of an entry is the hash of the image's bytes and of everything else that
//! decides the inference.

use super::inference::CachedInference;
use crate::error::guarded;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

type Key = [u8; 32];
type Table = TableDefinition<'static, &'static Key, &'static [u8]>;

/// Key -> checksum and postcard bytes.
const ENTRIES: Table = TableDefinition::new("entries");
/// Key -> checksum and logits of a changed photo, by the hash of the model's input.
const PASSES: Table = TableDefinition::new("passes");
/// Key -> checksum and postcard bytes of what a search for undeclared confounders found.
const RESULTS: Table = TableDefinition::new("results");
/// Key -> the generation of its last use, and its bytes.
const USED: TableDefinition<'_, &Key, (u64, u64)> = TableDefinition::new("used");
/// Bytes of the checksum before an entry.
const CHECKSUM: usize = 8;

pub struct Cache {
    file: PathBuf,
    /// `None` only while the cache is dropped.
    database: Option<Database>,
    /// Hash of what decides the entries beside the images' bytes.
    scope: blake3::Hash,
    /// Number of this run, one more than the last that used the cache.
    generation: u64,
    /// The first failure; the cache is not used after it.
    failed: OnceLock<redb::Error>,
}

impl Cache {
    /// Opens or creates the database. The first value is `None` where that fails, and the second
    /// is a warning. A damaged database is renamed: now, or at the end of the run that notices.
    pub fn open(file: &Path, scope: &[&str]) -> (Option<Self>, Option<String>) {
        let mut hasher = blake3::Hasher::new();
        for part in scope {
            hasher.update(part.as_bytes()).update(b"\n");
        }
        let scope = hasher.finalize();

        if let Some(warning) = not_a_file(file) {
            return (None, Some(warning));
        }

        let damage = match attempt(|| Self::create(file, scope)) {
            Ok(cache) => return (Some(cache), None),
            Err(e) if is_damage(&e) => e,
            Err(e) => return (None, Some(unusable(file, &e))),
        };
        let Ok(broken) = move_aside(file) else {
            return (None, Some(unusable(file, &damage)));
        };
        match attempt(|| Self::create(file, scope)) {
            Ok(cache) => {
                let warning = format!(
                    "the cache is damaged ({damage}); it was renamed to {} and a new one started",
                    broken.display()
                );
                (Some(cache), Some(warning))
            }
            Err(e) => (None, Some(unusable(file, &e))),
        }
    }

    fn create(file: &Path, scope: blake3::Hash) -> Result<Self, redb::Error> {
        let database = Database::create(file)?;
        let write = database.begin_write()?;
        let generation = {
            write.open_table(ENTRIES)?;
            write.open_table(PASSES)?;
            write.open_table(RESULTS)?;
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
            generation,
            failed: OnceLock::new(),
        })
    }

    fn key(&self, name: &str) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.scope.as_bytes());
        hasher.update(name.as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// The inference of an image by the hash of its bytes; `None` where the entry is damaged.
    pub fn get(&self, content: &str) -> Option<CachedInference> {
        self.read(ENTRIES, content)
    }

    /// The logits of an input by its hash.
    pub fn logits(&self, input: &str) -> Option<Vec<f32>> {
        self.read(PASSES, input)
    }

    /// A result of a search by its key.
    pub fn result<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.read(RESULTS, key)
    }

    fn read<T: DeserializeOwned>(&self, table: Table, name: &str) -> Option<T> {
        let entry = self.with_database(|database| {
            let entries = database.begin_read()?.open_table(table)?;
            let entry = entries.get(&self.key(name))?;
            Ok(entry.map(|entry| entry.value().to_vec()))
        });
        let entry = entry??;
        let (checksum, bytes) = entry.split_at_checked(CHECKSUM)?;
        if checksum != &blake3::hash(bytes).as_bytes()[..CHECKSUM] {
            return None;
        }
        postcard::from_bytes(bytes).ok()
    }

    /// Works on the database; after the first failure it is not used until the next run.
    fn with_database<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Option<T> {
        if self.failed.get().is_some() {
            return None;
        }
        let database = self.database.as_ref()?;
        match attempt(|| work(database)) {
            Ok(value) => Some(value),
            Err(e) => {
                // Another worker may have failed first; one failure is enough.
                let _ = self.failed.set(e);
                None
            }
        }
    }

    /// The failure that ended the use of the cache in this run.
    pub fn failure(&self) -> Option<String> {
        self.failed.get().map(redb::Error::to_string)
    }

    /// Writes new entries and the use of others, all or nothing.
    pub fn keep(&self, fresh: &[(String, CachedInference)], used: &[String]) {
        self.write(ENTRIES, fresh, used);
    }

    /// The same for the logits of changed photos.
    pub fn keep_logits(&self, fresh: &[(String, Vec<f32>)], used: &[String]) {
        self.write(PASSES, fresh, used);
    }

    /// The same for results of a search.
    pub fn keep_results<T: Serialize>(&self, fresh: &[(String, T)], used: &[String]) {
        self.write(RESULTS, fresh, used);
    }

    fn write<T: Serialize>(&self, table: Table, fresh: &[(String, T)], used: &[String]) {
        self.with_database(|database| {
            let write = database.begin_write()?;
            self.write_entries(&write, table, fresh)?;
            self.write_used(&write, used)?;
            Ok(write.commit()?)
        });
    }

    fn write_entries<T: Serialize>(
        &self,
        write: &WriteTransaction,
        table: Table,
        fresh: &[(String, T)],
    ) -> Result<(), redb::Error> {
        let mut entries = write.open_table(table)?;
        let mut uses = write.open_table(USED)?;
        for (name, value) in fresh {
            // What cannot be encoded is inferred again by the next run.
            let Ok(bytes) = postcard::to_stdvec(value) else {
                continue;
            };
            let checksum = blake3::hash(&bytes);
            let entry = [&checksum.as_bytes()[..CHECKSUM], &bytes].concat();
            let key = self.key(name);
            entries.insert(&key, entry.as_slice())?;
            uses.insert(&key, (self.generation, entry.len() as u64))?;
        }
        Ok(())
    }

    fn write_used(&self, write: &WriteTransaction, used: &[String]) -> Result<(), redb::Error> {
        let mut uses = write.open_table(USED)?;
        for name in used {
            let key = self.key(name);
            let size = uses.get(&key)?.map_or(0, |entry| entry.value().1);
            uses.insert(&key, (self.generation, size))?;
        }
        Ok(())
    }

    /// Removes the entries that were not used for longest until the others take at most so many
    /// bytes.
    pub fn evict(&mut self, bytes_max: u64) {
        let evicted = self.with_database(|database| {
            let write = database.begin_write()?;
            let evicted = evict_entries(&write, bytes_max)?;
            write.commit()?;
            Ok(evicted)
        });
        if evicted.is_none_or(|entries| entries == 0) {
            return;
        }
        if let Some(database) = self.database.as_mut()
            && let Err(e) = attempt(|| Ok(database.compact()?))
        {
            let _ = self.failed.set(e);
        }
    }
}

/// Removes the oldest entries; returns their number.
fn evict_entries(write: &WriteTransaction, bytes_max: u64) -> Result<usize, redb::Error> {
    let mut entries = write.open_table(ENTRIES)?;
    let mut passes = write.open_table(PASSES)?;
    let mut results = write.open_table(RESULTS)?;
    let mut uses = write.open_table(USED)?;

    let mut oldest: Vec<(u64, Key, u64)> = Vec::new();
    let mut total = 0;
    for entry in uses.iter()? {
        let (key, value) = entry?;
        let (generation, bytes) = value.value();
        oldest.push((generation, *key.value(), bytes));
        total += bytes;
    }
    oldest.sort_unstable();

    let mut evicted = 0;
    for (_, key, bytes) in &oldest {
        if total <= bytes_max {
            break;
        }
        entries.remove(key)?;
        passes.remove(key)?;
        results.remove(key)?;
        uses.remove(key)?;
        total -= bytes;
        evicted += 1;
    }
    Ok(evicted)
}

impl Drop for Cache {
    /// Closes the database, which panics where it is damaged; a damaged one is renamed, so that the
    /// next run starts a new one.
    fn drop(&mut self) {
        let database = self.database.take();
        let panicked = guarded(|| drop(database)).is_none();
        if panicked || self.failed.get().is_some_and(is_damage) {
            let _ = move_aside(&self.file);
        }
    }
}

/// Refuses a link, whose target may be anywhere, and a pipe, which would block.
fn not_a_file(file: &Path) -> Option<String> {
    let metadata = std::fs::symlink_metadata(file).ok()?;
    (!metadata.is_file()).then(|| {
        format!(
            "the cache {} is a link or no regular file, and is not used; the run continues without \
             it: remove it",
            file.display()
        )
    })
}

fn unusable(file: &Path, error: &redb::Error) -> String {
    format!(
        "the cache {} cannot be used ({error}); the run continues without it",
        file.display()
    )
}

/// Renames a damaged database, so that it can be inspected.
fn move_aside(file: &Path) -> std::io::Result<PathBuf> {
    let broken = file.with_extension("broken");
    std::fs::rename(file, &broken)?;
    Ok(broken)
}

/// Calls the library, which fails or panics on a damaged file.
fn attempt<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    let damaged = || redb::Error::Corrupted("it is not a valid cache".into());
    guarded(work).unwrap_or_else(|| Err(damaged()))
}

/// Whether the file is damaged; false for faults of the disk and its rights.
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
        // An intact database written by this program gives none of the others.
        _ => true,
    }
}
