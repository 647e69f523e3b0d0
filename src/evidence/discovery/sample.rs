//! The images of a class in which is searched: one of a group, chosen by hash.

use crate::evidence::halves::is_screening;
use crate::evidence::observations::Evidence;
use crate::evidence::sampling::rank;
use std::collections::BTreeMap;

/// The sample of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassSample {
    /// Index of the class in the model.
    pub class: u32,
    /// In order of hash.
    pub images: Vec<SampledImage>,
}

/// One image of a sample; it stands for its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampledImage {
    pub image: u128,
    pub group: u64,
    /// Of the half in which is searched, which is also the one of B; else of the half in which the
    /// found is tested, which is also the one of C.
    pub mining: bool,
    /// Of a split that the model was trained on.
    pub trained_on: bool,
    /// The model predicts the label.
    pub correct: bool,
}

impl Evidence {
    /// At most `most` images of every class, one of a group, in the order of the classes. Near
    /// duplicates are one group after [`Evidence::group_duplicates`].
    pub fn class_samples(&self, most: usize) -> Vec<ClassSample> {
        // By class and group: the image with the smallest hash.
        let mut chosen: BTreeMap<(u32, u64), ([u8; 16], SampledImage)> = BTreeMap::new();
        for map in self.own_maps() {
            let rank = rank(self.seed, map.image);
            let image = SampledImage {
                image: map.image,
                group: map.group,
                mining: is_screening(map.group),
                trained_on: map.trained_on,
                correct: map.correct,
            };
            let of_group = chosen
                .entry((map.class, map.group))
                .or_insert((rank, image));
            if rank < of_group.0 {
                *of_group = (rank, image);
            }
        }

        let mut by_class: BTreeMap<u32, Vec<([u8; 16], SampledImage)>> = BTreeMap::new();
        for ((class, _), image) in chosen {
            by_class.entry(class).or_default().push(image);
        }
        let mut samples = Vec::new();
        for (class, mut ranked) in by_class {
            ranked.sort_unstable_by_key(|(rank, _)| *rank);
            ranked.truncate(most);
            let images = ranked.into_iter().map(|(_, image)| image).collect();
            samples.push(ClassSample { class, images });
        }
        samples
    }
}

impl ClassSample {
    /// The images of one half.
    pub fn half(&self, mining: bool) -> impl Iterator<Item = &SampledImage> {
        self.images
            .iter()
            .filter(move |image| image.mining == mining)
    }
}

/// Images of all classes, at most `most`: the first of each class, then the second of each, each
/// round in order of hash.
pub fn round_robin(samples: &[ClassSample], seed: u64, most: usize) -> Vec<(u32, SampledImage)> {
    let longest = samples.iter().map(|sample| sample.images.len()).max();
    let mut chosen = Vec::new();
    for place in 0..longest.unwrap_or(0) {
        let mut round = Vec::new();
        for sample in samples {
            let image = sample.images.get(place);
            round.extend(image.map(|image| (rank(seed, image.image), sample.class, *image)));
        }
        round.sort_unstable_by_key(|(rank, _, _)| *rank);
        chosen.extend(round.into_iter().map(|(_, class, image)| (class, image)));
        if chosen.len() >= most {
            chosen.truncate(most);
            break;
        }
    }
    chosen
}
