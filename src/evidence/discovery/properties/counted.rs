//! How often rules hold.

use super::rule::Rule;
use super::table::ColumnValues;

/// The values of some images in one column, in a form in which rules are counted quickly.
#[derive(Debug)]
pub enum Counted {
    Numbers { sorted: Vec<f64>, missing: u32 },
    Levels { counts: Vec<u32>, missing: u32 },
}

impl Counted {
    pub fn of(values: &ColumnValues, images: &[usize]) -> Self {
        match values {
            ColumnValues::Numbers(values) => {
                let numbers = images.iter().map(|i| values[*i]);
                let mut sorted: Vec<f64> = numbers.filter(|x| !x.is_nan()).collect();
                sorted.sort_unstable_by(f64::total_cmp);
                let missing = (images.len() - sorted.len()) as u32;
                Self::Numbers { sorted, missing }
            }
            ColumnValues::Levels { names, of } => {
                let mut counts = vec![0; names.len()];
                let mut missing = 0;
                for image in images {
                    match counts.get_mut(of[*image] as usize) {
                        Some(count) => *count += 1,
                        None => missing += 1,
                    }
                }
                Self::Levels { counts, missing }
            }
        }
    }

    /// Number of images.
    pub fn images(&self) -> u32 {
        match self {
            Self::Numbers { sorted, missing } => sorted.len() as u32 + missing,
            Self::Levels { counts, missing } => counts.iter().sum::<u32>() + missing,
        }
    }

    /// Images that a rule holds for.
    pub fn count(&self, rule: Rule) -> u32 {
        match (self, rule) {
            (Self::Numbers { missing, .. } | Self::Levels { missing, .. }, Rule::Missing) => {
                *missing
            }
            (Self::Levels { counts, .. }, Rule::Level(level)) => {
                counts.get(level as usize).copied().unwrap_or(0)
            }
            (Self::Numbers { sorted, .. }, Rule::AtMost(end)) => up_to(sorted, end),
            (Self::Numbers { sorted, .. }, Rule::AtLeast(start)) => {
                sorted.len() as u32 - below(sorted, start)
            }
            (Self::Numbers { sorted, .. }, Rule::Between(start, end)) => {
                up_to(sorted, end) - below(sorted, start)
            }
            _ => 0,
        }
    }
}

fn up_to(sorted: &[f64], end: f64) -> u32 {
    sorted.partition_point(|x| *x <= end) as u32
}

fn below(sorted: &[f64], start: f64) -> u32 {
    sorted.partition_point(|x| *x < start) as u32
}
