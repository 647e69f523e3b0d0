//! Errors of the decoders -> skips.

use crate::error::{Skip, SkipReason, Stage};
use image::ImageError;
use std::fmt::Display;

pub fn skip(reason: SkipReason, message: impl Display) -> Skip {
    Skip::new(Stage::Decode, reason, message)
}

pub fn corrupt(message: impl Display) -> Skip {
    skip(SkipReason::Corrupt, message)
}

pub fn unsupported(message: impl Display) -> Skip {
    skip(SkipReason::Unsupported, message)
}

pub fn image_skip(error: ImageError) -> Skip {
    let reason = match &error {
        ImageError::Unsupported(_) => SkipReason::Unsupported,
        ImageError::Limits(_) => SkipReason::TooManyPixels,
        _ => SkipReason::Corrupt,
    };
    skip(reason, error)
}
