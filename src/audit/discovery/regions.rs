//! Regions that were found go the way of declared ones: their images are measured with the boxes as
//! annotations, then B and C, with a plan that has these regions.

use super::on_objects::{OnObjects, part_on_objects};
use super::search::{Discovered, Search};
use super::views;
use crate::audit::context::AuditContext;
use crate::audit::experiments::Experiments;
use crate::audit::figures::pair_figures;
use crate::audit::intervention::InterventionRunner;
use crate::audit::measure_image::{Failure, Measured, measure_image};
use crate::audit::pool::WorkerPool;
use crate::audit::prescan::Prescan;
use crate::audit::totals::Sums;
use crate::dataset::{Annotation, ImageId, Outline, Sample};
use crate::error::Result;
use crate::evidence::discovery::SampledImage;
use crate::finding::{Finding, FindingEvidence, FindingOrigin};
use crate::geometry::Rect;
use crate::plan::{Place, Plan, Presence, Region, RegionKind};
use crate::region::Kind;
use crate::verdict;
use std::collections::{BTreeMap, BTreeSet};

/// Groups of a class that show a found region, for any verdict on it: the search itself asks for
/// more evidence than the count.
const TAGGED_MIN: u32 = 4;

/// A region that was found.
pub struct FoundRegion {
    pub name: String,
    pub origin: FindingOrigin,
    /// Classes that it tells, with the adjusted p-value of A.
    pub classes: BTreeMap<u32, f64>,
    /// The images that show it, with its places in fractions of the photo.
    pub places: BTreeMap<u128, Vec<Rect>>,
    /// Classes for which a declared region is listed: no rivals of the others in C, and no finding.
    pub listed_once: BTreeSet<u32>,
    /// Images of these classes that may show it.
    pub unclear: BTreeMap<u32, Unclear>,
}

impl FoundRegion {
    /// Whether it is not known of an image if it shows the region.
    pub fn is_unclear(&self, image: u128) -> bool {
        let mut of_classes = self.unclear.values();
        of_classes.any(|unclear| unclear.images.contains(&image))
    }
}

/// The images of one class in which a picture may have been missed.
#[derive(Debug, Clone, Default)]
pub struct Unclear {
    pub images: BTreeSet<u128>,
    /// About how many of them show it.
    pub missed: u32,
}

/// Images in which the presence of every found region is known, by id, with their class.
pub type Known = BTreeMap<u128, (u32, SampledImage)>;

/// Tests found regions as if they were declared.
///
/// # Errors
/// When the dataset can no longer be read, or the run is asked to stop.
pub fn test(search: &Search<'_, '_>, found: &[FoundRegion], known: &Known) -> Result<Discovered> {
    if found.is_empty() {
        return Ok(Discovered::default());
    }
    let plan = plan_with(search.context.plan, found);
    let context = AuditContext {
        plan: &plan,
        ..*search.context
    };
    search.pool.write_cache();
    let pool = search.pool.beside(context)?;
    let result = Test {
        search,
        context,
        pool: &pool,
        found,
        known,
    }
    .run();
    pool.write_cache();
    result
}

/// One test of found regions.
struct Test<'t, 's, 'a, 'p> {
    search: &'t Search<'s, 'a>,
    /// With the found regions in its plan.
    context: AuditContext<'p>,
    pool: &'t WorkerPool<'p>,
    found: &'t [FoundRegion],
    known: &'t Known,
}

impl Test<'_, '_, '_, '_> {
    fn run(&self) -> Result<Discovered> {
        let context = &self.context;
        let policy = &context.plan.verdict;
        let (sums, on_objects) = self.measure()?;
        let is_found = |class: u32, region: &str| {
            let mut found = self.found.iter().filter(|found| found.name == region);
            found.any(|found| found.classes.contains_key(&class))
        };
        let is_listed = |class: u32, region: &str| {
            let mut found = self.found.iter().filter(|found| found.name == region);
            !found.any(|found| found.listed_once.contains(&class))
        };
        let is_of_found = |kind: &str, region: &str| {
            kind == Kind::Confounder.name() && self.found.iter().any(|f| f.name == region)
        };
        let mut classes = sums.classes.pooled_rows(context.labels);
        classes.retain(|row| is_of_found(&row.kind, &row.region));
        let mut labels = sums.classes.rows(context.labels);
        labels.retain(|row| is_of_found(&row.kind, &row.region));
        let names = context.labels.pooled_names();
        let mut pairs = sums.evidence.found_pairs(&names, policy);
        pairs.retain(|pair| is_found(pair.class, &pair.region));

        let experiments = Experiments::choose(context, &sums.evidence, &classes, &pairs);
        let run = self.search.folder.path();
        let mut samples = experiments.fetch(context, self.pool, self.search.dataset, run)?;
        samples.annotate(|sample| self.annotate(sample));
        let runner = InterventionRunner {
            context,
            pool: self.pool,
            experiments: &experiments,
            samples: &samples,
        };
        let mut figures = runner.test_pairs(&mut pairs)?;

        let mut findings = verdict::findings(&classes, &labels, &pairs, policy);
        findings.retain(|finding| is_found(finding.class, &finding.region));
        findings.retain(|finding| is_listed(finding.class, &finding.region));
        for pair in pairs
            .iter()
            .filter(|pair| !is_listed(pair.class, &pair.region))
        {
            figures.retain(|f| f.label != pair.label || f.region != pair.region);
        }
        for finding in &mut findings {
            self.complete(finding);
            on_objects.limit(finding);
        }
        let reported = |class: u32, region: &str| {
            let mut findings = findings.iter();
            findings.any(|f| f.class == class && f.region == region && f.verdict.is_reported())
        };
        let mut shown = Vec::new();
        for (index, pair) in pairs.iter().enumerate() {
            if reported(pair.class, &pair.region) {
                shown.push(index);
            }
        }
        figures.extend(pair_figures(&runner, &sums.classes, &pairs, &shown)?);
        Ok(Discovered {
            findings,
            figures,
            lost: samples.lost(),
            ..Discovered::default()
        })
    }

    /// The origin, A adjusted over all classes that were searched, and what was missed.
    fn complete(&self, finding: &mut Finding) {
        let found = self.found.iter().find(|f| f.name == finding.region);
        let Some(found) = found else { return };
        finding.origin = found.origin;
        if let FindingEvidence::Confounder(evidence) = &mut finding.evidence {
            evidence.association_q = found.classes.get(&finding.class).copied();
            if let Some(unclear) = found.unclear.get(&finding.class) {
                evidence.counts.unclear = unclear.images.len() as u32;
                evidence.counts.missed = unclear.missed;
                finding.severity_at_least = true;
            }
        }
    }

    /// Adds the found regions of an image as annotations.
    fn annotate(&self, sample: &mut Sample) {
        for found in self.found {
            for place in found.places.get(&sample.id.0).into_iter().flatten() {
                sample.annotations.push(Annotation {
                    category: found.name.clone(),
                    outline: Outline::Box(*place),
                    normalised: true,
                    ignore: false,
                    upright: true,
                });
            }
        }
    }

    /// Measures the images whose presence is known, from the cache where it has them.
    fn measure(&self) -> Result<(Sums, OnObjects)> {
        let context = &self.context;
        let prescan = self.prescan();
        let ids: BTreeSet<ImageId> = self.known.keys().map(|id| ImageId(*id)).collect();
        let mut samples: Vec<Sample> = views::samples(self.search, &ids)?.into_values().collect();
        for sample in &mut samples {
            self.annotate(sample);
        }

        let measured = self.pool.map(samples, |worker, mut sample| {
            match measure_image(context, &prescan, worker, &mut sample) {
                Ok(measured) => Ok(Some((self.parts(&sample, &measured), measured))),
                // It was skipped before, or it can no longer be read.
                Err(Failure::Skip(_) | Failure::Annotations(_)) => Ok(None),
                Err(Failure::Stop(error)) => Err(error),
            }
        })?;
        let mut sums = Sums::new(context.plan.run.seed);
        let mut on_objects = OnObjects::default();
        for (parts, measured) in measured.into_iter().flatten() {
            sums.add(&measured.measurement, context.plan);
            for (region, part) in parts {
                on_objects.add(measured.measurement.image.class as u32, region, part);
            }
        }
        let groups = self.known.iter().map(|(id, (_, image))| (*id, image.group));
        sums.evidence.regroup(&groups.collect());
        for found in self.found {
            let of_classes = found.unclear.values();
            let unclear = of_classes.flat_map(|unclear| unclear.images.iter().copied());
            sums.evidence.set_unclear(&found.name, unclear.collect());
        }
        Ok((sums, on_objects))
    }

    /// The found regions that an image shows, with the part of each on its objects.
    fn parts(&self, sample: &Sample, measured: &Measured) -> Vec<(&str, f64)> {
        let size = measured.measurement.image.size;
        let regions = &self.context.plan.regions;
        let mut parts = Vec::new();
        for found in self.found {
            let Some(places) = found.places.get(&sample.id.0) else {
                continue;
            };
            let part = part_on_objects(places, sample, size, regions);
            parts.extend(part.map(|part| (found.name.as_str(), part)));
        }
        parts
    }

    /// Where a found region would lie in images without it, and the classes that nearly always
    /// show it.
    fn prescan(&self) -> Prescan {
        let plan = self.context.plan;
        let declared = plan.regions.len() - self.found.len();
        let mut prescan = Prescan::of_images(self.known.len(), plan.run.seed);
        for (index, found) in self.found.iter().enumerate() {
            let index = declared + index;
            for (id, places) in &found.places {
                if let Some((class, _)) = self.known.get(id) {
                    for place in places {
                        prescan.add_place(*class as usize, index, *place);
                    }
                }
            }
            for class in found.classes.keys() {
                let lacks = |(id, (of, image)): &(&u128, &(u32, SampledImage))| {
                    let is_absent = !found.places.contains_key(id) && !found.is_unclear(**id);
                    of == class && image.mining && is_absent
                };
                let absent = self.known.iter().filter(lacks).count();
                if absent < 2 * plan.verdict.baseline_min as usize {
                    prescan.add_saturated(*class as usize, index);
                }
            }
        }
        prescan
    }
}

/// The plan with the found regions behind the declared ones that annotations outline, which say
/// what is an object.
fn plan_with(plan: &Plan, found: &[FoundRegion]) -> Plan {
    let mut plan = plan.clone();
    plan.verdict.tagged_min = plan.verdict.tagged_min.min(TAGGED_MIN);
    plan.regions
        .retain(|region| matches!(region.place, Place::Annotation { .. }));
    for region in &mut plan.regions {
        region.presence = Presence::Annotated;
    }
    for found in found {
        plan.regions.push(Region {
            name: found.name.clone(),
            kind: RegionKind::Confounder,
            place: Place::Annotation {
                category: found.name.clone(),
            },
            presence: Presence::Annotated,
            hash: String::new(),
        });
    }
    plan
}
