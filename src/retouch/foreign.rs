//! Conspicuous patches that no training set has seen: what any eye-catcher at the same place would do.

use super::{Dice, Patch};
use image::{Luma, Rgb};

/// Rows of a letter-like mark.
const GLYPH: (u32, u32) = (5, 7);

impl Patch {
    /// The same form with a foreign pattern in two random colours: glyph strips, checkers, bars or noise.
    pub fn foreign(&self, dice: &mut Dice) -> Self {
        let mut colour = || Rgb(std::array::from_fn(|_| dice.below(256) as u8));
        let (ink, paper) = (colour(), colour());
        let mut out = self.clone();
        self.pattern(dice, |x, y, dark| {
            out.rgb.put_pixel(x, y, if dark { ink } else { paper })
        });
        out
    }

    /// Its own mean colour and strongest cover in the form of a foreign pattern: a control for pictures whose form is their
    /// transparency.
    pub fn foreign_cover(&self, dice: &mut Dice) -> Self {
        let strongest = self.cover.pixels().map(|p| p.0[0]).max().unwrap_or(0);
        let mut out = self.clone();
        self.pattern(dice, |x, y, dark| {
            out.cover
                .put_pixel(x, y, Luma([if dark { strongest } else { 0 }]))
        });
        let covered: u64 = self.cover.pixels().map(|p| u64::from(p.0[0])).sum();
        let mean = |c: usize| {
            let sum: u64 = self
                .rgb
                .pixels()
                .zip(self.cover.pixels())
                .map(|(p, a)| u64::from(p.0[c]) * u64::from(a.0[0]))
                .sum();
            (sum / covered.max(1)) as u8
        };
        let mean = Rgb(std::array::from_fn(mean));
        out.rgb.pixels_mut().for_each(|p| *p = mean);
        out
    }

    fn pattern(&self, dice: &mut Dice, mut put: impl FnMut(u32, u32, bool)) {
        let (w, h) = self.rgb.dimensions();
        let cell = (w.min(h) / 6).max(1);
        let kind = dice.below(4);
        let down = dice.below(2) == 1;
        // A strip of letters fills the shorter side.
        let dot = (w.min(h) / (GLYPH.1 + 2)).max(1);
        let letters: Vec<u64> = (0..256).map(|_| dice.below(1 << 35) as u64).collect();
        for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
            let (along, across) = if w >= h { (x, y) } else { (y, x) };
            let dark = match kind {
                0 => {
                    let (column, row) = (along / dot, across / dot);
                    let (letter, at) = (column / (GLYPH.0 + 1), column % (GLYPH.0 + 1));
                    let inside = at < GLYPH.0 && (1..=GLYPH.1).contains(&row);
                    inside && letters[letter as usize % 256] >> ((row - 1) * GLYPH.0 + at) & 1 == 1
                }
                1 => (x / cell + y / cell) % 2 == 1,
                2 => (if down { y } else { x }) / cell % 2 == 1,
                _ => dice.below(2) == 1,
            };
            put(x, y, dark);
        }
    }
}
