//! How photos are changed to follow a rule: the change by the property, its strength by the images
//! that the rule holds for.

use crate::evidence::discovery::properties::PropertyFound;
use crate::finding::{FileProperty, Property, PropertyFamily, PropertyRule, PropertyValue};
use crate::geometry::Size;
use crate::input::{Border, FileProperties};
use crate::perturb::FileChange;

/// Strengths that are tried.
const HIDDEN_QUALITIES: [u8; 6] = [15, 20, 30, 40, 50, 65];
const BLURS: [f64; 7] = [1.3, 1.6, 2.0, 2.5, 3.0, 4.0, 5.0];
const COLOURS: [f64; 8] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.2, 1.5, 2.0];
/// Limits of a factor on levels, and of one on a channel.
const GAINS: [f64; 2] = [0.5, 1.5];
const CHANNEL_GAINS: [f64; 2] = [0.6, 1.5];

/// The changes that may bring a photo into a rule, one of which is to be chosen by `property`.
pub struct Doses {
    /// One change for every host, in turn where there are several donors.
    pub choices: Vec<Choice>,
    /// What is measured to see whether a photo follows the rule.
    pub property: FileProperty,
    pub rule: PropertyRule,
}

/// One strength: the hosts take its changes in turn.
#[derive(Debug, Clone)]
pub struct Choice(pub Vec<FileChange>);

impl Choice {
    pub fn of_host(&self, host: usize) -> FileChange {
        let changes = &self.0;
        let turn = host % changes.len().max(1);
        changes.get(turn).copied().unwrap_or(FileChange::Same)
    }
}

/// The changes for a rule; `None` for a property that this program cannot change. `inside` are the
/// images of the rule, `hosts` some of those that are changed, `borders` of some images inside.
pub fn doses(
    found: &PropertyFound,
    inside: &[&FileProperties],
    hosts: &[&FileProperties],
    borders: &[Border],
) -> Option<Doses> {
    let Property::File(property) = found.property else {
        return None;
    };
    let choices = match property {
        FileProperty::JpegQuality
        | FileProperty::JpegTableSum
        | FileProperty::JpegStandardTable
        | FileProperty::BytesPerPixel => vec![FileChange::Quality(median_quality(inside)?)],
        FileProperty::Blockiness => HIDDEN_QUALITIES.map(FileChange::HiddenQuality).to_vec(),
        FileProperty::Sharpness
        | FileProperty::SharpnessSmall
        | FileProperty::FineDetail
        | FileProperty::Noise => BLURS.map(FileChange::Blur).to_vec(),
        FileProperty::Grey | FileProperty::GreyFile => vec![FileChange::Colour(0.0)],
        FileProperty::Saturation => COLOURS.map(FileChange::Colour).to_vec(),
        FileProperty::RedGreen | FileProperty::BlueGreen => vec![gains(inside, hosts)?],
        _ => match property.family() {
            PropertyFamily::Tone => vec![levels(inside, hosts)?],
            PropertyFamily::Size => vec![FileChange::Resize(median_size(inside)?)],
            PropertyFamily::Border => return Some(border_doses(property, found, borders)),
            _ => return None,
        },
    };
    let is_grey_file = property == FileProperty::GreyFile;
    Some(Doses {
        choices: choices
            .into_iter()
            .map(|change| Choice(vec![change]))
            .collect(),
        // A file of one channel and one of grey pixels are the same to the model.
        property: if is_grey_file {
            FileProperty::Grey
        } else {
            property
        },
        rule: found.rule.clone(),
    })
}

/// Every host gets the borders of one image inside.
fn border_doses(property: FileProperty, found: &PropertyFound, borders: &[Border]) -> Doses {
    let changes = borders.iter().map(|border| FileChange::Border(*border));
    Doses {
        choices: vec![Choice(changes.collect())],
        property,
        rule: found.rule.clone(),
    }
}

/// How far a value is from the images inside; 0 for levels.
pub fn distance(value: &PropertyValue, inside: &[&FileProperties], property: FileProperty) -> f64 {
    match (value, median(inside, property)) {
        (PropertyValue::Number(x), Some(target)) => (x - target).abs(),
        (PropertyValue::Level(_), _) => 0.0,
        _ => f64::INFINITY,
    }
}

/// The median of a number; `None` where no file has it.
pub fn median(files: &[&FileProperties], property: FileProperty) -> Option<f64> {
    middle(
        files
            .iter()
            .filter_map(|file| file.of_number(property))
            .collect(),
    )
}

fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    (n > 0).then(|| f64::midpoint(values[(n - 1) / 2], values[n / 2]))
}

fn median_quality(inside: &[&FileProperties]) -> Option<u8> {
    let quality = median(inside, FileProperty::JpegQuality)?;
    Some(quality.round().clamp(1.0, 100.0) as u8)
}

fn median_size(inside: &[&FileProperties]) -> Option<Size> {
    let width = median(inside, FileProperty::Width)?.round();
    let height = median(inside, FileProperty::Height)?.round();
    Some(Size::new(width as u32, height as u32))
}

/// Mean and spread of luma as in the images inside.
fn levels(inside: &[&FileProperties], hosts: &[&FileProperties]) -> Option<FileChange> {
    let of = |files: &[&FileProperties]| {
        let mean = median(files, FileProperty::LumaMean)?;
        Some((mean, median(files, FileProperty::LumaSd)?))
    };
    let (mean, deviation) = of(inside)?;
    let (host_mean, host_deviation) = of(hosts)?;
    let [least, most] = GAINS;
    let gain = (deviation / host_deviation.max(1.0)).clamp(least, most);
    Some(FileChange::Levels {
        gain,
        offset: mean - gain * host_mean,
    })
}

/// Red and blue relative to green as in the images inside.
fn gains(inside: &[&FileProperties], hosts: &[&FileProperties]) -> Option<FileChange> {
    let of = |files: &[&FileProperties]| {
        let ratios = files.iter().filter_map(|file| channel_ratios(file));
        let ratios: Vec<(f64, f64)> = ratios.collect();
        let red = middle(ratios.iter().map(|(red, _)| *red).collect())?;
        Some((red, middle(ratios.iter().map(|(_, blue)| *blue).collect())?))
    };
    let (red, blue) = of(inside)?;
    let (host_red, host_blue) = of(hosts)?;
    let [least, most] = CHANNEL_GAINS;
    Some(FileChange::Gains {
        red: (red / host_red).clamp(least, most),
        blue: (blue / host_blue).clamp(least, most),
    })
}

/// Mean red and mean blue, divided by mean green: from the means of luma and of the differences.
fn channel_ratios(file: &FileProperties) -> Option<(f64, f64)> {
    let luma = file.of_number(FileProperty::LumaMean)?;
    let red = file.of_number(FileProperty::RedGreen)?;
    let blue = file.of_number(FileProperty::BlueGreen)?;
    let green = luma - 0.299 * red - 0.114 * blue;
    (green > 1.0).then(|| (1.0 + red / green, 1.0 + blue / green))
}
