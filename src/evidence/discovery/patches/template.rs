//! A repeated picture by its gradients, and where it is in a picture: masked normalised
//! correlation at every place.

use crate::evidence::discovery::fourier::Fourier;
use crate::evidence::discovery::picture::{Gradient, NOISE_ENERGY, PixelBox};
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
}

/// A template as spectra.
struct Prepared {
    width: usize,
    height: usize,
    pattern: Vec<Complex32>,
    mask: Vec<Complex32>,
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
        }
    }

    /// The best place of every template, in their order.
    pub fn search(&mut self, gradient: &Gradient) -> Vec<Hit> {
        let mut picture = gradient.values.clone();
        let energy = picture.iter().map(|v| Complex32::new(v.norm_sqr(), 0.0));
        let mut energy: Vec<Complex32> = energy.collect();
        self.fourier.forward(&mut picture);
        self.fourier.forward(&mut energy);

        let mut hits = Vec::new();
        for template in &self.templates {
            let correlation = product(&picture, &template.pattern, &mut self.fourier);
            let energies = product(&energy, &template.mask, &mut self.fourier);
            hits.push(template.best(&correlation, &energies, [self.width, self.height]));
        }
        hits
    }
}

/// The correlation of a spectrum with a conjugate one, not yet divided by the number of pixels.
fn product(
    spectrum: &[Complex32],
    conjugate: &[Complex32],
    fourier: &mut Fourier,
) -> Vec<Complex32> {
    let products = spectrum.iter().zip(conjugate).map(|(a, b)| a * b);
    let mut products: Vec<Complex32> = products.collect();
    fourier.inverse(&mut products);
    products
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
        for values in [&mut pattern, &mut mask] {
            fourier.forward(values);
            for value in values.iter_mut() {
                *value = value.conj();
            }
        }
        Self {
            width: template.width,
            height: template.height(),
            pattern,
            mask,
            norm: energy.sqrt(),
            pixels,
        }
    }

    /// The place of the largest correlation at which the template lies inside of the picture.
    fn best(
        &self,
        correlation: &[Complex32],
        energies: &[Complex32],
        [width, height]: [usize; 2],
    ) -> Hit {
        let count = (width * height) as f32;
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
        for y in 0..=height - self.height {
            for x in 0..=width - self.width {
                let at = y * width + x;
                let energy = (energies[at].re / count).max(0.0) + NOISE_ENERGY * self.pixels;
                let score = correlation[at].re / count / (self.norm * energy.sqrt());
                if score > best.score {
                    best.score = score;
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
