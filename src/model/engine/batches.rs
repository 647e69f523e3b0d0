//! Images of several workers in one run of an engine: a device like a GPU is idle most of the time
//! if it is given one image after another.

use super::{Array, Engine, State, Values};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an image waits for others while workers still prepare some.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// The number of indices is a multiple of this: a device may sum in another order where another
/// number of rows is asked for, and which images share a batch depends on time.
const INDICES_STEP: usize = 16;

/// What is asked of a run for one image.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub levels: &'a [u8],
    /// For the second input, where the graph has one: as many for each image of a batch as the
    /// image with the most has, by steps. The others are filled up with 0.
    pub indices: &'a [i64],
    /// Positions of the outputs that are read, in ascending order.
    pub outputs: &'a [usize],
}

/// One session for all workers, and the images that wait for it. Only so many workers as there are
/// permits compute at a time; one that waits for its image releases its permit, so that a few cores
/// fill a batch of many images.
pub struct Batches {
    engine: Engine,
    /// Whether the graph has a second input.
    takes_indices: bool,
    /// Images of a run. A smaller batch is filled up with zeros: an image's result does not depend
    /// on how many others are there.
    size: usize,
    state: Mutex<Shared>,
    changed: Condvar,
}

struct Shared {
    /// `None` while a worker runs it.
    session: Option<State>,
    /// Workers that may compute at a time.
    permits: usize,
    taken: usize,
    /// Workers that wait for a permit.
    entering: usize,
    waiting: Vec<Image>,
    /// Where the arrays of images that were run are, by their numbers.
    done: BTreeMap<u64, Result<Place>>,
    images: u64,
}

struct Image {
    number: u64,
    levels: Vec<u8>,
    indices: Vec<i64>,
    outputs: Vec<usize>,
}

impl Image {
    fn request(&self) -> Request<'_> {
        Request {
            levels: &self.levels,
            indices: &self.indices,
            outputs: &self.outputs,
        }
    }
}

/// A place in the arrays of a batch. Each worker copies its own part, so that the next batch need
/// not wait for it.
struct Place {
    /// By position of the output.
    arrays: Arc<BTreeMap<usize, Array>>,
    place: usize,
}

/// A worker's permit to compute; released when it is dropped.
pub struct Permit<'a> {
    batches: &'a Batches,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.batches.release(&mut self.batches.lock());
    }
}

impl Batches {
    /// `engine` runs `size` images at once.
    ///
    /// # Errors
    /// When the engine cannot make a session.
    pub fn new(engine: Engine, size: usize, takes_indices: bool) -> Result<Self> {
        let session = Some(engine.state()?);
        Ok(Self {
            engine,
            takes_indices,
            size,
            state: Mutex::new(Shared {
                session,
                permits: 1,
                taken: 0,
                entering: 0,
                waiting: Vec::new(),
                done: BTreeMap::new(),
                images: 0,
            }),
            changed: Condvar::new(),
        })
    }

    /// Images of a run.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Waits until fewer than `permits` workers compute.
    pub fn acquire(&self, permits: usize) -> Permit<'_> {
        let mut shared = self.lock();
        shared.permits = permits.max(1);
        drop(self.permitted(shared));
        Permit { batches: self }
    }

    /// Runs one image together with those of other workers. The caller has a permit, which
    /// is released while it waits.
    ///
    /// # Errors
    /// When the engine fails; all images of the batch get the error.
    pub fn run(&self, request: Request<'_>) -> Result<Vec<Array>> {
        self.part(request.outputs, &self.wait_for(request)?)
    }

    /// Waits until an image was run.
    fn wait_for(&self, request: Request<'_>) -> Result<Place> {
        let levels = request.levels.to_vec();
        let asked = Instant::now();
        let mut shared = self.lock();
        let number = shared.images;
        shared.images += 1;
        shared.waiting.push(Image {
            number,
            levels,
            indices: request.indices.to_vec(),
            outputs: request.outputs.to_vec(),
        });
        self.release(&mut shared);

        loop {
            if let Some(result) = shared.done.remove(&number) {
                drop(self.permitted(shared));
                return result;
            }
            let is_due = shared.is_due(self.size) || asked.elapsed() >= WAIT_MAX;
            shared = match shared.session.take_if(|_| is_due) {
                Some(session) => self.run_batch(shared, session),
                None => self.wait(shared),
            };
        }
    }

    /// Runs the images that have waited longest, without holding the lock.
    fn run_batch<'a>(
        &'a self,
        mut shared: MutexGuard<'a, Shared>,
        mut session: State,
    ) -> MutexGuard<'a, Shared> {
        let number = shared.waiting.len().min(self.size);
        let images: Vec<Image> = shared.waiting.drain(..number).collect();
        drop(shared);
        let requests: Vec<Request<'_>> = images.iter().map(Image::request).collect();
        let results = self.results(&mut session, &requests);

        let mut shared = self.lock();
        shared.session = Some(session);
        for (image, result) in images.iter().zip(results) {
            shared.done.insert(image.number, result);
        }
        self.changed.notify_all();
        shared
    }

    /// Runs images as one batch, before there are workers.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn run_all(&self, requests: &[Request<'_>]) -> Result<Vec<Vec<Array>>> {
        let mut shared = self.lock();
        let session = shared.session.as_mut();
        let session = session.ok_or_else(|| Error::new("the session of the batches is in use"))?;
        let results = self.results(session, requests);
        let mut parts = Vec::new();
        for (request, place) in requests.iter().zip(results) {
            parts.push(self.part(request.outputs, &place?)?);
        }
        Ok(parts)
    }

    /// Where the arrays of every image are.
    fn results(&self, session: &mut State, requests: &[Request<'_>]) -> Vec<Result<Place>> {
        match self.run_together(session, requests) {
            Ok(arrays) => {
                let arrays = Arc::new(arrays);
                let places = (0..requests.len()).map(|place| Place {
                    arrays: Arc::clone(&arrays),
                    place,
                });
                places.map(Ok).collect()
            }
            Err(error) => {
                let message = error.to_string();
                let same = |_: &Request<'_>| Err(Error::new(message.clone()));
                requests.iter().map(same).collect()
            }
        }
    }

    /// One run for all images, of the outputs that any of them reads.
    fn run_together(
        &self,
        session: &mut State,
        requests: &[Request<'_>],
    ) -> Result<BTreeMap<usize, Array>> {
        let single = requests.first().map_or(0, |image| image.levels.len());
        let most = requests.iter().map(|image| image.indices.len()).max();
        let most = most.unwrap_or_default().max(1);
        let most = most.next_multiple_of(INDICES_STEP);
        let (mut levels, mut indices) = (Vec::new(), Vec::new());
        let mut outputs = BTreeSet::new();
        for (place, request) in requests.iter().enumerate() {
            levels.extend_from_slice(request.levels);
            indices.extend_from_slice(request.indices);
            indices.resize((place + 1) * most, 0);
            outputs.extend(request.outputs);
        }
        levels.resize(single * self.size, 0);
        indices.resize(most * self.size, 0);

        let mut inputs = vec![Values::Bytes(&levels)];
        if self.takes_indices {
            inputs.push(Values::Indices(&indices));
        }
        let outputs = Vec::from_iter(outputs);
        let arrays = session.run_for(&self.engine, &inputs, &outputs)?;
        Ok(outputs.into_iter().zip(arrays).collect())
    }

    /// The arrays of the image at one place of a batch.
    fn part(&self, outputs: &[usize], image: &Place) -> Result<Vec<Array>> {
        let mut parts = Vec::new();
        for array in outputs.iter().filter_map(|output| image.arrays.get(output)) {
            if array.shape.first() != Some(&self.size) {
                return Err(Error::new(format!(
                    "a batch of {} images gives an array of the shape {:?}",
                    self.size, array.shape
                )));
            }
            let length = array.values.len() / self.size;
            let mut shape = array.shape.clone();
            shape[0] = 1;
            parts.push(Array {
                shape,
                values: array.values[image.place * length..][..length].to_vec(),
            });
        }
        Ok(parts)
    }

    /// Takes a permit when one is free.
    fn permitted<'a>(&'a self, mut shared: MutexGuard<'a, Shared>) -> MutexGuard<'a, Shared> {
        shared.entering += 1;
        while shared.taken >= shared.permits {
            shared = self.wait(shared);
        }
        shared.entering -= 1;
        shared.taken += 1;
        shared
    }

    fn release(&self, shared: &mut Shared) {
        shared.taken = shared.taken.saturating_sub(1);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&'a self, shared: MutexGuard<'a, Shared>) -> MutexGuard<'a, Shared> {
        let waited = self.changed.wait_timeout(shared, WAIT_MAX);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Shared {
    /// Whether to run now: the batch is full, or no worker prepares another image.
    fn is_due(&self, size: usize) -> bool {
        let is_full = self.waiting.len() >= size;
        is_full || (self.taken == 0 && self.entering == 0 && !self.waiting.is_empty())
    }
}
