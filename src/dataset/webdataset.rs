//! WebDataset: tar shards of `key.jpg` with `key.cls`, `key.txt` or `key.json`, read where they lie, never unpacked.
//!
//! A shard's headers are scanned at once; of an image only its place in the shard is kept until it is its turn.

use super::manifest::relative;
use super::problem::Odd;
use super::yolo::Names;
use super::{Entry, Item, Source, display, walk};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest label member that is read.
const LABEL_BYTES_MAX: u64 = 1 << 20;

/// Streams the shards below the root by name, each in its own order. `names` calls labels that are numbers.
pub fn items(root: &Path, names: Arc<Names>) -> Result<impl Iterator<Item = Item> + Send + use<>> {
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
        .flat_map(move |shard| scan(&root, shard, &names)))
}

/// What a shard says of one key.
#[derive(Default)]
struct Member {
    image: Option<(PathBuf, u64, u64)>,
    label: Option<String>,
    repeated: bool,
}

fn scan(root: &Path, shard: PathBuf, names: &Names) -> Vec<Item> {
    let mut order: Vec<String> = Vec::new();
    let mut members: HashMap<String, Member> = HashMap::new();
    let broken = read_members(&shard, &mut order, &mut members).err();
    let shard = Arc::new(shard);
    let within = shard.strip_prefix(root).unwrap_or(&shard);
    let mut items: Vec<Item> = Vec::new();
    for key in order {
        let Some(member) = members.remove(&key) else {
            continue;
        };
        let place = PathBuf::from(format!("{}/{key}", shard.display()));
        let Some((name, start, length)) = member.image else {
            items.push(Item::Odd(Odd::new(
                "annotation_without_image",
                &place,
                0,
                "a label without an image of this key",
            )));
            continue;
        };
        let named = |label: String| {
            label
                .parse()
                .ok()
                .and_then(|n| names.get(&n).cloned())
                .unwrap_or(label)
        };
        let mut entry = Entry {
            path: within.join(name),
            label: member.label.map(named),
            ..Entry::default()
        };
        entry.source = Some(Source::Slice {
            file: shard.clone(),
            start,
            length,
        });
        if member.repeated {
            entry.odd.push(Odd::new(
                "duplicate",
                &place,
                0,
                "the shard has two images of this key",
            ));
        }
        items.push(Item::Found(entry));
    }
    items.extend(broken.map(|e| {
        Item::Odd(Odd::new(
            "bad_file",
            &shard,
            0,
            format!("the shard cannot be read further: {e}"),
        ))
    }));
    items
}

fn read_members(
    shard: &Path,
    order: &mut Vec<String>,
    members: &mut HashMap<String, Member>,
) -> std::io::Result<()> {
    let file = std::fs::File::open(shard)?;
    let length = file.metadata()?.len();
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries_with_seek()? {
        let mut entry = entry?;
        if entry.raw_file_position().saturating_add(entry.size()) > length {
            return Err(std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                "it ends inside an entry",
            ));
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let Some(path) = relative(&display(&entry.path()?)) else {
            continue;
        };
        let Some((key, extension)) = split(&path) else {
            continue;
        };
        let member = members.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            Member::default()
        });
        if walk::EXTENSIONS.contains(&extension.as_str()) {
            member.repeated |= member.image.is_some();
            member.image = Some((path, entry.raw_file_position(), entry.size()));
        } else if ["cls", "txt", "json"].contains(&extension.as_str())
            && entry.size() <= LABEL_BYTES_MAX
        {
            let mut text = String::new();
            // What is no text is no label; the image then counts as one without.
            if entry.read_to_string(&mut text).is_ok() {
                member.label = label(&extension, &text).or(member.label.take());
            }
        }
    }
    Ok(())
}

/// Key and extension: the name up to its first dot, and what follows.
fn split(path: &Path) -> Option<(String, String)> {
    let name = path.file_name()?.to_str()?;
    let (stem, extension) = name.split_once('.').filter(|(stem, _)| !stem.is_empty())?;
    Some((
        display(&path.with_file_name(stem)),
        extension.to_lowercase(),
    ))
}

fn label(extension: &str, text: &str) -> Option<String> {
    if extension != "json" {
        return Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    }
    let fields: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let value = ["label", "cls", "class", "category"]
        .iter()
        .find_map(|k| fields.get(*k))?;
    value
        .as_str()
        .map(str::to_owned)
        .or_else(|| value.as_u64().map(|n| n.to_string()))
}
