//! The form of a model's input, as its file declares it.

use crate::error::{Error, Result};
use crate::model::Declared;
use crate::plan::{Channels, Layout};

/// Numbers of channels that an image has.
const CHANNELS: [usize; 3] = [3, 1, 4];

/// Channels, layout and size of a model's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputForm {
    pub channels: usize,
    pub layout: Layout,
    /// `None` where the file leaves it open.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub takes_bytes: bool,
}

impl InputForm {
    /// # Errors
    /// When the input is no image.
    pub fn of(declared: &Declared) -> Result<Self> {
        let dims = match declared.dims[..] {
            [_, a, b, c] => [a, b, c],
            [] => [None; 3],
            _ => return Err(no_image(declared)),
        };
        let is_channels = |side: Option<usize>| side.is_some_and(|n| CHANNELS.contains(&n));
        let (layout, channels, height, width) = if is_channels(dims[0]) {
            (Layout::Nchw, dims[0], dims[1], dims[2])
        } else if is_channels(dims[2]) {
            (Layout::Nhwc, dims[2], dims[0], dims[1])
        } else if dims[0].is_none() {
            (Layout::Nchw, None, dims[1], dims[2])
        } else {
            return Err(no_image(declared));
        };

        let side = |side: Option<usize>| side.and_then(|n| u32::try_from(n).ok());
        Ok(Self {
            channels: channels.unwrap_or(CHANNELS[0]),
            layout,
            width: side(width),
            height: side(height),
            takes_bytes: declared.takes_bytes,
        })
    }

    /// The order of the channels that is most usual.
    pub fn colours(&self) -> Channels {
        match self.channels {
            1 => Channels::Grey,
            4 => Channels::Rgba,
            _ => Channels::Rgb,
        }
    }

    /// Width and height, where both are declared.
    pub fn size(&self) -> Option<[u32; 2]> {
        Some([self.width?, self.height?])
    }

    /// Width and height; `default` where a side is open.
    pub fn size_or(&self, default: [u32; 2]) -> [u32; 2] {
        let [width, height] = default;
        [self.width.unwrap_or(width), self.height.unwrap_or(height)]
    }
}

fn no_image(declared: &Declared) -> Error {
    let mut sides = Vec::new();
    for side in &declared.dims {
        sides.push(side.map_or_else(|| "?".to_owned(), |side| side.to_string()));
    }
    Error::new(format!(
        "the model's input is {}: an image has 1, 3 or 4 channels, as in 1x3x224x224 or \
         1x224x224x3; write the pipeline by hand",
        sides.join("x")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(dims: &[usize]) -> Result<InputForm> {
        InputForm::of(&Declared {
            dims: dims.iter().map(|&n| (n > 0).then_some(n)).collect(),
            ..Declared::default()
        })
    }

    /// 0 is an open side.
    #[test]
    fn the_channels_tell_the_layout() {
        let check = |dims: &[usize], channels, layout, size| {
            let form = form(dims).expect("an image");
            assert_eq!((form.channels, form.layout), (channels, layout), "{dims:?}");
            assert_eq!(form.size(), size, "{dims:?}");
        };
        check(&[0, 3, 32, 64], 3, Layout::Nchw, Some([64, 32]));
        check(&[1, 64, 32, 1], 1, Layout::Nhwc, Some([32, 64]));
        check(&[0, 0, 0, 0], 3, Layout::Nchw, None);
        check(&[0, 0, 0, 3], 3, Layout::Nhwc, None);
        check(&[], 3, Layout::Nchw, None);
        assert!(form(&[1, 512]).is_err());
        assert!(form(&[1, 64, 224, 224]).is_err());
    }

    #[test]
    fn an_open_side_takes_the_default() {
        let form = form(&[0, 3, 48, 0]).expect("an image");
        assert_eq!(form.size_or([224, 224]), [224, 48]);
    }
}
