use crate::{Answer, files};
use clap::Args;
use rsym_graph::Symbol;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Summarises a symbol file: arguments, auxiliary states, outputs, operators.
#[derive(Args)]
pub struct Show {
    /// The file.
    file: PathBuf,
}

impl Show {
    /// The summary.
    pub fn run(self) -> Answer {
        let loaded = files::load(&self.file)?;
        let (symbol, v) = (&loaded.symbol, loaded.version);
        let mut text = format!("{}, MXNet {}.{}.{}\n", self.file.display(), v / 10000, v / 100 % 100, v % 100);
        list(&mut text, "arguments", symbol.list_arguments());
        list(&mut text, "auxiliary states", symbol.list_auxiliary_states());
        list(&mut text, "outputs", symbol.list_outputs());
        let (known, unknown) = operators(symbol);
        table(&mut text, "operators", &known);
        table(&mut text, "unknown operators", &unknown);
        Ok(text)
    }
}

type Counts = BTreeMap<String, usize>;

/// How often every operator occurs, those that rsym has and others.
fn operators(symbol: &Symbol) -> (Counts, Counts) {
    let (mut known, mut unknown) = (Counts::new(), Counts::new());
    for op in symbol.nodes().iter().filter_map(|node| node.op()) {
        let counts = if op.is_opaque() { &mut unknown } else { &mut known };
        *counts.entry(op.name().to_string()).or_default() += 1;
    }
    (known, unknown)
}

fn list(text: &mut String, title: &str, names: Vec<String>) {
    let _ = writeln!(text, "{title} ({}): {}", names.len(), names.join(", "));
}

fn table(text: &mut String, title: &str, counts: &Counts) {
    if !counts.is_empty() {
        let _ = writeln!(text, "{title} ({}):", counts.values().sum::<usize>());
    }
    for (name, count) in counts {
        let _ = writeln!(text, "{count:6}  {name}");
    }
}
