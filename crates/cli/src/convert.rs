use crate::{Answer, files};
use clap::Args;
use rsym_graph::json::to_json;
use std::path::PathBuf;

/// Rewrites a symbol file of any version as MXNet 1.9.1 writes it.
#[derive(Args)]
pub struct Convert {
    /// The file to read.
    input: PathBuf,
    /// The file to write, or - for standard output.
    output: PathBuf,
}

impl Convert {
    /// Writes the file and says what changed.
    pub fn run(self) -> Answer {
        let loaded = files::load(&self.input)?;
        let text = to_json(&loaded.symbol).map_err(|e| files::at(&self.input, e))?;
        if self.output.as_os_str() == "-" {
            return Ok(text);
        }
        files::save(&self.output, &text)?;
        let changes = loaded.upgrades.iter().map(|change| format!("  {change}\n")).collect::<String>();
        Ok(format!("wrote {}\n{changes}", self.output.display()))
    }
}
