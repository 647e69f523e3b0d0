//! A repeated picture by its gradients, and where it is in a picture: masked normalised
//! correlation at every place.

use crate::evidence::discovery::fourier::Fourier;
use crate::evidence::discovery::picture::{Gradient, NOISE_ENERGY, PixelBox};
use pulp::{Arch, Simd, WithSimd};
use rustfft::num_complex::Complex32;
use serde::{Deserialize, Serialize};

/// Levels that a gradient is rounded to where a name is made of it.
const LEVEL: f32 = 12.0;
/// Blocks of a template that its name depends on, along the longer side.
const BLOCKS: usize = 4;

/// The mean gradient of a repeated picture; 0 where the images do not agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    pub width: usize,
    /// Row by row, across and down.
    pub values: Vec<[f32; 2]>,
}

/// Where a template fits best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Correlation, at most 1.
    pub score: f32,
    pub place: PixelBox,
}

/// Searches pictures of one size for templates.
pub struct TemplateSearch {
    width: usize,
    height: usize,
    fourier: Fourier,
    templates: Vec<Prepared>,
    /// Memory of the last product.
    products: Vec<Complex32>,
}

/// A template as conjugate spectra, by which those of a picture are multiplied.
struct Prepared {
    width: usize,
    height: usize,
    /// Of the gradient across, of the gradient down, and of the energy.
    factors: [Vec<Complex32>; 3],
    /// Root of the template's energy.
    norm: f32,
    pixels: f32,
}

impl Template {
    pub fn new(width: usize, values: Vec<Complex32>) -> Self {
        Self {
            width,
            values: values.into_iter().map(|v| [v.re, v.im]).collect(),
        }
    }

    pub fn height(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    fn complex(&self) -> impl Iterator<Item = Complex32> {
        self.values.iter().map(|[re, im]| Complex32::new(*re, *im))
    }

    /// At another size.
    pub fn resized(&self, size: f32) -> Self {
        if size == 1.0 {
            return self.clone();
        }
        let length = |pixels: usize| ((pixels as f32 * size).round() as usize).max(1);
        let (width, height) = (length(self.width), length(self.height()));
        let bounds = [self.width as i32, self.height() as i32];
        let at = |x: i32, y: i32| {
            let is_inside = (0..bounds[0]).contains(&x) && (0..bounds[1]).contains(&y);
            let value = is_inside.then(|| self.values[y as usize * self.width + x as usize]);
            value.map_or(Complex32::default(), |[re, im]| Complex32::new(re, im))
        };

        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                // Centres of pixels.
                let point = [x, y].map(|i| (i as f32 + 0.5) / size - 0.5);
                values.push(Gradient::between(point, at));
            }
        }
        Self::new(width, values)
    }

    /// Six hexadecimal digits of the coarse content.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let block = self.width.max(self.height()).div_ceil(BLOCKS).max(1);
        let columns = self.width.div_ceil(block);
        let mut sums = vec![Complex32::default(); columns * self.height().div_ceil(block)];
        for (at, value) in self.complex().enumerate() {
            let (x, y) = (at % self.width, at / self.width);
            // Directions without a sign: the two sides of a stroke would cancel.
            sums[y / block * columns + x / block] += value * value;
        }
        hasher.update(&(columns as u64).to_le_bytes());
        for sum in sums {
            let root = (sum / (block * block) as f32).sqrt();
            let levels = [root.re, root.im].map(|v| (v / LEVEL).round() as i8 as u8);
            hasher.update(&levels);
        }
        hasher.finalize().to_hex()[..6].to_owned()
    }

    /// The correlation with another template at its best place, the smaller inside of the larger
    /// with a margin; from -1 to 1.
    pub fn similarity(&self, other: &Self) -> f32 {
        let width = self.width + 2 * other.width;
        let height = self.height() + 2 * other.height();
        let mut gradient = Gradient {
            width,
            height,
            values: vec![Complex32::default(); width * height],
        };
        for (at, value) in self.complex().enumerate() {
            let (x, y) = (at % self.width, at / self.width);
            gradient.values[(y + other.height()) * width + x + other.width] = value;
        }
        let mut search = TemplateSearch::new(width, height, std::slice::from_ref(other));
        let hits = search.search(&gradient);
        hits.first().map_or(0.0, |hit| hit.score)
    }
}

impl TemplateSearch {
    /// For pictures of a size; a template that is larger than they are is nowhere.
    pub fn new(width: usize, height: usize, templates: &[Template]) -> Self {
        let mut fourier = Fourier::new(width, height);
        let prepare = |template| Prepared::new(template, width, height, &mut fourier);
        let templates = templates.iter().map(prepare).collect();
        Self {
            width,
            height,
            fourier,
            templates,
            products: vec![Complex32::default(); width * height],
        }
    }

    /// The best place of every template, in their order.
    pub fn search(&mut self, gradient: &Gradient) -> Vec<Hit> {
        let mut picture = gradient.values.clone();
        let energy = picture.iter().map(|v| Complex32::new(v.norm_sqr(), 0.0));
        let mut energy: Vec<Complex32> = energy.collect();
        self.fourier.forward(&mut picture);
        self.fourier.forward(&mut energy);
        let [across, down] = self.fourier.parts(&picture);
        let spectra = [&across, &down, &energy].map(Vec::as_slice);

        let mut hits = Vec::new();
        for template in &self.templates {
            Arch::new().dispatch(SumOfProducts {
                spectra,
                factors: template.factors.each_ref().map(Vec::as_slice),
                sum: &mut self.products,
            });
            self.fourier.inverse(&mut self.products);
            hits.push(template.best(&self.products, [self.width, self.height]));
        }
        hits
    }
}

/// `sum = spectra[0] * factors[0] + spectra[1] * factors[1] + spectra[2] * factors[2]`.
struct SumOfProducts<'p> {
    spectra: [&'p [Complex32]; 3],
    factors: [&'p [Complex32]; 3],
    sum: &'p mut [Complex32],
}

impl WithSimd for SumOfProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let spectra = self.spectra.map(|spectrum| S::as_simd_c32s(spectrum));
        let factors = self.factors.map(|factor| S::as_simd_c32s(factor));
        let (sum, sum_rest) = S::as_mut_simd_c32s(self.sum);
        for (at, sum) in sum.iter_mut().enumerate() {
            let mut total = simd.mul_c32s(spectra[0].0[at], factors[0].0[at]);
            total = simd.mul_add_c32s(spectra[1].0[at], factors[1].0[at], total);
            *sum = simd.mul_add_c32s(spectra[2].0[at], factors[2].0[at], total);
        }
        for (at, sum) in sum_rest.iter_mut().enumerate() {
            let product = |of: usize| spectra[of].1[at] * factors[of].1[at];
            *sum = product(0) + product(1) + product(2);
        }
    }
}

/// Correlations divided by the roots of the energies of the template and of the picture. Without a
/// branch, so that the compiler uses the vectors of the CPU.
struct Normalised<'p> {
    /// The energy of the picture is the imaginary part.
    correlations: &'p [Complex32],
    norm: f32,
    noise: f32,
    scores: &'p mut [f32],
}

impl WithSimd for Normalised<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (score, value) in self.scores.iter_mut().zip(self.correlations) {
            *score = value.re / (self.norm * (value.im.max(0.0) + self.noise).sqrt());
        }
    }
}

impl Prepared {
    fn new(template: &Template, width: usize, height: usize, fourier: &mut Fourier) -> Self {
        let mut pattern = vec![Complex32::default(); width * height];
        let mut mask = pattern.clone();
        let (mut energy, mut pixels) = (0.0, 0.0);
        for (at, value) in template.complex().enumerate() {
            let (x, y) = (at % template.width, at / template.width);
            if x < width && y < height && value != Complex32::default() {
                pattern[y * width + x] = value;
                mask[y * width + x] = Complex32::new(1.0, 0.0);
                energy += value.norm_sqr();
                pixels += 1.0;
            }
        }
        fourier.forward(&mut pattern);
        fourier.forward(&mut mask);
        let [across, down] = fourier.parts(&pattern);

        // Both the correlation and the energy are real: one transform yields them as the two parts
        // of its numbers.
        let count = (width * height) as f32;
        let mut factors = [across, down, mask];
        for factor in factors.iter_mut().flatten() {
            *factor = factor.conj() / count;
        }
        for factor in &mut factors[2] {
            *factor *= Complex32::i();
        }
        Self {
            width: template.width,
            height: template.height(),
            factors,
            norm: energy.sqrt(),
            pixels,
        }
    }

    /// The place of the largest correlation at which the template lies inside of the picture. The
    /// imaginary part of a number is the energy of the picture under the template.
    fn best(&self, correlations: &[Complex32], [width, height]: [usize; 2]) -> Hit {
        let mut best = Hit {
            score: 0.0,
            place: PixelBox {
                x0: 0,
                y0: 0,
                x1: self.width.min(width),
                y1: self.height.min(height),
            },
        };
        if self.width > width || self.height > height {
            return best;
        }
        let noise = NOISE_ENERGY * self.pixels;
        let mut scores = vec![0.0; width - self.width + 1];
        for y in 0..=height - self.height {
            Arch::new().dispatch(Normalised {
                correlations: &correlations[y * width..],
                norm: self.norm,
                noise,
                scores: &mut scores,
            });
            for (x, score) in scores.iter().enumerate() {
                if *score > best.score {
                    best.score = *score;
                    best.place = PixelBox {
                        x0: x,
                        y0: y,
                        x1: x + self.width,
                        y1: y + self.height,
                    };
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perturb::SeededRng;

    fn random(width: usize, height: usize, seed: &str) -> Vec<Complex32> {
        let mut rng = SeededRng::new(5, &[seed]);
        let mut number = || (60.0 * rng.unit() - 30.0) as f32;
        (0..width * height)
            .map(|_| Complex32::new(number(), number()))
            .collect()
    }

    #[test]
    fn the_best_place_is_that_of_sums_over_the_pixels() {
        let [width, height, side] = [30, 21, 6];
        let mut values = random(side, side - 1, "template");
        // No part of the template.
        values[7] = Complex32::default();
        let gradient = Gradient {
            width,
            height,
            values: random(width, height, "picture"),
        };
        let template = Template::new(side, values.clone());

        let (mut expected, mut place) = (0.0, [0, 0]);
        for y in 0..=height - (side - 1) {
            for x in 0..=width - side {
                let (mut product, mut energy, mut norm, mut pixels) = (0.0, 0.0, 0.0, 0.0);
                for (at, of_template) in values.iter().enumerate() {
                    let of_picture = gradient.values[(y + at / side) * width + x + at % side];
                    if of_template.norm_sqr() > 0.0 {
                        product += (of_picture * of_template.conj()).re;
                        energy += of_picture.norm_sqr();
                        norm += of_template.norm_sqr();
                        pixels += 1.0;
                    }
                }
                let score = product / (norm * (energy + NOISE_ENERGY * pixels)).sqrt();
                if score > expected {
                    (expected, place) = (score, [x, y]);
                }
            }
        }

        let hit = TemplateSearch::new(width, height, &[template]).search(&gradient)[0];
        assert!((hit.score - expected).abs() < 1e-5, "{hit:?}, {expected}");
        assert_eq!([hit.place.x0, hit.place.y0], place);
    }
}
