//! YOLO: one text file per image, `class cx cy w h` or `class x1 y1 x2 y2 ..` (a polygon), normalised; names in
//! `data.yaml` or `classes.txt`.

use super::problem::{Odd, boxed};
use super::sidecar::Sidecar;
use super::{Annotation, Outline};
use crate::error::{Error, Result};
use serde_yaml_ng::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Names of the classes by number.
pub type Names = BTreeMap<u64, String>;

/// Reads `names` (or `classes`) of a YAML file (a list or a map), or a text file with one name a line.
pub fn names(file: &Path) -> Result<Names> {
    let what = format!("read dataset.names {}", file.display());
    let text = std::fs::read_to_string(file).map_err(Error::cause(&what))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let yaml = file.extension().is_some_and(|e| e == "yaml" || e == "yml");
    if !yaml {
        return Ok((0..)
            .zip(
                text.lines()
                    .map(|l| l.trim().to_owned())
                    .filter(|l| !l.is_empty()),
            )
            .collect());
    }
    let value: Value = serde_yaml_ng::from_str(text).map_err(Error::cause(&what))?;
    let plain = |v: &Value| {
        v.as_str().map_or_else(
            || {
                serde_yaml_ng::to_string(v)
                    .unwrap_or_default()
                    .trim()
                    .into()
            },
            str::to_owned,
        )
    };
    match value.get("names").or_else(|| value.get("classes")) {
        Some(Value::Sequence(list)) => Ok((0..).zip(list.iter().map(plain)).collect()),
        Some(Value::Mapping(map)) => Ok(map
            .iter()
            .filter_map(|(k, v)| Some((k.as_u64()?, plain(v))))
            .collect()),
        _ => Err(Error::new(format!(
            "{}: there is no list or map `names` or `classes`",
            file.display()
        ))),
    }
}

pub fn parse(text: &str, file: &Path, names: &Names) -> Sidecar {
    let mut out = Sidecar::default();
    for (line, row) in (1..)
        .zip(text.lines())
        .filter(|(_, row)| !row.trim().is_empty())
    {
        let note = |code, message: String| out.odd.push(Odd::new(code, file, line, message));
        out.annotations.extend(annotation(row, names, note));
    }
    out
}

fn annotation(
    row: &str,
    names: &Names,
    mut note: impl FnMut(&'static str, String),
) -> Option<Annotation> {
    let mut fields = row.split_whitespace();
    let class = fields.next().unwrap_or_default();
    let name = class.parse().ok().and_then(|number| names.get(&number));
    let Some(name) = name else {
        note("unknown_category", format!("class {class} has no name"));
        return None;
    };
    let values: Vec<f64> = fields.map(|f| f.parse().unwrap_or(f64::NAN)).collect();
    match values[..] {
        [x, y, w, h] => {
            let edges = [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0];
            boxed(name, edges, note).map(|a| Annotation {
                normalised: true,
                ..a
            })
        }
        _ if values.len() >= 6
            && values.len().is_multiple_of(2)
            && values.iter().all(|v| v.is_finite()) =>
        {
            let points = values.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
            Some(Annotation {
                category: name.clone(),
                outline: Outline::Polygons(vec![points]),
                normalised: true,
                ignore: false,
                upright: false,
            })
        }
        _ => {
            note(
                "not_a_number",
                format!(
                    "{name}: expected 4 numbers, or the points of a polygon; found {}",
                    values.len()
                ),
            );
            None
        }
    }
}
