//! Runs a model on a few labeled images, transformed in several ways.

use super::transforms::Transform;
use crate::audit::{Observer, picture_memory, workers};
use crate::dataset::Sample;
use crate::error::{Error, Result, Skip};
use crate::geometry::Size;
use crate::input::{Decoder, Preprocessor};
use crate::model::{Head, Model, Normalisation, Session, predicted};
use crate::plan::Plan;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// BLAKE3 of a model's input.
type InputHash = [u8; 32];

/// What the model says of one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Whether the label's class has the largest logit.
    pub is_correct: bool,
    /// Log odds of the label's class.
    pub margin: f64,
    /// Of the input: equal ones are one inference.
    input: InputHash,
}

/// The answers to one image, one for each try.
type ImageAnswers = Result<Vec<Answer>, Skip>;

impl Answer {
    /// Of an image that the transform or the model refuses.
    fn refused() -> Self {
        Self {
            is_correct: false,
            margin: f64::NEG_INFINITY,
            input: InputHash::default(),
        }
    }

    /// Whether another transform makes the same input of this image.
    pub fn is_same_input(&self, other: &Self) -> bool {
        self.input == other.input
    }
}

/// One transform, and the answers to the first images.
#[derive(Debug, Clone)]
pub struct Try {
    pub transform: Transform,
    /// The file that states this transform, where one does.
    pub source: Option<String>,
    pub answers: Vec<Answer>,
}

impl Try {
    pub fn new(transform: Transform) -> Self {
        Self {
            transform,
            source: None,
            answers: Vec::new(),
        }
    }

    /// Images of the first `count` whose label is predicted.
    pub fn correct(&self, count: usize) -> usize {
        let first = self.answers.iter().take(count);
        first.filter(|answer| answer.is_correct).count()
    }

    /// Mean log odds of the label over the first `count` images.
    pub fn margin(&self, count: usize) -> f64 {
        let first = self.answers.iter().take(count).map(|a| a.margin);
        first.sum::<f64>() / count.min(self.answers.len()).max(1) as f64
    }
}

/// A model and the images that transforms are tried on.
pub struct Bench<'a> {
    plan: &'a Plan,
    model: &'a Model,
    observer: &'a dyn Observer,
    jobs: usize,
    images: Vec<Image>,
    /// Images that cannot be read, and why.
    pub unread: Vec<String>,
    /// Inferences so far.
    pub inferences: usize,
}

struct Image {
    sample: Sample,
    known: BTreeMap<InputHash, Answer>,
}

impl<'a> Bench<'a> {
    /// # Errors
    /// When the memory does not hold one worker.
    pub fn new(
        plan: &'a Plan,
        model: &'a Model,
        samples: Vec<Sample>,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
        let (workers, _) = workers(&plan.run, model)?;
        let images = samples.into_iter().map(|sample| Image {
            sample,
            known: BTreeMap::new(),
        });
        Ok(Self {
            plan,
            model,
            observer,
            jobs: workers.jobs,
            images: images.collect(),
            unread: Vec::new(),
            inferences: 0,
        })
    }

    /// Images that can be read.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Classes of the model.
    pub fn classes(&self) -> usize {
        self.model.facts.classes
    }

    /// The largest part of the images that is of one class: what a model that says one class always
    /// can have right.
    pub fn largest_class(&self) -> f64 {
        let mut classes: BTreeMap<usize, usize> = BTreeMap::new();
        for image in &self.images {
            *classes.entry(image.sample.class).or_default() += 1;
        }
        let largest = classes.values().max().copied().unwrap_or_default();
        largest as f64 / self.images.len().max(1) as f64
    }

    /// Whether all of the first `count` images that can be read have the size of the input.
    ///
    /// # Errors
    /// An interruption.
    pub fn is_of_size(&self, [width, height]: [u32; 2], count: usize) -> Result<bool> {
        let mut decoder = self.decoder();
        let mut read = 0;
        for image in self.images.iter().take(count) {
            if self.observer.stopped() {
                return Err(Error::interrupted());
            }
            let bytes = decoder.read(&image.sample.source);
            let photo = bytes.and_then(|bytes| decoder.decode(&bytes));
            decoder.finish();
            let Ok(photo) = photo else { continue };
            if photo.original != Size::new(width, height) {
                return Ok(false);
            }
            read += 1;
        }
        Ok(read > 0)
    }

    fn decoder(&self) -> Decoder<'a> {
        let observer = self.observer;
        let run = &self.plan.run;
        Decoder::new(
            run.decode_timeout,
            &self.plan.preprocess,
            picture_memory(run),
            || observer.stopped(),
        )
    }

    /// Extends the answers of every try to the first `count` images. Images that cannot be read are
    /// left out of the bench, so that all tries have the same images.
    ///
    /// # Errors
    /// An interruption, or when the model fails.
    pub fn measure(&mut self, tries: &mut [Try], count: usize) -> Result<()> {
        let start = tries.iter().map(|t| t.answers.len()).min().unwrap_or(0);
        let answers = self.answers(tries, start, count)?;

        let mut unread = Vec::new();
        for (index, answers) in (start..).zip(answers) {
            let Image { sample, known } = &mut self.images[index];
            let answers = match answers {
                Ok(answers) => answers,
                Err(skip) if known.is_empty() => {
                    let (path, reason, why) = (&sample.path, skip.reason, &skip.message);
                    self.unread.push(format!("{path}: {reason}: {why}"));
                    unread.push(index);
                    continue;
                }
                Err(skip) => return Err(no_longer_read(sample, &skip)),
            };
            for (tried, answer) in tries.iter_mut().zip(answers) {
                if known.insert(answer.input, answer).is_none() {
                    self.inferences += 1;
                }
                if tried.answers.len() == index - unread.len() {
                    tried.answers.push(answer);
                }
            }
        }
        for index in unread.into_iter().rev() {
            self.images.remove(index);
        }
        Ok(())
    }

    /// The answers to images from `start` to `end`, in order; a skip for an image that cannot be
    /// read.
    fn answers(&self, tries: &[Try], start: usize, end: usize) -> Result<Vec<ImageAnswers>> {
        let end = end.min(self.images.len());
        let next = AtomicUsize::new(start);
        let work = || -> Result<Vec<(usize, ImageAnswers)>> {
            let mut worker = Worker::new(self, tries)?;
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= end {
                    return Ok(done);
                }
                if self.observer.stopped() {
                    return Err(Error::interrupted());
                }
                done.push((index, worker.answers(&self.images[index])));
                self.observer.image(None);
            }
        };

        let mut done = Vec::new();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.jobs).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                let died = |_| Err(Error::new("a thread that tries transforms died"));
                done.extend(worker.join().unwrap_or_else(died)?);
            }
            Ok::<(), Error>(())
        })?;
        done.sort_by_key(|(index, _)| *index);
        Ok(done.into_iter().map(|(_, answers)| answers).collect())
    }
}

/// One thread's session and scratch memory.
struct Worker<'a> {
    session: Session<'a>,
    classes: usize,
    decoder: Decoder<'a>,
    transforms: Vec<Transformer>,
}

/// One transform with its scratch memory.
struct Transformer {
    preprocessor: Preprocessor,
    normalisation: Normalisation,
    /// Whether the model can take what it makes.
    is_taken: bool,
}

impl<'a> Worker<'a> {
    fn new(bench: &Bench<'a>, tries: &[Try]) -> Result<Self> {
        let frame = bench.model.frame;
        let transforms = tries.iter().map(|tried| {
            let plan = &tried.transform.plan;
            let normalisation = Normalisation::new(plan);
            Transformer {
                preprocessor: Preprocessor::new(plan, frame),
                is_taken: bench.model.check_normalisation(&normalisation).is_ok(),
                normalisation,
            }
        });
        Ok(Self {
            session: bench.model.session()?,
            classes: bench.model.facts.classes,
            decoder: bench.decoder(),
            transforms: transforms.collect(),
        })
    }

    fn answers(&mut self, image: &Image) -> ImageAnswers {
        let answers = self.read_and_answer(image);
        self.decoder.finish();
        answers
    }

    fn read_and_answer(&mut self, image: &Image) -> ImageAnswers {
        let bytes = self.decoder.read(&image.sample.source)?;
        let photo = self.decoder.decode(&bytes)?;

        let mut fresh: BTreeMap<InputHash, Answer> = BTreeMap::new();
        let mut answers = Vec::new();
        for transformer in &mut self.transforms {
            // A photo that only one transform refuses is an error of that transform.
            let values = match transformer.preprocessor.run(&photo) {
                Ok((input, _)) if transformer.is_taken => {
                    transformer.normalisation.values(&input.levels)
                }
                _ => {
                    answers.push(Answer::refused());
                    continue;
                }
            };
            let hash = hash(&values);
            let known = image.known.get(&hash).or_else(|| fresh.get(&hash)).copied();
            let answer = match known {
                Some(answer) => answer,
                None => answer(&mut self.session, self.classes, &values, image, hash),
            };
            fresh.insert(hash, answer);
            answers.push(answer);
        }
        Ok(answers)
    }
}

/// What the model says of a transformed image.
fn answer(
    session: &mut Session<'_>,
    classes: usize,
    values: &[f32],
    image: &Image,
    input: InputHash,
) -> Answer {
    // Classes are compared with each other, also where each has a sigmoid of its own: positive
    // logits of all classes would be correct for every label.
    let head = Head::Softmax { classes };
    let class = image.sample.class;
    match session.run(values) {
        Ok(inference) => Answer {
            is_correct: predicted(&inference.logits) == class,
            margin: head.margin(&inference.logits, class),
            input,
        },
        // Logits that are not finite: a transform far from the right one.
        Err(_) => Answer {
            input,
            ..Answer::refused()
        },
    }
}

fn no_longer_read(sample: &Sample, skip: &Skip) -> Error {
    Error::new(format!(
        "{} could be read and no longer can: {}: {}",
        sample.path, skip.reason, skip.message
    ))
}

fn hash(values: &[f32]) -> InputHash {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    *blake3::hash(&bytes).as_bytes()
}
