//! The pool: how the cells of the last feature maps become the vector that the head reads.

use super::chain::Decomposition;
use super::graph::{Graph, label};
use super::layout::MapLayout;
use super::survey::{Survey, Tensor};

/// Largest difference between a pooled value and what it should be, relative to the largest
/// feature.
const TOLERANCE: f32 = 1e-3;

/// How one channel of the features becomes one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    Mean,
    Max,
    /// The mean of both.
    MeanAndMax,
}

/// The features, and the vector that they are pooled to.
#[derive(Debug, Clone)]
pub struct Pool {
    pub node: String,
    pub op: String,
    /// The tensor that feeds the pool.
    pub features: String,
    /// The pooled tensor.
    pub pooled: String,
    pub pooled_shape: Vec<usize>,
    /// Layout of the features; for tokens the grid is not known yet, and stands as one row.
    pub layout: MapLayout,
    /// The parts of the pooled vector, each with one number per channel.
    pub parts: Vec<Pooling>,
}

impl Pool {
    /// Finds the last tensor that is pooled from a map of more than one cell. The test is numeric,
    /// on all probes: operators and their axes are not trusted.
    ///
    /// Of several tensors with the same pooled vector the last map with rows and columns is taken,
    /// such as a map before its rows are averaged; else the last tokens.
    pub fn find(graph: &Graph, survey: &Survey) -> Option<Self> {
        let tensors = &survey.tensors;
        for end in (1..tensors.len()).rev() {
            let mut last = None;
            for start in (0..end).rev() {
                let Some((layout, parts)) = pooling(&tensors[start], &tensors[end]) else {
                    continue;
                };
                let is_grid = layout.height > 1 && layout.width > 1;
                if is_grid || last.is_none() {
                    last = Some((start, layout, parts));
                }
                if is_grid {
                    break;
                }
            }

            if let Some((start, layout, parts)) = last {
                let features = &tensors[start];
                // The first of several equal vectors is the one that the pool makes.
                let first = (start + 1..=end)
                    .find(|&at| pooling(features, &tensors[at]).is_some())
                    .unwrap_or(end);
                return Some(Self::new(graph, features, &tensors[first], layout, parts));
            }
        }
        None
    }

    fn new(
        graph: &Graph,
        features: &Tensor,
        pooled: &Tensor,
        layout: MapLayout,
        parts: Vec<Pooling>,
    ) -> Self {
        let node = graph.producer(&pooled.name);
        Self {
            node: node.map_or_else(String::new, |node| label(node).to_owned()),
            op: node.map_or_else(String::new, |node| node.op_type.clone()),
            features: features.name.clone(),
            pooled: pooled.name.clone(),
            pooled_shape: pooled.shape.clone(),
            layout,
            parts,
        }
    }

    /// A map whose every value the head reads: the last one of more than one cell.
    pub fn flattened(graph: &Graph, features: &Tensor) -> Option<Self> {
        let layout = MapLayout {
            flattened: true,
            ..layouts(&features.shape).into_iter().next()?
        };
        let node = graph.producer(&features.name);
        Some(Self {
            node: node.map_or_else(String::new, |node| label(node).to_owned()),
            op: "Flatten".to_owned(),
            features: features.name.clone(),
            pooled: features.name.clone(),
            pooled_shape: features.shape.clone(),
            layout,
            parts: Vec::new(),
        })
    }

    /// The layout that class weights refer to: one channel for each number of the pooled vector.
    pub fn attributed_layout(&self) -> MapLayout {
        if self.is_mean() {
            return self.layout;
        }
        MapLayout {
            channels: self.layout.channels * self.parts.len(),
            channels_last: false,
            ..self.layout
        }
    }

    /// How the head is decomposed: a maximum is held fixed, whatever follows.
    pub fn decomposition(&self, head: Decomposition) -> Decomposition {
        if self.is_mean() || !head.is_exact() {
            head
        } else {
            Decomposition::DetachedArgmax
        }
    }

    /// Whether the features themselves are the maps of the pooled vector.
    pub fn is_mean(&self) -> bool {
        matches!(self.parts[..], [] | [Pooling::Mean])
    }

    /// The maps of the pooled vector: their means over the cells are its values. A maximum belongs
    /// to the first cell that has it.
    pub fn attribute(&self, features: Vec<f32>) -> Vec<f32> {
        if self.is_mean() {
            return features;
        }
        let mut maps = Vec::new();
        for part in &self.parts {
            for channel in 0..self.layout.channels {
                maps.extend(channel_map(&self.layout, *part, &features, channel));
            }
        }
        maps
    }
}

fn channel_map(layout: &MapLayout, pooling: Pooling, features: &[f32], channel: usize) -> Vec<f32> {
    let cells = 0..layout.cells();
    let mut map: Vec<f32> = cells
        .map(|cell| features[layout.index(channel, cell)])
        .collect();
    if pooling == Pooling::Mean {
        return map;
    }

    let mut at = 0;
    for (cell, value) in map.iter().enumerate() {
        if *value > map[at] {
            at = cell;
        }
    }
    let largest = map[at] * map.len() as f32;
    if pooling == Pooling::Max {
        map.fill(0.0);
        map[at] = largest;
    } else {
        map.iter_mut().for_each(|value| *value *= 0.5);
        map[at] += 0.5 * largest;
    }
    map
}

/// How `pooled` is computed from `features` on every probe, if it is.
fn pooling(features: &Tensor, pooled: &Tensor) -> Option<(MapLayout, Vec<Pooling>)> {
    use Pooling::{Max, Mean, MeanAndMax};
    const ALONE: [&[Pooling]; 3] = [&[Mean], &[Max], &[MeanAndMax]];
    const JOINED: [&[Pooling]; 2] = [&[Mean, Max], &[Max, Mean]];

    for layout in layouts(&features.shape) {
        let ways: &[&[Pooling]] = match pooled.len() {
            n if n == layout.channels => &ALONE,
            n if n == 2 * layout.channels => &JOINED,
            _ => continue,
        };
        for parts in ways {
            let mut probes = features.values.iter().zip(&pooled.values);
            if probes.all(|(features, pooled)| is_pooled(&layout, parts, features, pooled)) {
                return Some((layout, parts.to_vec()));
            }
        }
    }
    None
}

fn is_pooled(layout: &MapLayout, parts: &[Pooling], features: &[f32], pooled: &[f32]) -> bool {
    if features
        .iter()
        .chain(pooled)
        .any(|value| !value.is_finite())
    {
        return false;
    }
    let magnitudes = features.iter().map(|v| v.abs());
    let tolerance = TOLERANCE * magnitudes.fold(f32::MIN_POSITIVE, f32::max);

    let means = layout.pooled(features);
    for (part, pooled) in parts.iter().zip(pooled.chunks_exact(layout.channels)) {
        for (channel, value) in pooled.iter().enumerate() {
            let mean = means[channel] as f32;
            let expected = match part {
                Pooling::Mean => mean,
                Pooling::Max => largest(layout, features, channel),
                Pooling::MeanAndMax => 0.5 * (mean + largest(layout, features, channel)),
            };
            if (expected - value).abs() > tolerance {
                return false;
            }
        }
    }
    true
}

fn largest(layout: &MapLayout, features: &[f32], channel: usize) -> f32 {
    let cells = (0..layout.cells()).map(|cell| features[layout.index(channel, cell)]);
    cells.fold(f32::NEG_INFINITY, f32::max)
}

/// The ways to read a tensor as feature maps of more than one cell.
pub fn layouts(shape: &[usize]) -> Vec<MapLayout> {
    let layout = |channels, height, width, channels_last| MapLayout {
        channels,
        height,
        width,
        channels_last,
        flattened: false,
    };
    let all = match *shape {
        [1, a, b, c] => vec![layout(a, b, c, false), layout(c, a, b, true)],
        // Tokens: the grid is found afterwards.
        [1, a, b] => vec![layout(b, 1, a, true), layout(a, 1, b, false)],
        _ => Vec::new(),
    };
    // One row of one channel is a vector.
    let is_map = |layout: &MapLayout| {
        let is_grid = layout.height > 1 && layout.width > 1;
        layout.cells() > 1 && (layout.channels > 1 || is_grid)
    };
    all.into_iter().filter(is_map).collect()
}
