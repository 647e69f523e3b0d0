//! The model's input beside the same with heat, regions and a printed scale.

use crate::cam::Cam;
use crate::geometry::{Rect, Shape, Size};
use crate::grid::Grid;
use crate::region::Placed;
use embedded_graphics::mono_font::{MonoTextStyle, ascii::FONT_6X13};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{DrawTarget, Drawable, OriginDimensions, Pixel, Point, RgbColor};
use embedded_graphics::primitives::{Line, PrimitiveStyle, StyledDrawable};
use embedded_graphics::text::Text;
use image::RgbImage;
use image::imageops::{FilterType, replace, resize};

/// Each panel is at least this wide, in pixels.
const PANEL_WIDTH_MIN: u32 = 448;
/// Around and between the panels, in pixels.
const GAP: u32 = 12;
const LINE_HEIGHT: u32 = 16;
/// Width of a character of the font, in pixels.
const CHAR_WIDTH: u32 = 6;
/// Height of the colour bar, in pixels.
const BAR_HEIGHT: u32 = 10;

const EVIDENCE_FOR: [f64; 3] = [230.0, 97.0, 1.0];
const EVIDENCE_AGAINST: [f64; 3] = [44.0, 100.0, 200.0];
/// Opacity of the strongest heat.
const OPACITY_MAX: f64 = 0.8;

/// Black, white and yellow, from the outside in: visible on any picture.
const OUTLINES: [Rgb888; 3] = [
    Rgb888::new(0, 0, 0),
    Rgb888::new(255, 255, 255),
    Rgb888::new(240, 228, 66),
];

/// What is drawn.
pub struct Picture<'a> {
    /// The model's input as RGB.
    pub view: &'a RgbImage,
    pub cam: &'a Cam,
    pub regions: &'a [Placed<'a>],
    /// Lines of text below the panels.
    pub caption: &'a [String],
}

/// Draws two panels and the scale.
///
/// Orange is evidence for the class, blue against it, on one symmetric scale in logits.
pub fn draw(picture: &Picture<'_>) -> RgbImage {
    let (width, height) = picture.view.dimensions();
    let zoom = PANEL_WIDTH_MIN.div_ceil(width).max(1);
    let (panel_width, panel_height) = (width * zoom, height * zoom);
    let scale = scale(picture.cam);

    let plain = resize(
        picture.view,
        panel_width,
        panel_height,
        FilterType::Triangle,
    );
    let mut heated = Canvas(plain.clone());
    draw_heat(&mut heated.0, picture.cam, scale);
    for region in picture.regions {
        draw_outline(&mut heated, region, f64::from(zoom));
    }

    let lines = picture.caption.len() as u32 + 2;
    let page_width = 2 * panel_width + 3 * GAP;
    let page_height = panel_height + 2 * GAP + lines * LINE_HEIGHT + GAP;
    let mut page = Canvas::white(page_width, page_height);
    let right_panel = 2 * GAP + panel_width;
    replace(&mut page.0, &plain, i64::from(GAP), i64::from(GAP));
    replace(
        &mut page.0,
        &heated.0,
        i64::from(right_panel),
        i64::from(GAP),
    );

    let top = panel_height + 2 * GAP;
    draw_color_bar(&mut page, top, scale, right_panel, panel_width);
    for (i, line) in (0..).zip(picture.caption) {
        page.write(GAP, top + i * LINE_HEIGHT, line);
    }
    page.0
}

/// One panel of the view's size with heat and the outlines of regions.
///
/// The colours range from `-scale` to `scale`, in logits.
pub fn panel(view: &RgbImage, cam: &Cam, regions: &[Placed<'_>], scale: f64) -> RgbImage {
    enlarged_panel(view, cam, regions, scale, 1.0)
}

/// [`panel`] for a picture that is `zoom` times as large as the view of the regions.
pub fn enlarged_panel(
    view: &RgbImage,
    cam: &Cam,
    regions: &[Placed<'_>],
    scale: f64,
    zoom: f64,
) -> RgbImage {
    let mut canvas = Canvas(view.clone());
    draw_heat(&mut canvas.0, cam, scale);
    for region in regions {
        draw_outline(&mut canvas, region, zoom);
    }
    canvas.0
}

/// The largest absolute value of a map, in logits.
pub fn scale(cam: &Cam) -> f64 {
    let values = cam.values.iter();
    values.fold(1e-9_f64, |largest, value| largest.max(value.abs()))
}

fn color_of(value: f64) -> [f64; 3] {
    if value > 0.0 {
        EVIDENCE_FOR
    } else {
        EVIDENCE_AGAINST
    }
}

/// A colour over grey.
fn blended(color: [f64; 3], grey: f64, opacity: f64) -> [u8; 3] {
    color.map(|channel| (channel * opacity + grey * (1.0 - opacity)).round() as u8)
}

/// Heat over the panel in grey: the colour is the sign, the opacity the amount.
fn draw_heat(panel: &mut RgbImage, cam: &Cam, scale: f64) {
    let grid = Grid {
        height: cam.height,
        width: cam.width,
        view: Size::new(panel.width(), panel.height()),
    };

    for (pixel, value) in panel.pixels_mut().zip(grid.upsample(&cam.values)) {
        let sum: u32 = pixel.0.iter().map(|&channel| u32::from(channel)).sum();
        let grey = f64::from(sum) / 3.0;
        let relative = f64::from(value) / scale;
        let opacity = OPACITY_MAX * relative.abs().min(1.0);
        pixel.0 = blended(color_of(relative), grey, opacity);
    }
}

/// The outline of a region, whose shape is in coordinates of the view.
fn draw_outline(canvas: &mut Canvas, region: &Placed<'_>, zoom: f64) {
    match &region.shape {
        Some(Shape::Rects(rects)) => {
            for rect in rects {
                draw_rect(canvas, *rect, zoom);
            }
        }
        Some(Shape::Mask(mask)) => draw_rect(canvas, mask.frame, zoom),
        None => {}
    }
}

fn draw_rect(canvas: &mut Canvas, rect: Rect, zoom: f64) {
    let (width, height) = canvas.0.dimensions();
    let (left, right) = (edge(rect.x0, zoom, width), edge(rect.x1, zoom, width));
    let (top, bottom) = (edge(rect.y0, zoom, height), edge(rect.y1, zoom, height));

    for (inset, color) in (0..).zip(OUTLINES) {
        let corners = [
            Point::new(left + inset, top + inset),
            Point::new(right - inset, top + inset),
            Point::new(right - inset, bottom - inset),
            Point::new(left + inset, bottom - inset),
        ];
        for i in 0..4 {
            let line = Line::new(corners[i], corners[(i + 1) % 4]);
            // Drawing on a canvas cannot fail.
            let _ = line.draw_styled(&PrimitiveStyle::with_stroke(color, 1), canvas);
        }
    }
}

/// The pixel of an edge, inside the canvas.
fn edge(coordinate: f64, zoom: f64, size: u32) -> i32 {
    let last = f64::from(size - 1);
    (coordinate * zoom).round().clamp(0.0, last) as i32
}

fn draw_color_bar(page: &mut Canvas, top: u32, scale: f64, left: u32, width: u32) {
    for x in 0..width {
        let relative = 2.0 * f64::from(x) / f64::from(width - 1) - 1.0;
        let color = blended(color_of(relative), 200.0, OPACITY_MAX * relative.abs());
        for y in 0..BAR_HEIGHT {
            page.0.put_pixel(left + x, top + y, image::Rgb(color));
        }
    }

    let text_top = top + BAR_HEIGHT + 2;
    let largest = format!("{scale:+.2} logits");
    let right = left + width - CHAR_WIDTH * largest.len() as u32;
    page.write(left, text_top, &format!("{:+.2} logits", -scale));
    page.write(left + width / 2 - 3, text_top, "0");
    page.write(right, text_top, &largest);
}

/// Drawing on an [`RgbImage`].
pub(super) struct Canvas(pub RgbImage);

impl Canvas {
    pub fn white(width: u32, height: u32) -> Self {
        Self(RgbImage::from_pixel(width, height, image::Rgb([255; 3])))
    }

    /// Writes text with its top left at (`x`, `y`); characters other than ASCII become `?`.
    pub fn write(&mut self, x: u32, y: u32, text: &str) {
        let mut ascii = String::new();
        for c in text.chars() {
            let is_drawable = c.is_ascii_graphic() || c == ' ';
            ascii.push(if is_drawable { c } else { '?' });
        }

        let style = MonoTextStyle::new(&FONT_6X13, Rgb888::BLACK);
        let baseline = Point::new(x as i32, y as i32 + 10);
        let _ = Text::new(&ascii, baseline, style).draw(self);
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> embedded_graphics::prelude::Size {
        embedded_graphics::prelude::Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = std::convert::Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Self::Error>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(point, color) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y)) else {
                continue;
            };
            if x < self.0.width() && y < self.0.height() {
                let color = [color.r(), color.g(), color.b()];
                self.0.put_pixel(x, y, image::Rgb(color));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cam(values: [f64; 4]) -> Cam {
        Cam {
            height: 2,
            width: 2,
            values: values.to_vec(),
            bias: 0.0,
        }
    }

    #[test]
    fn orange_is_evidence_for_the_class_and_blue_against_it() {
        let view = RgbImage::from_pixel(8, 8, image::Rgb([100; 3]));
        let cam = cam([2.0, -2.0, 0.0, 0.0]);
        let heated = panel(&view, &cam, &[], scale(&cam));
        let warmth = |x: u32, y: u32| {
            let [red, _, blue] = heated.get_pixel(x, y).0;
            i32::from(red) - i32::from(blue)
        };
        assert!(warmth(0, 0) > 100 && warmth(7, 0) < -100);
        assert_eq!(warmth(0, 7), 0);
    }

    #[test]
    fn a_picture_has_two_panels_a_scale_and_a_caption() {
        let view = RgbImage::from_pixel(224, 112, image::Rgb([100; 3]));
        let cam = cam([1.0, 0.0, 0.0, 0.0]);
        let caption = ["logit 1.00".to_owned()];
        let page = draw(&Picture {
            view: &view,
            cam: &cam,
            regions: &[],
            caption: &caption,
        });
        assert_eq!(page.dimensions(), (2 * 448 + 36, 224 + 24 + 3 * 16 + 12));
    }
}
