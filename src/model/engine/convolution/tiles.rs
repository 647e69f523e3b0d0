//! Winograd's transforms of tiles, from a channel and back to one. The vectors hold neighbouring
//! tiles.
//!
//! The interpolation points are 0, +-1/sqrt(2), +-sqrt(2) and infinity. Their transforms have
//! smaller constants than those of 0, +-1 and +-2, and so smaller rounding errors (Barabasz et al.
//! 2020).

use super::block::LANES_MAX;
use super::dense::finish;
use super::planes::Geometry;
use pulp::Simd;

/// Sides of a tile of outputs and of a tile of inputs.
pub const OUT: usize = 4;
pub const IN: usize = 6;
/// Products of one tile.
pub const POINTS: usize = IN * IN;

const HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
const ROOT: f32 = std::f32::consts::SQRT_2;

/// How tiles lie on a channel; `[rows, columns]` each.
#[derive(Debug, Clone, PartialEq)]
pub struct Tiling {
    input: [usize; 2],
    output: [usize; 2],
    padding: [usize; 2],
    pub tiles: [usize; 2],
}

impl Tiling {
    pub fn new(geometry: &Geometry) -> Self {
        Self {
            input: geometry.input,
            output: geometry.output,
            padding: geometry.padding,
            tiles: geometry.output.map(|side| side.div_ceil(OUT)),
        }
    }

    pub fn input_area(&self) -> usize {
        self.input[0] * self.input[1]
    }

    pub fn output_area(&self) -> usize {
        self.output[0] * self.output[1]
    }
}

/// Rows of tiles that are transformed together.
#[derive(Debug, Clone, Copy)]
pub struct TileRows {
    pub first: usize,
    pub count: usize,
}

/// `G g G^T` of a filter of 3 x 3.
pub fn transformed_filter(filter: &[f32; 9]) -> [f32; POINTS] {
    let (half, root) = (std::f64::consts::FRAC_1_SQRT_2, std::f64::consts::SQRT_2);
    let g = [
        [1.0, 0.0, 0.0],
        [-2.0 / 3.0, -2.0 / 3.0 * half, -1.0 / 3.0],
        [-2.0 / 3.0, 2.0 / 3.0 * half, -1.0 / 3.0],
        [1.0 / 6.0, root / 6.0, 1.0 / 3.0],
        [1.0 / 6.0, -root / 6.0, 1.0 / 3.0],
        [0.0, 0.0, 1.0],
    ];

    let filter = filter.map(f64::from);
    let mut transformed = [0.0; POINTS];
    for (i, row) in g.iter().enumerate() {
        let mut half = [0.0; 3];
        for (x, half) in half.iter_mut().enumerate() {
            *half = row[0] * filter[x] + row[1] * filter[3 + x] + row[2] * filter[6 + x];
        }
        for (j, column) in g.iter().enumerate() {
            let sum = column[0] * half[0] + column[1] * half[1] + column[2] * half[2];
            transformed[i * IN + j] = sum as f32;
        }
    }
    transformed
}

/// `B^T d` of a row or a column of six inputs.
#[inline(always)]
fn forward<S: Simd>(simd: S, d: [S::f32s; IN]) -> [S::f32s; IN] {
    let add_times = |sum, factor: f32, x| simd.mul_add_e_f32s(simd.splat_f32s(factor), x, sum);
    let times = |factor: f32, x| simd.mul_f32s(simd.splat_f32s(factor), x);

    let near = add_times(d[4], -2.0, d[2]);
    let near_odd = times(HALF, add_times(d[3], -2.0, d[1]));
    let far = add_times(d[4], -0.5, d[2]);
    let far_odd = times(ROOT, add_times(d[3], -0.5, d[1]));
    [
        add_times(simd.add_f32s(d[0], d[4]), -2.5, d[2]),
        simd.add_f32s(near, near_odd),
        simd.sub_f32s(near, near_odd),
        simd.add_f32s(far, far_odd),
        simd.sub_f32s(far, far_odd),
        add_times(simd.add_f32s(d[1], d[5]), -2.5, d[3]),
    ]
}

/// `A^T m` of a row or a column of six products.
#[inline(always)]
fn backward<S: Simd>(simd: S, m: [S::f32s; IN]) -> [S::f32s; OUT] {
    let add_times = |sum, factor: f32, x| simd.mul_add_e_f32s(simd.splat_f32s(factor), x, sum);
    let times = |factor: f32, x| simd.mul_f32s(simd.splat_f32s(factor), x);

    let (near, near_odd) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (far, far_odd) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    [
        simd.add_f32s(m[0], simd.add_f32s(near, far)),
        add_times(times(HALF, near_odd), ROOT, far_odd),
        add_times(times(0.5, near), 2.0, far),
        add_times(add_times(m[5], 0.5 * HALF, near_odd), 2.0 * ROOT, far_odd),
    ]
}

#[inline(always)]
fn load<S: Simd>(from: &[f32], start: usize) -> S::f32s {
    S::as_simd_f32s(&from[start..][..S::F32_LANES]).0[0]
}

#[inline(always)]
fn store<S: Simd>(to: &mut [f32], start: usize, value: S::f32s) {
    S::as_mut_simd_f32s(&mut to[start..][..S::F32_LANES]).0[0] = value;
}

/// The padded rows of a channel, with the columns sorted by their remainder of 4 (the phase), so
/// that the same numbers of neighbouring tiles are neighbours.
pub struct Forward<'t> {
    tiling: &'t Tiling,
    /// Numbers of a row of one phase: a tile reads two columns of the next one.
    pitch: usize,
    /// Rows x phases x pitch.
    phases: Vec<f32>,
    /// One padded row of the channel.
    row: Vec<f32>,
    /// One row of tiles after the transform of its columns: points x phases x pitch.
    half: Vec<f32>,
}

impl<'t> Forward<'t> {
    /// For at most `rows` rows of tiles.
    pub fn new(tiling: &'t Tiling, rows: usize) -> Self {
        let pitch = tiling.tiles[1] + 1;
        let row = (pitch * OUT).max(tiling.padding[1] + tiling.input[1]);
        Self {
            tiling,
            pitch,
            phases: vec![0.0; (rows * OUT + 2) * OUT * pitch + LANES_MAX],
            row: vec![0.0; row.next_multiple_of(OUT * LANES_MAX)],
            half: vec![0.0; IN * OUT * pitch + 2 * LANES_MAX],
        }
    }

    /// Reads the rows of a channel that the tiles cover.
    #[inline(always)]
    pub fn read(&mut self, channel: &[f32], rows: TileRows) {
        let [height, width] = self.tiling.input;
        let [top, left] = self.tiling.padding;
        let length = OUT * self.pitch;

        for row in 0..rows.count * OUT + 2 {
            let to = &mut self.phases[row * length..][..length + LANES_MAX];
            let y = (rows.first * OUT + row).checked_sub(top);
            let Some(y) = y.filter(|y| *y < height) else {
                to[..length].fill(0.0);
                continue;
            };

            self.row[left..left + width].copy_from_slice(&channel[y * width..(y + 1) * width]);
            let (blocks, _) = self.row.as_chunks();
            sort::<0>(blocks, to, self.pitch);
            sort::<1>(blocks, &mut to[self.pitch..], self.pitch);
            sort::<2>(blocks, &mut to[2 * self.pitch..], self.pitch);
            sort::<3>(blocks, &mut to[3 * self.pitch..], self.pitch);
        }
    }

    /// Transforms the rows that were read. Tile `t` of point `p` goes to `p * stride + t`; up to a
    /// vector after the last tile is overwritten.
    #[inline(always)]
    pub fn transform<S: Simd>(&mut self, simd: S, rows: TileRows, to: &mut [f32], stride: usize) {
        let columns = self.tiling.tiles[1];
        for row in 0..rows.count {
            self.transform_columns(simd, row);
            for column in (0..columns).step_by(S::F32_LANES) {
                for i in 0..IN {
                    let half = &self.half[i * OUT * self.pitch + column..];
                    let mut inputs = [simd.splat_f32s(0.0); IN];
                    for (j, input) in inputs.iter_mut().enumerate() {
                        *input = load::<S>(half, j % OUT * self.pitch + j / OUT);
                    }
                    for (j, value) in forward(simd, inputs).into_iter().enumerate() {
                        let start = (i * IN + j) * stride + row * columns + column;
                        store::<S>(to, start, value);
                    }
                }
            }
        }
    }

    /// The columns of one row of tiles, all phases together.
    #[inline(always)]
    fn transform_columns<S: Simd>(&mut self, simd: S, row: usize) {
        let length = OUT * self.pitch;
        let from = &self.phases[row * OUT * length..];
        for start in (0..length).step_by(S::F32_LANES) {
            // The last vector overlaps the one before it.
            let start = start.min(length.saturating_sub(S::F32_LANES));
            let mut inputs = [simd.splat_f32s(0.0); IN];
            for (i, input) in inputs.iter_mut().enumerate() {
                *input = load::<S>(from, i * length + start);
            }
            for (i, value) in forward(simd, inputs).into_iter().enumerate() {
                store::<S>(&mut self.half, i * length + start, value);
            }
        }
    }
}

/// Numbers `PHASE`, `PHASE + 4`, .. of a row, at least `count`; up to a vector more are written.
#[inline(always)]
fn sort<const PHASE: usize>(blocks: &[[f32; OUT * LANES_MAX]], to: &mut [f32], count: usize) {
    for (block, start) in blocks.iter().zip((0..count).step_by(LANES_MAX)) {
        for (n, to) in to[start..][..LANES_MAX].iter_mut().enumerate() {
            *to = block[OUT * n + PHASE];
        }
    }
}

/// The way back from the products of one output.
pub struct Backward<'t> {
    tiling: &'t Tiling,
    /// Pixels of a tile x tiles.
    pixels: Vec<f32>,
    /// Tiles that there is room for.
    stride: usize,
    /// One row of the output.
    row: Vec<f32>,
}

impl<'t> Backward<'t> {
    /// For at most `rows` rows of tiles.
    pub fn new(tiling: &'t Tiling, rows: usize) -> Self {
        let columns = tiling.tiles[1];
        let stride = rows * columns + LANES_MAX;
        Self {
            tiling,
            pixels: vec![0.0; OUT * OUT * stride],
            stride,
            row: vec![0.0; OUT * columns],
        }
    }

    /// `A^T m A` plus the bias. Tile `t` of point `p` is at `p * stride + t`; up to a vector after
    /// the last tile is read.
    #[inline(always)]
    pub fn transform<S: Simd>(
        &mut self,
        simd: S,
        products: &[f32],
        stride: usize,
        tiles: usize,
        bias: f32,
    ) {
        let bias = simd.splat_f32s(bias);
        for tile in (0..tiles).step_by(S::F32_LANES) {
            let mut half = [[simd.splat_f32s(0.0); IN]; OUT];
            for j in 0..IN {
                let mut column = [simd.splat_f32s(0.0); IN];
                for (i, product) in column.iter_mut().enumerate() {
                    *product = load::<S>(products, (i * IN + j) * stride + tile);
                }
                for (half, value) in half.iter_mut().zip(backward(simd, column)) {
                    half[j] = value;
                }
            }
            for (i, half) in half.into_iter().enumerate() {
                let row = backward(simd, half);
                for (j, pixel) in row.into_iter().enumerate() {
                    let start = (i * OUT + j) * self.stride + tile;
                    store::<S>(&mut self.pixels, start, simd.add_f32s(pixel, bias));
                }
            }
        }
    }

    /// Writes the pixels of the tiles to their places in the output; see [`finish`].
    #[inline(always)]
    pub fn write(&mut self, output: &mut [f32], rows: TileRows, clamp: [f32; 2], adds: bool) {
        let [height, width] = self.tiling.output;
        let columns = self.tiling.tiles[1];
        for row in 0..rows.count {
            let top = (rows.first + row) * OUT;
            for i in 0..OUT.min(height - top) {
                let [a, b, c, d]: [&[f32]; OUT] = std::array::from_fn(|j| {
                    &self.pixels[(i * OUT + j) * self.stride + row * columns..][..columns]
                });
                let (fours, _) = self.row.as_chunks_mut::<OUT>();
                for ((((four, a), b), c), d) in fours.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                    *four = [*a, *b, *c, *d];
                }
                let to = &mut output[(top + i) * width..][..width];
                finish(clamp, &self.row[..width], to, adds);
            }
        }
    }
}
