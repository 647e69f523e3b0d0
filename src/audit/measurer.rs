//! Measuring outside of a run: an own pool of workers that stays, for images that somebody else
//! brings.

use super::context::{AuditContext, load_model};
use super::limits::workers;
use super::measure::{measure_one, unmeasured};
use super::measure_image::Measured;
use super::observer::Observer;
use super::pool::WorkerPool;
use super::prescan::Prescan;
use super::presence;
use super::totals::Unmeasured;
use super::worker::Worker;
use crate::dataset::{LabelMap, Sample};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::plan::Plan;
use crate::tables::SkipRow;

/// A loaded model with its workers.
pub struct Measurer {
    context: AuditContext<'static>,
    pool: WorkerPool<'static>,
    prescan: Prescan,
}

/// An image to measure, or the row of one that is skipped.
pub type Brought = Result<Sample, SkipRow>;

impl Measurer {
    /// Loads the model of a plan; `run.jobs` workers. Plan, model and labels stay in memory until
    /// the process ends.
    ///
    /// # Errors
    /// When the model cannot be used.
    pub fn new(
        plan: Plan,
        prescan: Prescan,
        labels: impl FnOnce(&Plan, &Model) -> Result<LabelMap>,
    ) -> Result<Self> {
        let plan: &Plan = Box::leak(Box::new(plan));
        let model: &Model = Box::leak(Box::new(load_model(plan)?));
        let labels: &LabelMap = Box::leak(Box::new(labels(plan, model)?));
        let (workers, _) = workers(&plan.run, model)?;
        let context = AuditContext {
            plan,
            model,
            labels,
            cache: None,
        };
        Ok(Self {
            context,
            pool: WorkerPool::new(context, workers, &Unobserved)?,
            prescan,
        })
    }

    pub fn context(&self) -> &AuditContext<'static> {
        &self.context
    }

    /// Measures images whose annotations say which regions are present; the results come in their
    /// order.
    ///
    /// # Errors
    /// When the logit invariant is violated.
    pub fn measure(&self, images: Vec<Brought>) -> Result<Vec<Result<Measured, Unmeasured>>> {
        self.pool
            .map(images, |worker, image| self.one(worker, image))
    }

    /// The same for images that come without a prescan: presence by column, by template and in
    /// every image is found out first.
    ///
    /// # Errors
    /// When the logit invariant is violated.
    pub fn measure_alone(&self, images: Vec<Brought>) -> Result<Vec<Result<Measured, Unmeasured>>> {
        self.pool.map(images, |worker, image| {
            let annotated = image.and_then(|sample| self.annotated(worker, sample));
            self.one(worker, annotated)
        })
    }

    fn one(
        &self,
        worker: &mut Worker<'static>,
        image: Brought,
    ) -> Result<Result<Measured, Unmeasured>> {
        match image {
            Ok(sample) => {
                let prepared = Ok((sample, None));
                measure_one(&self.context, &self.prescan, worker, prepared, &Unobserved)
            }
            Err(row) => Ok(Err(Unmeasured {
                row,
                problems: Vec::new(),
            })),
        }
    }

    /// The sample with the annotations that presence amounts to. An image that cannot be searched
    /// is skipped: its presence is unknown.
    fn annotated(&self, worker: &mut Worker<'static>, mut sample: Sample) -> Brought {
        let regions = &self.context.plan.regions;
        let found = presence::search(regions, |template| {
            worker.locate_template(&sample, template)
        });
        match found {
            Ok(places) => {
                presence::annotate(regions, &mut sample, &places);
                Ok(sample)
            }
            Err(skip) => Err(unmeasured(sample.path, Some(sample.label), &skip).row),
        }
    }
}

/// The engine's instruction set and version decide the last bits of a result, so that machines
/// which differ in them must not share a run.
///
/// # Errors
/// Names what differs.
pub fn check_equal(what: &str, here: &str, there: &str) -> Result<()> {
    if here == there {
        return Ok(());
    }
    Err(Error::new(format!(
        "the {what} of this machine is {here}, but the run was started with {there}: all machines \
         of a run must have the same"
    )))
}

/// Nobody watches.
struct Unobserved;

impl Observer for Unobserved {
    fn stage(&self, _: &str, _: Option<usize>) {}

    fn image(&self, _: Option<&SkipRow>) {}

    fn warning(&self, _: &str) {}
}
