//! WebDataset: tar shards of `key.jpg` with `key.cls`, `key.txt` or `key.json`, read in place,
//! never unpacked.
//!
//! A shard's headers are read at once; of an image only its place in the shard is kept.

use crate::bounded::{Allowance, Bounded};
use crate::dataset::class_names::{self, ClassNames};
use crate::dataset::item::{Entry, Item};
use crate::dataset::paths::{display, relative};
use crate::dataset::problem::Problem;
use crate::dataset::sample::Source;
use crate::dataset::walk;
use crate::error::{Error, Result};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest label member that is read.
const LABEL_BYTES_MAX: u64 = 1 << 20;
/// Most bytes that are read for one entry: its header, the long names and extended headers before
/// it, which are kept in memory, and its label. Names are at most some kilobytes.
const HEADER_BYTES_MAX: u64 = 4 << 20;
/// Extensions of label members.
const LABEL_EXTENSIONS: [&str; 3] = ["cls", "txt", "json"];
/// Keys of the label in a JSON member, the first has priority.
const LABEL_KEYS: [&str; 4] = ["label", "cls", "class", "category"];

/// Streams the shards below the root by name, each in its own order. `names` maps labels that are
/// numbers.
///
/// # Errors
/// When there is no shard.
pub fn items(
    root: &Path,
    names: Arc<ClassNames>,
) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let shards = walk::files(root, "tar");
    if shards.is_empty() {
        return Err(Error::new(format!(
            "there is no .tar file below dataset.root {}",
            root.display()
        )));
    }

    let root = root.to_path_buf();
    Ok(shards
        .into_iter()
        .flat_map(move |shard| shard_items(&root, shard, &names)))
}

/// The members of a shard by key.
#[derive(Default)]
struct ShardIndex {
    /// Keys in the order of the shard.
    keys: Vec<String>,
    members: HashMap<String, Member>,
}

/// The content of a shard for one key.
#[derive(Default)]
struct Member {
    image: Option<ImageMember>,
    label: Option<String>,
    is_repeated: bool,
}

/// An image's place in its shard.
struct ImageMember {
    path: PathBuf,
    start: u64,
    length: u64,
}

fn shard_items(root: &Path, shard: PathBuf, names: &ClassNames) -> Vec<Item> {
    let mut index = ShardIndex::default();
    let broken = index.read(&shard).err();
    let shard = Arc::new(shard);

    let mut items = Vec::new();
    for key in &index.keys {
        if let Some(member) = index.members.remove(key) {
            items.push(member_item(root, &shard, key, member, names));
        }
    }
    if let Some(error) = broken {
        let message = format!("the shard cannot be read further: {error}");
        items.push(Item::Problem(Problem::in_file("bad_file", &shard, message)));
    }
    items
}

fn member_item(
    root: &Path,
    shard: &Arc<PathBuf>,
    key: &str,
    member: Member,
    names: &ClassNames,
) -> Item {
    let place = PathBuf::from(format!("{}/{key}", shard.display()));
    let Some(image) = member.image else {
        let message = "a label without an image of this key";
        let problem = Problem::in_file("annotation_without_image", &place, message);
        return Item::Problem(problem);
    };

    let relative_shard = shard.strip_prefix(root).unwrap_or(shard);
    let mut entry = Entry::new(relative_shard.join(image.path));
    entry.label = member.label.map(|label| class_names::named(names, &label));
    entry.source = Some(Source::Slice {
        file: shard.clone(),
        start: image.start,
        length: image.length,
    });
    if member.is_repeated {
        let message = "the shard has two images of this key";
        let problem = Problem::in_file("duplicate", &place, message);
        entry.problems.push(problem);
    }
    Item::Found(entry)
}

impl ShardIndex {
    /// Reads the headers and the labels, as far as the shard is sound.
    fn read(&mut self, shard: &Path) -> io::Result<()> {
        let file = File::open(shard)?;
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
                self.add(entry)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, mut entry: tar::Entry<'_, Bounded<File>>) -> io::Result<()> {
        let Some(path) = relative(&display(&entry.path()?)) else {
            return Ok(());
        };
        let Some((key, extension)) = split_key(&path) else {
            return Ok(());
        };
        let member = self.members.entry(key.clone()).or_insert_with(|| {
            self.keys.push(key);
            Member::default()
        });

        let extension = extension.as_str();
        if walk::EXTENSIONS.contains(&extension) {
            member.is_repeated |= member.image.is_some();
            member.image = Some(ImageMember {
                path,
                start: entry.raw_file_position(),
                length: entry.size(),
            });
        } else if LABEL_EXTENSIONS.contains(&extension) && entry.size() <= LABEL_BYTES_MAX {
            let mut text = String::new();
            // A member that is not text gives no label; its image then has the problem `no_label`.
            if entry.read_to_string(&mut text).is_ok() {
                member.label = parse_label(extension, &text).or(member.label.take());
            }
        }
        Ok(())
    }
}

/// Key and extension: the name up to its first dot, and the rest in lower case.
fn split_key(path: &Path) -> Option<(String, String)> {
    let name = path.file_name()?.to_str()?;
    let (stem, extension) = name.split_once('.')?;
    if stem.is_empty() {
        return None;
    }
    let key = display(&path.with_file_name(stem));
    Some((key, extension.to_lowercase()))
}

fn parse_label(extension: &str, text: &str) -> Option<String> {
    if extension != "json" {
        let text = text.trim();
        return (!text.is_empty()).then(|| text.to_owned());
    }

    let fields: BTreeMap<String, Value> = serde_json::from_str(text).ok()?;
    let value = LABEL_KEYS.iter().find_map(|key| fields.get(*key))?;
    match value {
        Value::String(text) => Some(text.clone()),
        _ => value.as_u64().map(|number| number.to_string()),
    }
}
