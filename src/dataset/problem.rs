//! Noticing what is wrong with annotations. The codes and what they mean stand in `plan`.

use super::{Annotation, Outline};
use crate::geometry::{Rect, Size};
use crate::plan::Severity;
use crate::plan::problems::Policy;
use std::io::Read;
use std::path::Path;

/// Something wrong at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    pub code: &'static str,
    /// File and line.
    pub place: String,
    pub message: String,
}

impl Odd {
    pub fn new(code: &'static str, file: &Path, line: u64, message: impl Into<String>) -> Self {
        let line = if line == 0 {
            String::new()
        } else {
            format!(":{line}")
        };
        Self {
            code,
            place: format!("{}{line}", file.display()),
            message: message.into(),
        }
    }

    /// With what the policy does about it, and the image that it belongs to.
    pub fn noted(self, policy: &Policy, path: Option<&str>) -> Noted {
        let severity = policy.severity(self.code);
        Noted {
            code: self.code,
            severity,
            path: path.map(str::to_owned),
            place: self.place,
            message: self.message,
        }
    }
}

/// Something odd, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub code: &'static str,
    pub severity: Severity,
    /// The image, where it belongs to one.
    pub path: Option<String>,
    /// File and line.
    pub place: String,
    pub message: String,
}

/// A box from its edges, where they make one. What is odd about them is noted.
pub fn boxed(
    category: &str,
    [xa, ya, xb, yb]: [f64; 4],
    odd: impl FnMut(&'static str, String),
) -> Option<Annotation> {
    let mut odd = odd;
    let text = format!("{category}: {xa}, {ya}, {xb}, {yb}");
    if ![xa, ya, xb, yb].iter().all(|v| v.is_finite()) {
        odd("not_a_number", text);
        return None;
    }
    if xb < xa || yb < ya {
        odd("swapped_corners", text.clone());
    }
    let rect = Rect::new(xa.min(xb), ya.min(yb), xa.max(xb), ya.max(yb));
    if rect.area() <= 0.0 {
        odd("box_without_area", text);
        return None;
    }
    let category = category.to_owned();
    Some(Annotation {
        category,
        outline: Outline::Box(rect),
        normalised: false,
        ignore: false,
        upright: false,
    })
}

/// Notes boxes that reach over the edge of an image of this size by more than rounding.
pub fn outside(annotations: &[Annotation], size: Size, mut odd: impl FnMut(&'static str, String)) {
    for a in annotations {
        let r = a.bounds(size);
        let (w, h) = (f64::from(size.width) + 1.0, f64::from(size.height) + 1.0);
        if r.x0 < -1.0 || r.y0 < -1.0 || r.x1 > w || r.y1 > h {
            odd(
                "box_outside",
                format!(
                    "{}: {}, {}, {}, {} in {size}",
                    a.category, r.x0, r.y0, r.x1, r.y1
                ),
            );
        }
    }
}

/// Largest annotation file of one image.
const SIDECAR_BYTES_MAX: u64 = 256 << 20;

/// The text of an annotation file, without a byte-order mark.
pub fn read_text(file: &Path) -> Result<String, Odd> {
    let bad = |code, message: String| Odd::new(code, file, 0, message);
    let io = |e: std::io::Error| bad("bad_file", e.to_string());
    if !std::fs::metadata(file).map_err(io)?.is_file() {
        return Err(bad("bad_file", "not a regular file".into()));
    }
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(io)?;
    opened
        .take(SIDECAR_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > SIDECAR_BYTES_MAX {
        return Err(bad(
            "bad_file",
            format!("over the limit of {} MiB", SIDECAR_BYTES_MAX >> 20),
        ));
    }
    let text =
        String::from_utf8(bytes).map_err(|e| bad("bad_encoding", e.utf8_error().to_string()))?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map_or_else(|| text.clone(), str::to_owned))
}
