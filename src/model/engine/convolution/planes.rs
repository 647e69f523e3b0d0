//! The flat layout of one channel.
//!
//! A channel is copied into padded planes, one per phase of the stride: phase `(a, b)` holds the
//! pixels whose padded row is `a` and whose padded column is `b` modulo the stride. All planes
//! share one pitch, so that tap `(i, j)` of the output at flat index `o = y * pitch + x` is at
//! `offset(i, j) + o`, with an offset that does not depend on `o`. The output is computed flat with
//! the same pitch, and its rows are then copied to their places.

/// Most numbers of the planes per number of input and output. Kernels with a larger dilation are
/// left to the engine.
const PLANES_MAX: usize = 16;
/// The same limit where the planes of all channels exist at once.
const LEAN: usize = 4;
/// Numbers of the planes that are allowed for any size.
const PLANES_FREE: usize = 1 << 12;

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

impl Geometry {
    fn has_empty_side(&self) -> bool {
        let sides = [
            self.input,
            self.output,
            self.kernel,
            self.stride,
            self.dilation,
        ];
        sides.as_flattened().contains(&0)
    }

    /// Rows (axis 0) or columns (axis 1) of a plane; `None` on overflow.
    fn plane_side(&self, axis: usize) -> Option<usize> {
        let reach = (self.kernel[axis] - 1).checked_mul(self.dilation[axis])?;
        self.output[axis].checked_add(reach / self.stride[axis])
    }

    /// Most numbers that the planes may have; `None` on overflow.
    fn plane_numbers_max(&self) -> Option<usize> {
        checked_area(self.input)?
            .checked_add(checked_area(self.output)?)?
            .checked_add(PLANES_FREE)?
            .checked_mul(PLANES_MAX)
    }
}

fn checked_area([height, width]: [usize; 2]) -> Option<usize> {
    height.checked_mul(width)
}

fn area([height, width]: [usize; 2]) -> usize {
    height * width
}

/// Where the phases of a channel are in one flat buffer.
#[derive(Debug, Clone, PartialEq)]
pub struct Planes {
    pub geometry: Geometry,
    pub pitch: usize,
    rows: usize,
    /// Phases that at least one tap reads.
    phases: Vec<[usize; 2]>,
    /// Start of each tap's run, in the order of the kernel.
    pub taps: Vec<usize>,
}

impl Planes {
    /// `None` where a side is zero or the planes would be far larger than input and output.
    pub fn new(geometry: Geometry) -> Option<Self> {
        if geometry.has_empty_side() {
            return None;
        }
        let rows = geometry.plane_side(0)?;
        let pitch = geometry.plane_side(1)?;

        let planes_max = checked_area(geometry.stride)?.min(checked_area(geometry.kernel)?);
        let numbers = checked_area([rows, pitch])?.checked_mul(planes_max)?;
        if numbers > geometry.plane_numbers_max()? {
            return None;
        }

        let mut planes = Self {
            geometry,
            pitch,
            rows,
            phases: Vec::new(),
            taps: Vec::new(),
        };
        planes.place_taps();
        Some(planes)
    }

    /// Collects the phases and the start of every tap's run.
    fn place_taps(&mut self) {
        let [kernel_rows, kernel_columns] = self.geometry.kernel;
        let stride = self.geometry.stride;
        let dilation = self.geometry.dilation;

        for i in 0..kernel_rows {
            for j in 0..kernel_columns {
                let (y, x) = (i * dilation[0], j * dilation[1]);
                let plane = self.plane_of([y % stride[0], x % stride[1]]);
                let row = plane * self.rows + y / stride[0];
                self.taps.push(row * self.pitch + x / stride[1]);
            }
        }
    }

    /// Index of a phase's plane; a new phase gets the next.
    fn plane_of(&mut self, phase: [usize; 2]) -> usize {
        if let Some(plane) = self.phases.iter().position(|p| *p == phase) {
            return plane;
        }
        self.phases.push(phase);
        self.phases.len() - 1
    }

    /// Numbers of one channel's planes.
    pub fn len(&self) -> usize {
        self.phases.len() * self.rows * self.pitch
    }

    /// Numbers of `rows` rows of the flat output, from the first pixel to the last.
    pub fn run(&self, rows: usize) -> usize {
        (rows - 1) * self.pitch + self.geometry.output[1]
    }

    /// Whether the planes are small enough to exist for all channels at once.
    pub fn are_lean(&self) -> bool {
        self.len() <= LEAN * (area(self.geometry.input) + area(self.geometry.output))
    }

    /// Whether the planes are the channel itself, so that no copy is needed.
    pub fn are_the_channel(&self) -> bool {
        let Geometry {
            input,
            stride,
            padding,
            ..
        } = self.geometry;
        stride == [1, 1] && padding == [0, 0] && input == [self.rows, self.pitch]
    }

    /// The runs of all taps of all channels, channels x taps x pixels, without the gaps between the
    /// rows.
    #[inline(always)]
    pub fn gather(&self, channels: &[f32], to: &mut [f32]) {
        let [height, width] = self.geometry.output;
        let mut planes = vec![0.0; self.len()];
        let channels = channels.chunks_exact(area(self.geometry.input));
        let gathered = to.chunks_exact_mut(self.taps.len() * height * width);

        for (channel, gathered) in channels.zip(gathered) {
            self.spread(channel, &mut planes);
            for (tap, run) in self
                .taps
                .iter()
                .zip(gathered.chunks_exact_mut(height * width))
            {
                let rows = planes[*tap..].chunks(self.pitch);
                for (to, from) in run.chunks_exact_mut(width).zip(rows) {
                    to.copy_from_slice(&from[..width]);
                }
            }
        }
    }

    /// Copies a channel into its planes; the padding of `buffer` is not written.
    #[inline(always)]
    pub fn spread(&self, channel: &[f32], buffer: &mut [f32]) {
        let Geometry {
            input: [height, width],
            stride,
            padding,
            ..
        } = self.geometry;

        let planes = buffer.chunks_exact_mut(self.rows * self.pitch);
        for (phase, plane) in self.phases.iter().zip(planes) {
            let (first, start) = first_column(phase[1], stride[1], padding[1]);
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
                let from = &channel[y * width + start..(y + 1) * width];
                copy_strided(from, &mut row[first..first + count], stride[1]);
            }
        }
    }
}

/// Copies every `stride`-th number of `from` until `to` is full.
#[inline(always)]
fn copy_strided(from: &[f32], to: &mut [f32], stride: usize) {
    match stride {
        1 => to.copy_from_slice(&from[..to.len()]),
        2 => {
            let (pairs, last) = from.as_chunks::<2>();
            to.iter_mut()
                .zip(pairs)
                .for_each(|(to, pair)| *to = pair[0]);
            if to.len() > pairs.len() {
                to[pairs.len()] = last[0];
            }
        }
        stride => to
            .iter_mut()
            .zip(from.iter().step_by(stride))
            .for_each(|(to, from)| *to = *from),
    }
}

/// First column of a phase inside the padding, and the column of the channel that it holds.
fn first_column(phase: usize, stride: usize, padding: usize) -> (usize, usize) {
    let first = padding.saturating_sub(phase).div_ceil(stride);
    (first, first * stride + phase - padding)
}
