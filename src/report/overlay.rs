//! One image as the model saw it, beside the same with heat, regions and a printed scale.

use crate::cam::Cam;
use crate::geometry::{Shape, Size};
use crate::grid::Grid;
use crate::region::Placed;
use embedded_graphics::mono_font::{MonoTextStyle, ascii::FONT_6X13};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{DrawTarget, Drawable, OriginDimensions, Pixel, Point, RgbColor};
use embedded_graphics::primitives::{Line, PrimitiveStyle, StyledDrawable};
use embedded_graphics::text::Text;
use image::RgbImage;
use image::imageops::FilterType;

/// Each panel is at least this wide.
const PANEL_MIN: u32 = 448;
const GAP: u32 = 12;
const LINE_HEIGHT: u32 = 16;
const EVIDENCE_FOR: [f64; 3] = [230.0, 97.0, 1.0];
const EVIDENCE_AGAINST: [f64; 3] = [44.0, 100.0, 200.0];
const OUTLINES: [Rgb888; 3] = [
    Rgb888::new(0, 0, 0),
    Rgb888::new(255, 255, 255),
    Rgb888::new(240, 228, 66),
];

/// What an overlay shows.
pub struct Picture<'a> {
    /// The model's view as RGB.
    pub view: &'a RgbImage,
    pub cam: &'a Cam,
    pub regions: &'a [Placed<'a>],
    /// Lines of text below the panels.
    pub caption: &'a [String],
}

/// Draws two panels and the scale: orange speaks for the class, blue against it, on one symmetric scale in logits.
pub fn draw(picture: &Picture<'_>) -> RgbImage {
    let (w, h) = picture.view.dimensions();
    let zoom = PANEL_MIN.div_ceil(w).max(1);
    let (panel_w, panel_h) = (w * zoom, h * zoom);
    let plain = image::imageops::resize(picture.view, panel_w, panel_h, FilterType::Triangle);
    let scale = scale(picture.cam);
    let mut heated = plain.clone();
    heat(&mut heated, picture.cam, scale);
    let mut canvas = Canvas(heated);
    picture
        .regions
        .iter()
        .for_each(|r| outline(&mut canvas, r, f64::from(zoom)));
    let lines = picture.caption.len() as u32 + 2;
    let mut page = RgbImage::from_pixel(
        2 * panel_w + 3 * GAP,
        panel_h + 2 * GAP + lines * LINE_HEIGHT + GAP,
        image::Rgb([255; 3]),
    );
    image::imageops::replace(&mut page, &plain, i64::from(GAP), i64::from(GAP));
    image::imageops::replace(
        &mut page,
        &canvas.0,
        i64::from(2 * GAP + panel_w),
        i64::from(GAP),
    );
    let mut page = Canvas(page);
    let top = panel_h + 2 * GAP;
    color_bar(&mut page, top, scale, 2 * GAP + panel_w, panel_w);
    for (i, line) in picture.caption.iter().enumerate() {
        page.write(GAP, top + i as u32 * LINE_HEIGHT, line);
    }
    page.0
}

/// One panel at the size of the view: heat on a scale of `-scale` to `scale` logits, and the regions' edges.
pub fn panel(view: &RgbImage, cam: &Cam, regions: &[Placed<'_>], scale: f64) -> RgbImage {
    let mut heated = view.clone();
    heat(&mut heated, cam, scale);
    let mut canvas = Canvas(heated);
    regions.iter().for_each(|r| outline(&mut canvas, r, 1.0));
    canvas.0
}

/// The largest value of a map, either way.
pub fn scale(cam: &Cam) -> f64 {
    cam.values.iter().fold(1e-9_f64, |m, v| m.max(v.abs()))
}

/// Heat over the panel: the colour says for or against, the opacity how much.
fn heat(panel: &mut RgbImage, cam: &Cam, scale: f64) {
    let grid = Grid {
        height: cam.height,
        width: cam.width,
        view: Size::new(panel.width(), panel.height()),
    };
    for (pixel, v) in panel.pixels_mut().zip(grid.upsample(&cam.values)) {
        let grey = f64::from(pixel.0.iter().map(|&c| u32::from(c)).sum::<u32>()) / 3.0;
        let t = f64::from(v) / scale;
        let color = if t > 0.0 {
            EVIDENCE_FOR
        } else {
            EVIDENCE_AGAINST
        };
        let alpha = 0.8 * t.abs().min(1.0);
        pixel.0 = color.map(|c| (c * alpha + grey * (1.0 - alpha)).round() as u8);
    }
}

/// Region edges in view coordinates, black on white on yellow so that they show on anything.
fn outline(canvas: &mut Canvas, region: &Placed<'_>, zoom: f64) {
    let rects = match &region.shape {
        Some(Shape::Rects(rects)) => rects.clone(),
        Some(Shape::Mask(mask)) => vec![mask.frame],
        None => return,
    };
    let (w, h) = canvas.0.dimensions();
    let at = |v: f64, max: u32| (v * zoom).round().clamp(0.0, f64::from(max - 1)) as i32;
    for r in rects {
        let (x0, y0, x1, y1) = (at(r.x0, w), at(r.y0, h), at(r.x1, w), at(r.y1, h));
        for (inset, color) in OUTLINES.into_iter().enumerate() {
            let d = inset as i32;
            let corners = [
                (x0 + d, y0 + d),
                (x1 - d, y0 + d),
                (x1 - d, y1 - d),
                (x0 + d, y1 - d),
            ];
            for i in 0..4 {
                let (a, b) = (corners[i], corners[(i + 1) % 4]);
                let line = Line::new(Point::new(a.0, a.1), Point::new(b.0, b.1));
                let _ = line.draw_styled(&PrimitiveStyle::with_stroke(color, 1), canvas);
            }
        }
    }
}

fn color_bar(page: &mut Canvas, top: u32, scale: f64, left: u32, width: u32) {
    for x in 0..width {
        let t = 2.0 * f64::from(x) / f64::from(width - 1) - 1.0;
        let color = if t > 0.0 {
            EVIDENCE_FOR
        } else {
            EVIDENCE_AGAINST
        };
        let alpha = 0.8 * t.abs();
        let c = color.map(|c| (c * alpha + 200.0 * (1.0 - alpha)).round() as u8);
        for y in 0..10 {
            page.0.put_pixel(left + x, top + y, image::Rgb(c));
        }
    }
    page.write(left, top + 12, &format!("{:+.2} logits", -scale));
    page.write(left + width / 2 - 3, top + 12, "0");
    let right = format!("{scale:+.2} logits");
    page.write(left + width - 6 * right.len() as u32, top + 12, &right);
}

/// Drawing on an [`RgbImage`].
pub(super) struct Canvas(pub RgbImage);

impl Canvas {
    pub fn white(width: u32, height: u32) -> Self {
        Self(RgbImage::from_pixel(width, height, image::Rgb([255; 3])))
    }

    /// ASCII text with its top left at (`x`, `y`); other characters become `?`.
    pub fn write(&mut self, x: u32, y: u32, text: &str) {
        let plain: String = text
            .chars()
            .map(|c| {
                if c.is_ascii_graphic() || c == ' ' {
                    c
                } else {
                    '?'
                }
            })
            .collect();
        let style = MonoTextStyle::new(&FONT_6X13, Rgb888::BLACK);
        let _ = Text::new(&plain, Point::new(x as i32, y as i32 + 10), style).draw(self);
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

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Self::Error> {
        for Pixel(p, c) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(p.x), u32::try_from(p.y))
                && x < self.0.width()
                && y < self.0.height()
            {
                self.0.put_pixel(x, y, image::Rgb([c.r(), c.g(), c.b()]));
            }
        }
        Ok(())
    }
}
