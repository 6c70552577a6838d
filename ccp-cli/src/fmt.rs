//! `ccp fmt`: programs in one look.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use similar::TextDiff;

use crate::Failure;
use crate::args::Fmt;
use crate::source::Source;

/// Formats every program, or shows what would change.
pub(crate) fn fmt(args: &Fmt, color: bool) -> Result<(), Failure> {
    let mut failed = false;
    for file in &args.files {
        // One wrong file does not keep the others from being formatted.
        match one(file, args.check, color) {
            Ok(()) => {}
            Err(Failure::Said) => failed = true,
            Err(Failure::Failed(error)) if !crate::is_broken_pipe(&error) => {
                eprintln!("ccp: {}", crate::whole(&error));
                failed = true;
            }
            Err(other) => return Err(other),
        }
    }
    if failed { Err(Failure::Said) } else { Ok(()) }
}

fn one(file: &Path, check: bool, color: bool) -> Result<(), Failure> {
    let source = Source::read(file)?;
    let formatted = source.format(color)?;
    let is_same = formatted.as_bytes() == source.bytes();
    if check {
        if is_same {
            return Ok(());
        }
        let before = String::from_utf8_lossy(source.bytes());
        let diff = TextDiff::from_lines(before.as_ref(), formatted.as_str());
        let name = source.name();
        let mut out = std::io::stdout().lock();
        write!(out, "{}", diff.unified_diff().context_radius(1).header(name, "formatted"))?;
        out.flush()?;
        return Err(Failure::Said);
    }
    if file == Path::new("-") {
        let mut out = std::io::stdout().lock();
        out.write_all(formatted.as_bytes())?;
        out.flush()?;
    } else if !is_same {
        replace(file, formatted.as_bytes())
            .with_context(|| format!("cannot write {}", source.name()))?;
    }
    Ok(())
}

/// Puts other bytes into a file, all or none: they are written beside it, and take its place when
/// they are on the disk. A link is followed, and what may be done with the file stays.
fn replace(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let file = file.canonicalize()?;
    let permissions = file.metadata()?.permissions();
    let beside = beside(&file)?;
    // Whoever made this name up knows why; it is not ours to write to.
    let new = OpenOptions::new().write(true).create_new(true).open(&beside);
    let new = new.with_context(|| format!("cannot make {}", beside.display()))?;
    let written = fill(new, bytes, permissions).and_then(|()| std::fs::rename(&beside, &file));
    if written.is_err() {
        // What went wrong before is what matters.
        let _ = std::fs::remove_file(&beside);
    }
    Ok(written?)
}

fn fill(mut new: File, bytes: &[u8], permissions: std::fs::Permissions) -> std::io::Result<()> {
    new.write_all(bytes)?;
    new.set_permissions(permissions)?;
    new.sync_all()
}

/// A name in the same folder, since only there a file can take another's place at once.
fn beside(file: &Path) -> anyhow::Result<PathBuf> {
    let name = file.file_name().context("not a file")?.to_string_lossy();
    Ok(file.with_file_name(format!(".{name}.{}.new", std::process::id())))
}
