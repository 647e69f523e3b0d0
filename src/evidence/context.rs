//! C for the surroundings: with the objects filled in, is the class still predicted? Then it hangs on what is around them,
//! as rails on trains. What the network says of any filled image counts against it.

use super::statistics::{Estimate, difference, proportion};

/// One label's images with their objects filled in.
#[derive(Debug, Clone)]
pub struct Context {
    pub images: u32,
    /// Of these, still predicted as the label.
    pub kept: u32,
    /// `kept / images`, with Wilson's interval.
    pub rate: Estimate,
    /// The same less the rate at which filled images of the other labels are called this one; `None` without any.
    pub net: Option<Estimate>,
}

/// From what the network says of each filled image: class of its label, classes said.
pub fn contexts(said: &[(usize, Vec<usize>)]) -> Vec<(usize, Context)> {
    let mut classes: Vec<usize> = said.iter().map(|(class, _)| *class).collect();
    classes.sort_unstable();
    classes.dedup();
    let one = |class: usize| {
        let calls = |own: bool| {
            let of = said.iter().filter(|(c, _)| (*c == class) == own);
            (
                of.clone().filter(|(_, said)| said.contains(&class)).count() as u32,
                of.count() as u32,
            )
        };
        let ((kept, images), (others, all)) = (calls(true), calls(false));
        let rate = proportion(kept, images)?;
        Some((
            class,
            Context {
                images,
                kept,
                rate,
                net: proportion(others, all).map(|o| difference(rate, o)),
            },
        ))
    };
    classes.into_iter().filter_map(one).collect()
}
