//! Results of the search that the cache keeps: an unchanged class costs nothing in the next run.
//!
//! The key of a result is made of the contents of the images that it depends on, and of what was
//! asked; the cache itself adds the model and the preprocessing.

use super::search::Search;
use crate::cache::Cache;
use crate::dataset::ImageId;
use crate::error::Result;
use crate::evidence::discovery::{ClassSample, SampledImage};
use crate::runs::content_hashes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

/// The results of earlier runs, and the contents of the images of this one.
pub struct Kept<'a> {
    cache: Option<&'a Cache>,
    contents: BTreeMap<ImageId, String>,
}

impl<'a> Kept<'a> {
    /// # Errors
    /// When the rows of the run can no longer be read.
    pub fn new(search: &Search<'_, 'a>, classes: &[ClassSample]) -> Result<Self> {
        let is_verified = search.context.plan.run.verify_cache;
        let cache = search.context.cache.filter(|_| !is_verified);
        let images = classes.iter().flat_map(|class| &class.images);
        let ids: BTreeSet<ImageId> = images.map(|image| ImageId(image.image)).collect();
        let contents = match cache {
            Some(_) => content_hashes(search.folder.path(), &ids)?,
            None => BTreeMap::new(),
        };
        Ok(Self { cache, contents })
    }

    /// The key of a result about one image; `None` without a cache.
    pub fn image_key(&self, what: &str, image: u128) -> Option<String> {
        let content = self.contents.get(&ImageId(image))?;
        Some(format!("{what} {content}"))
    }

    /// The key of a result about the mining half of a class.
    pub fn class_key(&self, what: &str, class: &ClassSample) -> Option<String> {
        self.images_key(what, class.half(true))
    }

    /// The key of a result about some images, in their order.
    pub fn images_key<'i>(
        &self,
        what: &str,
        images: impl Iterator<Item = &'i SampledImage>,
    ) -> Option<String> {
        let mut hasher = blake3::Hasher::new();
        for image in images {
            let content = self.contents.get(&ImageId(image.image))?;
            hasher.update(content.as_bytes()).update(b"\n");
        }
        Some(format!("{what} {}", hasher.finalize().to_hex()))
    }

    /// The key of a result about images on two sides, in their order and by their ids.
    pub fn sides_key(&self, what: &str, images: &[(bool, u128)]) -> Option<String> {
        let mut hasher = blake3::Hasher::new();
        for (side, image) in images {
            let content = self.contents.get(&ImageId(*image))?;
            hasher.update(content.as_bytes()).update(&[u8::from(*side)]);
            hasher.update(&image.to_le_bytes());
        }
        Some(format!("{what} {}", hasher.finalize().to_hex()))
    }

    pub fn get<T: DeserializeOwned>(&self, key: Option<&String>) -> Option<T> {
        self.cache?.result(key?)
    }

    /// Writes new results, and that others were used.
    pub fn keep<T: Serialize>(&self, fresh: &[(String, T)], used: &[String]) {
        if let Some(cache) = self.cache
            && !(fresh.is_empty() && used.is_empty())
        {
            cache.keep_results(fresh, used);
        }
    }
}
