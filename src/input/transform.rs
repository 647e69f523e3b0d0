//! The geometry of the training transform: how each step changes the view and the pixels.

use crate::error::{Skip, SkipReason, Stage};
use crate::geometry::{Size, View};
use crate::plan::{Channels, Filter, Preprocess, Step};

/// Most pixels of an intermediate picture; only absurdly elongated photos exceed it.
const PIXELS_MAX: u64 = 100_000_000;
/// Colour of padding where a step names none.
pub const BLACK: [u8; 3] = [0; 3];

/// A change of the pixels.
#[derive(Clone, Copy)]
pub enum Edit {
    Resize(Size, Filter),
    /// What of a resized picture lies in a window inside it.
    ResizePart(Size, Filter, Window),
    Window(Window),
}

/// A crop, padded where it leaves the picture.
#[derive(Clone, Copy)]
pub struct Window {
    /// Top left corner in the picture.
    pub left: i64,
    pub top: i64,
    pub size: Size,
    /// Colour of the padding.
    pub fill: [u8; 3],
}

/// The view before the first step: the photo, or its decoded reduction.
pub fn initial_view(original: Size, decoded: Size) -> View {
    let view = View::identity(original);
    if decoded == original {
        view
    } else {
        view.resized(decoded)
    }
}

/// Pixels of the input per pixel of a photo, the larger of both directions; `None` where a step
/// refuses the photo.
pub fn scale(plan: &Preprocess, size: Size) -> Option<f64> {
    let view = edits(plan, View::identity(size)).ok()?.0;
    Some(view.x_scale.max(view.y_scale))
}

/// The view after all steps, and the edits that produce its pixels.
///
/// # Errors
/// A skip `too_elongated` where a picture would be absurdly large.
pub fn edits(plan: &Preprocess, mut view: View) -> Result<(View, Vec<Edit>), Skip> {
    let mut edits = Vec::new();
    for step in &plan.steps {
        let (next, of_step) = apply(view, *step)?;
        for edit in of_step {
            let joined = edits.last().and_then(|last| joined(*last, edit));
            if let Some(joined) = joined {
                edits.pop();
                edits.push(joined);
            } else {
                edits.push(edit);
            }
        }
        view = next;
    }
    Ok((view, edits))
}

/// A resize and the crop after it, where the crop needs no padding: what it cuts off need not be
/// computed.
fn joined(first: Edit, second: Edit) -> Option<Edit> {
    let (Edit::Resize(size, filter), Edit::Window(window)) = (first, second) else {
        return None;
    };
    let fits = |offset: i64, part: u32, whole: u32| {
        offset >= 0 && offset + i64::from(part) <= i64::from(whole)
    };
    let is_inside = fits(window.left, window.size.width, size.width)
        && fits(window.top, window.size.height, size.height);
    is_inside.then_some(Edit::ResizePart(size, filter, window))
}

/// The view after a step, and the edits that produce its pixels.
fn apply(view: View, step: Step) -> Result<(View, Vec<Edit>), Skip> {
    let size = view.size;
    Ok(match step {
        Step::ResizeExact { size, filter } => resize(view, size, filter),
        Step::ResizeShort { side, filter } => resize(view, short_side(size, side)?, filter),
        Step::CenterCrop { side } => center_crop(view, Size::new(side, side)),
        Step::CenterCropFraction { fraction } => {
            let side = (f64::from(size.width.min(size.height)) * fraction)
                .floor()
                .max(1.0) as u32;
            center_crop(view, Size::new(side, side))
        }
        Step::Letterbox { size, fill, filter } => letterbox(view, size, fill, filter),
    })
}

fn resize(view: View, size: Size, filter: Filter) -> (View, Vec<Edit>) {
    (view.resized(size), vec![Edit::Resize(size, filter)])
}

fn center_crop(view: View, size: Size) -> (View, Vec<Edit>) {
    let window = Window {
        left: crop_offset(view.size.width, size.width),
        top: crop_offset(view.size.height, size.height),
        size,
        fill: BLACK,
    };
    crop(view, window)
}

fn crop(view: View, window: Window) -> (View, Vec<Edit>) {
    let cropped = view.cropped(window.left, window.top, window.size);
    (cropped, vec![Edit::Window(window)])
}

/// Fits the picture into `size` and pads the rest on both sides.
fn letterbox(view: View, size: Size, fill: [u8; 3], filter: Filter) -> (View, Vec<Edit>) {
    let ratio = (f64::from(size.width) / f64::from(view.size.width))
        .min(f64::from(size.height) / f64::from(view.size.height));
    let inner = Size::new(
        scaled_side(view.size.width, ratio, size.width),
        scaled_side(view.size.height, ratio, size.height),
    );
    let window = Window {
        left: -i64::from((size.width - inner.width) / 2),
        top: -i64::from((size.height - inner.height) / 2),
        size,
        fill,
    };

    let (resized, mut edits) = resize(view, inner, filter);
    let (boxed, padding) = crop(resized, window);
    edits.extend(padding);
    (boxed, edits)
}

fn scaled_side(side: u32, ratio: f64, max: u32) -> u32 {
    ((f64::from(side) * ratio).round() as u32).clamp(1, max)
}

/// torchvision's `Resize(int)`: the long side is truncated.
fn short_side(size: Size, side: u32) -> Result<Size, Skip> {
    let short = size.width.min(size.height).max(1);
    let long = size.width.max(size.height);
    let scaled = u64::from(side) * u64::from(long) / u64::from(short);
    if scaled * u64::from(side) > PIXELS_MAX {
        let message =
            format!("{size} resized to a short side of {side} would be {scaled} pixels long");
        return Err(Skip::new(
            Stage::Preprocess,
            SkipReason::TooElongated,
            message,
        ));
    }

    let scaled = scaled as u32;
    Ok(if size.width <= size.height {
        Size::new(side, scaled)
    } else {
        Size::new(scaled, side)
    })
}

/// The offset of torchvision's `CenterCrop`: half the difference, rounded half to even where it
/// crops and towards zero where it pads (negative).
fn crop_offset(from: u32, to: u32) -> i64 {
    let difference = i64::from(from) - i64::from(to);
    if difference < 0 {
        -(-difference / 2)
    } else {
        (difference as f64 / 2.0).round_ties_even() as i64
    }
}

/// Most bytes that the pictures between a photo of this size and the model's input take.
///
/// # Errors
/// A skip `too_elongated`, as of [`apply`].
pub fn working_bytes(plan: &Preprocess, photo: Size) -> Result<u64, Skip> {
    let is_grey = plan.channels == Channels::Grey;
    let bytes = |size: Size| {
        let channels = if is_grey { 1 } else { 3 };
        channels * u64::from(size.width) * u64::from(size.height)
    };

    // The first picture is the photo itself, or its grey levels.
    let mut held = if is_grey { bytes(photo) } else { 0 };
    let mut peak = held;
    let mut size = photo;
    for edit in edits(plan, initial_view(photo, photo))?.1 {
        // Rows are resized first.
        let made = match edit {
            Edit::Window(window) => vec![window.size],
            Edit::Resize(to, Filter::Nearest) => vec![to],
            Edit::ResizePart(to, Filter::Nearest, window) => vec![to, window.size],
            Edit::Resize(to, _) => vec![Size::new(to.width, size.height), to],
            Edit::ResizePart(_, _, Window { size: part, .. }) => {
                vec![Size::new(part.width, size.height), part]
            }
        };
        for to in made {
            peak = peak.max(held + bytes(to));
            held = bytes(to);
            size = to;
        }
    }
    Ok(peak)
}
