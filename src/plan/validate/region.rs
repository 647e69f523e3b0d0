//! `[[region]]`: a unique name, exactly one place, and how the presence is known.

use super::checker::Checker;
use super::{place, presence};
use crate::plan::file::{Format, RegionFile, RegionKind};
use crate::plan::types::{Place, Presence, Region};
use serde_json::Value;

/// Regions that exist without being declared.
const BUILT_IN: [&str; 4] = ["padding", "object", "border", "surroundings"];

pub fn regions(files: &[RegionFile], check: &mut Checker<'_>) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    for (i, file) in files.iter().enumerate() {
        let key = format!("region[{i}]");
        let name = file.name.clone().unwrap_or_default();
        check_name(&format!("{key}.name"), &name, &regions, check);
        regions.extend(region(file, name, &key, check));
    }
    regions
}

fn check_name(key: &str, name: &str, others: &[Region], check: &mut Checker<'_>) {
    if name.is_empty() || name.chars().any(char::is_control) {
        check.problem(
            key,
            "missing: every region has a name, without control characters",
        );
        return;
    }

    let is_taken = BUILT_IN.contains(&name) || others.iter().any(|region| region.name == name);
    if is_taken {
        let built_in = BUILT_IN.join(", ");
        check.problem(
            key,
            format!("{name:?} is taken; names are unique, and {built_in} are built in"),
        );
    }
}

/// A region; `None` if its place is not usable, which is a problem of the pipeline.
fn region(file: &RegionFile, name: String, key: &str, check: &mut Checker<'_>) -> Option<Region> {
    let declared = place::place(file, key, check)?;
    let presence = presence::presence(file, &declared, key, check);
    let place = match presence {
        Presence::Annotated => declared,
        // The area becomes an annotation in every image that shows the region.
        _ => Place::Annotation {
            category: name.clone(),
        },
    };

    let hash = hash(file, &place, &presence);
    Some(Region {
        name,
        kind: file.kind.unwrap_or(RegionKind::Confounder),
        place,
        presence,
        hash,
    })
}

/// Hash of the declaration, with the contents of its pictures instead of their file names.
fn hash(file: &RegionFile, place: &Place, presence: &Presence) -> String {
    // Without JSON the debug text, so that two regions never share a hash by failing.
    let mut written =
        serde_json::to_value(file).unwrap_or_else(|_| Value::String(format!("{file:?}")));
    for pointer in ["/name", "/mask", "/template/picture", "/overlay/picture"] {
        if let Some(value) = written.pointer_mut(pointer) {
            *value = Value::Null;
        }
    }
    if let Some(keys) = written.as_object_mut() {
        keys.retain(|_, value| !value.is_null());
    }

    let mut hasher = blake3::Hasher::new();
    hasher.update(written.to_string().as_bytes());
    match place {
        Place::Mask(mask) => {
            hasher.update(&mask.coverage);
        }
        Place::Overlay { picture, .. } => {
            hasher.update(picture.as_raw());
        }
        _ => {}
    }
    if let Presence::Template(template) = presence {
        hasher.update(template.grey.as_raw());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// Columns of the manifest that regions name.
pub fn presence_columns(
    regions: &[Region],
    format: Format,
    check: &mut Checker<'_>,
) -> Vec<String> {
    let mut columns = Vec::new();
    for (i, region) in regions.iter().enumerate() {
        let Presence::Column { name, .. } = &region.presence else {
            continue;
        };
        if !format.is_manifest() {
            check.problem(
                &format!("region[{i}].presence_column"),
                "only valid with a manifest (csv, tsv, parquet)",
            );
        }
        columns.push(name.clone());
    }
    columns
}
