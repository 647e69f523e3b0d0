//! The evidence about one class and one property of its files.

use super::evidence::{Estimate, GroupCount, number};
use super::names::closed_set;
use super::property::{Property, PropertyFamily, PropertyRule};
use serde::{Deserialize, Serialize};

closed_set! {
    /// A change that has nothing to do with the rule: it shows how far any change moves a class.
    ShamChange {
        Grey = "without colour",
        Blurred = "resized to a third and back",
        Quality30 = "JPEG quality 30",
        BlackBars = "black bars at top and bottom",
        WhiteFrame = "a white frame",
        Noise = "noise",
        Darker = "darker",
    }
}

impl ShamChange {
    /// The family of properties that it changes; `None` for noise, which none of the changes by a
    /// rule makes.
    pub fn family(self) -> Option<PropertyFamily> {
        match self {
            Self::Grey => Some(PropertyFamily::Colour),
            Self::Blurred => Some(PropertyFamily::Sharpness),
            Self::Quality30 => Some(PropertyFamily::Compression),
            Self::BlackBars | Self::WhiteFrame => Some(PropertyFamily::Border),
            Self::Noise => None,
            Self::Darker => Some(PropertyFamily::Tone),
        }
    }
}

/// What is known of one class and a rule on one property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PropertyEvidence {
    pub property: Property,
    pub rule: PropertyRule,
    /// Rules on other properties that hold for mostly the same images.
    pub also: Vec<PropertyAlso>,
    /// The class comes from another source than the others.
    pub is_other_source: bool,
    pub association: PropertyAssociation,
    pub distribution: PropertyDistribution,
    /// How well the pooled features of the model tell the images inside the rule from the others of
    /// the class (area under the ROC curve); `None` where too few images are on a side.
    pub visible: Option<f64>,
    pub test: PropertyTrial,
}

/// Another property of a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PropertyAlso {
    pub property: Property,
    pub rule: PropertyRule,
}

/// How often a rule holds; one image of each group of the sample counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PropertyAssociation {
    pub in_class: GroupCount,
    pub in_others: GroupCount,
    /// Median over the other classes.
    #[serde(deserialize_with = "number")]
    pub median_other: f64,
    #[serde(deserialize_with = "number")]
    pub worst_other: f64,
    /// On the half of the groups that the rule was not found on, with Newcombe's interval.
    pub difference: Estimate,
    /// Twice the smaller p-value of both directions.
    #[serde(deserialize_with = "number")]
    pub p: f64,
    /// `p` times the number of tests, divided by the rank.
    #[serde(deserialize_with = "number")]
    pub q: f64,
    /// Pairs of a class and a property that were tested.
    pub tests: u32,
}

/// How the values of a property are spread in the class and in the other classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PropertyDistribution {
    pub bars: Vec<PropertyBar>,
}

/// One range or level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PropertyBar {
    pub name: String,
    pub in_class: u32,
    pub in_others: u32,
    /// Whether the rule holds for all, or most, of its values.
    pub is_inside: bool,
}

/// What became of the experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyTrial {
    Tested {
        /// What was done to the hosts, in words.
        change: String,
        usage: PropertyUsage,
    },
    NotTested(PropertyNotTested),
}

/// Why no image was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyNotTested {
    /// No pixel of a photo says it, or this program has no change for it.
    CannotBeChanged,
    /// Too few images of other classes are outside the rule.
    HostsInside { hosts: u32, needed: u32 },
    /// The change does not bring hosts into the rule.
    NotReached,
    /// Beyond the most serious ones that are tested.
    CandidateLimit { max_candidates: u32 },
    /// Too few photos of the rule or of other classes could be read again.
    TooFewPhotos,
}

/// How far hosts move to the class when they are changed to follow the rule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PropertyUsage {
    pub hosts: u32,
    /// Mean rise of the centred logit of the class.
    #[serde(deserialize_with = "number")]
    pub rise: f64,
    /// The smallest rise that counts.
    #[serde(deserialize_with = "number")]
    pub min_effect: f64,
    /// The rise as a part of the root mean square change over all classes.
    #[serde(deserialize_with = "number")]
    pub part_of_change: f64,
    /// The comparison with shams; `None` where the other conditions failed already.
    pub against: Option<ShamComparison>,
    /// The logit of no other class rises more.
    pub moves_most: bool,
    /// Hosts predicted as the class when changed, and when written again without a change.
    pub predicted: [u32; 2],
    /// Net rate of hosts that become the class, against the treatment with the smallest bound.
    pub rate: Estimate,
    /// That treatment: a sham, or `None` for files written again without a change.
    #[serde(default)]
    pub control: Option<ShamChange>,
    /// Hosts predicted as the class under it.
    #[serde(default)]
    pub control_predicted: u32,
}

/// A condition of use that does not hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PropertyUnmet {
    /// The class rises less than counts, or falls.
    SmallRise,
    /// Another class rises more.
    OtherClassMore,
    /// The rise is a small part of what the change does to all classes.
    SmallPart,
    /// A change of another family moves the class as far.
    NoMoreThan(ShamChange),
}

/// The rise against other changes of the same size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShamComparison {
    /// Least t of the rise less that by a sham.
    #[serde(deserialize_with = "number")]
    pub t: f64,
    /// That sham.
    pub sham: ShamChange,
}

impl PropertyUsage {
    /// Smallest part of the change that is a rise of the class.
    pub const PART_MIN: f64 = 0.6;
    /// Smallest t.
    pub const T_MIN: f64 = 3.0;

    /// Whether the class uses the property.
    pub fn is_used(&self) -> bool {
        self.moves_the_class() && self.against.is_some_and(|shams| shams.t >= Self::T_MIN)
    }

    /// Whether the change moves the class as far as it must; shams may do so too.
    pub fn moves_the_class(&self) -> bool {
        let unmet = self.unmet();
        unmet
            .iter()
            .all(|unmet| matches!(unmet, PropertyUnmet::NoMoreThan(_)))
    }

    /// The conditions of use that do not hold.
    pub fn unmet(&self) -> Vec<PropertyUnmet> {
        let mut unmet = Vec::new();
        if self.rise < self.min_effect || self.rise <= 0.0 {
            unmet.push(PropertyUnmet::SmallRise);
        }
        if !self.moves_most {
            unmet.push(PropertyUnmet::OtherClassMore);
        }
        if self.part_of_change < Self::PART_MIN {
            unmet.push(PropertyUnmet::SmallPart);
        }
        let against = self.against.filter(|shams| shams.t < Self::T_MIN);
        unmet.extend(against.map(|shams| PropertyUnmet::NoMoreThan(shams.sham)));
        unmet
    }
}

impl std::fmt::Display for PropertyNotTested {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CannotBeChanged => f.write_str("this program cannot change it"),
            Self::HostsInside { hosts, needed } => write!(
                f,
                "not testable, hosts already have it: only {hosts} images of other classes that \
                 the model predicts rightly are outside the rule, {needed} are needed"
            ),
            Self::NotReached => f.write_str(
                "not testable, the changes that this program makes bring less than half of the \
                 images of other classes into the rule",
            ),
            Self::CandidateLimit { max_candidates } => {
                write!(f, "beyond max_candidates = {max_candidates}")
            }
            Self::TooFewPhotos => f.write_str("too few photos could be read again"),
        }
    }
}
