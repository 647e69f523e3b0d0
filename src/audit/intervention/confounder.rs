//! The test of one region for one class: its photos, where region and objects lie in them, and what
//! the model says of them.

use super::donors::Donor;
use crate::audit::context::AuditContext;
use crate::audit::worker::Worker;
use crate::dataset::Sample;
use crate::error::Skip;
use crate::evidence::Outcome;
use crate::geometry::{Shape, View};
use crate::input::Photo;
use crate::region;

/// One class and one region, and the photos that take part.
pub struct ConfounderTest<'t, 'a> {
    pub context: &'t AuditContext<'a>,
    pub class: usize,
    /// Other classes that are associated with the region.
    pub sharing: &'t [usize],
    pub label: &'t str,
    pub region: &'t str,
    /// Category of the region's annotations.
    pub category: &'t str,
    pub donors: Vec<Donor<'t>>,
    /// Untagged images of the class.
    pub untagged: Vec<&'t Sample>,
    /// Photos without the region that its place is copied from, each with its thumbnail.
    pub copy_sources: Vec<(&'t Sample, Vec<u8>)>,
    /// Hosts are of splits that the model was trained on.
    pub hosts_trained_on: bool,
    /// Photos that could not be read again.
    pub photos_lost: u32,
}

/// What lies in a photo, in its pixels.
pub struct PhotoPlaces {
    pub region: Option<Shape>,
    pub objects: Option<Shape>,
}

impl ConfounderTest<'_, '_> {
    /// Whether the place without the region, in images of the class, is a control: enough groups of
    /// them lack it.
    pub fn has_place_control(&self) -> bool {
        self.untagged.len() >= self.context.plan.verdict.baseline_min as usize
    }

    /// `None` where the region is outside of the photo.
    ///
    /// # Errors
    /// A skip where the photo cannot be read.
    pub fn donor<'s>(
        &self,
        worker: &mut Worker<'_>,
        sample: &'s Sample,
    ) -> Result<Option<Donor<'s>>, Skip> {
        let photo = worker.decode_sample(sample)?;
        let places = self.places(sample, &photo);
        Ok(places.region.map(|region| Donor {
            sample,
            size: photo.size,
            region,
            objects: places.objects,
        }))
    }

    /// Where region and objects lie in a photo.
    pub fn places(&self, sample: &Sample, photo: &Photo) -> PhotoPlaces {
        let plan = self.context.plan;
        let mut sample = sample.clone();
        sample.fit(photo.size, photo.transpose);

        let view = View::identity(photo.size);
        let annotations = &sample.annotations;
        let objects = region::objects(&plan.regions, &sample.label, annotations, &view);
        PhotoPlaces {
            region: region::annotated(annotations, self.category, photo.size),
            objects: objects.map(|objects| objects.objects),
        }
    }

    pub fn outcome(&self, logits: &[f32]) -> Outcome {
        let head = self.context.model.head();
        Outcome {
            margin: head.margin(logits, self.class),
            predicts_class: head.predicts(logits, self.class),
            logits: logits.to_vec(),
        }
    }
}
