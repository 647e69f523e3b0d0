//! The pool of worker threads, with one session and scratch memory each.

use super::context::AuditContext;
use super::limits::Workers;
use super::observer::Observer;
use super::worker::Worker;
use crate::error::{Error, Result};
use crate::input;
use rayon::prelude::*;
use std::sync::Mutex;

/// Decoders that hang, each with a core and memory of its own, before a run stops.
const ABANDONED_MAX: usize = 16;

pub struct WorkerPool<'a> {
    context: AuditContext<'a>,
    workers: Workers,
    threads: rayon::ThreadPool,
    idle: Mutex<Vec<Worker<'a>>>,
    pub observer: &'a dyn Observer,
}

impl<'a> WorkerPool<'a> {
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(
        context: AuditContext<'a>,
        workers: Workers,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(workers.threads);
        let threads = threads.build();
        Ok(Self {
            context,
            workers,
            threads: threads.map_err(Error::cause("start the workers"))?,
            idle: Mutex::default(),
            observer,
        })
    }

    /// A pool of as many threads for another plan of the same model. The workers of this one are
    /// released, so that there are not twice as many sessions.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn beside<'b>(&self, context: AuditContext<'b>) -> Result<WorkerPool<'b>>
    where
        'a: 'b,
    {
        self.write_cache();
        if let Ok(mut idle) = self.idle.lock() {
            idle.clear();
        }
        WorkerPool::new(context, self.workers, self.observer)
    }

    /// Does `work` on every item, in any order; the results come in the order of the items.
    ///
    /// # Errors
    /// An interruption; the first error of `work`, or of a session that cannot be made.
    pub fn map<T: Send, R: Send>(
        &self,
        items: Vec<T>,
        work: impl Fn(&mut Worker<'a>, T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        self.observer.ahead(items.len());
        self.threads.install(|| {
            items
                .into_par_iter()
                .map(|item| self.one(item, &work))
                .collect()
        })
    }

    fn one<T, R>(
        &self,
        item: T,
        work: &(impl Fn(&mut Worker<'a>, T) -> Result<R> + Sync),
    ) -> Result<R> {
        if self.observer.stopped() {
            return Err(Error::interrupted());
        }
        let permit = self.context.model.permit(self.workers.jobs);
        let mut worker = self.idle_worker()?;
        let result = work(&mut worker, item);
        worker.finish_item();
        drop(permit);
        self.observer.step();

        // The item may have been cut short.
        if self.observer.stopped() {
            return Err(Error::interrupted());
        }
        if input::abandoned() > ABANDONED_MAX {
            return Err(Error::new(format!(
                "more than {ABANDONED_MAX} decoders hang: check the machine and the storage, or \
                 raise run.image_seconds"
            )));
        }
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(worker);
        }
        result
    }

    fn idle_worker(&self) -> Result<Worker<'a>> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        match idle {
            Some(worker) => Ok(worker),
            None => {
                let observer = self.observer;
                Worker::new(&self.context, move || observer.stopped())
            }
        }
    }

    /// Writes what the workers inferred of changed photos to the cache.
    pub fn write_cache(&self) {
        let Some(cache) = self.context.cache else {
            return;
        };
        let (mut fresh, mut used) = (Vec::new(), Vec::new());
        if let Ok(mut idle) = self.idle.lock() {
            for worker in idle.iter_mut() {
                let writes = worker.take_cache_writes();
                fresh.extend(writes.fresh);
                used.extend(writes.used);
            }
        }
        cache.keep_logits(&fresh, &used);
    }
}
