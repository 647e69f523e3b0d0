//! The graph for several images at once.

use super::chain::AffineChain;
use super::engine::{Array, Batches, Engine, Request, Runtime, Values, is_same_in_batch};
use super::graph::{Graph, InGraph, take_levels};
use super::input_shape::noise;
use super::normalisation::{LEVELS, Normalisation};
use super::outputs::predicted;
use super::pool::Pool;
use crate::error::{Error, Result};

/// Positions of the outputs. Maps stand behind the logits of a graph without gates.
pub const FEATURES: usize = 0;
pub const LOGITS: usize = 1;
pub const MAPS: usize = 2;
pub const PREDICTED: usize = 3;

/// Most rows, beside the last, whose maps are compared when a model is loaded.
const PROBED_ROWS_MAX: usize = 8;
/// Largest difference of a map inside the graph, as a part of its largest value: float32 has 24
/// binary digits.
const MAP_TOLERANCE: f64 = 1e-6;

/// The session that all workers share.
pub struct Batched {
    pub batches: Batches,
    /// Where maps are made inside the graph.
    pub rows: Option<MapRows>,
}

impl Batched {
    /// What changes a number, for `run.json` and the cache.
    pub fn name(&self) -> String {
        let size = self.batches.size();
        match self.rows {
            Some(_) => format!("batches of {size}, maps in the graph"),
            None => format!("batches of {size}"),
        }
    }
}

/// The rows that a graph makes maps of: one for each class, then a second one for each where there
/// are centred weights.
#[derive(Clone, Copy)]
pub struct MapRows {
    classes: usize,
    of_class: usize,
}

impl MapRows {
    /// What to ask for, for the maps of some classes.
    pub fn of(&self, classes: &[usize]) -> Vec<usize> {
        let mut rows = Vec::new();
        for kind in 0..self.of_class {
            rows.extend(classes.iter().map(|class| kind * self.classes + class));
        }
        rows
    }
}

/// The tensors that an audit reads: features, logits, and those before and after each gate.
pub fn outputs<'a>(pool: &'a Pool, logits: &'a str, chain: &'a AffineChain) -> Vec<&'a str> {
    let mut outputs = vec![pool.features.as_str(), logits];
    for gate in chain.gates() {
        outputs.extend([gate.before.as_str(), gate.after.as_str()]);
    }
    outputs
}

/// A graph, and what it gives for single images.
pub struct Single<'a> {
    pub graph: &'a Graph,
    pub runtime: &'a Runtime,
    pub engine: &'a Engine,
    pub outputs: &'a [&'a str],
    /// Shape of the input.
    pub shape: &'a [usize],
    pub normalisation: &'a Normalisation,
    /// Maps to make inside the graph for several images.
    pub maps: Option<InGraph<'a>>,
}

impl Single<'_> {
    /// The graph for `size` images at once. Its results are compared with those of single images.
    ///
    /// # Errors
    /// When it cannot run so many, or gives other results; names the key and the remedy.
    pub fn together(&self, size: usize) -> Result<Batched> {
        let as_it_is = self.open_with_maps(self.graph, size);
        let Err(error) = as_it_is else {
            return as_it_is;
        };
        // An export for exactly one image names the batch where it reshapes.
        let rewritten = self.graph.for_batch(1, size);
        let rewritten = rewritten.and_then(|graph| self.open_with_maps(&graph, size));
        rewritten.map_err(|_| {
            Error::new(format!(
                "model.batch: the graph cannot run {size} images at once ({error}); export it with \
                 an open batch, or set model.batch = 1"
            ))
        })
    }

    /// With maps inside the graph; without them where only these fail, and features come back.
    fn open_with_maps(&self, graph: &Graph, size: usize) -> Result<Batched> {
        let maps = self.maps.as_ref();
        let with_maps = self.open(graph, size, maps);
        match with_maps {
            Err(_) if maps.is_some() => self.open(graph, size, None),
            opened => opened,
        }
    }

    fn open(&self, graph: &Graph, size: usize, maps: Option<&InGraph<'_>>) -> Result<Batched> {
        let mut shape = self.shape.to_vec();
        shape[0] = size;
        let mut cut = graph.cut(&[(&graph.input, &shape)], self.outputs, &shape);
        take_levels(&mut cut.proto, self.normalisation)?;
        let mut shapes = vec![shape];
        if let Some(maps) = maps {
            maps.add_to(&mut cut.proto)?;
            shapes.push(vec![size, 0]);
        }
        let engine = self.runtime.load(&cut.proto, shapes)?;
        let batches = Batches::new(engine, size, maps.is_some())?;

        // Twice, so that places of a batch are compared too.
        let probes = self.probes();
        let probes: Vec<&[u8]> = probes.iter().map(Vec::as_slice).collect();
        for probes in [probes.clone(), probes.into_iter().rev().collect()] {
            self.compare(&batches, &probes[..size.min(probes.len())], maps)?;
        }
        let rows = maps.map(|maps| MapRows {
            classes: maps.classes,
            of_class: maps.rows_of_class(),
        });
        Ok(Batched { batches, rows })
    }

    /// Compares the outputs of probes in a batch with those of each alone.
    fn compare(
        &self,
        batches: &Batches,
        probes: &[&[u8]],
        maps: Option<&InGraph<'_>>,
    ) -> Result<()> {
        let outputs = self.outputs.len() + maps.map_or(0, |_| PREDICTED + 1 - MAPS);
        let outputs: Vec<usize> = (0..outputs).collect();
        let asked = maps.map_or_else(Vec::new, probed_rows);
        let indices: Vec<i64> = asked.iter().map(|&row| row as i64).collect();
        let requests: Vec<Request<'_>> = probes
            .iter()
            .map(|levels| Request {
                levels,
                indices: &indices,
                outputs: &outputs,
            })
            .collect();

        for (probe, together) in probes.iter().zip(batches.run_all(&requests)?) {
            let values = self.normalisation.values(probe);
            let alone = self.engine.run(&[Values::Floats(&values)])?;
            let mut pairs = together.iter().zip(&alone);
            if !pairs.all(|(together, alone)| is_same_in_batch(&together.values, &alone.values)) {
                return Err(Error::new(
                    "an image has other outputs in a batch than alone",
                ));
            }
            if let Some(maps) = maps {
                compare_maps(maps, &asked, &together)?;
            }
        }
        Ok(())
    }

    /// Noise, and a ramp over all levels.
    fn probes(&self) -> [Vec<u8>; 2] {
        let total = self.shape.iter().product();
        let ramp = (0..total).map(|index| (index * LEVELS / total) as u8);
        [noise(total), ramp.collect()]
    }
}

/// Evenly spaced rows, and the last one.
fn probed_rows(maps: &InGraph<'_>) -> Vec<usize> {
    let rows = maps.rows.len();
    let step = rows.div_ceil(PROBED_ROWS_MAX).max(1);
    let spaced = (0..rows).step_by(step);
    spaced.chain(rows.checked_sub(1)).collect()
}

/// Compares the maps of the graph with those that are made from its features.
fn compare_maps(maps: &InGraph<'_>, asked: &[usize], arrays: &[Array]) -> Result<()> {
    let (features, logits) = (&arrays[FEATURES].values, &arrays[LOGITS].values);
    let class = match maps.binary {
        true => usize::from(logits[0] > 0.0),
        false => predicted(logits),
    };
    if arrays[PREDICTED].values != [class as f32] {
        return Err(Error::new(
            "the graph predicts another class than its logits",
        ));
    }
    let planes: Vec<&[f32]> = arrays[MAPS]
        .values
        .chunks_exact(maps.layout.cells())
        .collect();
    let of_class = maps.rows_of_class();
    let Some(first_predicted) = planes.len().checked_sub(of_class) else {
        return Err(Error::new("the graph returns too few maps"));
    };
    let mut pairs: Vec<(usize, &[f32])> = asked.iter().copied().zip(planes.clone()).collect();
    let predicted = (0..of_class).map(|kind| kind * maps.classes + class);
    pairs.extend(predicted.zip(planes[first_predicted..].iter().copied()));
    for (row, plane) in pairs {
        let map = maps.rows[row].map(&maps.layout, features);
        let largest = map.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
        let mut pairs = map.iter().zip(plane);
        if !pairs.all(|(a, &b)| (a - f64::from(b)).abs() <= MAP_TOLERANCE * largest) {
            let message = "a map inside the graph differs from that of the features";
            return Err(Error::new(message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::model::class_weights::ClassWeights;
    use crate::model::layout::MapLayout;
    use crate::plan::{self, Channels, Decode, Exif, Layout, Preprocess};
    use tract_onnx::pb::{
        GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TypeProto, ValueInfoProto,
        tensor_proto::DataType, type_proto,
    };

    fn value_info(name: &str) -> ValueInfoProto {
        let tensor = type_proto::Tensor {
            elem_type: DataType::Float as i32,
            shape: None,
        };
        ValueInfoProto {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                value: Some(type_proto::Value::TensorType(tensor)),
                ..TypeProto::default()
            }),
            ..ValueInfoProto::default()
        }
    }

    fn negative(opset: i64) -> ModelProto {
        let node = NodeProto {
            op_type: "Neg".to_owned(),
            input: vec!["image".to_owned()],
            output: vec!["negative".to_owned()],
            ..NodeProto::default()
        };
        ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: opset,
            }],
            graph: Some(GraphProto {
                name: "negative".to_owned(),
                node: vec![node],
                input: vec![value_info("image")],
                output: vec![value_info("negative")],
                ..GraphProto::default()
            }),
            ..ModelProto::default()
        }
    }

    /// Every level of every channel, in both layouts: the graph gets the very numbers that a
    /// worker would make.
    #[test]
    fn a_graph_that_takes_levels_gets_the_numbers_of_the_normalisation() {
        let runtime = Runtime::new(&plan::Engine::default()).expect("built in");
        let layouts = [
            (Layout::Nchw, vec![2, 3, 16, 16]),
            (Layout::Nhwc, vec![2, 16, 16, 3]),
        ];
        for (layout, shape) in layouts {
            let normalisation = Normalisation::new(&Preprocess {
                decode: Decode::Exact,
                exif: Exif::Apply,
                steps: Vec::new(),
                channels: Channels::Rgb,
                layout,
                scale: 1.0 / 255.0,
                mean: vec![0.485, 0.456, 0.406],
                std: vec![0.229, 0.224, 0.225],
                output: Size::new(16, 16),
            });
            let count = shape.iter().product();
            let levels: Vec<u8> = (0..count).map(|i: usize| (i * 171 / 3) as u8).collect();
            let mut proto = negative(13);
            take_levels(&mut proto, &normalisation).expect("rewritten");
            let engine = runtime.load(&proto, vec![shape]).expect("loaded");
            let outputs = engine.run(&[Values::Bytes(&levels)]).expect("run");

            let single = normalisation.values(&levels[..count / 2]);
            let other = normalisation.values(&levels[count / 2..]);
            let expected = [single, other].concat();
            let negated: Vec<f32> = outputs[0].values.iter().map(|value| -value).collect();
            assert_eq!(negated, expected, "{layout:?}");
        }
    }

    /// Two classes of two channels on two cells, with raw and centred rows; row 1 is asked for, and
    /// class 0 is predicted.
    #[test]
    fn maps_of_the_graph_must_be_those_of_the_features() {
        let rows = [[1.0, 2.0], [3.0, -1.0], [-1.0, 1.5], [1.0, -1.5]];
        let rows = rows.map(|weights| ClassWeights {
            weights: weights.to_vec(),
            bias: 0.0,
        });
        let maps = InGraph {
            features: "features",
            logits: "logits",
            layout: MapLayout {
                channels: 2,
                height: 1,
                width: 2,
                channels_last: false,
                flattened: false,
            },
            images: 2,
            binary: false,
            rows: &rows,
            classes: 2,
        };
        // Channel by channel: cells 1 and 2, then 3 and 4.
        let features = [1.0, 2.0, 3.0, 4.0];
        let row_1 = [0.0, 2.0];
        let filled = [9.0, 9.0];
        let of_class_0 = [[7.0, 10.0], [3.5, 4.0]].concat();
        let right = [row_1.to_vec(), filled.to_vec(), of_class_0.clone()].concat();
        let cases: [(&str, f32, Vec<f32>, &str); 5] = [
            ("right", 0.0, right.clone(), ""),
            ("another class", 1.0, right, "predicts another class"),
            (
                "another row",
                0.0,
                [vec![0.0, 2.1], filled.to_vec(), of_class_0].concat(),
                "differs",
            ),
            (
                "another map of the predicted class",
                0.0,
                [&row_1[..], &filled, &[7.0, 10.0, 3.5, -4.0]].concat(),
                "differs",
            ),
            ("one map", 0.0, row_1.to_vec(), "too few maps"),
        ];
        for (name, class, planes, expected) in cases {
            let array = |values: &[f32]| Array {
                shape: vec![1, values.len()],
                values: values.to_vec(),
            };
            let logits = array(&[1.5, 0.5]);
            let arrays = [array(&features), logits, array(&planes), array(&[class])];
            let compared = compare_maps(&maps, &[1], &arrays);
            let message = compared.map_or_else(|error| error.to_string(), |()| String::new());
            assert_eq!(message.is_empty(), expected.is_empty(), "{name}: {message}");
            assert!(message.contains(expected), "{name}: {message}");
        }
    }

    #[test]
    fn an_old_operator_set_is_refused() {
        let normalisation = Normalisation::new(&Preprocess {
            decode: Decode::Exact,
            exif: Exif::Apply,
            steps: Vec::new(),
            channels: Channels::Grey,
            layout: Layout::Nchw,
            scale: 1.0,
            mean: vec![0.0],
            std: vec![1.0],
            output: Size::new(1, 1),
        });
        let error = take_levels(&mut negative(6), &normalisation).expect_err("too old");
        assert!(error.to_string().contains("older than 7"), "{error}");
    }
}
