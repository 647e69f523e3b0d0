//! Where each image of an alignment shows the repeated picture, and at which size: source tags keep
//! their size in pixels, photos do not, so that the model's view shows them smaller and larger.

use super::graph::{Alignment, Cell};
use super::shift::{PhaseCorrelation, Window, verify};
use crate::evidence::discovery::picture::Gradient;
use rustfft::num_complex::Complex32;

/// Sizes that are tried against a neighbour in the alignment. Smoothing alone lets some pixels more
/// agree, so that another size has to agree clearly better.
const COARSE: Sizes = Sizes {
    step: 1.04,
    steps: 5,
    gain: 1.2,
};
/// Sizes that are tried against the mean of all images.
const FINE: Sizes = Sizes {
    step: 1.02,
    steps: 3,
    gain: 1.0,
};
/// Rounds of comparing every image with the mean.
const ROUNDS: usize = 2;
/// Sizes in which a picture of several sizes is searched for: the step between them, and how far
/// they reach beyond those of the aligned images.
const SEARCHED_STEP: f32 = 1.06;
const REACH: f32 = 1.12;
const SEARCHED_MAX: usize = 16;

/// Sizes around a known one.
#[derive(Clone, Copy)]
struct Sizes {
    step: f32,
    /// Down, and as many up.
    steps: i32,
    /// So many times the agreeing pixels of the known size are needed.
    gain: f32,
}

/// Where an image shows a point of the first image: `scale * point + offset`, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    pub image: usize,
    pub scale: f32,
    pub offset: [f32; 2],
}

impl Placement {
    pub fn is_unscaled(&self) -> bool {
        self.scale == 1.0
    }

    /// The place of a point of the first image.
    pub fn of(&self, point: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|i| self.scale * point[i] + self.offset[i])
    }
}

/// Places the images of an alignment. `centre_of` gives the centre of a cell in its image.
///
/// The first image has the size 1. All have it unless a neighbour in the alignment agrees clearly
/// better at another one.
pub fn placements(
    gradients: &[Gradient],
    alignment: &Alignment,
    centre_of: impl Fn(Cell) -> [f32; 2],
    window: usize,
) -> Vec<Placement> {
    let mut search = SizeSearch::new(window);
    let mut placed = vec![Placement {
        image: alignment.centre.image,
        scale: 1.0,
        offset: [0.0, 0.0],
    }];
    for step in &alignment.steps {
        let Some(from) = placed.iter().find(|p| p.image == step.from.image) else {
            continue;
        };
        // In the image it comes from.
        let centre = centre_of(step.from);
        let known = Placement {
            image: step.to.image,
            scale: 1.0,
            offset: step.shift.map(|s| s as f32),
        };
        let pair = [&gradients[step.from.image], &gradients[step.to.image]];
        let best = search.best(pair, centre, known, COARSE);
        // The match itself says where an image of the same size shows it.
        let is_resized = best.scale != 1.0;
        placed.push(behind(from, if is_resized { &best } else { &known }));
    }
    if placed.iter().all(Placement::is_unscaled) {
        return placed;
    }
    refined(gradients, placed, centre_of(alignment.centre), window)
}

/// Placements after every image was compared with the mean of all around a point of the first one.
pub fn refined(
    gradients: &[Gradient],
    mut placed: Vec<Placement>,
    centre: [f32; 2],
    window: usize,
) -> Vec<Placement> {
    let mut search = SizeSearch::new(window);
    let corner = corner(centre, 2 * window);
    for _ in 0..ROUNDS {
        let mean = mean(gradients, &placed, corner, 2 * window);
        for placement in &mut placed {
            // The mean has its own corner.
            let of_mean = Placement {
                offset: placement.of(corner),
                ..*placement
            };
            let pair = [&mean, &gradients[placement.image]];
            let middle = [window as f32; 2];
            let best = search.best(pair, middle, of_mean, FINE);
            let offset = [0, 1].map(|i| best.offset[i] - best.scale * corner[i]);
            *placement = Placement { offset, ..best };
        }
    }
    placed
}

/// The sizes in which a picture is searched for, as multiples of that of its template.
pub fn searched_sizes(placed: &[Placement]) -> Vec<f32> {
    let scales = placed.iter().map(|placement| placement.scale);
    let (low, high) = scales.fold((f32::INFINITY, 0.0_f32), |(low, high), scale| {
        (low.min(scale), high.max(scale))
    });
    if high <= low {
        return vec![1.0];
    }
    // By multiplication alone: the last digit of a power depends on the C library.
    let mut sizes = Vec::new();
    let mut size = low / REACH;
    while sizes.len() < SEARCHED_MAX && size < SEARCHED_STEP * REACH * high {
        sizes.push(size);
        size *= SEARCHED_STEP;
    }
    sizes
}

/// A placement against one image, put behind the placement of that image.
fn behind(first: &Placement, then: &Placement) -> Placement {
    Placement {
        image: then.image,
        scale: then.scale * first.scale,
        offset: then.of(first.offset),
    }
}

/// The upper left corner of a square around a point, in whole pixels.
pub fn corner(centre: [f32; 2], side: usize) -> [f32; 2] {
    centre.map(|c| (c - side as f32 / 2.0).round())
}

/// The gradient at a placed point; `None` outside of the image.
pub fn placed_gradient(
    gradient: &Gradient,
    placement: &Placement,
    point: [f32; 2],
) -> Option<Complex32> {
    let [x, y] = placement.of(point);
    if !gradient.contains(x.round() as i32, y.round() as i32) {
        return None;
    }
    Some(Gradient::between([x, y], |x, y| gradient.at(x, y)))
}

/// The mean gradient of placed images in a square of the first.
fn mean(gradients: &[Gradient], placed: &[Placement], corner: [f32; 2], side: usize) -> Gradient {
    let mut values = vec![Complex32::default(); side * side];
    for placement in placed {
        let gradient = &gradients[placement.image];
        for (at, sum) in values.iter_mut().enumerate() {
            let point = [
                corner[0] + (at % side) as f32,
                corner[1] + (at / side) as f32,
            ];
            *sum += placed_gradient(gradient, placement, point).unwrap_or_default();
        }
    }
    for value in &mut values {
        *value /= placed.len() as f32;
    }
    Gradient {
        width: side,
        height: side,
        values,
    }
}

/// The size and the shift at which two pictures agree in the most pixels.
struct SizeSearch {
    window: usize,
    correlation: PhaseCorrelation,
    scratch: Vec<Complex32>,
}

impl SizeSearch {
    fn new(window: usize) -> Self {
        Self {
            window,
            correlation: PhaseCorrelation::new(window),
            scratch: Vec::new(),
        }
    }

    /// The best of the sizes around a known placement, which leads from the first picture to the
    /// second; the known one where no other is clearly better.
    fn best(
        &mut self,
        [first, second]: [&Gradient; 2],
        centre: [f32; 2],
        known: Placement,
        sizes: Sizes,
    ) -> Placement {
        let window = Window::around(centre, self.window, first);
        let spectrum = self.correlation.spectrum(first, window);
        let inside = Window {
            x: 0,
            y: 0,
            side: self.window,
        };
        let corner = [window.x as f32, window.y as f32];
        let middle = corner.map(|c| c + self.window as f32 / 2.0);

        let (mut best, mut most) = (known, 0.0);
        // The known size first, then those near it.
        let mut tries: Vec<i32> = (-sizes.steps..=sizes.steps).collect();
        tries.sort_by_key(|step| step.abs());
        for step in tries {
            let scale = known.scale * sizes.step.powi(step);
            // The middle of the window stays where it is.
            let held = known.of(middle);
            let tried = Placement {
                image: known.image,
                scale,
                offset: [0, 1].map(|i| held[i] - scale * middle[i]),
            };
            let resized = self.resized(second, &tried, corner);
            let other = self.correlation.spectrum(&resized, inside);
            let Some(peak) = self.correlation.peak(&spectrum, &other) else {
                continue;
            };
            let windows = [(first, window), (&resized, inside)];
            let Some(shift) = verify(windows, peak, &mut self.scratch) else {
                continue;
            };

            let gain = if step == 0 { 1.0 } else { sizes.gain };
            let agreeing = shift.inliers as f32 / gain;
            if agreeing > most {
                // `verify` counts from the windows' corners.
                let moved = [shift.x + window.x, shift.y + window.y];
                let offset = [0, 1].map(|i| tried.offset[i] + scale * moved[i] as f32);
                best = Placement { offset, ..tried };
                most = agreeing;
            }
        }
        best
    }

    /// The part of a picture that a window of the first one shows, at the window's size.
    fn resized(&self, gradient: &Gradient, tried: &Placement, corner: [f32; 2]) -> Gradient {
        let mut values = Vec::with_capacity(self.window * self.window);
        for y in 0..self.window {
            for x in 0..self.window {
                let point = tried.of([corner[0] + x as f32, corner[1] + y as f32]);
                values.push(Gradient::between(point, |x, y| gradient.at(x, y)));
            }
        }
        Gradient {
            width: self.window,
            height: self.window,
            values,
        }
    }
}
