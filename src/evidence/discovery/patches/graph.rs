//! Matches between cells of images as a graph: its components, and how the images of one are
//! brought onto each other.

use super::shift::Shift;
use std::collections::{BTreeMap, BTreeSet};

/// Components that are looked at, the largest first.
const COMPONENTS_MAX: usize = 3;
/// Images of a component that are aligned.
const ALIGNED_MAX: usize = 30;
/// Fewest images that repeat a picture.
const IMAGES_MIN: usize = 3;
/// Two matches of the same two images belong together if their shifts differ by no more.
const SHIFT_TOLERANCE: i32 = 1;

/// A cell of an image, by their indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub image: usize,
    pub cell: usize,
}

/// Two cells that show the same picture; the shift leads from the first image to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    pub cells: [Cell; 2],
    pub shift: Shift,
}

/// Images that show the same picture, brought onto each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alignment {
    /// Distinct images of the component.
    pub images: usize,
    /// The cell around which the picture lies.
    pub centre: Cell,
    /// The matches by which images are added to that of the centre, each to one that is there.
    pub steps: Vec<Step>,
}

/// An image that is added to one of which the place is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub from: Cell,
    pub to: Cell,
    pub shift: [i32; 2],
}

/// The largest components, aligned; the first has the most images.
pub fn alignments(matches: &[Match]) -> Vec<Alignment> {
    let mut components: Vec<(usize, Vec<&Match>)> = Vec::new();
    for component in components_of(matches) {
        let images: BTreeSet<usize> = component
            .iter()
            .flat_map(|m| m.cells.map(|cell| cell.image))
            .collect();
        if images.len() >= IMAGES_MIN {
            components.push((images.len(), component));
        }
    }
    // A stable sort: components come in the order of their first cell.
    components.sort_by_key(|(images, _)| std::cmp::Reverse(*images));
    components.truncate(COMPONENTS_MAX);

    let aligned = components.into_iter();
    aligned
        .filter_map(|(images, matches)| align(images, &matches))
        .collect()
}

/// Matches by connected component, in the order of the smallest cell.
fn components_of(matches: &[Match]) -> Vec<Vec<&Match>> {
    let cells: BTreeSet<Cell> = matches.iter().flat_map(|m| m.cells).collect();
    let cells: Vec<Cell> = cells.into_iter().collect();
    let index = |cell: &Cell| cells.binary_search(cell).unwrap_or(0);

    let mut parents: Vec<usize> = (0..cells.len()).collect();
    let mut by_images: BTreeMap<[usize; 2], Vec<&Match>> = BTreeMap::new();
    for found in matches {
        join(&mut parents, index(&found.cells[0]), index(&found.cells[1]));
        let images = found.cells.map(|cell| cell.image);
        by_images.entry(images).or_default().push(found);
    }
    // Several cells of one picture between the same images.
    for of_images in by_images.values() {
        for (i, first) in of_images.iter().enumerate() {
            for second in &of_images[i + 1..] {
                if is_same_shift(&first.shift, &second.shift) {
                    let (first, second) = (index(&first.cells[0]), index(&second.cells[0]));
                    join(&mut parents, first, second);
                }
            }
        }
    }

    let mut components: BTreeMap<usize, Vec<&Match>> = BTreeMap::new();
    for found in matches {
        let root = root(&mut parents, index(&found.cells[0]));
        components.entry(root).or_default().push(found);
    }
    components.into_values().collect()
}

fn is_same_shift(first: &Shift, second: &Shift) -> bool {
    (first.x - second.x).abs() <= SHIFT_TOLERANCE && (first.y - second.y).abs() <= SHIFT_TOLERANCE
}

fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

/// The smaller index becomes the root, so that the order of the matches has no influence.
fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b)] = a.min(b);
}

/// Grows from the best connected cell, each time along the match with the most agreeing pixels.
fn align(images: usize, matches: &[&Match]) -> Option<Alignment> {
    let centre = best_connected(matches)?;
    let mut aligned = BTreeSet::from([centre.image]);
    let mut steps = Vec::new();
    while aligned.len() < ALIGNED_MAX {
        let mut best: Option<(u32, Step)> = None;
        for found in matches {
            if let Some(step) = step(&aligned, found)
                && best.is_none_or(|(inliers, _)| found.shift.inliers > inliers)
            {
                best = Some((found.shift.inliers, step));
            }
        }
        let Some((_, step)) = best else {
            break;
        };
        aligned.insert(step.to.image);
        steps.push(step);
    }
    (aligned.len() >= IMAGES_MIN).then_some(Alignment {
        images,
        centre,
        steps,
    })
}

/// The step by which a match adds an image to aligned ones.
fn step(aligned: &BTreeSet<usize>, found: &Match) -> Option<Step> {
    let [first, second] = found.cells;
    let shift = [found.shift.x, found.shift.y];
    match (
        aligned.contains(&first.image),
        aligned.contains(&second.image),
    ) {
        (true, false) => Some(Step {
            from: first,
            to: second,
            shift,
        }),
        (false, true) => Some(Step {
            from: second,
            to: first,
            shift: shift.map(|s| -s),
        }),
        _ => None,
    }
}

/// The cell with the most matches, then the most agreeing pixels, then the first.
fn best_connected(matches: &[&Match]) -> Option<Cell> {
    let mut sums: BTreeMap<Cell, (u32, u32)> = BTreeMap::new();
    for found in matches {
        for cell in found.cells {
            let (count, inliers) = sums.entry(cell).or_default();
            *count += 1;
            *inliers += found.shift.inliers;
        }
    }
    let mut best: Option<(Cell, (u32, u32))> = None;
    for (cell, sum) in sums {
        if best.is_none_or(|(_, largest)| sum > largest) {
            best = Some((cell, sum));
        }
    }
    best.map(|(cell, _)| cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(images: [usize; 2], cells: [usize; 2], shift: [i32; 2], inliers: u32) -> Match {
        Match {
            cells: [0, 1].map(|i| Cell {
                image: images[i],
                cell: cells[i],
            }),
            shift: Shift {
                x: shift[0],
                y: shift[1],
                inliers,
            },
        }
    }

    #[test]
    fn images_are_aligned_along_the_strongest_matches() {
        let matches = [
            found([0, 1], [5, 6], [10, 0], 90),
            found([1, 2], [6, 6], [0, 3], 80),
            // Wrong, and weaker than the way over image 1.
            found([0, 2], [5, 6], [40, 40], 50),
            // Of two images only.
            found([7, 8], [0, 0], [0, 0], 200),
        ];
        let aligned = alignments(&matches);
        assert_eq!(aligned.len(), 1);
        assert_eq!(aligned[0].images, 3);
        // The cell of image 1 has as many matches as the others, and more agreeing pixels.
        assert_eq!(aligned[0].centre.image, 1);
        let steps = aligned[0].steps.iter();
        let steps: Vec<_> = steps.map(|s| (s.from.image, s.to.image, s.shift)).collect();
        assert_eq!(steps, [(1, 0, [-10, 0]), (1, 2, [0, 3])]);
    }

    #[test]
    fn cells_with_one_shift_between_two_images_are_one_component() {
        let matches = [
            found([0, 1], [5, 5], [4, 0], 60),
            found([0, 1], [6, 6], [5, 0], 60),
            found([0, 2], [6, 6], [0, 0], 60),
        ];
        assert_eq!(alignments(&matches)[0].images, 3);
    }
}
