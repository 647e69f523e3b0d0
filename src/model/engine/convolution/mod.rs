//! Convolutions of our own, of one image at a time, for the engine that is built in: a depthwise one, because the engine's
//! walks every zone of every channel tap by tap, and a dense one, which needs no packing of the image.
//!
//! Both lay every channel out flat in padded planes (`planes`), so that a tap is one long run of multiply-adds, whatever
//! the kernel, the stride and the dilation; what lies between the rows is summed as well, and not used.

mod dense;
mod depthwise;
mod planes;

use dense::Dense;
use depthwise::Depthwise;
pub use planes::Geometry;
use planes::Planes;
use pulp::Arch;

/// A convolution with its weights, and what its results are clamped to.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    planes: Planes,
    sums: Sums,
    clamp: [f32; 2],
}

#[derive(Debug, Clone, PartialEq)]
enum Sums {
    Depthwise(Depthwise),
    Dense(Dense),
}

impl Convolution {
    /// Every channel for itself: `kernel` as channels x taps, one bias a channel. `None` where a side is zero, or where the
    /// planes would be far larger than what is convolved.
    pub fn depthwise(geometry: Geometry, kernel: Vec<f32>, bias: Vec<f32>) -> Option<Self> {
        let sums = Sums::Depthwise(Depthwise { kernel, bias });
        Some(Self {
            planes: Planes::new(geometry)?,
            sums,
            clamp: [f32::NEG_INFINITY, f32::INFINITY],
        })
    }

    /// Every output from all inputs: `kernel` as outputs x inputs x taps, one bias an output. `None` as above.
    pub fn dense(geometry: Geometry, kernel: &[f32], bias: &[f32]) -> Option<Self> {
        let planes = Planes::new(geometry)?;
        let sums = Sums::Dense(Dense::new(&planes, kernel, bias)?);
        Some(Self {
            planes,
            sums,
            clamp: [f32::NEG_INFINITY, f32::INFINITY],
        })
    }

    /// Whether the dense one is faster than the engine's on this machine: measured with AVX-512 alone.
    pub fn dense_pays() -> bool {
        Arch::new().dispatch(dense::Pays)
    }

    /// The same with its results clamped to a range as well.
    #[must_use]
    pub fn clamped(mut self, least: f32, most: f32) -> Self {
        self.clamp = [self.clamp[0].max(least), self.clamp[1].min(most)];
        self
    }

    /// Convolves: `input` and `output` as channels x rows x columns. In which order it sums depends on the sizes and the
    /// width of the vectors alone. With `adds`, what `output` held is added before the clamp (a dense convolution only).
    pub fn run(&self, input: &[f32], output: &mut [f32], adds: bool) {
        match &self.sums {
            Sums::Depthwise(sums) => {
                Arch::new().dispatch(depthwise::Run {
                    of: self,
                    sums,
                    source: Some(input),
                    output,
                });
            }
            Sums::Dense(sums) => Arch::new().dispatch(dense::Run {
                of: self,
                sums,
                input,
                output,
                adds,
            }),
        }
    }

    /// Whether it can be done in the memory of the input: depthwise, and the output as large.
    pub fn in_place(&self) -> bool {
        matches!(self.sums, Sums::Depthwise(_))
            && self.planes.geometry.input == self.planes.geometry.output
    }

    /// The same into the memory of the input, where that can be done; nothing else.
    pub fn run_in_place(&self, values: &mut [f32]) {
        if let Sums::Depthwise(sums) = &self.sums
            && self.in_place()
        {
            Arch::new().dispatch(depthwise::Run {
                of: self,
                sums,
                source: None,
                output: values,
            });
        }
    }
}
