//! Which images a reviewer is shown: the strongest, the middle, and some by chance, so that nobody picks cherries.

use super::drawn::lot;
use super::{Evidence, Pair, Sighting};

/// An image and why it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    pub role: &'static str,
    pub image: u128,
}

impl Evidence {
    /// Images of the label for one finding: with the region by contrast and by chance, and without it by chance.
    pub fn picks(&self, pair: &Pair) -> Vec<Pick> {
        let class = self.labels.get(&pair.label).map(|facts| facts.class);
        let own = |present: bool| {
            let of = |s: &Sighting| {
                Some(s.shown.class) == class
                    && s.shown.class == s.shown.target
                    && s.present == present
            };
            self.sightings(&pair.region).filter(of).collect::<Vec<_>>()
        };
        let mut tagged = own(true);
        tagged.sort_by(|a, b| {
            b.contrast
                .unwrap_or(f32::MIN)
                .total_cmp(&a.contrast.unwrap_or(f32::MIN))
                .then(a.shown.image.cmp(&b.shown.image))
        });
        let mut picks: Vec<Pick> = Vec::new();
        let mut add = |role, sighting: Option<&Sighting>| {
            let image = sighting
                .map(|s| s.shown.image)
                .filter(|id| picks.iter().all(|p| p.image != *id));
            picks.extend(image.map(|image| Pick { role, image }));
        };
        add("strongest", tagged.first());
        add("strongest", tagged.get(1));
        add("median", tagged.get(tagged.len() / 2));
        let mut drawn = [tagged, own(false)];
        drawn
            .iter_mut()
            .for_each(|of| of.sort_by_key(|s| lot(self.seed, s.shown.image)));
        for (role, of) in ["random", "untagged"].into_iter().zip(&drawn) {
            of.iter().take(2).for_each(|s| add(role, Some(s)));
        }
        picks
    }
}
