//! What the model and the measurement say of changed photos. The cache keeps it by the photo's
//! content and the change, so that a night with the same hosts changes no photo.

use super::super::Search;
use super::super::kept::Kept;
use crate::audit::worker::Worker;
use crate::dataset::Sample;
use crate::error::{Result, Skip};
use crate::finding::{FileProperty, PropertyValue};
use crate::perturb::{FileChange, HostFile, SeededRng, WrittenFile};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A photo and what is done to it, each change by itself.
pub struct ChangedPhoto<'p> {
    pub sample: &'p Sample,
    pub changes: Vec<FileChange>,
}

/// Results for one photo: all of them, or none where it cannot be read, written or predicted.
struct Measured<T> {
    results: Option<Vec<T>>,
    fresh: Vec<(String, T)>,
    used: Vec<String>,
}

/// Changes photos, or takes the results of earlier runs.
pub struct ChangedPhotos<'c, 's, 'a> {
    pub search: &'c Search<'s, 'a>,
    pub kept: &'c Kept<'a>,
}

impl ChangedPhotos<'_, '_, '_> {
    /// The logits of each photo under its changes; `None` where one of them cannot be had.
    ///
    /// # Errors
    /// When the run is asked to stop, or the engine cannot make a session.
    pub fn logits(&self, photos: Vec<ChangedPhoto<'_>>) -> Result<Vec<Option<Vec<Vec<f32>>>>> {
        self.measure("logits", photos, |worker, file| {
            Ok(worker.predict(&file.photo)?.logits)
        })
    }

    /// The values of a property of each photo under its changes.
    ///
    /// # Errors
    /// As of [`ChangedPhotos::logits`].
    pub fn values(
        &self,
        photos: Vec<ChangedPhoto<'_>>,
        property: FileProperty,
    ) -> Result<Vec<Option<Vec<PropertyValue>>>> {
        self.measure(property.name(), photos, |_, file| {
            Ok(file.properties().get(property))
        })
    }

    fn measure<T: Serialize + DeserializeOwned + Clone + Send>(
        &self,
        what: &str,
        photos: Vec<ChangedPhoto<'_>>,
        of_file: impl Fn(&mut Worker<'_>, &WrittenFile) -> Result<T, Skip> + Sync,
    ) -> Result<Vec<Option<Vec<T>>>> {
        let measured = self.search.pool.map(photos, |worker, photo| {
            Ok(self.measure_photo(what, worker, &photo, &of_file))
        })?;

        let (mut results, mut fresh, mut used) = (Vec::new(), Vec::new(), Vec::new());
        for photo in measured {
            results.push(photo.results);
            fresh.extend(photo.fresh);
            used.extend(photo.used);
        }
        self.kept.keep(&fresh, &used);
        Ok(results)
    }

    fn measure_photo<T: DeserializeOwned + Clone>(
        &self,
        what: &str,
        worker: &mut Worker<'_>,
        photo: &ChangedPhoto<'_>,
        of_file: &impl Fn(&mut Worker<'_>, &WrittenFile) -> Result<T, Skip>,
    ) -> Measured<T> {
        let seed = self.search.context.plan.run.seed;
        let mut measured = Measured {
            results: None,
            fresh: Vec::new(),
            used: Vec::new(),
        };
        let mut host = None;
        let mut results = Vec::new();
        for change in &photo.changes {
            // The id decides about noise.
            let id = photo.sample.id;
            let what = format!("changed {what} {seed} {id} {change:?}");
            let key = self.kept.image_key(&what, id.0);
            if let Some(known) = self.kept.get(key.as_ref()) {
                measured.used.extend(key);
                results.push(known);
                continue;
            }

            // The photo is decoded once, and only where something is not known.
            if host.is_none() {
                let read = worker.read_and_decode(photo.sample).ok();
                host = read.map(|(bytes, decoded)| HostFile::new(&bytes, decoded));
            }
            let Some(host) = &host else {
                return measured;
            };
            let changed = host.changed(change, &mut rng(self.search, photo.sample));
            let Ok(result) = changed.and_then(|changed| of_file(worker, &changed)) else {
                return measured;
            };
            measured.fresh.extend(key.map(|key| (key, result.clone())));
            results.push(result);
        }
        measured.results = Some(results);
        measured
    }
}

/// Decides about the noise of one photo.
pub fn rng(search: &Search<'_, '_>, sample: &Sample) -> SeededRng {
    let seed = search.context.plan.run.seed;
    SeededRng::new(seed, &[&sample.id.to_string(), "property"])
}
