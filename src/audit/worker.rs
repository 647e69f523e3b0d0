//! One thread's work on one file: read, decode, preprocess, infer.

use super::context::AuditContext;
use super::limits;
use crate::cache::Cache;
use crate::dataset::{Sample, Source};
use crate::error::{Error, Result, Skip, SkipReason, Stage};
use crate::geometry::{Rect, Size, Transpose, View};
use crate::input::{self, Decoder, Fingerprinter, Photo, Preprocessor, Tensor, Use};
use crate::model::{Evidence, Inference, PixelSession};
use crate::plan::Template;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One thread's session and scratch memory.
pub struct Worker<'a> {
    session: PixelSession<'a>,
    decoder: Decoder<'a>,
    preprocessor: Preprocessor,
    fingerprinter: Option<Fingerprinter>,
    cache: Option<&'a Cache>,
    writes: CacheWrites,
}

/// Entries of changed photos that the cache lacks, and keys of those that it had.
#[derive(Debug, Default)]
pub struct CacheWrites {
    pub fresh: Vec<(String, Vec<f32>)>,
    pub used: Vec<String>,
}

/// Time of one image in each stage.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub struct Timings {
    pub read: Duration,
    pub decode: Duration,
    pub fingerprint: Duration,
    pub preprocess: Duration,
    pub infer: Duration,
    pub score: Duration,
}

impl Timings {
    pub fn total(&self) -> Duration {
        self.read + self.decode + self.fingerprint + self.preprocess + self.infer + self.score
    }

    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.decode += other.decode;
        self.fingerprint += other.fingerprint;
        self.preprocess += other.preprocess;
        self.infer += other.infer;
        self.score += other.score;
    }
}

/// A file with what the model gives for it: its features and logits, or what the maps of some
/// classes are made of.
pub struct Inferred<I = Inference> {
    pub size: Size,
    /// How annotations drawn the other way are moved, as of [`Photo`].
    pub transpose: Option<Transpose>,
    /// Whether the file states another orientation than upright.
    pub is_turned: bool,
    pub view: View,
    pub tensor: Tensor,
    pub inference: I,
    /// Perceptual hash in hex, where near-duplicates are searched for.
    pub fingerprint: Option<String>,
}

/// A photo in memory with the model's logits.
pub struct Prediction {
    pub logits: Vec<f32>,
    pub tensor: Tensor,
    pub view: View,
}

impl<'a> Worker<'a> {
    /// A worker that gives up a photo when `stopped` returns true.
    ///
    /// # Errors
    /// When the engine cannot make a session.
    pub fn new(context: &AuditContext<'a>, stopped: impl Fn() -> bool + Send + 'a) -> Result<Self> {
        let plan = context.plan;
        let fingerprints = plan.dataset.near_duplicates;
        Ok(Self {
            session: context.model.pixel_session()?,
            decoder: Decoder::new(
                plan.run.decode_timeout,
                &plan.preprocess,
                limits::pictures(&plan.run),
                stopped,
            ),
            preprocessor: Preprocessor::new(&plan.preprocess, context.model.frame),
            fingerprinter: fingerprints.then(Fingerprinter::default),
            cache: context.cache.filter(|_| !plan.run.verify_cache),
            writes: CacheWrites::default(),
        })
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// A skip, as of [`Worker::infer_file`].
    pub fn read(&mut self, source: &Source) -> Result<Arc<Vec<u8>>, Skip> {
        self.decoder.read(source)
    }

    /// Whether the memory allows for a picture, before it is decoded.
    ///
    /// # Errors
    /// A skip `memory`, or of a header that cannot be read.
    pub fn admit(&mut self, bytes: &[u8]) -> Result<(), Skip> {
        self.decoder.admit(bytes, Use::Input)
    }

    /// Ends the work on one item, so that a large picture of another worker may begin.
    pub fn finish_item(&mut self) {
        self.decoder.finish();
    }

    /// Reads, decodes, preprocesses and infers one file.
    ///
    /// # Errors
    /// A skip that names the stage and the reason.
    pub fn infer_file(&mut self, source: &Source) -> Result<Inferred, Skip> {
        let bytes = self.decoder.read(source)?;
        self.infer_with(&bytes, &mut Timings::default(), PixelSession::run)
    }

    /// Decodes, preprocesses and infers the bytes of a file, for the maps of `classes` and of the
    /// class with the largest logit.
    ///
    /// # Errors
    /// A skip, as of [`Worker::infer_file`].
    pub fn infer_maps(
        &mut self,
        bytes: &Arc<Vec<u8>>,
        classes: &[usize],
        timings: &mut Timings,
    ) -> Result<Inferred<Evidence>, Skip> {
        self.infer_with(bytes, timings, |session, levels| {
            session.evidence(levels, classes)
        })
    }

    /// Decodes and preprocesses the bytes of a file; `infer` runs the model.
    fn infer_with<I>(
        &mut self,
        bytes: &Arc<Vec<u8>>,
        timings: &mut Timings,
        infer: impl FnOnce(&mut PixelSession<'a>, &[u8]) -> Result<I>,
    ) -> Result<Inferred<I>, Skip> {
        let photo = timed(&mut timings.decode, || self.decoder.decode(bytes))?;
        let fingerprint = timed(&mut timings.fingerprint, || {
            self.fingerprinter.as_mut()?.hash(&photo)
        });
        let (tensor, view) = timed(&mut timings.preprocess, || self.preprocessor.run(&photo))?;
        let (original, transpose, is_turned) = (photo.original, photo.transpose, photo.is_turned);
        // A worker that waits for its image to run holds no pixels.
        drop(photo);
        let inference = timed(&mut timings.infer, || {
            infer(&mut self.session, &tensor.levels).map_err(inference_skip)
        })?;

        Ok(Inferred {
            size: original,
            transpose,
            is_turned,
            view,
            tensor,
            inference,
            fingerprint,
        })
    }

    /// The model's logits for a photo in memory.
    ///
    /// # Errors
    /// A skip, as of [`Worker::infer_file`].
    pub fn predict(&mut self, photo: &Photo) -> Result<Prediction, Skip> {
        let (tensor, view) = self.preprocessor.run(photo)?;
        let key = blake3::hash(&tensor.levels).to_hex().to_string();

        let logits = match self.cached(&key) {
            Some(logits) => logits,
            None => {
                let logits = self.session.logits(&tensor.levels);
                let logits = logits.map_err(inference_skip)?;
                self.keep(key, &logits);
                logits
            }
        };
        Ok(Prediction {
            logits,
            tensor,
            view,
        })
    }

    /// Reads and decodes one file with every pixel, within the time limit for an image.
    ///
    /// # Errors
    /// A skip, as of [`Worker::infer_file`].
    pub fn decode(&mut self, source: &Source) -> Result<Photo, Skip> {
        let bytes = self.decoder.read(source)?;
        self.decoder.decode_exactly(&bytes, Use::Edit)
    }

    /// Reads, decodes, preprocesses and infers the photo of a sample.
    ///
    /// # Errors
    /// A skip, as of [`Worker::infer_file`], also where the bytes are not those that were measured.
    pub fn infer_sample(&mut self, sample: &Sample) -> Result<Inferred, Skip> {
        let bytes = self.read_sample(sample)?;
        self.infer_with(&bytes, &mut Timings::default(), PixelSession::run)
    }

    /// Reads, decodes and preprocesses the photo of a sample.
    ///
    /// # Errors
    /// A skip, also where the bytes are not those that were measured.
    pub fn prepare_sample(&mut self, sample: &Sample) -> Result<(Tensor, View), Skip> {
        let bytes = self.read_sample(sample)?;
        let photo = self.decoder.decode(&bytes)?;
        self.preprocessor.run(&photo)
    }

    /// The model's features and logits of a prepared photo.
    ///
    /// # Errors
    /// A skip where the engine fails.
    pub fn infer_tensor(&mut self, tensor: &Tensor) -> Result<Inference, Skip> {
        self.session.run(&tensor.levels).map_err(inference_skip)
    }

    /// Reads and decodes the photo of a sample as [`Worker::decode`] does.
    ///
    /// # Errors
    /// A skip, also where the bytes are not those that were measured.
    pub fn decode_sample(&mut self, sample: &Sample) -> Result<Photo, Skip> {
        let bytes = self.read_sample(sample)?;
        self.decoder.decode_exactly(&bytes, Use::Edit)
    }

    /// The bytes of the photo of a sample, and every pixel of it.
    ///
    /// # Errors
    /// As of [`Worker::decode_sample`].
    pub fn read_and_decode(&mut self, sample: &Sample) -> Result<(Arc<Vec<u8>>, Photo), Skip> {
        let bytes = self.read_sample(sample)?;
        let photo = self.decoder.decode_exactly(&bytes, Use::Edit)?;
        Ok((bytes, photo))
    }

    /// Reads the bytes of a sample; other bytes than those that were measured are a skip.
    fn read_sample(&mut self, sample: &Sample) -> Result<Arc<Vec<u8>>, Skip> {
        let bytes = self.decoder.read(&sample.source)?;
        let measured = sample.measured.as_ref();
        if measured.is_some_and(|measured| !measured.is_equal(bytes.as_slice())) {
            let message = "the photo is no longer the one that was measured";
            return Err(Skip::new(Stage::Read, SkipReason::Changed, message));
        }
        Ok(bytes)
    }

    /// Where a template is in a photo, in fractions of it; `None` where it is not found.
    ///
    /// # Errors
    /// A skip, as of [`Worker::infer_file`].
    pub fn locate_template(
        &mut self,
        sample: &Sample,
        template: &Template,
    ) -> Result<Option<Rect>, Skip> {
        let bytes = self.read_sample(sample)?;
        let content = blake3::hash(bytes.as_slice()).to_hex();
        let key = format!("{} in {content}", template.hash);

        let edges = match self.cached(&key) {
            Some(edges) => edges,
            None => {
                let photo = self.decoder.decode_exactly(&bytes, Use::Search)?;
                let edges = match input::locate_template(template, &photo) {
                    Some(r) => [r.x0, r.y0, r.x1, r.y1].map(|v| v as f32).to_vec(),
                    None => Vec::new(),
                };
                self.keep(key, &edges);
                edges
            }
        };
        Ok(match edges[..] {
            [x0, y0, x1, y1] => {
                let [x0, y0, x1, y1] = [x0, y0, x1, y1].map(f64::from);
                Some(Rect::new(x0, y0, x1, y1))
            }
            _ => None,
        })
    }

    /// Numbers that the cache has under a key.
    fn cached(&mut self, key: &str) -> Option<Vec<f32>> {
        let numbers = self.cache?.logits(key)?;
        self.writes.used.push(key.to_owned());
        Some(numbers)
    }

    /// Keeps numbers for the cache; without a cache nothing is held.
    fn keep(&mut self, key: String, numbers: &[f32]) {
        if self.cache.is_some() {
            self.writes.fresh.push((key, numbers.to_vec()));
        }
    }

    /// Takes what is to be written to the cache since the last call.
    pub fn take_cache_writes(&mut self) -> CacheWrites {
        std::mem::take(&mut self.writes)
    }
}

fn inference_skip(error: Error) -> Skip {
    Skip::new(Stage::Infer, SkipReason::Inference, error)
}

/// Sets `into` to the time that `work` takes.
pub fn timed<T>(into: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = work();
    *into = start.elapsed();
    out
}
