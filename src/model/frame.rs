//! Preprocessing inside the graph: which part of the input the first convolution reads, and
//! whether it is upright.

use super::engine::{Runtime, Values};
use super::graph::{Constants, Graph, attribute, describe, integers};
use crate::error::{Error, Result};
use crate::geometry::Rect;
use tract_onnx::pb::NodeProto;

/// Operators that only move, scale or copy pixels.
const PIXELWISE: [&str; 18] = [
    "Identity",
    "Cast",
    "Sub",
    "Mul",
    "Add",
    "Div",
    "Transpose",
    "Slice",
    "Gather",
    "Pad",
    "Resize",
    "Upsample",
    "Squeeze",
    "Unsqueeze",
    "Reshape",
    "BatchNormalization",
    "Clip",
    "Dropout",
];
/// Operators that read windows; padding directly before one is its own.
const WINDOWED: [&str; 3] = ["Conv", "MaxPool", "AveragePool"];
/// Largest distance in pixels between where a pixel comes from and a linear map.
const LINEAR_TOLERANCE: f64 = 1.0;
/// Part of the pixels that must have a source.
const SOURCES_MIN: f64 = 0.2;
/// Differences of frame and input below this, in pixels, are none.
const SAME_TOLERANCE: f64 = 0.75;

/// The input's shape, with the places of its axes.
#[derive(Debug, Clone, Copy)]
pub struct ImageAxes {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub channels_last: bool,
}

impl ImageAxes {
    /// Most channels of an image.
    const CHANNELS_MAX: usize = 4;

    /// # Errors
    /// When no axis has as many channels as an image.
    pub fn new(shape: &[usize]) -> Result<Self> {
        match *shape {
            [1, channels, height, width] if channels <= Self::CHANNELS_MAX => Ok(Self {
                height,
                width,
                channels,
                channels_last: false,
            }),
            [1, height, width, channels] if channels <= Self::CHANNELS_MAX => Ok(Self {
                height,
                width,
                channels,
                channels_last: true,
            }),
            _ => Err(Error::new(format!(
                "the input {shape:?} has no axis with 1 to {} channels",
                Self::CHANNELS_MAX
            ))),
        }
    }

    /// An image whose pixels have the value of a function of row and column.
    pub fn image(&self, value: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        let mut values = vec![0.0; self.height * self.width * self.channels];
        for row in 0..self.height {
            for column in 0..self.width {
                for channel in 0..self.channels {
                    values[self.index(row, column, channel)] = value(row, column);
                }
            }
        }
        values
    }

    /// Where the value of a pixel lies.
    pub fn index(&self, row: usize, column: usize, channel: usize) -> usize {
        if self.channels_last {
            (row * self.width + column) * self.channels + channel
        } else {
            (channel * self.height + row) * self.width + column
        }
    }
}

/// The rectangle of the input, in pixels, that the network's maps cover: `None` for the whole
/// input. It is smaller where the graph crops, and larger where it pads.
///
/// # Errors
/// When the graph mirrors or transposes the image, or moves pixels in another way that is not
/// linear.
pub fn frame(
    graph: &Graph,
    features: &str,
    runtime: &Runtime,
    image: &[usize],
) -> Result<Option<Rect>> {
    let axes = ImageAxes::new(image)?;
    let Some(last) = last_pixelwise(graph, features) else {
        return Ok(None);
    };
    let cut = graph.cut(&[(&graph.input, image)], &[&last], image);
    let engine = runtime.load(&cut.proto, vec![image.to_vec()])?;
    let mut state = engine.state()?;

    let (height, width) = (axes.height as f32, axes.width as f32);
    let images = [
        axes.image(|_, _| 0.0),
        axes.image(|_, _| 1.0),
        axes.image(|_, column| (column as f32 + 0.5) / width),
        axes.image(|row, _| (row as f32 + 0.5) / height),
    ];
    let mut shape = Vec::new();
    let mut outputs = Vec::new();
    for image in &images {
        let array = state
            .run(&engine, &[Values::Floats(image)])?
            .into_iter()
            .next();
        let array = array.ok_or_else(|| Error::new("the preprocessing has no output"))?;
        shape = array.shape;
        outputs.push(array.values);
    }
    let Ok(canvas) = ImageAxes::new(&shape) else {
        return Ok(None);
    };

    let sources = Sources {
        canvas,
        zero: &outputs[0],
        one: &outputs[1],
    };
    let node = || graph.producer(&last).map_or_else(String::new, describe);
    let x = sources.line(&outputs[2], width.into());
    let y = sources.line(&outputs[3], height.into());
    let (Some(x), Some(y)) = (x, y) else {
        return Ok(None);
    };
    let frame = match (x, y) {
        (Line::AlongColumns(x), Line::AlongRows(y)) if x.slope > 0.0 && y.slope > 0.0 => {
            Rect::new(x.start(), y.start(), x.end(), y.end())
        }
        (Line::AlongColumns(_), Line::AlongRows(_)) => {
            return Err(Error::new(format!(
                "the image is mirrored inside the graph, up to {}; the map would be too. Mirror \
                 the images before the model instead",
                node()
            )));
        }
        (Line::AlongRows(_), Line::AlongColumns(_)) => {
            return Err(Error::new(format!(
                "height and width of the image are transposed inside the graph, up to {}; the map \
                 would be too. Export the model without the transposition",
                node()
            )));
        }
        _ => {
            return Err(Error::new(format!(
                "the graph moves the pixels of the image before the first convolution, up to {}, \
                 in a way that is not linear; the map could not be laid over the image",
                node()
            )));
        }
    };

    let whole = Rect::new(0.0, 0.0, width.into(), height.into());
    let differences = [
        frame.x0 - whole.x0,
        frame.y0 - whole.y0,
        frame.x1 - whole.x1,
        frame.y1 - whole.y1,
    ];
    let is_whole = differences.iter().all(|d| d.abs() <= SAME_TOLERANCE);
    Ok((!is_whole).then_some(frame))
}

/// The last tensor before the first node that is not pixelwise; `None` if that is the input itself.
fn last_pixelwise(graph: &Graph, features: &str) -> Option<String> {
    let constants = Constants::new(graph.graph());
    let dominators = graph.dominators(&graph.input, features);
    let mut last = None;
    for (index, tensor) in dominators.iter().enumerate() {
        let node = graph.producer(tensor)?;
        if !PIXELWISE.contains(&node.op_type.as_str()) {
            break;
        }
        let next = dominators
            .get(index + 1)
            .and_then(|next| graph.producer(next));
        let is_own_padding = next.is_some_and(|next| is_padding_of(&constants, node, next));
        if is_own_padding {
            break;
        }
        last = Some(tensor.clone());
    }
    last
}

/// Whether a Pad adds fewer pixels to each side than the window of the next node spans.
fn is_padding_of(constants: &Constants<'_>, pad: &NodeProto, next: &NodeProto) -> bool {
    if pad.op_type != "Pad" || !WINDOWED.contains(&next.op_type.as_str()) {
        return false;
    }
    let pads = match pad.input.get(1).and_then(|name| constants.get(name)) {
        Some(tensor) => integers(tensor),
        None => attribute(pad, "pads").map_or(Vec::new(), |a| a.ints.clone()),
    };
    let kernel = match attribute(next, "kernel_shape") {
        Some(kernel) => kernel.ints.iter().copied().max(),
        None => next
            .input
            .get(1)
            .and_then(|name| constants.get(name))
            .and_then(|weights| weights.dims.last().copied()),
    };
    let largest = pads.iter().copied().max().unwrap_or(i64::MAX);
    largest < kernel.unwrap_or(1)
}

/// A linear map from a row or column of the canvas to a coordinate of the input.
#[derive(Debug, Clone, Copy)]
struct Fit {
    slope: f64,
    offset: f64,
    count: usize,
}

impl Fit {
    /// Coordinate of the canvas's first edge.
    fn start(&self) -> f64 {
        self.offset
    }

    /// Coordinate of the canvas's last edge.
    fn end(&self) -> f64 {
        self.offset + self.slope * self.count as f64
    }
}

/// How a coordinate of the input runs over the canvas.
enum Line {
    AlongColumns(Fit),
    AlongRows(Fit),
    Neither,
}

/// The canvas that the first convolution reads, for a black and a white image.
struct Sources<'a> {
    canvas: ImageAxes,
    zero: &'a [f32],
    one: &'a [f32],
}

impl Sources<'_> {
    /// How the coordinate runs that `ramp` is the image of; `None` where too few pixels have a
    /// source.
    fn line(&self, ramp: &[f32], scale: f64) -> Option<Line> {
        let canvas = self.canvas;
        let mut points = Vec::new();
        for row in 0..canvas.height {
            for column in 0..canvas.width {
                let index = canvas.index(row, column, 0);
                let range = f64::from(self.one[index]) - f64::from(self.zero[index]);
                if range.abs() > 1e-6 {
                    let value = f64::from(ramp[index]) - f64::from(self.zero[index]);
                    points.push([row as f64 + 0.5, column as f64 + 0.5, value / range * scale]);
                }
            }
        }
        let pixels = (canvas.height * canvas.width) as f64;
        if (points.len() as f64) < SOURCES_MIN * pixels {
            return None;
        }

        let along_columns = fit(&points, 1, canvas.width);
        let along_rows = fit(&points, 0, canvas.height);
        Some(match (along_columns, along_rows) {
            (Some(fit), _) => Line::AlongColumns(fit),
            (None, Some(fit)) => Line::AlongRows(fit),
            (None, None) => Line::Neither,
        })
    }
}

/// The line through points `[row, column, coordinate]` along one axis; `None` where it misses one,
/// or is flat.
fn fit(points: &[[f64; 3]], axis: usize, count: usize) -> Option<Fit> {
    let n = points.len() as f64;
    let mean = |of: usize| points.iter().map(|p| p[of]).sum::<f64>() / n;
    let (mean_at, mean_value) = (mean(axis), mean(2));
    let mut covariance = 0.0;
    let mut variance = 0.0;
    for point in points {
        covariance += (point[axis] - mean_at) * (point[2] - mean_value);
        variance += (point[axis] - mean_at).powi(2);
    }
    if variance == 0.0 {
        return None;
    }

    let slope = covariance / variance;
    let offset = mean_value - slope * mean_at;
    let is_line = points
        .iter()
        .all(|p| (p[2] - offset - slope * p[axis]).abs() <= LINEAR_TOLERANCE);
    (is_line && slope.abs() > 1e-3).then_some(Fit {
        slope,
        offset,
        count,
    })
}
