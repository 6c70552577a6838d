//! `ccp check --embedded`: the programs of a source tree.

mod literals;

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, bail};

use crate::Failure;
use crate::compile::Checking;
use crate::source::Source;
use literals::{Found, programs};

/// What was found.
#[derive(Default)]
struct Counts {
    programs: usize,
    wrong: usize,
    unchecked: usize,
    unreadable: usize,
}

/// Checks all programs under these paths, and says how many there were.
pub(crate) fn check(paths: &[PathBuf], check: &mut Checking) -> Result<(), Failure> {
    let mut counts = Counts::default();
    let mut seen = HashSet::new();
    for path in paths {
        let mut open = vec![path.clone()];
        while let Some(path) = open.pop() {
            let looked = look(&path, &mut open, &mut seen);
            let looked = looked.and_then(|kind| match kind {
                Some(kind) => file(&path, kind, check, &mut counts),
                None => Ok(()),
            });
            if let Err(error) = looked {
                // Who reads our output has gone: that is no fault of the file.
                if error.downcast_ref::<std::io::Error>().is_some_and(is_broken_pipe) {
                    return Err(error.into());
                }
                counts.unreadable += 1;
                check.complain(&crate::whole(&error));
            }
        }
    }
    let Counts { programs, wrong, unchecked, unreadable } = counts;
    eprintln!(
        "ccp: {programs} programs, {wrong} of them wrong; {unchecked} not checked; \
         {unreadable} files or folders not read"
    );
    Ok(())
}

fn is_broken_pipe(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe
}

#[derive(Clone, Copy)]
enum Kind {
    Program,
    Rust,
}

/// What a path is worth reading as. What a folder holds is put on the list.
fn look(
    path: &Path,
    open: &mut Vec<PathBuf>,
    seen: &mut HashSet<PathBuf>,
) -> anyhow::Result<Option<Kind>> {
    let name = path.display();
    let about = fs::metadata(path).with_context(|| format!("cannot look at {name}"))?;
    // Paths may be given twice, and a file may have several links.
    let real = fs::canonicalize(path).with_context(|| format!("cannot look at {name}"))?;
    if !seen.insert(real) {
        return Ok(None);
    }
    if about.is_dir() {
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).with_context(|| format!("cannot read {name}"))? {
            let entry = entry.with_context(|| format!("cannot read {name}"))?;
            let path = entry.path();
            let kind = entry.file_type().with_context(|| format!("cannot look at {name}"))?;
            // A link to a folder may lead out of the tree, or round in it.
            let is_folder = kind.is_dir() || (kind.is_symlink() && path.is_dir());
            let is_skipped = kind.is_symlink() || matches!(name_of(&path), "target" | ".git");
            if if is_folder { !is_skipped } else { kind_of(&path).is_some() } {
                inside.push(path);
            }
        }
        inside.sort_unstable_by(|a, b| b.cmp(a));
        open.append(&mut inside);
        return Ok(None);
    }
    // Reading from a pipe would wait for whoever writes into it.
    Ok(kind_of(path).filter(|_| about.is_file()))
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn kind_of(path: &Path) -> Option<Kind> {
    match path.extension()?.to_str()? {
        "ccp" => Some(Kind::Program),
        "rs" => Some(Kind::Rust),
        _ => None,
    }
}

fn file(path: &Path, kind: Kind, check: &mut Checking, counts: &mut Counts) -> anyhow::Result<()> {
    let source = match kind {
        Kind::Program => Source::read(path)?,
        Kind::Rust => return rust(path, check, counts),
    };
    counts.programs += 1;
    counts.wrong += usize::from(!check.check(&source)?);
    Ok(())
}

fn rust(path: &Path, check: &mut Checking, counts: &mut Counts) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let mut text = String::new();
    let file = fs::File::open(path).with_context(|| format!("cannot open {name}"))?;
    file.take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {name}"))?;
    if text.len() as u64 > MOST_BYTES {
        bail!("{name} is larger than {MOST_BYTES} bytes");
    }
    let text: Rc<str> = text.into();
    let found = programs(&text).with_context(|| format!("{name} is no Rust"))?;
    for Found { bytes, at, is_piece } in found {
        let hole = literals::hole(&bytes);
        let unchecked = if is_piece {
            Some("a piece of a `concat!` is not checked")
        } else if hole.is_some() {
            Some("a template is not checked: what will stand in its `{…}` is not known")
        } else if check.is_only_declarations(&bytes) {
            Some("declarations without an event: a piece of a program, not checked further")
        } else {
            None
        };
        let source = Source::embedded(name.clone(), Rc::clone(&text), bytes, at);
        if let Some(why) = unchecked {
            counts.unchecked += 1;
            check.note(&source.place(), why)?;
            continue;
        }
        counts.programs += 1;
        counts.wrong += usize::from(!check.check(&source)?);
    }
    Ok(())
}

/// More than any source file that somebody wrote.
const MOST_BYTES: u64 = 16 << 20;
