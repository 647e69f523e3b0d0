//! The place of a region: exactly one of the seven that a `[[region]]` can have.

use super::checker::Checker;
use crate::geometry::{Mask, Rect, Size};
use crate::plan::file::{
    BorderFile, CornerFile, OverlayFile, PolygonFile, RectFile, RegionFile, Unit,
};
use crate::plan::types::Place;
use image::DynamicImage;
use std::path::Path;
use std::sync::Arc;

/// Largest length in pixels.
const PIXELS_MAX: f64 = 1e6;

/// The place that a region declares; `None` with a problem where it is not usable.
pub fn place(file: &RegionFile, key: &str, check: &mut Checker<'_>) -> Option<Place> {
    if !has_one_place(file, key, check) {
        return None;
    }

    if let Some(file) = &file.corner {
        return corner(file, &format!("{key}.corner"), check);
    }
    if let Some(file) = &file.border {
        return Some(border(file, &format!("{key}.border"), check));
    }
    if let Some(file) = &file.rect {
        return Some(rect_place(file, &format!("{key}.rect"), check));
    }
    if let Some(file) = &file.polygon {
        return Some(polygon(file, &format!("{key}.polygon"), check));
    }
    if let Some(file) = &file.overlay {
        return overlay(file, &format!("{key}.overlay"), check);
    }
    if let Some(category) = file.annotation.clone() {
        return Some(Place::Annotation { category });
    }
    mask(file.mask.as_ref(), &format!("{key}.mask"), check)
}

fn has_one_place(file: &RegionFile, key: &str, check: &mut Checker<'_>) -> bool {
    let given = [
        file.corner.is_some(),
        file.border.is_some(),
        file.rect.is_some(),
        file.polygon.is_some(),
        file.annotation.is_some(),
        file.mask.is_some(),
        file.overlay.is_some(),
    ];
    let count = given.iter().filter(|is_given| **is_given).count();
    if count == 1 {
        return true;
    }
    check.problem(
        key,
        format!(
            "a region has one place, and this one has {count}: one of corner, border, rect, \
             polygon, annotation, mask, overlay; presence_column, template and always say in which \
             images it is there"
        ),
    );
    false
}

fn corner(file: &CornerFile, key: &str, check: &mut Checker<'_>) -> Option<Place> {
    if file.at.is_none() {
        check.problem(
            &format!("{key}.at"),
            "missing: top-left, top-right, bottom-left or bottom-right",
        );
    }

    let unit = file.unit.unwrap_or_default();
    let width = extent(&format!("{key}.width"), file.width, unit, check);
    let height = extent(&format!("{key}.height"), file.height, unit, check);
    Some(Place::Corner {
        at: file.at?,
        width,
        height,
        unit,
    })
}

fn border(file: &BorderFile, key: &str, check: &mut Checker<'_>) -> Place {
    let unit = file.unit.unwrap_or_default();
    Place::Border {
        thickness: extent(&format!("{key}.thickness"), file.thickness, unit, check),
        unit,
    }
}

fn rect_place(file: &RectFile, key: &str, check: &mut Checker<'_>) -> Place {
    let rect = rect(file, key, check);
    Place::Rect {
        left: rect.x0,
        top: rect.y0,
        right: rect.x1,
        bottom: rect.y1,
        unit: file.unit.unwrap_or_default(),
    }
}

fn rect(file: &RectFile, key: &str, check: &mut Checker<'_>) -> Rect {
    let unit = file.unit.unwrap_or_default();
    let left = position(&format!("{key}.left"), file.left, unit, check);
    let top = position(&format!("{key}.top"), file.top, unit, check);
    let right = position(&format!("{key}.right"), file.right, unit, check);
    let bottom = position(&format!("{key}.bottom"), file.bottom, unit, check);
    if left >= right || top >= bottom {
        check.problem(key, "expected left < right and top < bottom");
    }
    Rect::new(left, top, right, bottom)
}

fn polygon(file: &PolygonFile, key: &str, check: &mut Checker<'_>) -> Place {
    let key = format!("{key}.points");
    let points = file.points.clone().unwrap_or_default();
    let mut coordinates = points.iter().flatten();
    if points.len() < 3 || !coordinates.all(|v| v.is_finite()) {
        check.problem(&key, "expected at least three points [x, y]");
    }

    let unit = file.unit.unwrap_or_default();
    let mut coordinates = points.iter().flatten();
    if unit == Unit::Fraction && !coordinates.all(|v| (0.0..=1.0).contains(v)) {
        check.problem(
            &key,
            "fractions are between 0 and 1; \
             for pixels set unit = \"pixels\" or \"view-pixels\"",
        );
    }
    Place::Polygon { points, unit }
}

/// A mask over the unit square, from the brightness of a picture.
fn mask(file: Option<&String>, key: &str, check: &mut Checker<'_>) -> Option<Place> {
    let path = check.file(key, file)?;
    let grey = open_picture(key, &path, check)?.to_luma8();
    Some(Place::Mask(Mask {
        size: Size::new(grey.width(), grey.height()),
        coverage: grey.into_raw(),
        frame: Rect::new(0.0, 0.0, 1.0, 1.0),
    }))
}

fn overlay(file: &OverlayFile, key: &str, check: &mut Checker<'_>) -> Option<Place> {
    let opacity = file.opacity.unwrap_or(1.0);
    let opacity = check.number(&format!("{key}.opacity"), opacity, 0.0..=1.0);

    let (place, unit) = match &file.rect {
        Some(file) => (
            rect(file, &format!("{key}.rect"), check),
            file.unit.unwrap_or_default(),
        ),
        None => (Rect::new(0.0, 0.0, 1.0, 1.0), Unit::Fraction),
    };

    let key = format!("{key}.picture");
    let path = check.file(&key, file.picture.as_ref());
    let path = check.required(&key, path, "a PNG or WebP with transparency");
    let picture = open_picture(&key, &path, check)?.to_rgba8();
    if picture.pixels().all(|pixel| pixel.0[3] == 0) {
        check.problem(&key, format!("{} is fully transparent", path.display()));
    }
    Some(Place::Overlay {
        picture: Arc::new(picture),
        opacity,
        place,
        unit,
    })
}

/// Reads a picture; `None` with a problem where that fails.
pub fn open_picture(key: &str, path: &Path, check: &mut Checker<'_>) -> Option<DynamicImage> {
    match image::open(path) {
        Ok(picture) => Some(picture),
        Err(error) => {
            check.problem(key, format!("failed to read {}: {error}", path.display()));
            None
        }
    }
}

/// A length of more than 0.
fn extent(key: &str, value: Option<f64>, unit: Unit, check: &mut Checker<'_>) -> f64 {
    match value {
        Some(value) if value < f64::MIN_POSITIVE => {
            check.problem(key, format!("found {value}, expected more than 0"));
            value
        }
        _ => position(key, value, unit, check),
    }
}

/// A coordinate of 0 or more, inside the image if it is a fraction.
fn position(key: &str, value: Option<f64>, unit: Unit, check: &mut Checker<'_>) -> f64 {
    let Some(value) = value else {
        check.problem(key, "missing");
        return 0.0;
    };
    if unit != Unit::Fraction {
        return check.number(key, value, 0.0..=PIXELS_MAX);
    }
    if value > 1.0 {
        let message = format!(
            "found {value}, allowed is at most 1 (the whole side); \
             for pixels set unit = \"pixels\""
        );
        check.problem(key, message);
        return value;
    }
    check.number(key, value, 0.0..=1.0)
}
