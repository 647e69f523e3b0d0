//! A contact sheet: many images of one class with their heat, as a page or as one picture.

use super::heatmap::Canvas;
use super::image_budget::jpeg_uri;
use super::pictures::jpeg;
use super::template::CONTACT_SHEET;
use super::text::{percent, printable};
use crate::error::Result;
use image::RgbImage;
use image::imageops::{FilterType, replace, thumbnail};
use serde::Serialize;

/// Side of a picture on a sheet, in pixels.
const SIDE: u32 = 160;
/// Tiles in a row.
const COLUMNS: u32 = 5;
/// Height of a line of text, in pixels.
const LINE: u32 = 15;
/// Between tiles, in pixels.
const GAP: u32 = 12;
/// Characters that fit under a tile.
const CHARS_MAX: usize = (2 * SIDE / 6) as usize;

/// One image of the sheet, with what was measured for the class and one region.
#[derive(Debug, Clone, Default)]
pub struct Tile {
    /// Relative to the dataset's root.
    pub path: String,
    /// The predicted class.
    pub predicted: String,
    /// Whether the region is present; `None` without presence information.
    pub present: Option<bool>,
    pub share: Option<f64>,
    /// In logits.
    pub contrast: Option<f64>,
    /// In logits.
    pub margin: Option<f64>,
    /// The model's input, and the same with heat; `None` where the image is missing.
    pub pictures: Option<[RgbImage; 2]>,
    /// Why there are no pictures.
    pub missing: Option<String>,
}

#[derive(Serialize)]
struct Context<'a> {
    note: &'a str,
    tiles: Vec<TileLine<'a>>,
}

#[derive(Serialize)]
struct TileLine<'a> {
    path: &'a str,
    prediction: String,
    measures: String,
    missing: Option<&'a str>,
    uris: Vec<String>,
}

impl Tile {
    fn prediction(&self) -> String {
        let present = match self.present {
            Some(true) => ", region present",
            Some(false) => ", region absent",
            None => "",
        };
        format!("predicted {}{present}", self.predicted)
    }

    fn measures(&self) -> String {
        let mut measures = Vec::new();
        if let Some(share) = self.share {
            measures.push(format!("share {}", percent(share)));
        }
        if let Some(contrast) = self.contrast {
            measures.push(format!("contrast {contrast:+.2}"));
        }
        if let Some(margin) = self.margin {
            measures.push(format!("margin {margin:+.1}"));
        }
        measures.join(", ")
    }

    /// The lines under the pictures on a sheet.
    fn captions(&self) -> [String; 3] {
        let path: Vec<char> = printable(&self.path).chars().collect();
        let end_of_path = &path[path.len().saturating_sub(CHARS_MAX)..];
        let last = self.missing.clone().unwrap_or_else(|| self.measures());
        [end_of_path.iter().collect(), self.prediction(), last]
    }
}

/// The sheet as one offline page.
///
/// # Errors
/// When a picture cannot be encoded.
pub fn contact_page(tiles: &[Tile], title: &str, note: &str) -> Result<String> {
    let mut lines = Vec::new();
    for tile in tiles {
        lines.push(tile_line(tile)?);
    }
    CONTACT_SHEET.render(title, Context { note, tiles: lines })
}

fn tile_line(tile: &Tile) -> Result<TileLine<'_>> {
    let mut uris = Vec::new();
    for picture in tile.pictures.iter().flatten() {
        uris.push(jpeg_uri(&jpeg(picture)?));
    }
    Ok(TileLine {
        path: &tile.path,
        prediction: tile.prediction(),
        measures: tile.measures(),
        missing: tile.missing.as_deref(),
        uris,
    })
}

/// The sheet as one picture.
pub fn contact_sheet(tiles: &[Tile], title: &str) -> RgbImage {
    let tile_width = 2 * SIDE + GAP;
    let tile_height = SIDE + 3 * LINE + GAP;
    let columns = COLUMNS.min(tiles.len().max(1) as u32);
    let rows = (tiles.len() as u32).div_ceil(columns);
    let top = GAP + LINE;

    let width = columns * tile_width + GAP;
    let height = top + rows * tile_height + GAP;
    let mut sheet = Canvas::white(width, height);
    sheet.write(GAP, GAP / 2, title);

    for (i, tile) in (0..).zip(tiles) {
        let x = GAP + i % columns * tile_width;
        let y = top + GAP / 2 + i / columns * tile_height;
        draw_tile(&mut sheet, x, y, tile);
    }
    sheet.0
}

fn draw_tile(sheet: &mut Canvas, x: u32, y: u32, tile: &Tile) {
    for (i, picture) in (0..).zip(tile.pictures.iter().flatten()) {
        let left = x + i * SIDE;
        replace(
            &mut sheet.0,
            &fitted(picture),
            i64::from(left),
            i64::from(y),
        );
    }

    for (i, caption) in (0..).zip(tile.captions()) {
        let caption: String = caption.chars().take(CHARS_MAX).collect();
        sheet.write(x, y + SIDE + i * LINE, &caption);
    }
}

fn fitted(picture: &RgbImage) -> RgbImage {
    if picture.width() > SIDE || picture.height() > SIDE {
        return thumbnail(picture, SIDE, SIDE);
    }
    image::imageops::resize(picture, SIDE, SIDE, FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiles() -> [Tile; 2] {
        let grey = RgbImage::from_pixel(32, 32, image::Rgb([90; 3]));
        [
            Tile {
                path: "horse/1.jpg".into(),
                predicted: "horse".into(),
                present: Some(true),
                share: Some(0.123),
                margin: Some(-1.25),
                pictures: Some([grey.clone(), grey]),
                ..Tile::default()
            },
            Tile {
                path: "horse/<b>2</b>.jpg".into(),
                predicted: "car".into(),
                missing: Some("the photo is no longer in the dataset".into()),
                ..Tile::default()
            },
        ]
    }

    #[test]
    fn a_page_shows_pictures_and_why_they_are_missing() {
        let page = contact_page(&tiles(), "horse / tag", "2 of 200 images.").expect("a page");
        assert_eq!(page.matches("data:image/jpeg").count(), 2);
        for text in [
            "predicted horse, region present",
            "share 12.3 %, margin -1.2",
            "no longer in the dataset",
            "&lt;b&gt;2",
        ] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("<b>2"));
    }

    #[test]
    fn a_sheet_has_a_place_for_every_tile() {
        let sheet = contact_sheet(&tiles(), "horse");
        let is_painted = |x: u32| (100..180).any(|y| sheet.get_pixel(x, y).0 != [255; 3]);
        assert!(is_painted(60) && is_painted(220));
        assert!(!is_painted(400) && !is_painted(600));
    }
}
