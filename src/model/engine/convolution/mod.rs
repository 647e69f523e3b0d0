//! Convolutions for the built-in engine, one image at a time. The depthwise one replaces the
//! engine's, which visits every zone of every channel tap by tap; the dense one needs no packed
//! copy of the image.
//!
//! Both store each channel in padded planes (`planes`). A tap is then one long run of
//! multiply-adds for any kernel, stride and dilation. The gaps between the rows are computed too
//! and discarded. Most dense 3 x 3 convolutions are done by Winograd's algorithm instead.

mod block;
mod dense;
mod depthwise;
mod fused;
mod planes;
mod scratch;
mod tiles;
mod winograd;

pub use fused::Convolution;
pub use planes::Geometry;
