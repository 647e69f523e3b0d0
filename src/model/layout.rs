//! The order of the numbers of feature maps.

/// How feature maps lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapLayout {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    /// `[1, h, w, k]` rather than `[1, k, h, w]`.
    pub channels_last: bool,
    /// Whether class weights stand for every value of the map (a flattened map), rather than for
    /// the mean of every channel.
    pub flattened: bool,
}

impl MapLayout {
    /// Cells of a map.
    pub fn cells(&self) -> usize {
        self.height * self.width
    }

    /// Shape of the features at batch 1.
    pub fn shape(&self) -> Vec<usize> {
        if self.channels_last {
            vec![1, self.height, self.width, self.channels]
        } else {
            vec![1, self.channels, self.height, self.width]
        }
    }

    /// Where the value of a channel and a cell lies.
    pub fn index(&self, channel: usize, cell: usize) -> usize {
        if self.channels_last {
            cell * self.channels + channel
        } else {
            channel * self.cells() + cell
        }
    }

    /// The numbers that class weights multiply, in f64: the mean of each channel over the cells, or
    /// every value of a flattened map.
    pub fn pooled(&self, features: &[f32]) -> Vec<f64> {
        if self.flattened {
            return features.iter().map(|&value| f64::from(value)).collect();
        }
        let cells = self.cells() as f64;
        if !self.channels_last {
            let planes = features.chunks_exact(self.cells());
            return planes.map(|plane| sum(plane) / cells).collect();
        }

        let mut sums = vec![0.0; self.channels];
        for cell in features.chunks_exact(self.channels) {
            for (sum, &value) in sums.iter_mut().zip(cell) {
                *sum += f64::from(value);
            }
        }
        sums.iter().map(|sum| sum / cells).collect()
    }
}

fn sum(plane: &[f32]) -> f64 {
    plane.iter().map(|&v| f64::from(v)).sum()
}
