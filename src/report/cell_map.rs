//! Pictures of maps that are not signed: what lies off the map is dark, and its strong cells are
//! framed.

use crate::geometry::Size;
use crate::grid::Grid;
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};

/// Longest side of a picture.
const SIDE: u32 = 168;
/// Brightness where the map is 0.
const DARK: f32 = 0.4;
/// Cells from this part of the largest are framed.
const FRAMED: f32 = 0.5;
const FRAME: Rgb<u8> = Rgb([255, 96, 0]);
/// A map alone.
const BLANK: Rgb<u8> = Rgb([255; 3]);

/// Values of cells, row by row, none negative.
#[derive(Debug, Clone, Copy)]
pub struct CellMap<'a> {
    pub cells: &'a [f32],
    pub height: usize,
    pub width: usize,
}

/// A picture of the model's input, darkened off the map, with its strong cells framed.
pub fn cell_map_picture(view: &RgbImage, map: &CellMap<'_>) -> RgbImage {
    let (width, height) = view.dimensions();
    let scale = f64::from(SIDE) / f64::from(width.max(height));
    let side = |length: u32| (scale * f64::from(length)).round().max(1.0) as u32;
    let mut picture = resize(view, side(width), side(height), FilterType::Triangle);
    darken(&mut picture, map);
    frame(&mut picture, map);
    picture
}

/// The map alone, light where it is strong.
pub fn mean_map_picture(map: &CellMap<'_>) -> RgbImage {
    let side = |cells: usize| {
        let longest = map.height.max(map.width).max(1);
        (cells as u32 * SIDE / longest as u32).max(1)
    };
    let mut picture = RgbImage::from_pixel(side(map.width), side(map.height), BLANK);
    darken(&mut picture, map);
    picture
}

fn largest(map: &CellMap<'_>) -> f32 {
    let largest = map.cells.iter().copied().fold(0.0, f32::max);
    largest.max(f32::MIN_POSITIVE)
}

fn darken(picture: &mut RgbImage, map: &CellMap<'_>) {
    let grid = Grid {
        height: map.height,
        width: map.width,
        view: Size::new(picture.width(), picture.height()),
    };
    let largest = largest(map);
    let cells: Vec<f64> = map
        .cells
        .iter()
        .map(|value| f64::from(value / largest))
        .collect();
    for (pixel, strength) in picture.pixels_mut().zip(grid.upsample(&cells)) {
        let brightness = DARK + (1.0 - DARK) * strength.clamp(0.0, 1.0);
        pixel.0 = pixel.0.map(|level| (f32::from(level) * brightness) as u8);
    }
}

/// Draws the edges between strong cells and others.
fn frame(picture: &mut RgbImage, map: &CellMap<'_>) {
    let least = FRAMED * largest(map);
    let (width, height) = picture.dimensions();
    let cell = |x: u32, y: u32| {
        let column = x as usize * map.width / width as usize;
        let row = y as usize * map.height / height as usize;
        row * map.width + column
    };
    let is_strong = |x: u32, y: u32| map.cells[cell(x, y)] >= least;
    let mut framed = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let next = [
                (x.wrapping_sub(1), y),
                (x + 1, y),
                (x, y.wrapping_sub(1)),
                (x, y + 1),
            ];
            let is_edge = next
                .iter()
                .any(|(x, y)| *x >= width || *y >= height || !is_strong(*x, *y));
            if is_strong(x, y) && is_edge {
                framed.push((x, y));
            }
        }
    }
    for (x, y) in framed {
        picture.put_pixel(x, y, FRAME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_cells_are_light_and_framed() {
        let view = RgbImage::from_pixel(100, 50, Rgb([200; 3]));
        let map = CellMap {
            cells: &[1.0, 0.0, 0.0, 0.0],
            height: 1,
            width: 4,
        };
        let picture = cell_map_picture(&view, &map);
        assert_eq!(picture.dimensions(), (168, 84));
        assert_eq!(picture.get_pixel(41, 40), &FRAME);
        assert_eq!(picture.get_pixel(10, 40).0[0], 200);
        assert_eq!(picture.get_pixel(160, 40).0[0], 80);
        assert_eq!(mean_map_picture(&map).dimensions(), (168, 42));
    }
}
