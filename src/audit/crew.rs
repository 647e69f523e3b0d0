//! The workers: a pool of threads, and one session and scratch memory for each.

use super::Observer;
use super::image::Auditor;
use super::see::Worker;
use crate::error::{Error, Result, Skip};
use crate::input;
use crate::store::Cache;
use rayon::prelude::*;
use std::sync::Mutex;

/// Decoders that may be left behind, each with a core and memory of its own, before a run stops.
const ABANDONED_MAX: usize = 16;

pub struct Crew<'a> {
    pool: rayon::ThreadPool,
    idle: Mutex<Vec<Worker<'a>>>,
    observer: &'a dyn Observer,
}

impl<'a> Crew<'a> {
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(jobs: usize, observer: &'a dyn Observer) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
        Ok(Self {
            pool: pool.map_err(Error::cause("start the workers"))?,
            idle: Mutex::default(),
            observer,
        })
    }

    /// What a proof gave, where its photos could be read; it goes on without one that took too long, which is told.
    pub fn proved<T>(&self, result: std::result::Result<Option<T>, Skip>) -> Option<T> {
        if let Some(skip) = result
            .as_ref()
            .err()
            .filter(|skip| skip.reason == "timeout")
        {
            self.observer.warning(&format!(
                "a proof goes on without a photo: {}",
                skip.message
            ));
        }
        result.ok().flatten()
    }

    /// Keeps what the workers inferred of changed photos.
    pub fn keep(&self, cache: &Cache) {
        let (mut fresh, mut used) = (Vec::new(), Vec::new());
        for (passes, recalled) in self
            .idle
            .lock()
            .iter_mut()
            .flat_map(|idle| idle.iter_mut())
            .map(Worker::passes)
        {
            fresh.extend(passes);
            used.extend(recalled);
        }
        cache.keep_logits(&fresh, &used);
    }

    /// Does one thing for every item, in any order; the results come in the order of the items.
    ///
    /// # Errors
    /// An interruption; the first error of `work`, or of a session that cannot be made.
    pub fn each<T: Send, R: Send>(
        &self,
        auditor: &Auditor<'a>,
        items: Vec<T>,
        work: impl Fn(&mut Worker<'a>, T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        let one = |item| {
            if self.observer.stopped() {
                return Err(Error::interrupted());
            }
            let idle = self.idle.lock().map(|mut idle| idle.pop()).ok().flatten();
            let observer = self.observer;
            let mut worker = idle.map_or_else(|| auditor.worker(|| observer.stopped()), Ok)?;
            let result = work(&mut worker, item);
            // What was under way may have been cut short.
            if observer.stopped() {
                return Err(Error::interrupted());
            }
            if input::abandoned() > ABANDONED_MAX {
                let what = "decoders hang already: is the machine or the storage in trouble?";
                return Err(Error::new(format!(
                    "{ABANDONED_MAX} {what} (run.image_seconds)"
                )));
            }
            if let Ok(mut idle) = self.idle.lock() {
                idle.push(worker);
            }
            result
        };
        self.pool
            .install(|| items.into_par_iter().map(one).collect())
    }
}
