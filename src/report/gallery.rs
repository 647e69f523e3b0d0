//! A contact sheet: many images of one class, what the model saw and its heat, as a page or as one picture.

use super::overlay::Canvas;
use super::template::GALLERY;
use super::{Panel, printable};
use crate::error::Result;
use crate::store::{Found, MEASURES};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::RgbImage;
use image::imageops::{FilterType, replace, thumbnail};
use serde::Serialize;

/// Side of a picture on a sheet, tiles in a row, height of a line, and what lies between.
const SIDE: u32 = 160;
const COLUMNS: u32 = 5;
const LINE: u32 = 15;
const GAP: u32 = 12;
/// Letters that fit under a tile.
const LETTERS: usize = (2 * SIDE / 6) as usize;

/// One image of the sheet.
pub struct Tile {
    pub of: Found,
    /// What the model saw, and the same with heat; `None` where the image is gone.
    pub pictures: Option<[RgbImage; 2]>,
    /// Why there are no pictures.
    pub lost: Option<String>,
}

impl Tile {
    fn says(&self) -> String {
        let present = match self.of.present {
            Some(true) => ", region present",
            Some(false) => ", region absent",
            None => "",
        };
        format!("says {}{present}", self.of.predicted)
    }

    /// Share, contrast and margin, where they were measured.
    fn figures(&self) -> String {
        let value = |name: &str| {
            MEASURES
                .iter()
                .position(|m| *m == name)
                .and_then(|i| self.of.measures[i])
        };
        let share = value("share").map(|v| format!("share {:.1} %", 100.0 * v));
        let contrast = value("contrast").map(|v| format!("contrast {v:+.2}"));
        let margin = value("margin").map(|v| format!("margin {v:+.1}"));
        [share, contrast, margin]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ")
    }
}

#[derive(Serialize)]
struct Context<'a> {
    note: &'a str,
    tiles: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    path: String,
    says: String,
    figures: String,
    lost: Option<String>,
    uris: Vec<String>,
}

/// One offline page.
///
/// # Errors
/// When a picture cannot be encoded.
pub fn page(tiles: &[Tile], title: &str, note: &str) -> Result<String> {
    let uri = |picture: &RgbImage| -> Result<String> {
        Ok(format!(
            "data:image/jpeg;base64,{}",
            BASE64.encode(Panel::new(String::new(), picture)?.jpeg)
        ))
    };
    let line = |tile: &Tile| -> Result<Line> {
        let uris = tile
            .pictures
            .iter()
            .flatten()
            .map(uri)
            .collect::<Result<_>>()?;
        let (path, lost) = (tile.of.path.clone(), tile.lost.clone());
        Ok(Line {
            path,
            says: tile.says(),
            figures: tile.figures(),
            lost,
            uris,
        })
    };
    let tiles = tiles.iter().map(line).collect::<Result<_>>()?;
    GALLERY.render(title, Context { note, tiles })
}

/// One picture: five tiles in a row, each with three lines under it.
pub fn sheet(tiles: &[Tile], title: &str) -> RgbImage {
    let (tile_w, tile_h) = (2 * SIDE + GAP, SIDE + 3 * LINE + GAP);
    let columns = COLUMNS.min(tiles.len().max(1) as u32);
    let rows = (tiles.len() as u32).div_ceil(columns);
    let top = GAP + LINE;
    let mut page = Canvas::white(columns * tile_w + GAP, top + rows * tile_h + GAP);
    page.write(GAP, GAP / 2, title);
    for (i, tile) in (0..).zip(tiles) {
        let (x, y) = (
            GAP + i % columns * tile_w,
            top + GAP / 2 + i / columns * tile_h,
        );
        for (at, picture) in tile.pictures.iter().flatten().enumerate() {
            let small = fitted(picture);
            replace(
                &mut page.0,
                &small,
                i64::from(x + at as u32 * SIDE),
                i64::from(y),
            );
        }
        let name: Vec<char> = printable(&tile.of.path).chars().collect();
        let tail: String = name[name.len().saturating_sub(LETTERS)..].iter().collect();
        let last = tile.lost.clone().unwrap_or_else(|| tile.figures());
        for (n, text) in (0..).zip([tail, tile.says(), last]) {
            page.write(
                x,
                y + SIDE + n * LINE,
                &text.chars().take(LETTERS).collect::<String>(),
            );
        }
    }
    page.0
}

fn fitted(picture: &RgbImage) -> RgbImage {
    if picture.width() > SIDE || picture.height() > SIDE {
        return thumbnail(picture, SIDE, SIDE);
    }
    image::imageops::resize(picture, SIDE, SIDE, FilterType::Triangle)
}
