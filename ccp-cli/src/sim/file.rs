//! A file that will be written later, opened now: so that a long run does not end with nowhere to put it.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::Failure;

/// A file to be written. If it never is, nothing is left of it, and what was there before stays.
pub(crate) struct OutFile {
    path: PathBuf,
    file: File,
    /// Whether it was not there before and is not written yet.
    is_mine: bool,
}

impl OutFile {
    /// Opens it for the flag of this name.
    pub(crate) fn open(flag: &str, path: &Path) -> Result<Self, Failure> {
        let is_mine = !path.exists();
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = opened
            .with_context(|| format!("{flag}: cannot write {}", path.display()))
            .map_err(Failure::Machine)?;
        Ok(Self { path: path.to_owned(), file, is_mine })
    }

    /// Writes it, in place of what was there.
    pub(crate) fn write(
        mut self,
        write: impl FnOnce(&mut BufWriter<&File>) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        let regular = self.file.metadata().is_ok_and(|is| is.is_file());
        let put = || {
            if regular {
                self.file.set_len(0)?;
            }
            let mut out = BufWriter::new(&self.file);
            write(&mut out)?;
            out.flush()
        };
        put().with_context(|| format!("cannot write {}", self.path.display()))?;
        self.is_mine = false;
        Ok(())
    }
}

/// A path in the one way to write it, so that two can be compared; the file need not be there.
pub(crate) fn whole(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let beside = || {
        let folder = folder.unwrap_or_else(|| Path::new(".")).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(beside).unwrap_or_else(|| path.to_owned())
}

impl Drop for OutFile {
    fn drop(&mut self) {
        if self.is_mine {
            // It was made by us a moment ago; whoever has removed it since did the same.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
