//! What the model sees, in the photo's own pixels where it has more of them than the model's input.

use crate::geometry::{Rect, View};
use crate::input::Photo;
use image::RgbImage;
use image::imageops::{FilterType, crop_imm, replace, resize};

/// The input at most `side` pixels long, and how many times as large it is. It is never finer than
/// the photo.
pub fn enlarged(input: &RgbImage, view: &View, photo: &Photo, side: u32) -> (RgbImage, f64) {
    let (width, height) = input.dimensions();
    let finest = 1.0 / view.x_scale.min(view.y_scale);
    let wanted = f64::from(side) / f64::from(width.max(height));
    let zoom = wanted.min(finest);
    let is_same_view = (width, height) == (view.size.width, view.size.height);
    let is_whole = photo.size == photo.original;
    let (Some(content), true) = (view.content(), zoom > 1.0 && is_same_view && is_whole) else {
        return (input.clone(), 1.0);
    };

    let pixels = |length: u32| (f64::from(length) * zoom).round() as u32;
    let (width, height) = (pixels(width), pixels(height));
    let mut picture = resize(input, width, height, FilterType::Triangle);

    let on_photo = Rect::new(
        (content.x0 - view.x_offset) / view.x_scale,
        (content.y0 - view.y_offset) / view.y_scale,
        (content.x1 - view.x_offset) / view.x_scale,
        (content.y1 - view.y_offset) / view.y_scale,
    );
    let [x0, y0, x1, y1] = edges(on_photo, 1.0, photo.rgb.dimensions());
    let [left, top, right, bottom] = edges(content, zoom, (width, height));
    let cut = crop_imm(&photo.rgb, x0, y0, x1 - x0, y1 - y0);
    let cut = resize(&*cut, right - left, bottom - top, FilterType::Triangle);
    replace(&mut picture, &cut, i64::from(left), i64::from(top));
    (picture, zoom)
}

/// The edges of a rectangle in whole pixels, at least one apart.
fn edges(rect: Rect, zoom: f64, (width, height): (u32, u32)) -> [u32; 4] {
    let edge = |value: f64, most: u32| (value * zoom).round().clamp(0.0, f64::from(most)) as u32;
    let (x0, y0) = (edge(rect.x0, width - 1), edge(rect.y0, height - 1));
    let (x1, y1) = (edge(rect.x1, width), edge(rect.y1, height));
    [x0, y0, x1.max(x0 + 1), y1.max(y0 + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;

    fn photo(size: Size) -> Photo {
        Photo {
            original: size,
            size,
            rgb: RgbImage::from_fn(size.width, size.height, |x, _| {
                image::Rgb([if x < size.width / 2 { 250 } else { 5 }; 3])
            }),
            transpose: None,
            is_turned: false,
        }
    }

    #[test]
    fn the_photo_s_pixels_are_used_up_to_its_own_size() {
        let photo = photo(Size::new(400, 400));
        let view = View::identity(photo.size).resized(Size::new(100, 100));
        let input = RgbImage::from_pixel(100, 100, image::Rgb([90; 3]));

        let (picture, zoom) = enlarged(&input, &view, &photo, 320);
        assert_eq!((picture.dimensions(), zoom), ((320, 320), 3.2));
        assert_eq!(
            (
                picture.get_pixel(155, 9).0[0],
                picture.get_pixel(165, 9).0[0]
            ),
            (250, 5)
        );
        assert_eq!(enlarged(&input, &view, &photo, 640).1, 4.0);

        let small = View::identity(photo.size);
        assert_eq!(enlarged(&photo.rgb, &small, &photo, 320).1, 1.0);
    }

    #[test]
    fn padding_stays_as_the_model_sees_it() {
        let photo = photo(Size::new(400, 200));
        let resized = View::identity(photo.size).resized(Size::new(100, 50));
        let view = resized.cropped(0, -25, Size::new(100, 100));
        let input = RgbImage::from_pixel(100, 100, image::Rgb([90; 3]));

        let (picture, _) = enlarged(&input, &view, &photo, 200);
        let column: Vec<u8> = [10, 49, 51, 148, 151]
            .map(|y| picture.get_pixel(10, y).0[0])
            .into();
        assert_eq!(column, [90, 90, 250, 250, 90]);
    }
}
