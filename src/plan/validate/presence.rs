//! How the presence of a region is known: annotations, a column, a template, or always.

use super::checker::Checker;
use super::place::open_picture;
use crate::geometry::Rect;
use crate::plan::file::{Corner, RegionFile, TemplateFile, Unit};
use crate::plan::types::{Place, Presence, Template};
use std::sync::Arc;

/// How the presence is known; all but annotations need a place in fractions of the photo.
pub fn presence(file: &RegionFile, place: &Place, key: &str, check: &mut Checker<'_>) -> Presence {
    let Some(source) = source(file, key, check) else {
        return Presence::Annotated;
    };
    let Some(area) = area(place) else {
        check.problem(
            &format!("{key}.{source}"),
            "needs a corner or a rect in fractions of the photo",
        );
        return Presence::Annotated;
    };

    if let Some(name) = file.presence_column.clone() {
        return Presence::Column { name, area };
    }
    let Some(file) = &file.template else {
        return Presence::Always { area };
    };
    match template(file, area, &format!("{key}.template"), check) {
        Some(template) => Presence::Template(Arc::new(template)),
        None => Presence::Annotated,
    }
}

/// The key that gives the presence, of which there may be one at most.
fn source(file: &RegionFile, key: &str, check: &mut Checker<'_>) -> Option<&'static str> {
    let keys = [
        ("presence_column", file.presence_column.is_some()),
        ("always", file.always == Some(true)),
        ("template", file.template.is_some()),
    ];
    let mut given = keys.into_iter().filter(|(_, is_given)| *is_given);

    let (first, _) = given.next()?;
    if let Some((second, _)) = given.next() {
        check.problem(
            &format!("{key}.{second}"),
            format!("the presence is already given by {first}; remove one of the two"),
        );
    }
    Some(first)
}

/// The place as a rectangle in fractions of the photo; `None` if it is not one.
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
    file: &TemplateFile,
    place: Rect,
    key: &str,
    check: &mut Checker<'_>,
) -> Option<Template> {
    let margin = file.margin.unwrap_or(0.05);
    let margin = check.number(&format!("{key}.margin"), margin, 0.0..=1.0);
    let threshold = file.threshold.unwrap_or(0.8);
    let threshold = check.number(&format!("{key}.threshold"), threshold, 0.0..=1.0);
    let scales = file.scales.clone().unwrap_or_else(|| vec![0.9, 1.0, 1.1]);
    if scales.is_empty() || !scales.iter().all(|scale| (0.1..=10.0).contains(scale)) {
        check.problem(
            &format!("{key}.scales"),
            "expected one or more numbers from 0.1 to 10",
        );
    }

    let picture_key = format!("{key}.picture");
    let path = check.file(&picture_key, file.picture.as_ref());
    let path = check.required(&picture_key, path, "the tag as it appears on the photos");
    let grey = open_picture(&picture_key, &path, check)?.to_luma8();

    let area = Rect::new(
        place.x0 - margin,
        place.y0 - margin,
        place.x1 + margin,
        place.y1 + margin,
    );
    let area = area.intersect(Rect::new(0.0, 0.0, 1.0, 1.0))?;

    // Cached searches are found by this hash: its text must not change.
    let hash = blake3::hash(format!("{:?}", (&grey, area, &scales, threshold)).as_bytes());
    Some(Template {
        grey,
        area,
        scales,
        threshold,
        hash: hash.to_hex().to_string(),
    })
}
