/// Shape and order of the feature maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapLayout {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    /// `[1, h, w, k]` rather than `[1, k, h, w]`.
    pub channels_last: bool,
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

    /// Mean of each channel over the cells, in f64.
    pub fn means(&self, features: &[f32]) -> Vec<f64> {
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
