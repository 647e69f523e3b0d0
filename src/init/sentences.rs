//! What the search says, in sentences.

use super::bench::Try;
use super::choose::{Comparison, TIE_P, WORSE_P};
use super::search::Search;

/// Ties that are named one by one.
const TIES_MAX: usize = 4;

/// What is taken, and how sure that is.
pub fn verdict(search: &Search) -> Vec<String> {
    let mut sentences = vec![taken(search)];
    if !search.is_confirmed {
        sentences.push(not_confirmed(search));
        return sentences;
    }
    match search.stated {
        Some((_, comparison)) => sentences.push(against_stated(search, comparison)),
        None => sentences.extend(against_second(search)),
    }
    sentences.extend(same_inputs(search));
    sentences
}

/// What the user should look at before a run.
pub fn warnings(search: &Search) -> Vec<String> {
    let mut warnings = Vec::new();
    if !search.is_confirmed {
        warnings.push(not_confirmed(search));
    }
    if let Some(text) = contradiction(search) {
        warnings.push(text);
    }
    if let Some(first) = search.unread.first() {
        let count = search.unread.len();
        let images = if count == 1 { "image" } else { "images" };
        warnings.push(format!(
            "{count} {images} of those drawn cannot be read and took no part: {first}"
        ));
    }
    warnings
}

/// Whether a transform that a file states has a significantly lower accuracy than another one.
pub fn contradiction(search: &Search) -> Option<String> {
    let (index, comparison) = search.stated?;
    let best = search.best();
    if index == 0 || comparison.p >= WORSE_P || !search.is_confirmed {
        return None;
    }
    let stated = &search.tries[index];
    Some(format!(
        "the transform that {} states has {}, and \"{}\" has {} of the same images right ({}): \
         compare with the training",
        stated.source.as_deref().unwrap_or_default(),
        accuracy(stated, search.images),
        best.transform.name(),
        accuracy(best, search.images),
        pairs(comparison)
    ))
}

/// `91.4 % (234 of 256)`.
pub fn accuracy(tried: &Try, images: usize) -> String {
    let correct = tried.correct(images);
    format!(
        "{:.1} % ({correct} of {images})",
        100.0 * correct as f64 / images.max(1) as f64
    )
}

fn taken(search: &Search) -> String {
    let chosen = search.chosen();
    let right = accuracy(chosen, search.images);
    match &chosen.source {
        Some(source) => format!("The transform is that of {source}: top-1 {right}."),
        None => format!(
            "The transform is the best of {} tried: \"{}\", top-1 {right}. Compare that with the \
             accuracy of the training: the right one may be none of these.",
            search.tries.len(),
            chosen.transform.name()
        ),
    }
}

fn not_confirmed(search: &Search) -> String {
    format!(
        "No transform could be confirmed: the best has {} right, and a guess {:.1} %. The labels \
         may not be the model's classes, or the training had another transform.",
        accuracy(search.best(), search.images),
        100.0 * search.chance
    )
}

fn against_second(search: &Search) -> Option<String> {
    let (second, comparison) = search.second?;
    let second = &search.tries[second];
    if !comparison.is_tie() {
        return Some(format!(
            "The second best, \"{}\", has {}; {}.",
            second.transform.name(),
            accuracy(second, search.images),
            pairs(comparison)
        ));
    }
    let mut names = Vec::new();
    for tried in search.ties() {
        if !Comparison::of(search.best(), tried).is_same {
            names.push(format!("\"{}\"", tried.transform.name()));
        }
    }
    let ties = search.ties().into_iter();
    let mut whole = ties.filter(|tried| !tried.transform.crops());
    let cut = match whole.next() {
        Some(whole) if search.best().transform.crops() => format!(
            " It cuts off the edges of photos, where tags often are; \"{}\" shows all of a photo.",
            whole.transform.name()
        ),
        _ => String::new(),
    };
    let more = names.len().saturating_sub(TIES_MAX);
    names.truncate(TIES_MAX);
    let more = match more {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Some(format!(
        "It is a tie: accuracy on all {} images does not tell it from {}{more} (McNemar's exact p \
         >= {TIE_P}; {:.2} for the second best). Of these it has the highest accuracy, and of \
         equal ones the largest margin.{cut} What the training states counts more.",
        search.images,
        names.join(", "),
        comparison.p
    ))
}

fn against_stated(search: &Search, comparison: Comparison) -> String {
    if let Some(text) = contradiction(search) {
        return format!("Warning: {text}.");
    }
    match search.stated {
        Some((0, _)) => "None of the usual transforms has more images right.".into(),
        _ => format!(
            "\"{}\" has {}, which the paired test does not call better ({}).",
            search.best().transform.name(),
            accuracy(search.best(), search.images),
            pairs(comparison)
        ),
    }
}

fn same_inputs(search: &Search) -> Option<String> {
    let chosen = search.chosen();
    let mut names = Vec::new();
    for tried in &search.tries {
        let is_other = tried.transform.name() != chosen.transform.name();
        let comparison = Comparison::of(chosen, tried);
        if is_other && comparison.images > 0 && comparison.is_same {
            names.push(format!("\"{}\"", tried.transform.name()));
        }
    }
    (!names.is_empty()).then(|| {
        format!(
            "On these images the same input is made by {}.",
            names.join(", ")
        )
    })
}

fn pairs(comparison: Comparison) -> String {
    let [first, second] = comparison.only;
    format!(
        "{first} images are right with the better one only, {second} with the other only, \
         McNemar's exact p = {}",
        p_value(comparison.p)
    )
}

/// A p-value with two digits.
pub fn p_value(p: f64) -> String {
    if p < 0.001 {
        format!("{p:.0e}")
    } else {
        format!("{p:.3}")
    }
}
