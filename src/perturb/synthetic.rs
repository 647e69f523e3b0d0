//! Conspicuous patches that no training set contains: the effect of any eye-catcher at that place.

use super::patch::Patch;
use super::rng::SeededRng;
use image::{Luma, Rgb};

/// Columns and rows of a letter-like mark.
const GLYPH: (u32, u32) = (5, 7);
/// Different marks in a strip.
const LETTERS: usize = 256;

impl Patch {
    /// The same form with a synthetic pattern in two random colours.
    ///
    /// The pattern is a strip of letters, checkers, bars or noise.
    pub fn synthetic(&self, rng: &mut SeededRng) -> Self {
        let ink = random_colour(rng);
        let paper = random_colour(rng);

        let mut synthetic = self.clone();
        let is_ink = pattern(self.rgb.dimensions(), rng);
        for (pixel, is_ink) in synthetic.rgb.pixels_mut().zip(is_ink) {
            *pixel = if is_ink { ink } else { paper };
        }
        synthetic
    }

    /// Its mean colour and strongest opacity in the form of a synthetic pattern: a control for
    /// pictures whose form is their transparency.
    pub fn synthetic_overlay(&self, rng: &mut SeededRng) -> Self {
        let covers = self.cover.pixels().map(|cover| cover.0[0]);
        let ink = Luma([covers.max().unwrap_or(0)]);
        let paper = Luma([0]);

        let mut synthetic = self.clone();
        let is_ink = pattern(self.rgb.dimensions(), rng);
        for (cover, is_ink) in synthetic.cover.pixels_mut().zip(is_ink) {
            *cover = if is_ink { ink } else { paper };
        }

        let mean = self.mean_colour();
        for pixel in synthetic.rgb.pixels_mut() {
            *pixel = mean;
        }
        synthetic
    }

    /// The mean of all pixels, weighted by their opacity.
    fn mean_colour(&self) -> Rgb<u8> {
        let mut sums = [0_u64; 3];
        let mut weight = 0_u64;
        for (pixel, cover) in self.rgb.pixels().zip(self.cover.pixels()) {
            let cover = u64::from(cover.0[0]);
            weight += cover;
            for (sum, value) in sums.iter_mut().zip(pixel.0) {
                *sum += u64::from(value) * cover;
            }
        }
        Rgb(sums.map(|sum| (sum / weight.max(1)) as u8))
    }
}

fn random_colour(rng: &mut SeededRng) -> Rgb<u8> {
    Rgb(std::array::from_fn(|_| rng.below(256) as u8))
}

/// Which pixels of a random pattern are ink, row by row.
///
/// The order of the draws is part of the result: kind, direction, letters, then one per pixel of
/// noise.
fn pattern((width, height): (u32, u32), rng: &mut SeededRng) -> Vec<bool> {
    let short = width.min(height);
    let cell = (short / 6).max(1);
    let kind = rng.below(4);
    let is_down = rng.below(2) == 1;
    let letters = Letters::drawn(short, rng);

    let mut is_ink = Vec::with_capacity((width * height) as usize);
    for y in 0..height {
        for x in 0..width {
            let (along, across) = if width >= height { (x, y) } else { (y, x) };
            is_ink.push(match kind {
                0 => letters.is_ink(along, across),
                1 => (x / cell + y / cell) % 2 == 1,
                2 => (if is_down { y } else { x }) / cell % 2 == 1,
                _ => rng.below(2) == 1,
            });
        }
    }
    is_ink
}

/// A strip of random letter-like marks that fills the shorter side.
struct Letters {
    /// Side of a dot in pixels.
    dot: u32,
    /// The dots of each mark as bits, row by row.
    bits: Vec<u64>,
}

impl Letters {
    fn drawn(short: u32, rng: &mut SeededRng) -> Self {
        let all = 1_usize << (GLYPH.0 * GLYPH.1);
        Self {
            dot: (short / (GLYPH.1 + 2)).max(1),
            bits: (0..LETTERS).map(|_| rng.below(all) as u64).collect(),
        }
    }

    fn is_ink(&self, along: u32, across: u32) -> bool {
        let row = across / self.dot;
        let letter = along / self.dot / (GLYPH.0 + 1);
        let column = along / self.dot % (GLYPH.0 + 1);
        // One blank row above the marks, and one blank column behind each.
        if column >= GLYPH.0 || !(1..=GLYPH.1).contains(&row) {
            return false;
        }
        let bits = self.bits[letter as usize % LETTERS];
        bits >> ((row - 1) * GLYPH.0 + column) & 1 == 1
    }
}
