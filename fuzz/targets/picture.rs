//! Decoding and preprocessing; the first two bytes choose the steps.
#![no_main]
use camaudit::geometry::Size;
use camaudit::input::{self, Preprocessor};
use camaudit::plan::{Channels, Decode, Exif, Filter, Layout, Preprocess, Step};
use camaudit_fuzz::own_panics_crash;

libfuzzer_sys::fuzz_target!(init: own_panics_crash(), |data: &[u8]| {
    let [way, look, data @ ..] = data else { return };
    let filter = [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos][usize::from(*way >> 4) % 4];
    let size = Size::new(24, 16);
    let steps = match way % 5 {
        0 => vec![Step::ResizeExact { size, filter }],
        1 => vec![Step::ResizeShort { side: 24, filter }, Step::CenterCrop { side: 16 }],
        2 => vec![Step::CenterCropFraction { fraction: 0.8 }, Step::ResizeExact { size, filter }],
        3 => vec![Step::CenterCrop { side: 24 }],
        _ => vec![Step::Letterbox { size, fill: [1, 2, 3], filter }],
    };
    let channels = [Channels::Rgb, Channels::Bgr, Channels::Grey][usize::from(*look) % 3];
    let layout = if look & 4 == 0 { Layout::Nchw } else { Layout::Nhwc };
    let count = if channels == Channels::Grey { 1 } else { 3 };
    let (mean, std) = (vec![0.5; count], vec![0.25; count]);
    let output = match way % 5 { 1 => Size::new(16, 16), 3 => Size::new(24, 24), _ => size };
    let decode = if look & 8 == 0 { Decode::Exact } else { Decode::Fast };
    let exif = if look & 16 == 0 { Exif::Apply } else { Exif::Ignore };
    let plan = Preprocess { decode, exif, steps, channels, layout, scale: 1.0 / 255.0, mean, std, output };
    let Ok(photo) = input::decode_for(data, &plan) else { return };
    if let Ok((tensor, view)) = Preprocessor::new(&plan, None).run(&photo) {
        assert_eq!(tensor.levels.len(), tensor.shape.iter().product::<usize>());
        assert_eq!(view.size, output);
    }
});
