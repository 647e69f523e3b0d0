//! The affine view: where a pixel of the photo lands in the model's input.

use super::rect::{Rect, Size};

/// The map from photo to the view, `x' = x * x_scale + x_offset` and the same for `y`. The view is
/// the model's input, or the part of it that the network's maps cover.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct View {
    /// The photo.
    pub original: Size,
    pub size: Size,
    pub x_scale: f64,
    pub x_offset: f64,
    pub y_scale: f64,
    pub y_offset: f64,
    /// Present where the view is another rectangle than the model's input.
    pub input: Option<InputPlace>,
}

/// Where the model's input lies in a view.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct InputPlace {
    pub size: Size,
    /// Its top left corner in view coordinates.
    pub x: f64,
    pub y: f64,
}

impl View {
    /// The photo as it is.
    pub fn identity(original: Size) -> Self {
        Self {
            original,
            size: original,
            x_scale: 1.0,
            x_offset: 0.0,
            y_scale: 1.0,
            y_offset: 0.0,
            input: None,
        }
    }

    /// The map of one photo to another that takes one rectangle to another.
    pub fn between(photo: Size, from: Rect, other: Size, to: Rect) -> Self {
        let x_scale = to.width() / from.width();
        let y_scale = to.height() / from.height();
        Self {
            original: photo,
            size: other,
            x_scale,
            x_offset: to.x0 - from.x0 * x_scale,
            y_scale,
            y_offset: to.y0 - from.y0 * y_scale,
            input: None,
        }
    }

    /// After a resize to `to`, the whole-number size that was used.
    pub fn resized(self, to: Size) -> Self {
        let sx = f64::from(to.width) / f64::from(self.size.width);
        let sy = f64::from(to.height) / f64::from(self.size.height);
        Self {
            size: to,
            x_scale: self.x_scale * sx,
            x_offset: self.x_offset * sx,
            y_scale: self.y_scale * sy,
            y_offset: self.y_offset * sy,
            ..self
        }
    }

    /// After a crop at (`left`, `top`), or a pad if they are negative.
    pub fn cropped(self, left: i64, top: i64, to: Size) -> Self {
        Self {
            size: to,
            x_offset: self.x_offset - left as f64,
            y_offset: self.y_offset - top as f64,
            ..self
        }
    }

    /// The view of a rectangle of the model's input, where the graph crops or pads.
    pub fn framed(self, frame: Rect) -> Self {
        let size = Size::new(
            frame.width().round().max(1.0) as u32,
            frame.height().round().max(1.0) as u32,
        );
        let sx = f64::from(size.width) / frame.width();
        let sy = f64::from(size.height) / frame.height();
        Self {
            size,
            x_scale: self.x_scale * sx,
            x_offset: (self.x_offset - frame.x0) * sx,
            y_scale: self.y_scale * sy,
            y_offset: (self.y_offset - frame.y0) * sy,
            input: Some(InputPlace {
                size: self.size,
                x: -frame.x0 * sx,
                y: -frame.y0 * sy,
            }),
            ..self
        }
    }

    /// Where the model's input lies in the view.
    pub fn input_place(&self) -> InputPlace {
        self.input.unwrap_or(InputPlace {
            size: self.size,
            x: 0.0,
            y: 0.0,
        })
    }

    /// A point of the photo in view coordinates.
    pub fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [
            x * self.x_scale + self.x_offset,
            y * self.y_scale + self.y_offset,
        ]
    }

    /// A rectangle of the photo in view coordinates, not clipped.
    pub fn rect(&self, rect: Rect) -> Rect {
        let [x0, y0] = self.point([rect.x0, rect.y0]);
        let [x1, y1] = self.point([rect.x1, rect.y1]);
        Rect::new(x0, y0, x1, y1)
    }

    /// The part of the view that shows the photo; the rest is padding.
    pub fn content(&self) -> Option<Rect> {
        self.rect(self.original.rect()).intersect(self.size.rect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_moves_the_photo_by_its_corner() {
        let view = View::identity(Size::new(24, 24)).framed(Rect::new(2.0, 3.0, 22.0, 23.0));
        assert_eq!(view.size, Size::new(20, 20));
        assert_eq!(view.point([2.0, 3.0]), [0.0, 0.0]);
        let input = view.input_place();
        assert_eq!(
            (input.size, input.x, input.y),
            (Size::new(24, 24), -2.0, -3.0)
        );
    }

    #[test]
    fn resize_then_crop_loses_the_sides() {
        let view = View::identity(Size::new(500, 375))
            .resized(Size::new(341, 256))
            .cropped(58, 16, Size::new(224, 224));
        let all = view.rect(view.original.rect());
        assert_eq!((all.x0, all.x1), (-58.0, 283.0));
        let left = -view.x_offset / view.x_scale;
        assert!((left - 85.04).abs() < 0.01, "{left}");
    }
}
