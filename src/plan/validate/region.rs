//! `[[region]]`: names, and exactly one place each.

use super::super::file::{PipelineFile, RegionFile};
use super::super::read::Document;
use super::super::{Place, Region, RegionKind, Unit};
use super::{existing, range};
use crate::geometry::{Mask, Rect, Size};
use std::path::Path;

pub fn regions(parsed: &PipelineFile, base: &Path, doc: &mut Document<'_>) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    for (i, file) in parsed.region.iter().enumerate() {
        let key = format!("region[{i}]");
        let name = file.name.clone().unwrap_or_default();
        if name.is_empty() || name.chars().any(char::is_control) {
            doc.complain(&format!("{key}.name"), "missing: every region has a name, without control characters");
        } else if ["padding", "object", "border"].contains(&name.as_str()) || regions.iter().any(|r| r.name == name) {
            doc.complain(
                &format!("{key}.name"),
                format!("{name:?} is taken; names are unique, and padding, object and border are built in"),
            );
        }
        if let Some(place) = place(file, &key, base, doc) {
            regions.push(Region { name, kind: file.kind.unwrap_or(RegionKind::Confounder), place });
        }
    }
    regions
}

fn place(r: &RegionFile, key: &str, base: &Path, doc: &mut Document<'_>) -> Option<Place> {
    let given = [
        r.corner.is_some(),
        r.border.is_some(),
        r.rect.is_some(),
        r.polygon.is_some(),
        r.annotation.is_some(),
        r.mask.is_some(),
    ];
    let count = given.iter().filter(|g| **g).count();
    if count != 1 {
        doc.complain(
            key,
            format!("found {count} places, expected exactly one of corner, border, rect, polygon, annotation, mask"),
        );
        return None;
    }
    let number = |value: Option<f64>, unit: Unit, name: &str, doc: &mut Document<'_>| {
        let min = if name.contains('.') && !name.starts_with("rect") { f64::MIN_POSITIVE } else { 0.0 };
        let max = if unit == Unit::Fraction { 1.0 } else { 1e6 };
        let key = format!("{key}.{name}");
        match value {
            Some(v) if v < min => {
                doc.complain(&key, format!("found {v}, expected more than 0"));
                v
            }
            Some(v) => range(v, min, max, &key, doc),
            None => {
                doc.complain(&key, "missing");
                0.0
            }
        }
    };
    if let Some(c) = &r.corner {
        let unit = c.unit.unwrap_or_default();
        if c.at.is_none() {
            doc.complain(&format!("{key}.corner.at"), "missing: top-left, top-right, bottom-left or bottom-right");
        }
        let width = number(c.width, unit, "corner.width", doc);
        let height = number(c.height, unit, "corner.height", doc);
        return Some(Place::Corner { at: c.at?, width, height, unit });
    }
    if let Some(b) = &r.border {
        let unit = b.unit.unwrap_or_default();
        return Some(Place::Border { thickness: number(b.thickness, unit, "border.thickness", doc), unit });
    }
    if let Some(b) = &r.rect {
        let unit = b.unit.unwrap_or_default();
        let [left, top, right, bottom] = [(b.left, "left"), (b.top, "top"), (b.right, "right"), (b.bottom, "bottom")]
            .map(|(v, name)| number(v, unit, &format!("rect.{name}"), doc));
        if left >= right || top >= bottom {
            doc.complain(&format!("{key}.rect"), "expected left < right and top < bottom");
        }
        return Some(Place::Rect { left, top, right, bottom, unit });
    }
    if let Some(p) = &r.polygon {
        let points = p.points.clone().unwrap_or_default();
        if points.len() < 3 || points.iter().flatten().any(|v| !v.is_finite()) {
            doc.complain(&format!("{key}.polygon.points"), "expected at least three points [x, y]");
        }
        let unit = p.unit.unwrap_or_default();
        if unit == Unit::Fraction && points.iter().flatten().any(|v| !(0.0..=1.0).contains(v)) {
            let message = "fractions lie between 0 and 1; for pixels set unit = \"pixels\" or \"view-pixels\"";
            doc.complain(&format!("{key}.polygon.points"), message);
        }
        return Some(Place::Polygon { points, unit });
    }
    if let Some(category) = &r.annotation {
        return Some(Place::Annotation { category: category.clone() });
    }
    let path = existing(r.mask.as_ref(), base, &format!("{key}.mask"), false, doc)?;
    match image::open(&path) {
        Ok(picture) => {
            let grey = picture.to_luma8();
            let size = Size::new(grey.width(), grey.height());
            Some(Place::Mask(Mask { size, coverage: grey.into_raw(), frame: Rect::new(0.0, 0.0, 1.0, 1.0) }))
        }
        Err(e) => {
            doc.complain(&format!("{key}.mask"), format!("failed to read {}: {e}", path.display()));
            None
        }
    }
}
