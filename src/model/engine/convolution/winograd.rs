//! The dense 3 x 3 convolution of stride 1 by Winograd's algorithm F(4 x 4, 3 x 3) (Lavin and Gray
//! 2016): tiles of 6 x 6 inputs and filters are transformed, multiplied number by number, and
//! transformed back to tiles of 4 x 4 outputs, with 36 products instead of 144.

use super::block::{Block, LANES_MAX, repeated, singles};
use super::planes::Geometry;
use super::scratch;
use super::tiles::{Backward, Forward, OUT, POINTS, TileRows, Tiling, transformed_filter};
use pulp::{Simd, WithSimd};

/// Outputs that are summed together, where there are at least three vectors of tiles and where
/// there are fewer.
const ROWS: usize = 8;
const MANY_ROWS: usize = 16;
/// Fewest tiles for blocks of [`ROWS`].
const TILES_MIN: usize = 48;
/// Transformed inputs that are kept at a time: half of a common L2 cache.
const PANEL: usize = 1 << 18;

/// Multiply-adds in the time of one lane of the transforms of a channel's row of tiles, and the
/// part of the time of the direct sums that is worth the rounding errors; measured with AVX-512 and
/// AVX2.
const LANE_COST: usize = 1000;
const WORTH: f64 = 0.9;

/// Transformed filters.
#[derive(Debug, Clone, PartialEq)]
pub struct Winograd {
    inputs: usize,
    tiling: Tiling,
    filters: Filters,
}

#[derive(Debug, Clone, PartialEq)]
enum Filters {
    Rows(Packed<ROWS>),
    ManyRows(Packed<MANY_ROWS>),
}

/// Filters and biases of blocks of outputs; the last block is padded with zeros.
#[derive(Debug, Clone, PartialEq)]
struct Packed<const ROWS: usize> {
    /// Blocks x points x inputs.
    weights: Vec<[f32; ROWS]>,
    bias: Vec<[f32; ROWS]>,
}

impl Winograd {
    /// `kernel` is outputs x inputs x 9. `None` where the kernel is not 3 x 3, or stride or
    /// dilation are not 1.
    pub fn new(geometry: &Geometry, kernel: &[f32], bias: &[f32]) -> Option<Self> {
        let is_plain = geometry.stride == [1, 1] && geometry.dilation == [1, 1];
        let (filters, rest) = kernel.as_chunks::<9>();
        let inputs = filters.len().checked_div(bias.len())?;
        let is_whole = rest.is_empty() && inputs * bias.len() == filters.len();
        if geometry.kernel != [3, 3] || !is_plain || !is_whole {
            return None;
        }

        let tiling = Tiling::new(geometry);
        let tiles = tiling.tiles[0] * tiling.tiles[1];
        let filters = if tiles < TILES_MIN {
            Filters::ManyRows(Packed::new(inputs, filters, bias))
        } else {
            Filters::Rows(Packed::new(inputs, filters, bias))
        };
        Some(Self {
            inputs,
            tiling,
            filters,
        })
    }
}

impl<const ROWS: usize> Packed<ROWS> {
    fn new(inputs: usize, filters: &[[f32; 9]], bias: &[f32]) -> Self {
        let blocks = bias.len().div_ceil(ROWS);
        let mut weights = vec![[0.0; ROWS]; blocks * POINTS * inputs];
        let mut packed_bias = vec![[0.0; ROWS]; blocks];

        for (output, bias) in bias.iter().enumerate() {
            let (block, row) = (output / ROWS, output % ROWS);
            packed_bias[block][row] = *bias;
            for input in 0..inputs {
                let transformed = transformed_filter(&filters[output * inputs + input]);
                for (point, weight) in transformed.into_iter().enumerate() {
                    weights[(block * POINTS + point) * inputs + input][row] = weight;
                }
            }
        }
        Self {
            weights,
            bias: packed_bias,
        }
    }
}

/// Whether this is faster than the direct sums, by the multiply-adds of both.
pub struct Pays<'a> {
    pub geometry: &'a Geometry,
    pub inputs: usize,
    pub outputs: usize,
}

impl WithSimd for Pays<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> bool {
        let [rows, columns] = self.geometry.output.map(|side| side.div_ceil(OUT));
        let [height, width] = self.geometry.output;
        // With shorter vectors nothing was measured.
        if S::F32_LANES < 8 || rows * columns < S::F32_LANES {
            return false;
        }

        let pairs = self.inputs * self.outputs;
        let direct = 9 * height * width * pairs;
        let vectors = columns.div_ceil(S::F32_LANES) * rows * (self.inputs + self.outputs);
        let winograd = POINTS * rows * columns * pairs + LANE_COST * S::F32_LANES * vectors;
        (winograd as f64) < WORTH * direct as f64
    }
}

/// One call, dispatched to the CPU's vector width.
pub struct Run<'a> {
    pub winograd: &'a Winograd,
    /// Smallest and largest result.
    pub clamp: [f32; 2],
    pub input: &'a [f32],
    pub output: &'a mut [f32],
    /// Add the previous content of `output`.
    pub adds: bool,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match &self.winograd.filters {
            Filters::Rows(packed) => self.run(simd, packed),
            Filters::ManyRows(packed) => self.run(simd, packed),
        }
    }
}

impl Run<'_> {
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize>(&mut self, simd: S, packed: &Packed<ROWS>) {
        let (inputs, tiling) = (self.winograd.inputs, &self.winograd.tiling);
        let [tile_rows, columns] = tiling.tiles;
        let panels = (POINTS * inputs * columns * tile_rows).div_ceil(PANEL);
        let rows = tile_rows.div_ceil(panels);

        let mut forward = Forward::new(tiling, rows);
        let mut backward = Backward::new(tiling, rows);
        // Points x inputs x tiles; what the last tiles of an input write too far is overwritten by
        // the next input.
        let stride = inputs * rows * columns + LANES_MAX;
        let transformed_length = POINTS * stride;
        // Points x outputs x tiles.
        let products_length = POINTS * ROWS * rows * columns + LANES_MAX;
        let mut buffer = scratch::take(transformed_length + products_length);
        let (transformed, products) = buffer.split_at_mut(transformed_length);

        for first in (0..tile_rows).step_by(rows) {
            let count = rows.min(tile_rows - first);
            let rows = TileRows { first, count };
            let tiles = count * columns;

            let channels = self.input.chunks_exact(tiling.input_area());
            for (input, channel) in channels.enumerate() {
                forward.read(channel, rows);
                forward.transform(simd, rows, &mut transformed[input * tiles..], stride);
            }

            let starts: Vec<u32> = (0..inputs).map(|input| (input * tiles) as u32).collect();
            let values = |point: usize| &transformed[point * stride..][..inputs * tiles];
            let last = tiles - singles::<S>(tiles)..tiles;
            let mut alone: Vec<Vec<Vec<[f32; ROWS]>>> = Vec::new();
            for point in 0..POINTS {
                let inputs = last
                    .clone()
                    .map(|tile| repeated(values(point), &starts, tile));
                alone.push(inputs.collect());
            }

            let outputs = self.output.chunks_mut(ROWS * tiling.output_area());
            let blocks = packed.weights.chunks_exact(POINTS * inputs);
            for ((filters, bias), outputs) in blocks.zip(&packed.bias).zip(outputs) {
                for (point, weights) in filters.chunks_exact(inputs).enumerate() {
                    let block = Block {
                        values: values(point),
                        starts: &starts,
                        singles: &alone[point],
                        weights,
                        bias: &[0.0; ROWS],
                    };
                    block.sum(
                        simd,
                        &(0..tiles),
                        &mut products[point * ROWS * tiles..][..ROWS * tiles],
                    );
                }

                for (row, output) in outputs.chunks_exact_mut(tiling.output_area()).enumerate() {
                    let products = &products[row * tiles..];
                    backward.transform(simd, products, ROWS * tiles, tiles, bias[row]);
                    backward.write(output, rows, self.clamp, self.adds);
                }
            }
        }
        scratch::keep(buffer);
    }
}
