//! Whether the model uses a property: images of other classes, changed to follow the rule, move to
//! the class more than other changes of the same size move them.

use crate::evidence::statistics::{deviation, moments, paired_difference};
use crate::finding::{Estimate, PropertyUsage, ShamChange, ShamComparison};
use crate::model::Head;

/// A sham is scaled to the size of the change, at most by this factor.
const SCALE_MAX: f64 = 3.0;
/// Keeps the t value of differences without any spread finite.
const ERROR_MIN: f64 = 1e-9;

/// The logits of one host, each of them one per class.
#[derive(Debug, Clone)]
pub struct ChangedHost {
    /// Written again without a change.
    pub same: Vec<f32>,
    pub changed: Vec<f32>,
    /// In the order of the shams.
    pub shams: Vec<Vec<f32>>,
}

/// Changes of the centred logits, host by host.
struct Shift {
    of_host: Vec<Vec<f64>>,
    /// Root of the mean square over hosts and classes.
    size: f64,
}

/// The effect on one class of a change, against shams of other families, if any; `None` under two
/// hosts. `causal_fraction` of the standard deviation of the hosts' margins is the
/// smallest effect that counts.
pub fn usage_effect(
    hosts: &[ChangedHost],
    shams: &[ShamChange],
    class: usize,
    head: Head,
    causal_fraction: f64,
) -> Option<PropertyUsage> {
    let change = Shift::of(hosts, head, |host| &host.changed);
    let effects: Vec<f64> = change.of_class(class);
    let (mean, _) = moments(&effects)?;

    let mut against: Option<ShamComparison> = None;
    let mut rate = net_rate(hosts, head, class, |host| &host.same)?;
    let mut control = None;
    for (index, &sham) in shams.iter().enumerate() {
        let shift = Shift::of(hosts, head, |host| &host.shams[index]);
        let scale = scale(change.size, shift.size);
        let of_sham = shift.of_class(class);
        let pairs = effects.iter().zip(&of_sham);
        let t = paired_t(&pairs.map(|(e, s)| e - s * scale).collect::<Vec<f64>>())?;
        if against.is_none_or(|weakest| t < weakest.t) {
            against = Some(ShamComparison { t, sham });
        }
        let over_sham = net_rate(hosts, head, class, |host| &host.shams[index])?;
        if over_sham.low < rate.low {
            rate = over_sham;
            control = Some(index);
        }
    }

    let margins = hosts.iter().map(|host| head.margin(&host.same, class));
    let predicted = |of: &dyn Fn(&ChangedHost) -> &Vec<f32>| {
        let hits = hosts.iter().filter(|host| head.predicts(of(host), class));
        hits.count() as u32
    };
    let same = predicted(&|host| &host.same);
    Some(PropertyUsage {
        hosts: hosts.len() as u32,
        rise: mean,
        min_effect: causal_fraction * deviation(&margins.collect::<Vec<f64>>()),
        part_of_change: if change.size > 0.0 {
            mean / change.size
        } else {
            0.0
        },
        against,
        moves_most: change.largest() == class,
        predicted: [predicted(&|host| &host.changed), same],
        rate,
        control: control.map(|index| shams[index]),
        control_predicted: match control {
            Some(index) => predicted(&|host| &host.shams[index]),
            None => same,
        },
    })
}

fn scale(change: f64, sham: f64) -> f64 {
    if sham > 0.0 {
        (change / sham).min(SCALE_MAX)
    } else {
        SCALE_MAX
    }
}

/// Mean over its standard error.
fn paired_t(differences: &[f64]) -> Option<f64> {
    let (mean, variance) = moments(differences)?;
    let error = (variance / differences.len() as f64).sqrt();
    Some(mean / (error + ERROR_MIN))
}

/// Hosts predicted as the class when changed, less those by another treatment.
fn net_rate(
    hosts: &[ChangedHost],
    head: Head,
    class: usize,
    other: impl Fn(&ChangedHost) -> &Vec<f32>,
) -> Option<Estimate> {
    let mut pairs = [0, 0, 0, 0];
    for host in hosts {
        let changed = head.predicts(&host.changed, class);
        let other = head.predicts(other(host), class);
        let pair = match (changed, other) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        pairs[pair] += 1;
    }
    let [both, changed_only, other_only, neither] = pairs;
    paired_difference(both, changed_only, other_only, neither)
}

impl Shift {
    fn of(hosts: &[ChangedHost], head: Head, to: impl Fn(&ChangedHost) -> &Vec<f32>) -> Self {
        let mut of_host = Vec::with_capacity(hosts.len());
        let (mut squares, mut count) = (0.0, 0.0);
        for host in hosts {
            let from = head.all_centred(&host.same);
            let to = head.all_centred(to(host));
            let shifts: Vec<f64> = to.iter().zip(from).map(|(to, from)| to - from).collect();
            squares += shifts.iter().map(|shift| shift * shift).sum::<f64>();
            count += shifts.len() as f64;
            of_host.push(shifts);
        }
        Self {
            of_host,
            size: (squares / f64::max(count, 1.0)).sqrt(),
        }
    }

    fn of_class(&self, class: usize) -> Vec<f64> {
        self.of_host.iter().map(|shifts| shifts[class]).collect()
    }

    /// The class whose logit rises most on average, the first of equal ones.
    fn largest(&self) -> usize {
        let classes = self.of_host.first().map_or(0, Vec::len);
        let mut largest = (0, f64::NEG_INFINITY);
        for class in 0..classes {
            let mean: f64 = self.of_class(class).iter().sum();
            if mean > largest.1 {
                largest = (class, mean);
            }
        }
        largest.0
    }
}
