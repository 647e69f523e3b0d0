//! What the images of a class show at one place: against NumPy, and on drawn pictures.

use crate::support::{close, fixtures, json};
use camaudit::evidence::discovery::fixed_places::{
    Agreement, UnitSum, correlation, deviations, mean_template, outstanding,
};
use camaudit::evidence::discovery::{Gradient, PixelBox, SearchPicture};
use std::sync::OnceLock;

/// A picture of grey levels.
fn gradient(side: usize, luma: Vec<u8>) -> Gradient {
    Gradient::new(&SearchPicture {
        width: side,
        height: side,
        luma,
        content: PixelBox {
            x0: 0,
            y0: 0,
            x1: side,
            y1: side,
        },
    })
}

/// Random numbers as in `fixtures/make_fixed_places.py`.
struct Levels(u32);

impl Levels {
    fn next(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 24) as u8
    }
}

#[test]
fn agreement_and_z_are_those_of_numpy() {
    const SIDE: usize = 48;
    let golden = json(&fixtures().join("golden/fixed_places.json"));
    let mut classes = Vec::new();
    for class in 0..9 {
        let mut sum = UnitSum::default();
        for image in 0..12 {
            let mut levels = Levels(1 + class * 12 + image);
            let mut luma: Vec<u8> = (0..SIDE * SIDE).map(|_| levels.next()).collect();
            if image < 8 && [4, 6].contains(&class) {
                let row = if class == 4 {
                    20
                } else {
                    8 + 4 * image as usize
                };
                luma[row * SIDE..(row + 2) * SIDE].fill(250);
            }
            sum.add(&gradient(SIDE, luma));
        }
        classes.push(sum.agreement(16));
    }

    let deviations = deviations(&classes);
    let mut compared = 0;
    for (class, agreement) in classes.iter().enumerate() {
        for block in 0..9 {
            let expected = |name: &str| golden[name][class][block].as_f64().expect("a number");
            let what = format!("class {class}, block {block}");
            let found = f64::from(agreement.blocks[block]);
            close(found, expected("agreement"), 1e-4, &what);
            close(
                f64::from(deviations[class][block]),
                expected("z"),
                1e-3,
                &what,
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 81);
}

const SIDE: usize = 224;

/// What is drawn on a picture.
#[derive(Clone, Copy)]
enum Mark {
    None,
    /// A bright line at some distance from all four edges.
    Frame,
    /// A translucent label, moved by some pixels.
    Label {
        right: usize,
        down: usize,
    },
}

/// A picture of random smooth blobs.
fn drawn(class: usize, image: usize, mark: Mark) -> Gradient {
    let mut levels = Levels((1 + class * 1_000 + image) as u32);
    let mut blobs = Vec::new();
    for _ in 0..10 {
        let mut next = || f64::from(levels.next()) / 255.0;
        blobs.push([next() * 224.0, next() * 224.0, 8.0 + 30.0 * next(), next()]);
    }
    let mut luma = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let mut level = 120.0;
            for [left, top, radius, height] in &blobs {
                let (across, down) = (x as f64 - left, y as f64 - top);
                let distance = (across * across + down * down) / (radius * radius);
                level += 160.0 * (height - 0.5) * (-distance).exp();
            }
            level += f64::from(levels.next()) / 32.0;
            luma.push(marked(level, x, y, mark).clamp(0.0, 255.0) as u8);
        }
    }
    gradient(SIDE, luma)
}

fn marked(level: f64, x: usize, y: usize, mark: Mark) -> f64 {
    match mark {
        Mark::None => level,
        Mark::Frame => {
            let edge = x.min(y).min(SIDE - 1 - x).min(SIDE - 1 - y);
            if (6..9).contains(&edge) { 240.0 } else { level }
        }
        Mark::Label { right, down } => {
            let (x, y) = (x.wrapping_sub(32 + right), y.wrapping_sub(160 + down));
            let is_inside = x < 64 && y < 24;
            let is_stroke = is_inside && (x / 4 + 2 * (y / 6)) % 3 == 0;
            if is_stroke {
                0.5 * level + 110.0
            } else {
                level
            }
        }
    }
}

fn agreement(class: usize, mark: impl Fn(usize) -> Mark) -> Agreement {
    let mut sum = UnitSum::default();
    for image in 0..30 {
        sum.add(&drawn(class, image, mark(image)));
    }
    sum.agreement(16)
}

/// Nine classes of thirty pictures, of which those of class 2 are marked as told.
fn classes(mark: impl Fn(usize) -> Mark) -> Vec<Agreement> {
    static CLEAN: OnceLock<Vec<Agreement>> = OnceLock::new();
    let draw = || (0..9).map(|class| agreement(class, |_| Mark::None));
    let mut classes = CLEAN.get_or_init(|| draw().collect()).clone();
    classes[2] = agreement(2, mark);
    classes
}

#[test]
fn a_label_at_one_place_is_found_and_known_again() {
    let label = |image: usize| match image % 2 {
        0 => Mark::Label { right: 0, down: 0 },
        _ => Mark::None,
    };
    let classes = classes(label);
    let places = outstanding(&classes);
    let [found] = places[2].as_slice() else {
        panic!("{:?}", places[2]);
    };
    let label_place = PixelBox {
        x0: 32,
        y0: 160,
        x1: 96,
        y1: 184,
    };
    assert!(found.place.covers(&label_place), "{:?}", found.place);
    let others: usize = places.iter().map(Vec::len).sum();
    assert_eq!(others, 1, "only class 2: {places:?}");
    let fewer = outstanding(&classes[..7]);
    assert!(
        fewer.iter().all(Vec::is_empty),
        "seven classes tell nothing"
    );

    let images: Vec<Gradient> = (0..30).map(|i| drawn(2, i, label(i))).collect();
    let template = mean_template(images.iter(), found).expect("images");
    let with = drawn(20, 0, Mark::Label { right: 0, down: 0 });
    let without = drawn(20, 0, Mark::None);
    assert!(correlation(&template, &with, found.place) > 0.5);
    assert!(correlation(&template, &without, found.place) < 0.3);
}

#[test]
fn of_a_frame_one_side_is_the_place() {
    let places = outstanding(&classes(|_| Mark::Frame));
    assert_eq!(places[2].len(), 1, "{places:?}");
    let place = places[2][0].place;
    let (longer, shorter) = (
        place.width().max(place.height()),
        place.width().min(place.height()),
    );
    assert!(longer >= 192 && shorter <= 32, "{place:?}");
}

#[test]
fn what_moves_and_clean_classes_are_no_place() {
    let moved = |image: usize| Mark::Label {
        right: 5 * image % 23,
        down: 7 * image % 19,
    };
    for classes in [classes(moved), classes(|_| Mark::None)] {
        let places = outstanding(&classes);
        assert!(places.iter().all(Vec::is_empty), "{places:?}");
    }
}
