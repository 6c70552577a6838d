//! `ccp man`: manual pages, made from the flags.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap_mangen::Man;

use crate::Failure;
use crate::examples;

/// Writes all pages into a folder, or the one of `ccp` to standard output.
pub(crate) fn man(folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        Man::new(whole()).render(&mut page)?;
        let mut out = std::io::stdout().lock();
        out.write_all(&page)?;
        out.flush()?;
        return Ok(());
    };
    let where_to = || format!("cannot write pages into {}", folder.display());
    std::fs::create_dir_all(folder).with_context(where_to)?;
    clap_mangen::generate_to(whole(), folder).with_context(where_to)?;
    Ok(())
}

/// The command line as the pages show it: nobody looks for a page about `help`.
fn whole() -> clap::Command {
    examples::command().disable_help_subcommand(true)
}
