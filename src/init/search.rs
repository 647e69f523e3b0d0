//! Which usual transform the model was trained with, by its accuracy: a factored search, so that
//! its cost is bounded.

use super::bench::{Bench, Try};
use super::choose::{Comparison, is_above_chance, order};
use super::input_form::InputForm;
use super::transforms::{Choice, Geometry, Transform, Values};
use crate::error::{Error, Result};
use crate::plan::Filter;

/// Images of the first rounds, in which transforms are left out.
const SCREENED: usize = 64;
/// Kinds of pixel values that are combined with every geometry.
const VALUES_KEPT: usize = 3;
/// An accuracy under so many times that of a guess may be one of wrong class names.
const CHANCES: f64 = 1.5;
/// Images from which on an accuracy is known to a few points.
const EXPECTED_MIN: usize = 200;
/// Transforms that are tried on all images.
const TRIES_KEPT: usize = 4;
/// A try that is worse than the best at this level takes no further part.
const LEFT_OUT_P: f64 = 0.001;

/// The tries, and what they say.
#[derive(Debug)]
pub struct Search {
    /// Those with the answers to all images first, then the others; both the best first.
    pub tries: Vec<Try>,
    pub images: usize,
    /// Images that cannot be read, and why.
    pub unread: Vec<String>,
    pub inferences: usize,
    /// The best of those that make other inputs than the best.
    pub second: Option<(usize, Comparison)>,
    /// The most trusted transform that a file states.
    pub stated: Option<(usize, Comparison)>,
    /// Accuracy of a guess.
    pub chance: f64,
    /// Whether the accuracy of the best is more than chance.
    pub is_confirmed: bool,
}

impl Search {
    /// The transform that is taken: what a file states, else the best.
    pub fn chosen(&self) -> &Try {
        let index = self.stated.map_or(0, |(index, _)| index);
        &self.tries[index]
    }

    /// The accuracy that later runs are held against; `None` where it may be chance, or rests on
    /// few images.
    pub fn expected_accuracy(&self) -> Option<f64> {
        let correct = self.chosen().correct(self.images) as f64;
        let accuracy = correct / self.images.max(1) as f64;
        let is_known = self.is_confirmed && self.images >= EXPECTED_MIN;
        (is_known && accuracy > CHANCES * self.chance).then_some(accuracy)
    }

    pub fn best(&self) -> &Try {
        &self.tries[0]
    }

    /// Tries on all images that the paired test does not tell from the best.
    pub fn ties(&self) -> Vec<&Try> {
        let mut ties = Vec::new();
        for tried in &self.tries[1..] {
            let is_whole = tried.answers.len() == self.images;
            let comparison = Comparison::of(self.best(), tried);
            if is_whole && comparison.is_tie() {
                ties.push(tried);
            }
        }
        ties
    }
}

/// A usual transform under trial.
struct Candidate {
    choice: Choice,
    tried: Try,
}

/// What the search works on.
pub struct Space {
    pub form: InputForm,
    pub size: [u32; 2],
}

impl Space {
    fn candidates(&self, choices: Vec<Choice>) -> Result<Vec<Candidate>> {
        let mut candidates = Vec::new();
        for choice in choices {
            let transform = choice.transform(&self.form, self.size)?;
            let tried = Try::new(transform);
            candidates.push(Candidate { choice, tried });
        }
        Ok(candidates)
    }

    /// Tries the usual transforms, and those that files state, the most trusted first.
    ///
    /// # Errors
    /// An interruption; when no image can be read.
    pub fn search(
        &self,
        bench: &mut Bench<'_>,
        stated: Vec<(String, Transform)>,
    ) -> Result<Search> {
        let mut open = self.screen(bench)?;
        let kept = leading(&mut open, TRIES_KEPT);
        let mut finalists: Vec<Candidate> = open.drain(..kept).collect();
        let left_out = open.into_iter().map(|candidate| candidate.tried);
        let left_out: Vec<Try> = left_out.collect();

        let mut whole: Vec<Try> = Vec::new();
        for (source, transform) in stated {
            let mut tried = Try::new(transform);
            tried.source = Some(source);
            whole.push(tried);
        }
        let stated_count = whole.len();
        whole.extend(finalists.iter().map(|candidate| candidate.tried.clone()));
        bench.measure(&mut whole, usize::MAX)?;
        if bench.len() == 0 {
            return Err(no_image(&bench.unread));
        }

        for (candidate, tried) in finalists.iter_mut().zip(&whole[stated_count..]) {
            candidate.tried = tried.clone();
        }
        whole.truncate(stated_count);
        sort(&mut finalists, bench.len());
        let variants = finalists.first().map(|best| best.choice.variants());
        let mut variants = self.candidates(variants.unwrap_or_default())?;
        measure(bench, &mut variants, usize::MAX)?;
        finalists.append(&mut variants);

        let usual = finalists.into_iter().map(|candidate| candidate.tried);
        whole.extend(usual);
        Ok(conclude(bench, whole, left_out))
    }

    /// The first rounds, on few images: pixel values at the most usual geometry, then the best of
    /// them at every geometry. The best candidate comes first.
    fn screen(&self, bench: &mut Bench<'_>) -> Result<Vec<Candidate>> {
        // Photos that have the input's size were cut for the training: they are taken as they are.
        let geometries = match bench.is_of_size(self.size, SCREENED)? {
            true => vec![Geometry::Squash],
            false => Geometry::usual(self.size),
        };
        let (first, others) = match geometries.split_first() {
            Some((first, others)) => (*first, others.to_vec()),
            None => (Geometry::Squash, Vec::new()),
        };
        let mut choices = Vec::new();
        for values in Values::usual(&self.form) {
            choices.push(Choice {
                values,
                geometry: first,
                filter: Filter::Bilinear,
            });
        }
        let mut open = self.candidates(choices)?;
        measure(bench, &mut open, SCREENED)?;

        // Before a geometry is chosen: with red and blue exchanged another one may seem better.
        let kept = leading(&mut open, VALUES_KEPT);
        let mut choices = Vec::new();
        for candidate in &open[..kept] {
            choices.extend(candidate.choice.exchanged());
        }
        let mut exchanged = self.candidates(choices)?;
        measure(bench, &mut exchanged, SCREENED)?;
        open.append(&mut exchanged);

        let kept = leading(&mut open, VALUES_KEPT);
        let mut choices = Vec::new();
        for candidate in &open[..kept] {
            for geometry in &others {
                choices.push(Choice {
                    geometry: *geometry,
                    ..candidate.choice.clone()
                });
            }
        }
        let mut combined = self.candidates(choices)?;
        let count = open.first().map_or(SCREENED, |c| c.tried.answers.len());
        measure(bench, &mut combined, count)?;
        open.append(&mut combined);
        Ok(open)
    }
}

/// Measures candidates up to an image.
fn measure(bench: &mut Bench<'_>, candidates: &mut [Candidate], count: usize) -> Result<()> {
    let mut tries: Vec<Try> = candidates.iter().map(|c| c.tried.clone()).collect();
    bench.measure(&mut tries, count)?;
    for (candidate, tried) in candidates.iter_mut().zip(tries) {
        candidate.tried = tried;
    }
    Ok(())
}

fn sort(candidates: &mut [Candidate], count: usize) {
    candidates.sort_by(|a, b| order(&a.tried, &b.tried, count));
}

/// Sorts the best to the front, and returns how many of at most `count` are not worse than the
/// first.
fn leading(candidates: &mut [Candidate], count: usize) -> usize {
    sort(candidates, SCREENED);
    let Some(best) = candidates.first() else {
        return 0;
    };
    let leading = candidates.iter().take(count);
    leading
        .take_while(|c| Comparison::of(&best.tried, &c.tried).p >= LEFT_OUT_P)
        .count()
}

/// The best try and what is said of it. `whole` are the tries with the answers to all images, those
/// that files state first.
fn conclude(bench: &Bench<'_>, mut whole: Vec<Try>, left_out: Vec<Try>) -> Search {
    let images = bench.len();
    let stated = whole.iter().find_map(|tried| tried.source.clone());
    whole.sort_by(|a, b| order(a, b, images));

    let compare = |index: usize| Comparison::of(&whole[0], &whole[index]);
    let others = (1..whole.len()).map(|index| (index, compare(index)));
    let second = others.clone().find(|(_, comparison)| !comparison.is_same);
    let stated = stated.and_then(|source| {
        let is_it = |tried: &Try| tried.source.as_ref() == Some(&source);
        let index = whole.iter().position(is_it)?;
        Some((index, compare(index)))
    });

    let count = whole.len() + left_out.len();
    let chance = bench
        .largest_class()
        .max(1.0 / bench.classes().max(1) as f64);
    let is_confirmed = is_above_chance(whole[0].correct(images), images, chance, count);
    let mut tries = whole;
    let mut rest = left_out;
    rest.sort_by(|a, b| order(a, b, SCREENED));
    tries.append(&mut rest);
    Search {
        tries,
        images,
        unread: bench.unread.clone(),
        inferences: bench.inferences,
        second,
        stated,
        chance,
        is_confirmed,
    }
}

fn no_image(unread: &[String]) -> Error {
    let first = unread.first().map_or("there is none", String::as_str);
    Error::new(format!(
        "no image with a label of the model can be read, so no transform can be tried ({first})"
    ))
}
