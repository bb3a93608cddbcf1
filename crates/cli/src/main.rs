//! The native program `rsym`: looks into symbol files, infers shapes, rewrites old files.

mod convert;
mod files;
mod infer;
mod show;

use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// Works on the symbol files (`-symbol.json`) of MXNet and rsym.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Show(show::Show),
    Infer(infer::Infer),
    Convert(convert::Convert),
}

/// What a command prints, or what it complains of.
type Answer = Result<String, String>;

fn main() -> ExitCode {
    let answer = match Cli::parse().command {
        Command::Show(command) => command.run(),
        Command::Infer(command) => command.run(),
        Command::Convert(command) => command.run(),
    };
    match answer {
        Ok(text) => {
            // A reader that has seen enough, as `head` has, closes the pipe: no failure.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("rsym: {message}");
            ExitCode::FAILURE
        }
    }
}
