//! The evidence about one class and one region: counts, estimates with intervals, p-values.

use super::names::{ConsensusControl, InsertionControl, OverlayControl, RemovalFill};
use serde::{Deserialize, Deserializer, Serialize};

/// Reads a number; JSON writes one that is not finite as null.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    #[serde(deserialize_with = "number")]
    pub value: f64,
    #[serde(deserialize_with = "number")]
    pub low: f64,
    #[serde(deserialize_with = "number")]
    pub high: f64,
}

/// Groups that show a region, of all groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GroupCount {
    pub present: u32,
    pub groups: u32,
}

/// A, association: `p1 = P(present | class)` against `p0 = P(present | other classes)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Association {
    pub in_class: GroupCount,
    pub in_others: GroupCount,
    /// `p1 - p0`, with Newcombe's interval.
    pub difference: Estimate,
    /// The largest `P(present | class)` of any single other class.
    #[serde(deserialize_with = "number")]
    pub worst_other: f64,
    /// One-sided Fisher test.
    #[serde(deserialize_with = "number")]
    pub p: f64,
}

/// Why B could not be had. It is then unknown whether the evidence rises at the region: C decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContrastMissing {
    /// Groups of the screening half with the region, of the number that is needed.
    FewWithRegion { groups: u32, needed: u32 },
    /// Groups of the screening half without the region, in the class and in others.
    FewWithoutRegion { groups: u32, needed: u32 },
    /// In nearly all groups every mirror image of the region meets the region itself or an object.
    NoMirrorImage,
    /// In most groups the region is smaller than a quarter of a cell of the map.
    SubCell,
}

/// Whose images without the region B compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContrastBaseline {
    /// Images of the class itself.
    Label,
    /// Images of other classes under the same class's map: too few of the class itself lack the
    /// region.
    OtherClasses,
}

impl ContrastBaseline {
    pub fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::OtherClasses => "other_classes",
        }
    }
}

/// B, contrast: `Delta_B = mean(B | present) - mean(B | absent)`, where `B` is the relative
/// contribution of the region less its mean over the region's mirror images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// Groups with the region.
    pub present: u32,
    /// Groups without it.
    pub absent: u32,
    /// In logits, with Welch's interval.
    pub difference: Estimate,
    /// The smallest effect that counts, in logits.
    #[serde(deserialize_with = "number")]
    pub min_effect: f64,
    pub baseline: ContrastBaseline,
    /// One-sided, of `Delta_B <= min_effect`.
    #[serde(deserialize_with = "number")]
    pub p: f64,
}

/// One side of C, insertion or removal: the control with the smallest effect counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InterventionEffect<Control> {
    pub images: u32,
    /// Mean difference of the margins, in logits, with Student's interval. Its standard error is
    /// the larger of the one paired by image and the one clustered by donor; of removal it is the
    /// one of two independent samples.
    pub margin: Estimate,
    /// Net rate of images predicted as the class: flips to it, or recall lost. Newcombe's interval
    /// for paired proportions, widened to the one clustered by donor.
    pub rate: Estimate,
    /// Images predicted as the class under the change that should have the larger margin, and under
    /// the other; of the control with the smallest rate.
    pub predicted: [u32; 2],
    /// The control with the smallest effect on the margin.
    pub control: Control,
    /// No other class's logit changes more on average; classes that are associated with the region
    /// as well take no part.
    pub largest_shift: bool,
    /// One-sided, of an effect of at most the smallest that counts; the largest over the controls.
    #[serde(deserialize_with = "number")]
    pub p: f64,
}

/// The median of the confounder over its donors, pasted on the hosts: what the donors share,
/// without what each of them shows behind it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// Part of the region in which the donors agree: the median absolute deviation is at most 12 of
    /// 255.
    pub coverage: f64,
    /// The largest coverage of the four neighbour places; `None` where none fits into the photos.
    pub neighbours: Option<f64>,
    pub effect: Option<InterventionEffect<ConsensusControl>>,
}

impl ContrastMissing {
    pub fn name(self) -> &'static str {
        match self {
            Self::FewWithRegion { .. } => "few_with_region",
            Self::FewWithoutRegion { .. } => "few_without_region",
            Self::NoMirrorImage => "no_mirror_image",
            Self::SubCell => "sub_cell",
        }
    }
}

impl Consensus {
    /// Coverage from which the donors agree about the region.
    pub const COVERAGE_MIN: f64 = 0.5;
    /// Most coverage of a neighbour place, as a part of that of the region.
    pub const NEIGHBOURS_MAX: f64 = 0.5;

    /// Whether object and confounder can be told apart: the donors agree about the region, and not
    /// about the places beside it.
    pub fn tells_apart(&self) -> bool {
        let agree_beside = self.neighbours.unwrap_or(f64::INFINITY);
        self.coverage >= Self::COVERAGE_MIN && agree_beside <= Self::NEIGHBOURS_MAX * self.coverage
    }
}

/// Regions that a template finds again, shifted and rescaled, on photos without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TemplateHits {
    pub found: u32,
    pub tried: u32,
}

impl TemplateHits {
    /// Part that is found from which on the template counts as complete.
    pub const COMPLETE: f64 = 0.95;

    /// Whether the template misses regions, so that an effect is larger than it appears.
    pub fn misses(self) -> bool {
        f64::from(self.found) < Self::COMPLETE * f64::from(self.tried)
    }
}

/// C, intervention: the confounder pasted on other images, and filled in where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervention {
    pub insertion: Option<InterventionEffect<InsertionControl>>,
    pub removal: Option<InterventionEffect<RemovalFill>>,
    /// The place of the region without it, in images of the class, was one of the controls of
    /// insertion. Where it was not, the patch may show the class itself.
    pub has_place_control: bool,
    /// Only where the place without the region was no control.
    pub consensus: Option<Consensus>,
    /// Images of the class without the region that were filled at its place, as the control of
    /// removal; 0 where there are too few groups of them.
    pub untagged_filled: u32,
    /// Where presence comes from a template.
    pub template_hits: Option<TemplateHits>,
    /// Hosts are of splits that the model was trained on, because too few others are there.
    pub hosts_trained_on: bool,
    /// The smallest effect that counts, in logits.
    #[serde(deserialize_with = "number")]
    pub min_effect: f64,
    /// Hosts predicted as the class with the scrambled confounder: texture and colour without the
    /// pattern.
    pub scrambled_flips: u32,
    /// Photos that the confounder was cut from.
    pub donors: u32,
    /// Passes through the network.
    pub forwards: u32,
    /// `verdict.max_forwards` left hosts or tagged images out.
    pub cut_short: bool,
    /// Photos that could not be read again.
    pub photos_lost: u32,
}

/// Images of the class, and of all other classes, that show a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PresenceCounts {
    /// `None` where the pipeline has no presence information for the region.
    pub present: Option<u32>,
    pub images: u32,
    pub others_present: u64,
    pub others_images: u64,
    /// Images of the class that may show a found picture, where some were missed: they match worse
    /// than the threshold, and better than half of the images of other classes. They are not
    /// `present`.
    #[serde(default)]
    pub unclear: u32,
    /// About how many of `unclear` show it.
    #[serde(default)]
    pub missed: u32,
}

/// Images of one label, of several that the model has one class for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelCount {
    pub label: String,
    pub present: Option<u32>,
    pub images: u32,
}

/// Mean heat of the class in a region, over its images.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RegionHeat {
    pub share: Option<f64>,
    pub area: Option<f64>,
    pub lift: Option<f64>,
    pub excess: Option<f64>,
    /// Part of the region that the model sees.
    pub visible: Option<f64>,
}

/// All evidence about one class and one declared confounder region.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConfounderEvidence {
    pub counts: PresenceCounts,
    /// The counts by label where several labels are one class of the model; else empty.
    pub labels: Vec<LabelCount>,
    pub heat: RegionHeat,
    /// Groups of the class that show the region; `None` without presence information.
    pub tagged: Option<u32>,
    pub association: Option<Association>,
    /// A, adjusted by Benjamini and Hochberg; `None` where too few groups were tagged.
    pub association_q: Option<f64>,
    pub contrast: Option<Contrast>,
    pub contrast_missing: Option<ContrastMissing>,
    /// The larger p-value of A and B, adjusted by Benjamini and Hochberg.
    pub screening_q: Option<f64>,
    pub intervention: Option<Box<Intervention>>,
    /// The p-values of the two sides of C, adjusted by Benjamini and Hochberg over both sides of
    /// all tested pairs.
    pub insertion_q: Option<f64>,
    pub removal_q: Option<f64>,
}

/// Hosts that can show a net rate of entries of 7 % (its lower bound is then 2 %). With fewer, the
/// finding says which rate could have been shown.
pub const OVERLAY_HOSTS: u32 = 130;

/// The effect of an overlay on one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OverlayEvidence {
    pub hosts: u32,
    /// Mean rise of the centred logit over the control with the smaller rise, in logits.
    pub rise: Estimate,
    /// That control.
    pub control: OverlayControl,
    /// Robust z among all classes, `(rise - median) / (1.4826 MAD)`; the smaller of the two
    /// controls.
    #[serde(deserialize_with = "number")]
    pub z: f64,
    /// One-sided, of a rise of at most the smallest that counts; the larger of the two controls.
    #[serde(deserialize_with = "number")]
    pub p: f64,
    /// The same, adjusted by Benjamini and Hochberg over the classes.
    #[serde(deserialize_with = "number")]
    pub q: f64,
    /// The class enters an image by being among so many of the highest logits; `None` for sigmoid
    /// heads, where it is to be predicted.
    pub top_k: Option<u32>,
    /// Hosts that the class enters with the overlay, and with the control that leaves the smaller
    /// lower bound of `rate`.
    pub entries: [u32; 2],
    /// Net rate of entries, with Newcombe's interval for paired rates.
    pub rate: Estimate,
    /// Hosts predicted as the class with the overlay, and with the control of `entries`.
    pub predicted: [u32; 2],
    /// The smallest net rate of entries that so many hosts can show; `None` where they can show
    /// none.
    pub detectable_rate: Option<f64>,
    /// The smallest rise that counts, in logits.
    #[serde(deserialize_with = "number")]
    pub min_effect: f64,
    pub thresholds: OverlayThresholds,
    /// Place of the class by rise, from 1.
    pub rank: u32,
    /// Number of classes compared.
    pub classes: u32,
}

/// What a class must reach for an overlay to be its shortcut.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OverlayThresholds {
    /// Maximum of `q`.
    pub q: f64,
    /// Minimum of `z`; `None` with so few classes that it has no meaning.
    pub z: Option<f64>,
    /// Minimum of the lower bound of `rate`.
    pub rate: f64,
}

impl OverlayEvidence {
    /// The logit of the class rises by more than the smallest rise that counts.
    pub fn rises(&self) -> bool {
        self.q <= self.thresholds.q
    }

    /// It rises more than those of the other classes.
    pub fn stands_out(&self) -> bool {
        self.thresholds.z.is_none_or(|least| self.z >= least)
    }

    /// It enters the highest ones, or is predicted, more often than with a control.
    pub fn enters(&self) -> bool {
        self.rate.low >= self.thresholds.rate
    }
}

/// One class's images with their objects filled in, and where its heat lies.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SurroundingsEvidence {
    /// Images with their objects filled in; 0 where the class was not tested.
    pub images: u32,
    /// Of these, with a declared confounder: too few images of the class show none.
    pub with_confounder: u32,
    /// Of `images`, still predicted as the class.
    pub kept: u32,
    /// `kept / images`, with Wilson's interval; `None` without images.
    pub rate: Option<Estimate>,
    /// `rate` less the rate at which filled images of other classes are predicted as this one;
    /// `None` without any.
    pub net: Option<Estimate>,
    /// Mean share of the class's heat on its objects; `None` where it was not measured.
    pub object_share: Option<f64>,
    /// Images of that mean.
    pub measured: u32,
}
