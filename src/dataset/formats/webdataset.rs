//! WebDataset: tar shards of `key.jpg` with `key.cls`, `key.txt` or `key.json`, read in place,
//! never unpacked.
//!
//! A key ends at the first dot of the name, as in the library of that name; what follows is the
//! name of the member. A shard's headers are read at once; of an image only its place in the shard
//! is kept.

use crate::bounded::{Allowance, Bounded};
use crate::dataset::class_names::{self, ClassNames};
use crate::dataset::item::{Entry, Item, Skipped};
use crate::dataset::json;
use crate::dataset::paths::{display, member};
use crate::dataset::problem::Problem;
use crate::dataset::sample::Source;
use crate::dataset::walk::{self, Step};
use crate::error::{Error, Result, Skip, SkipReason, Stage};
use crate::plan::{self, Columns};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Extensions of shards. A compressed shard cannot be read in place, and is told of.
const SHARD_EXTENSIONS: [&str; 3] = ["tar", "tgz", "tar.gz"];
/// The first bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Largest label member that is read.
const LABEL_BYTES_MAX: u64 = 1 << 20;
/// Most bytes that are read for one entry: its header, the long names and extended headers before
/// it, which are kept in memory, and its label. Names are at most some kilobytes.
const HEADER_BYTES_MAX: u64 = 4 << 20;
/// Names of label members.
const LABEL_MEMBERS: [&str; 3] = ["cls", "txt", "json"];
/// Images of one key that a message lists.
const EXAMPLES_MAX: usize = 3;
/// Keys of the label in a JSON member, the first has priority.
const LABEL_KEYS: [&str; 4] = ["label", "cls", "class", "category"];

/// Streams the shards below the root by name, each in its own order. `names` maps labels that are
/// numbers.
///
/// # Errors
/// When the root cannot be opened, or holds no shard.
pub fn items(
    plan: &plan::Dataset,
    names: Arc<ClassNames>,
) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let steps: Vec<Step> = walk::files(&plan.root, &SHARD_EXTENSIONS, plan.links)?.collect();
    if steps.iter().all(|step| matches!(step, Step::Ignored(_))) {
        return Err(Error::new(format!(
            "there is no .tar file below dataset.root {}",
            plan.root.display()
        )));
    }

    let reader = ShardReader {
        root: plan.root.clone(),
        columns: plan.columns.clone(),
        names,
    };
    Ok(steps.into_iter().flat_map(move |step| match step {
        Step::File(shard) => reader.items(&shard),
        Step::Skipped(skipped) => vec![Item::Skipped(skipped)],
        Step::Ignored(kind) => vec![Item::Ignored(kind)],
    }))
}

/// How to read the shards of a set.
struct ShardReader {
    root: PathBuf,
    columns: Columns,
    names: Arc<ClassNames>,
}

/// The members of a shard by key.
#[derive(Default)]
struct ShardIndex {
    /// Keys in the order of the shard.
    keys: Vec<String>,
    members: HashMap<String, Sample>,
    /// Members whose name gives no path.
    unnamed: Vec<String>,
}

/// What a shard holds under one key.
#[derive(Default)]
struct Sample {
    images: Vec<ImageMember>,
    label: Option<String>,
}

/// An image's place in its shard.
struct ImageMember {
    path: PathBuf,
    /// The name behind the key.
    name: String,
    start: u64,
    length: u64,
}

impl ShardReader {
    /// The images of a shard, by its path below the root.
    fn items(&self, shard: &Path) -> Vec<Item> {
        let file = Arc::new(self.root.join(shard));
        let mut index = ShardIndex::default();
        let broken = index.read(&file, &self.columns).err();

        let mut items = Vec::new();
        for key in &index.keys {
            if let Some(sample) = index.members.remove(key) {
                items.extend(self.sample_items(shard, &file, key, sample));
            }
        }
        for name in index.unnamed {
            let message = "the name in the shard is empty or leads upwards";
            let path = format!("{}/{name}", display(shard));
            items.push(skipped(path, SkipReason::PathOutside, message));
        }

        if let Some(error) = broken {
            if items.is_empty() {
                let message =
                    format!("the shard cannot be read: {error}; the images in it are not counted");
                items.push(skipped(display(shard), SkipReason::BadShard, &message));
            }
            let message = format!("the shard cannot be read further: {error}");
            items.push(Item::Problem(Problem::in_file("bad_file", &file, message)));
        }
        items
    }

    fn sample_items(
        &self,
        shard: &Path,
        file: &Arc<PathBuf>,
        key: &str,
        sample: Sample,
    ) -> Vec<Item> {
        if sample.images.is_empty() {
            let message = "a label without an image of this key";
            let place = file.join(key);
            let problem = Problem::in_file("annotation_without_image", &place, message);
            return vec![Item::Problem(problem)];
        }

        let label = match sample.label {
            Some(label) => class_names::named(&self.names, &label),
            None => Err("the shard has no label of this key".into()),
        };
        let shared = shared_key(&sample.images);
        let mut items = Vec::new();
        for image in sample.images {
            let place = file.join(&image.path);
            let mut entry = Entry::new(shard.join(image.path));
            entry.set_label(label.clone());
            entry.source = Some(Source::Slice {
                file: file.clone(),
                start: image.start,
                length: image.length,
            });
            if let Some(message) = &shared {
                let problem = Problem::in_file("duplicate", &place, message);
                entry.problems.push(problem);
            }
            items.push(Item::Found(entry));
        }
        items
    }
}

/// What is wrong with a key that has several images.
fn shared_key(images: &[ImageMember]) -> Option<String> {
    if images.len() < 2 {
        return None;
    }
    let names = images.iter().take(EXAMPLES_MAX);
    let names: Vec<&str> = names.map(|image| image.name.as_str()).collect();
    let more = if images.len() > EXAMPLES_MAX {
        ", .."
    } else {
        ""
    };
    Some(format!(
        "its key, which ends at the first dot, has {} images ({}{more}): rename them, or name the \
         member to audit, as in dataset.columns = {{ image = {:?} }}",
        images.len(),
        names.join(", "),
        images[0].name
    ))
}

fn skipped(path: String, reason: SkipReason, message: &str) -> Item {
    Item::Skipped(Skipped {
        path,
        label: None,
        skip: Skip::new(Stage::Read, reason, message),
    })
}

impl ShardIndex {
    /// Reads the headers and the labels, as far as the shard is sound.
    fn read(&mut self, shard: &Path, columns: &Columns) -> io::Result<()> {
        let mut file = File::open(shard)?;
        check_uncompressed(&mut file)?;
        let length = file.metadata()?.len();
        let allowance = Allowance::new("the header of an entry, or its label,", HEADER_BYTES_MAX);
        let mut archive = tar::Archive::new(Bounded::new(file, &allowance));
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            allowance.renew();
            let end = entry.raw_file_position().saturating_add(entry.size());
            if end > length {
                let message = "it ends inside an entry";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
            }
            if entry.header().entry_type().is_file() {
                self.add(entry, columns)?;
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        mut entry: tar::Entry<'_, Bounded<File>>,
        columns: &Columns,
    ) -> io::Result<()> {
        let written = display(&entry.path()?);
        let Some(path) = member(&written) else {
            self.unnamed.push(written);
            return Ok(());
        };
        let Some((key, name)) = split_key(&path) else {
            return Ok(());
        };
        let sample = self.members.entry(key.clone()).or_insert_with(|| {
            self.keys.push(key);
            Sample::default()
        });

        if is_image(&name, columns) {
            sample.images.push(ImageMember {
                path,
                name,
                start: entry.raw_file_position(),
                length: entry.size(),
            });
        } else if is_label(&name, columns) && entry.size() <= LABEL_BYTES_MAX {
            let mut text = String::new();
            // A member that is not text gives no label; its image then has the problem `no_label`.
            if entry.read_to_string(&mut text).is_ok() {
                sample.label = parse_label(&name, &text).or(sample.label.take());
            }
        }
        Ok(())
    }
}

fn check_uncompressed(file: &mut File) -> io::Result<()> {
    let mut start = Vec::new();
    file.take(GZIP_MAGIC.len() as u64).read_to_end(&mut start)?;
    file.rewind()?;
    if start == GZIP_MAGIC {
        return Err(io::Error::other(
            "it is compressed with gzip; images are read in place, so decompress it with gunzip",
        ));
    }
    Ok(())
}

/// Key and name of a member: the file name up to its first dot, and the rest in lower case. `None`
/// for hidden files.
fn split_key(path: &Path) -> Option<(String, String)> {
    let file_name = path.file_name()?.to_str()?;
    let (stem, name) = file_name.split_once('.')?;
    if stem.is_empty() {
        return None;
    }
    let key = display(&path.with_file_name(stem));
    Some((key, name.to_lowercase()))
}

fn is_image(name: &str, columns: &Columns) -> bool {
    match &columns.image {
        Some(image) => *name == image.to_lowercase(),
        None => walk::EXTENSIONS.contains(&extension(name)),
    }
}

fn is_label(name: &str, columns: &Columns) -> bool {
    match &columns.label {
        Some(label) => *name == label.to_lowercase(),
        None => LABEL_MEMBERS.contains(&name),
    }
}

fn extension(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

fn parse_label(name: &str, text: &str) -> Option<String> {
    if extension(name) != "json" {
        let text = text.trim();
        return (!text.is_empty()).then(|| text.to_owned());
    }

    let fields: BTreeMap<String, Value> = serde_json::from_str(&json::without_nan(text)).ok()?;
    let value = LABEL_KEYS.iter().find_map(|key| fields.get(*key))?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
