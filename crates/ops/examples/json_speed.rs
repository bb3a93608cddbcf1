//! Times reading and writing of symbol files: `cargo run --profile fast -p rsym-ops --example json_speed FILE…`
//!
//! Without files, a chain of 10,000 operators.

use rsym_graph::json::{from_json, to_json};
use rsym_graph::{Entry, Node, ParamTexts, Symbol};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        report("chain of 10000", &to_json(&chain(10_000)?)?)?;
    }
    for file in files {
        report(&file, &std::fs::read_to_string(&file)?)?;
    }
    Ok(())
}

fn chain(length: usize) -> Result<Symbol, Box<dyn std::error::Error>> {
    let op = rsym_ops::registry().make("Activation", &[("act_type", "relu")])?;
    let params = ParamTexts(vec![("act_type".into(), "relu".into())]);
    let mut node = Node::variable("x", Default::default());
    for i in 0..length {
        let input = Entry::new(&node, 0);
        node = Node::operator(&format!("r{i}"), op.clone(), params.clone(), Default::default(), vec![input]);
    }
    Ok(Symbol::from_node(&node))
}

fn report(name: &str, text: &str) -> Result<(), Box<dyn std::error::Error>> {
    let symbol = from_json(rsym_ops::registry(), text)?.symbol;
    let read = best(|| from_json(rsym_ops::registry(), text).map(drop))?;
    let write = best(|| to_json(&symbol).map(drop))?;
    println!("{name}: {} bytes, read in {read:.2?}, written in {write:.2?}", text.len());
    Ok(())
}

/// The shortest of some runs.
fn best<E>(mut run: impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    let mut best = Duration::MAX;
    for _ in 0..9 {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}
