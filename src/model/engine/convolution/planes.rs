//! How a channel is laid out flat.
//!
//! A channel is copied into padded planes, one per phase of the stride: phase `(a, b)` holds the pixels whose padded row
//! is `a` and whose padded column is `b` modulo the stride. All planes share one pitch, so that tap `(i, j)` of the
//! output at flat index `o = y * pitch + x` lies at `offset(i, j) + o`, with an offset that does not depend on `o`.
//! The output is computed flat with the same pitch, and its rows are copied to their places.

/// Most numbers of the planes for one number of input and output: far dilated kernels are the engine's own.
const PLANES_MAX: usize = 16;
/// The same where all channels have their planes at once.
const LEAN: usize = 4;

/// Sizes of one convolution's channels; `[rows, columns]` each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    pub input: [usize; 2],
    pub output: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Rows above and columns to the left.
    pub padding: [usize; 2],
}

/// Where the phases of a channel lie in one flat buffer.
#[derive(Debug, Clone, PartialEq)]
pub struct Planes {
    pub geometry: Geometry,
    pub pitch: usize,
    rows: usize,
    /// Phases that some tap reads.
    phases: Vec<[usize; 2]>,
    /// Of each tap, in the order of the kernel: where its run starts.
    pub taps: Vec<usize>,
}

impl Planes {
    /// `None` where a side is zero, or where the planes would be far larger than what is convolved.
    pub fn new(geometry: Geometry) -> Option<Self> {
        let Geometry {
            input,
            output,
            kernel,
            stride,
            dilation,
            ..
        } = geometry;
        if [input, output, kernel, stride, dilation]
            .as_flattened()
            .contains(&0)
        {
            return None;
        }
        let area = |[h, w]: [usize; 2]| h.checked_mul(w);
        let side = |axis: usize| {
            let reach = (kernel[axis] - 1).checked_mul(dilation[axis])? / stride[axis];
            output[axis].checked_add(reach)
        };
        let (rows, pitch) = (side(0)?, side(1)?);
        let numbers = area([rows, pitch])?.checked_mul(area(stride)?.min(area(kernel)?))?;
        let most = area(input)?
            .checked_add(area(output)?)?
            .checked_add(1 << 12)?
            .checked_mul(PLANES_MAX)?;
        if numbers > most {
            return None;
        }
        let (mut phases, mut taps) = (Vec::new(), Vec::new());
        for i in 0..kernel[0] {
            for j in 0..kernel[1] {
                let at = [i * dilation[0], j * dilation[1]];
                let phase = [at[0] % stride[0], at[1] % stride[1]];
                let known = phases.iter().position(|p| *p == phase);
                let plane = known.unwrap_or_else(|| {
                    phases.push(phase);
                    phases.len() - 1
                });
                taps.push((plane * rows + at[0] / stride[0]) * pitch + at[1] / stride[1]);
            }
        }
        Some(Self {
            geometry,
            pitch,
            rows,
            phases,
            taps,
        })
    }

    /// Numbers of one channel's planes.
    pub fn len(&self) -> usize {
        self.phases.len() * self.rows * self.pitch
    }

    /// Numbers of `rows` rows of the flat output, from their first pixel to their last.
    pub fn run(&self, rows: usize) -> usize {
        (rows - 1) * self.pitch + self.geometry.output[1]
    }

    /// Whether they are not much larger than what is convolved: many channels have as many of them.
    pub fn are_lean(&self) -> bool {
        let area = |[h, w]: [usize; 2]| h * w;
        self.len() <= LEAN * (area(self.geometry.input) + area(self.geometry.output))
    }

    /// Whether a channel lies in its planes as it is.
    pub fn are_the_channel(&self) -> bool {
        let Geometry {
            input,
            stride,
            padding,
            ..
        } = self.geometry;
        stride == [1, 1] && padding == [0, 0] && input == [self.rows, self.pitch]
    }

    /// Copies a channel into its planes; what lies outside of it stays zero.
    #[inline(always)]
    pub fn spread(&self, channel: &[f32], buffer: &mut [f32]) {
        let Geometry {
            input: [height, width],
            stride,
            padding,
            ..
        } = self.geometry;
        for (phase, plane) in self
            .phases
            .iter()
            .zip(buffer.chunks_exact_mut(self.rows * self.pitch))
        {
            let (first, start) = inside(phase[1], stride[1], padding[1]);
            let count = width
                .saturating_sub(start)
                .div_ceil(stride[1])
                .min(self.pitch.saturating_sub(first));
            for (r, row) in plane.chunks_exact_mut(self.pitch).enumerate() {
                let Some(y) = (r * stride[0] + phase[0]).checked_sub(padding[0]) else {
                    continue;
                };
                if y >= height || count == 0 {
                    continue;
                }
                let (from, to) = (
                    &channel[y * width + start..(y + 1) * width],
                    &mut row[first..first + count],
                );
                match stride[1] {
                    1 => to.copy_from_slice(&from[..count]),
                    2 => {
                        let (pairs, last) = from.as_chunks::<2>();
                        to.iter_mut()
                            .zip(pairs)
                            .for_each(|(to, pair)| *to = pair[0]);
                        if count > pairs.len() {
                            to[count - 1] = last[0];
                        }
                    }
                    stride => to
                        .iter_mut()
                        .zip(from.iter().step_by(stride))
                        .for_each(|(to, from)| *to = *from),
                }
            }
        }
    }
}

/// First column of a phase that is not padding, and the column of the channel that it holds.
fn inside(phase: usize, stride: usize, padding: usize) -> (usize, usize) {
    let first = padding.saturating_sub(phase).div_ceil(stride);
    (first, first * stride + phase - padding)
}
