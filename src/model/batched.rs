//! The graph for several images at once.

use super::chain::AffineChain;
use super::engine::{Batches, Engine, Runtime, Values, is_same_in_batch};
use super::graph::{Graph, take_levels};
use super::input_shape::noise;
use super::normalisation::{LEVELS, Normalisation};
use super::pool::Pool;
use crate::error::{Error, Result};

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
}

impl Single<'_> {
    /// The graph for `size` images at once. Its results are compared with those of single images.
    ///
    /// # Errors
    /// When it cannot run so many, or gives other results; names the key and the remedy.
    pub fn together(&self, size: usize) -> Result<Batches> {
        let as_it_is = self.open(self.graph, size);
        let Err(error) = as_it_is else {
            return as_it_is;
        };
        // An export for exactly one image names the batch where it reshapes.
        let rewritten = self.graph.for_batch(1, size);
        let rewritten = rewritten.and_then(|graph| self.open(&graph, size));
        rewritten.map_err(|_| {
            Error::new(format!(
                "model.batch: the graph cannot run {size} images at once ({error}); export it with \
                 an open batch, or set model.batch = 1"
            ))
        })
    }

    fn open(&self, graph: &Graph, size: usize) -> Result<Batches> {
        let mut shape = self.shape.to_vec();
        shape[0] = size;
        let mut cut = graph.cut(&[(&graph.input, &shape)], self.outputs, &shape);
        take_levels(&mut cut.proto, self.normalisation)?;
        let engine = self.runtime.load(&cut.proto, vec![shape])?;
        let batches = Batches::new(engine, size)?;

        // Twice, so that places of a batch are compared too.
        let probes = self.probes();
        let probes: Vec<&[u8]> = probes.iter().map(Vec::as_slice).collect();
        for probes in [probes.clone(), probes.into_iter().rev().collect()] {
            let probes = &probes[..size.min(probes.len())];
            for (probe, together) in probes.iter().zip(batches.run_all(probes)?) {
                let values = self.normalisation.values(probe);
                let alone = self.engine.run(&[Values::Floats(&values)])?;
                for (together, alone) in together.iter().zip(&alone) {
                    if !is_same_in_batch(&together.values, &alone.values) {
                        let message = "an image has other outputs in a batch than alone";
                        return Err(Error::new(message));
                    }
                }
            }
        }
        Ok(batches)
    }

    /// Noise, and a ramp over all levels.
    fn probes(&self) -> [Vec<u8>; 2] {
        let total = self.shape.iter().product();
        let ramp = (0..total).map(|index| (index * LEVELS / total) as u8);
        [noise(total), ramp.collect()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
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
