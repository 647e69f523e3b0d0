//! What a worker does with a file: read, decode, preprocess, infer.

use crate::dataset::Source;
use crate::error::{Result, Skip, Stage};
use crate::geometry::{Rect, Size, Transpose, View};
use crate::input::{self, Decoder, Fingerprinter, Photo, Preprocessor, Tensor};
use crate::model::{Inference, Model, Session};
use crate::plan::{Plan, Template};
use crate::store::Cache;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One thread's memory.
pub struct Worker<'a> {
    session: Session<'a>,
    decoder: Decoder<'a>,
    preprocessor: Preprocessor,
    fingerprinter: Option<Fingerprinter>,
    cache: Option<&'a Cache>,
    /// Logits of changed photos that the cache does not have yet, and those that it had.
    passes: Vec<(String, Vec<f32>)>,
    used: Vec<String>,
}

/// Time an image spent in each stage.
#[derive(Debug, Clone, Copy, Default)]
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

/// An image as the model saw it.
pub struct Seen {
    pub size: Size,
    /// How the stored pixels were turned, where that swapped width and height.
    pub turned: Option<Transpose>,
    pub view: View,
    pub tensor: Tensor,
    pub inference: Inference,
    /// Perceptual hash in hex, where near-duplicates are looked for.
    pub fingerprint: Option<String>,
}

/// A photo at hand as the model saw it.
pub struct Looked {
    pub logits: Vec<f32>,
    pub tensor: Tensor,
    pub view: View,
}

impl<'a> Worker<'a> {
    /// A worker that leaves a photo alone when `stopped` says so.
    ///
    /// # Errors
    /// When the engine cannot make a session.
    pub fn new(
        model: &'a Model,
        plan: &Plan,
        cache: Option<&'a Cache>,
        stopped: impl Fn() -> bool + Send + 'a,
    ) -> Result<Self> {
        let fingerprinter = plan.dataset.near_duplicates.then(Fingerprinter::default);
        let (decoder, preprocessor) = (
            Decoder::new(plan.run.image_time, &plan.preprocess, stopped),
            Preprocessor::new(&plan.preprocess),
        );
        Ok(Self {
            session: model.session()?,
            decoder,
            preprocessor,
            fingerprinter,
            cache,
            passes: vec![],
            used: vec![],
        })
    }

    /// Reads, decodes, preprocesses and infers one file.
    ///
    /// # Errors
    /// A skip that names the stage and the reason.
    pub fn see(&mut self, source: &Source) -> std::result::Result<Seen, Skip> {
        let mut timings = Timings::default();
        let bytes = timed(&mut timings.read, || input::read(source))?.into_owned();
        self.see_bytes(&Arc::new(bytes), &mut timings)
    }

    /// The same of bytes that are at hand.
    ///
    /// # Errors
    /// A skip, as of [`Worker::see`].
    pub fn see_bytes(
        &mut self,
        bytes: &Arc<Vec<u8>>,
        timings: &mut Timings,
    ) -> std::result::Result<Seen, Skip> {
        let photo = timed(&mut timings.decode, || self.decoder.decode(bytes))?;
        let fingerprint = timed(&mut timings.fingerprint, || {
            self.fingerprinter.as_mut()?.hash(&photo)
        });
        let (tensor, view) = timed(&mut timings.preprocess, || self.preprocessor.run(&photo))?;
        let inference = timed(&mut timings.infer, || self.infer(&tensor))?;
        Ok(Seen {
            size: photo.original,
            turned: photo.turned,
            view,
            tensor,
            inference,
            fingerprint,
        })
    }

    /// What the model says of a photo that is at hand.
    ///
    /// # Errors
    /// A skip, as of [`Worker::see`].
    pub fn look(&mut self, photo: &Photo) -> std::result::Result<Looked, Skip> {
        let (tensor, view) = self.preprocessor.run(photo)?;
        let bytes: Vec<u8> = tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let input = blake3::hash(&bytes).to_hex().to_string();
        let logits = match self.cache.and_then(|cache| cache.logits(&input)) {
            Some(logits) => {
                self.used.push(input);
                logits
            }
            None => {
                let logits = self.infer(&tensor)?.logits;
                self.note(input, &logits);
                logits
            }
        };
        Ok(Looked {
            logits,
            tensor,
            view,
        })
    }

    /// Reads and decodes one file with every pixel, within the time for an image.
    ///
    /// # Errors
    /// A skip, as of [`Worker::see`].
    pub fn photo(&mut self, source: &Source) -> std::result::Result<Photo, Skip> {
        let bytes = input::read(source)?.into_owned();
        self.decoder.decode_exactly(&Arc::new(bytes))
    }

    /// Where a picture is in a photo, in fractions of it; `None` where it is not found.
    ///
    /// # Errors
    /// A skip, as of [`Worker::see`].
    pub fn find(
        &mut self,
        source: &Source,
        template: &Template,
    ) -> std::result::Result<Option<Rect>, Skip> {
        let bytes = Arc::new(input::read(source)?.into_owned());
        let key = format!(
            "{} in {}",
            template.hash,
            blake3::hash(bytes.as_slice()).to_hex()
        );
        let edges = match self.cache.and_then(|cache| cache.logits(&key)) {
            Some(edges) => {
                self.used.push(key);
                edges
            }
            None => {
                let place = input::find(template, &self.decoder.decode_exactly(&bytes)?);
                let edges: Vec<f32> = place
                    .iter()
                    .flat_map(|r| [r.x0, r.y0, r.x1, r.y1].map(|v| v as f32))
                    .collect();
                self.note(key, &edges);
                edges
            }
        };
        let place = <[f32; 4]>::try_from(edges).ok().map(|e| e.map(f64::from));
        Ok(place.map(|[x0, y0, x1, y1]| Rect::new(x0, y0, x1, y1)))
    }

    /// Notes what the cache is to keep; without a cache nothing is held.
    fn note(&mut self, name: String, numbers: &[f32]) {
        if self.cache.is_some() {
            self.passes.push((name, numbers.to_vec()));
        }
    }

    /// What it inferred and recalled of changed photos since it was last asked.
    pub fn passes(&mut self) -> (Vec<(String, Vec<f32>)>, Vec<String>) {
        (
            std::mem::take(&mut self.passes),
            std::mem::take(&mut self.used),
        )
    }

    fn infer(&mut self, tensor: &Tensor) -> std::result::Result<Inference, Skip> {
        self.session
            .run(&tensor.values)
            .map_err(|e| Skip::new(Stage::Infer, "inference", e))
    }
}

pub fn timed<T>(into: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = work();
    *into = start.elapsed();
    out
}
