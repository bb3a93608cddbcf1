use crate::{Answer, files};
use clap::Args;
use rsym_graph::{FlatGraph, infer_shapes};
use rsym_tensor::PartialShape;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Infers the shapes of everything in a symbol file from those of some inputs.
#[derive(Args)]
pub struct Infer {
    /// The file.
    file: PathBuf,
    /// Shapes of inputs, as in data=1,3,224,224; 0 for a dimension that is not known.
    #[arg(value_name = "NAME=SHAPE", value_parser = parse_shape)]
    shapes: Vec<(String, PartialShape)>,
}

impl Infer {
    /// One line for each argument, auxiliary state and output.
    pub fn run(self) -> Answer {
        let symbol = files::load(&self.file)?.symbol;
        let names = symbol.list_inputs();
        if let Some((name, _)) = self.shapes.iter().find(|(name, _)| !names.contains(name)) {
            return Err(files::at(&self.file, format!("there is no input '{name}'; inputs: {}", names.join(", "))));
        }
        let graph = FlatGraph::new(&symbol);
        let given: HashMap<String, PartialShape> = self.shapes.into_iter().collect();
        let shapes =
            infer_shapes(&graph, |_, name| given.get(name).cloned()).map_err(|e| files::at(&self.file, e))?.entries;
        let mut text = String::new();
        for (title, nodes) in [("argument", &graph.arguments), ("auxiliary state", &graph.aux)] {
            for node in nodes.iter().map(|&i| &graph.nodes[i]) {
                let _ = writeln!(text, "{title} {}: {}", node.node.name(), shapes[node.first]);
            }
        }
        for (name, &head) in symbol.list_outputs().iter().zip(&graph.heads) {
            let _ = writeln!(text, "output {name}: {}", shapes[head]);
        }
        Ok(text)
    }
}

fn parse_shape(text: &str) -> Result<(String, PartialShape), String> {
    let (name, dims) = text.rsplit_once('=').ok_or("not of the form NAME=SHAPE")?;
    let dim = |d: &str| d.trim().parse::<u32>().map(i64::from).map_err(|e| format!("dimension '{d}': {e}"));
    let dims = dims.trim_matches(['(', ')', ' ']).trim_end_matches(',').split(',').map(dim);
    Ok((name.to_string(), PartialShape::from_legacy(&dims.collect::<Result<Vec<i64>, String>>()?)))
}
