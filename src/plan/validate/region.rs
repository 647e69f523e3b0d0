//! `[[region]]`: names, and exactly one place each.

use super::super::file::{OverlayFile, PipelineFile, RectFile, RegionFile, TemplateFile};
use super::super::read::Document;
use super::super::{Corner, Place, Presence, Region, RegionKind, Template, Unit};
use super::{existing, range, required};
use crate::geometry::{Mask, Rect, Size};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// Regions that nobody needs to declare.
const BUILT_IN: [&str; 4] = ["padding", "object", "border", "surroundings"];

pub fn regions(parsed: &PipelineFile, base: &Path, doc: &mut Document<'_>) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    for (i, file) in parsed.region.iter().enumerate() {
        let key = format!("region[{i}]");
        let name = file.name.clone().unwrap_or_default();
        if name.is_empty() || name.chars().any(char::is_control) {
            doc.complain(
                &format!("{key}.name"),
                "missing: every region has a name, without control characters",
            );
        } else if BUILT_IN.contains(&name.as_str()) || regions.iter().any(|r| r.name == name) {
            doc.complain(
                &format!("{key}.name"),
                format!(
                    "{name:?} is taken; names are unique, and {} are built in",
                    BUILT_IN.join(", ")
                ),
            );
        }
        if let Some(place) = place(file, &key, base, doc) {
            let kind = file.kind.unwrap_or(RegionKind::Confounder);
            let presence = presence(file, &place, &key, base, doc);
            let place = match presence {
                Presence::Annotated => place,
                _ => Place::Annotation {
                    category: name.clone(),
                },
            };
            let hash = hash(file, &place, &presence);
            regions.push(Region {
                name,
                kind,
                place,
                presence,
                hash,
            });
        }
    }
    regions
}

/// Of what is written, and of the pictures in the place of their names.
fn hash(file: &RegionFile, place: &Place, presence: &Presence) -> String {
    let mut written = serde_json::to_value(file).unwrap_or_default();
    for part in ["/name", "/mask", "/template/picture", "/overlay/picture"] {
        written
            .pointer_mut(part)
            .into_iter()
            .for_each(|value| *value = Value::Null);
    }
    written
        .as_object_mut()
        .into_iter()
        .for_each(|keys| keys.retain(|_, value| !value.is_null()));
    let mut hasher = blake3::Hasher::new();
    hasher.update(written.to_string().as_bytes());
    match place {
        Place::Mask(mask) => hasher.update(&mask.coverage),
        Place::Overlay { picture, .. } => hasher.update(picture.as_raw()),
        _ => &mut hasher,
    };
    if let Presence::Template(template) = presence {
        hasher.update(template.grey.as_raw());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

fn place(r: &RegionFile, key: &str, base: &Path, doc: &mut Document<'_>) -> Option<Place> {
    let given = [
        r.corner.is_some(),
        r.border.is_some(),
        r.rect.is_some(),
        r.polygon.is_some(),
        r.annotation.is_some(),
        r.mask.is_some(),
        r.overlay.is_some(),
    ];
    let count = given.iter().filter(|g| **g).count();
    if count != 1 {
        doc.complain(
            key,
            format!(
                "found {count} places, expected exactly one of corner, border, rect, polygon, annotation, mask, overlay"
            ),
        );
        return None;
    }
    let number = |value: Option<f64>, unit: Unit, name: &str, doc: &mut Document<'_>| {
        let min = if name.contains('.') && !name.starts_with("rect") {
            f64::MIN_POSITIVE
        } else {
            0.0
        };
        let max = if unit == Unit::Fraction { 1.0 } else { 1e6 };
        let key = format!("{key}.{name}");
        match value {
            Some(v) if v < min => {
                doc.complain(&key, format!("found {v}, expected more than 0"));
                v
            }
            Some(v) if v > max && unit == Unit::Fraction => {
                let message = format!(
                    "found {v}, allowed is at most 1, all of it; for pixels set unit = \"pixels\""
                );
                doc.complain(&key, message);
                v
            }
            Some(v) => range(v, 0.0, max, &key, doc),
            None => {
                doc.complain(&key, "missing");
                0.0
            }
        }
    };
    if let Some(c) = &r.corner {
        let unit = c.unit.unwrap_or_default();
        if c.at.is_none() {
            doc.complain(
                &format!("{key}.corner.at"),
                "missing: top-left, top-right, bottom-left or bottom-right",
            );
        }
        let width = number(c.width, unit, "corner.width", doc);
        let height = number(c.height, unit, "corner.height", doc);
        return Some(Place::Corner {
            at: c.at?,
            width,
            height,
            unit,
        });
    }
    if let Some(b) = &r.border {
        let unit = b.unit.unwrap_or_default();
        return Some(Place::Border {
            thickness: number(b.thickness, unit, "border.thickness", doc),
            unit,
        });
    }
    if let Some(o) = &r.overlay {
        return overlay(o, &format!("{key}.overlay"), base, doc);
    }
    if let Some(b) = &r.rect {
        let unit = b.unit.unwrap_or_default();
        let [left, top, right, bottom] = [
            (b.left, "left"),
            (b.top, "top"),
            (b.right, "right"),
            (b.bottom, "bottom"),
        ]
        .map(|(v, name)| number(v, unit, &format!("rect.{name}"), doc));
        if left >= right || top >= bottom {
            doc.complain(
                &format!("{key}.rect"),
                "expected left < right and top < bottom",
            );
        }
        return Some(Place::Rect {
            left,
            top,
            right,
            bottom,
            unit,
        });
    }
    if let Some(p) = &r.polygon {
        let points = p.points.clone().unwrap_or_default();
        if points.len() < 3 || points.iter().flatten().any(|v| !v.is_finite()) {
            doc.complain(
                &format!("{key}.polygon.points"),
                "expected at least three points [x, y]",
            );
        }
        let unit = p.unit.unwrap_or_default();
        if unit == Unit::Fraction && points.iter().flatten().any(|v| !(0.0..=1.0).contains(v)) {
            let message = "fractions lie between 0 and 1; for pixels set unit = \"pixels\" or \"view-pixels\"";
            doc.complain(&format!("{key}.polygon.points"), message);
        }
        return Some(Place::Polygon { points, unit });
    }
    if let Some(category) = &r.annotation {
        return Some(Place::Annotation {
            category: category.clone(),
        });
    }
    let path = existing(r.mask.as_ref(), base, &format!("{key}.mask"), false, doc)?;
    match image::open(&path) {
        Ok(picture) => {
            let grey = picture.to_luma8();
            let size = Size::new(grey.width(), grey.height());
            Some(Place::Mask(Mask {
                size,
                coverage: grey.into_raw(),
                frame: Rect::new(0.0, 0.0, 1.0, 1.0),
            }))
        }
        Err(e) => {
            doc.complain(
                &format!("{key}.mask"),
                format!("failed to read {}: {e}", path.display()),
            );
            None
        }
    }
}

fn overlay(o: &OverlayFile, key: &str, base: &Path, doc: &mut Document<'_>) -> Option<Place> {
    let opacity = range(
        o.opacity.unwrap_or(1.0),
        0.0,
        1.0,
        &format!("{key}.opacity"),
        doc,
    );
    let path = existing(
        o.picture.as_ref(),
        base,
        &format!("{key}.picture"),
        false,
        doc,
    );
    let path = required(
        path,
        &format!("{key}.picture"),
        "a PNG or WebP with transparency",
        doc,
    );
    let whole = RectFile {
        left: Some(0.0),
        top: Some(0.0),
        right: Some(1.0),
        bottom: Some(1.0),
        unit: None,
    };
    let r = o.rect.as_ref().unwrap_or(&whole);
    let unit = r.unit.unwrap_or_default();
    let max = if unit == Unit::Fraction { 1.0 } else { 1e6 };
    let mut side = |value: Option<f64>, name: &str| {
        let key = format!("{key}.rect.{name}");
        if value.is_none() {
            doc.complain(&key, "missing");
        }
        range(value.unwrap_or(0.0), 0.0, max, &key, doc)
    };
    let place = Rect::new(
        side(r.left, "left"),
        side(r.top, "top"),
        side(r.right, "right"),
        side(r.bottom, "bottom"),
    );
    if place.x0 >= place.x1 || place.y0 >= place.y1 {
        doc.complain(
            &format!("{key}.rect"),
            "expected left < right and top < bottom",
        );
    }
    match image::open(&path) {
        Ok(picture) => {
            let picture = picture.to_rgba8();
            if picture.pixels().all(|p| p.0[3] == 0) {
                doc.complain(
                    &format!("{key}.picture"),
                    format!("{} is wholly transparent", path.display()),
                );
            }
            Some(Place::Overlay {
                picture: Arc::new(picture),
                opacity,
                place,
                unit,
            })
        }
        Err(e) => {
            doc.complain(
                &format!("{key}.picture"),
                format!("failed to read {}: {e}", path.display()),
            );
            None
        }
    }
}

/// What tells where the region is present; it needs a place in fractions of the photo.
fn presence(
    r: &RegionFile,
    place: &Place,
    key: &str,
    base: &Path,
    doc: &mut Document<'_>,
) -> Presence {
    let given = [
        ("presence_column", r.presence_column.is_some()),
        ("always", r.always == Some(true)),
        ("template", r.template.is_some()),
    ];
    let mut given = given
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| *name);
    let Some(first) = given.next() else {
        return Presence::Annotated;
    };
    if let Some(second) = given.next() {
        doc.complain(
            &format!("{key}.{second}"),
            format!("{first} tells already where the region is present"),
        );
    }
    let Some(area) = area(place) else {
        doc.complain(
            &format!("{key}.{first}"),
            "goes with a corner or a rect in fractions of the photo",
        );
        return Presence::Annotated;
    };
    if let Some(name) = &r.presence_column {
        return Presence::Column {
            name: name.clone(),
            area,
        };
    }
    r.template.as_ref().map_or(Presence::Always { area }, |t| {
        let template = template(t, area, &format!("{key}.template"), base, doc);
        template.map_or(Presence::Annotated, |t| Presence::Template(Arc::new(t)))
    })
}

/// A place in fractions of the photo.
fn area(place: &Place) -> Option<Rect> {
    match *place {
        Place::Rect {
            left,
            top,
            right,
            bottom,
            unit: Unit::Fraction,
        } => Some(Rect::new(left, top, right, bottom)),
        Place::Corner {
            at,
            width: w,
            height: h,
            unit: Unit::Fraction,
        } => Some(match at {
            Corner::TopLeft => Rect::new(0.0, 0.0, w, h),
            Corner::TopRight => Rect::new(1.0 - w, 0.0, 1.0, h),
            Corner::BottomLeft => Rect::new(0.0, 1.0 - h, w, 1.0),
            Corner::BottomRight => Rect::new(1.0 - w, 1.0 - h, 1.0, 1.0),
        }),
        _ => None,
    }
}

fn template(
    t: &TemplateFile,
    area: Rect,
    key: &str,
    base: &Path,
    doc: &mut Document<'_>,
) -> Option<Template> {
    let margin = range(
        t.margin.unwrap_or(0.05),
        0.0,
        1.0,
        &format!("{key}.margin"),
        doc,
    );
    let scales = t.scales.clone().unwrap_or_else(|| vec![0.9, 1.0, 1.1]);
    if scales.is_empty() || scales.iter().any(|s| !(0.1..=10.0).contains(s)) {
        doc.complain(
            &format!("{key}.scales"),
            "expected one or more numbers from 0.1 to 10",
        );
    }
    let threshold = range(
        t.threshold.unwrap_or(0.8),
        0.0,
        1.0,
        &format!("{key}.threshold"),
        doc,
    );
    let path = existing(
        t.picture.as_ref(),
        base,
        &format!("{key}.picture"),
        false,
        doc,
    );
    let path = required(
        path,
        &format!("{key}.picture"),
        "the tag as it stands on the photos",
        doc,
    );
    let picture = image::open(&path).map_err(|e| {
        doc.complain(
            &format!("{key}.picture"),
            format!("failed to read {}: {e}", path.display()),
        );
    });
    let grey = picture.ok()?.to_luma8();
    let area = Rect::new(
        area.x0 - margin,
        area.y0 - margin,
        area.x1 + margin,
        area.y1 + margin,
    );
    let area = area.intersect(Rect::new(0.0, 0.0, 1.0, 1.0))?;
    let hash = blake3::hash(format!("{:?}", (&grey, area, &scales, threshold)).as_bytes())
        .to_hex()
        .to_string();
    Some(Template {
        grey,
        area,
        scales,
        threshold,
        hash,
    })
}
