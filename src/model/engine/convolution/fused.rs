//! A convolution with the steps that follow it: bias, an optional addend, and a clamp.

use super::dense::{self, Dense};
use super::depthwise::{self, Depthwise};
use super::planes::{Geometry, Planes};
use super::winograd::{self, Winograd};
use pulp::Arch;

/// A clamp that changes nothing.
const UNBOUNDED: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

/// A convolution with its weights and the range that its results are clamped to.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    planes: Planes,
    kernel: Kernel,
    clamp: [f32; 2],
}

#[derive(Debug, Clone, PartialEq)]
enum Kernel {
    Depthwise(Depthwise),
    Dense(Dense),
    Winograd(Winograd),
}

impl Convolution {
    /// Each output channel from its own input channel. `kernel` is channels x taps, `bias` has one
    /// value per channel. `None` where a side is zero or the planes would be far larger than input
    /// and output.
    pub fn depthwise(geometry: Geometry, kernel: Vec<f32>, bias: Vec<f32>) -> Option<Self> {
        Some(Self {
            planes: Planes::new(geometry)?,
            kernel: Kernel::Depthwise(Depthwise { kernel, bias }),
            clamp: UNBOUNDED,
        })
    }

    /// Each output channel from all input channels. `kernel` is outputs x inputs x taps, `bias` has
    /// one value per output. `None` as for [`Convolution::depthwise`].
    pub fn dense(geometry: Geometry, kernel: &[f32], bias: &[f32]) -> Option<Self> {
        let planes = Planes::new(geometry)?;
        let dense = Dense::new(&planes, kernel, bias)?;
        Some(Self {
            planes,
            kernel: Kernel::Dense(dense),
            clamp: UNBOUNDED,
        })
    }

    /// The same sums as [`Convolution::dense`] by Winograd's algorithm, with other rounding errors.
    /// `None` where the kernel is not 3 x 3 or stride or dilation are not 1, and as for
    /// [`Convolution::depthwise`].
    pub fn winograd(geometry: Geometry, kernel: &[f32], bias: &[f32]) -> Option<Self> {
        let winograd = Winograd::new(&geometry, kernel, bias)?;
        Some(Self {
            planes: Planes::new(geometry)?,
            kernel: Kernel::Winograd(winograd),
            clamp: UNBOUNDED,
        })
    }

    /// Whether Winograd's algorithm is faster on this CPU than the sum over all taps; never without
    /// AVX2.
    pub fn winograd_pays(geometry: &Geometry, inputs: usize, outputs: usize) -> bool {
        Arch::new().dispatch(winograd::Pays {
            geometry,
            inputs,
            outputs,
        })
    }

    /// Whether Winograd's algorithm is used.
    pub fn is_winograd(&self) -> bool {
        matches!(self.kernel, Kernel::Winograd(_))
    }

    /// Whether the dense convolution of so many channels is faster than the engine's on this CPU;
    /// measured with AVX-512 and AVX2.
    pub fn dense_pays(inputs: usize) -> bool {
        inputs <= Arch::new().dispatch(dense::InputsMax)
    }

    /// Narrows the range that results are clamped to.
    #[must_use]
    pub fn clamped(mut self, min: f32, max: f32) -> Self {
        self.clamp = [self.clamp[0].max(min), self.clamp[1].min(max)];
        self
    }

    /// Convolves; `input` and `output` are channels x rows x columns. The order of summation
    /// depends only on the sizes and the vector width. With `adds`, the previous content of
    /// `output` is added before the clamp (not of depthwise ones).
    pub fn run(&self, input: &[f32], output: &mut [f32], adds: bool) {
        match &self.kernel {
            Kernel::Depthwise(depthwise) => Arch::new().dispatch(depthwise::Run {
                planes: &self.planes,
                depthwise,
                clamp: self.clamp,
                source: Some(input),
                output,
            }),
            Kernel::Dense(dense) => Arch::new().dispatch(dense::Run {
                planes: &self.planes,
                dense,
                clamp: self.clamp,
                input,
                output,
                adds,
            }),
            Kernel::Winograd(winograd) => Arch::new().dispatch(winograd::Run {
                winograd,
                clamp: self.clamp,
                input,
                output,
                adds,
            }),
        }
    }

    /// Whether the output can overwrite the input: depthwise, with equal sizes.
    pub fn in_place(&self) -> bool {
        matches!(self.kernel, Kernel::Depthwise(_))
            && self.planes.geometry.input == self.planes.geometry.output
    }

    /// Convolves and overwrites the input; does nothing unless [`Convolution::in_place`].
    pub fn run_in_place(&self, values: &mut [f32]) {
        if let Kernel::Depthwise(depthwise) = &self.kernel
            && self.in_place()
        {
            Arch::new().dispatch(depthwise::Run {
                planes: &self.planes,
                depthwise,
                clamp: self.clamp,
                source: None,
                output: values,
            });
        }
    }
}
