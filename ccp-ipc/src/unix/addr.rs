//! Addresses of unix sockets.

use std::ffi::OsStr;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::sys::{self, SockAddr};

/// A peer's address: the path its socket is bound to.
///
/// Held in place, 112 bytes, so that neither cloning nor receiving allocates. A peer bound to a
/// name outside the file system (Linux's abstract names) is known by that name;
/// [`path`](Self::path) is `None` for it. The default address names nobody.
#[derive(Clone, Copy)]
pub struct Addr(pub(crate) SockAddr);

/// Why a name or path cannot be a socket's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name has no characters.
    #[error("a socket's name cannot be empty")]
    Empty,
    /// `.` and `..` are folders.
    #[error("{name:?} cannot be a socket's name: it is a folder")]
    Dots {
        /// The name.
        name: String,
    },
    /// The name has a slash, or a path has a NUL.
    #[error("{name:?} cannot be a socket's name: it has {character:?} at byte {at}")]
    Character {
        /// The name.
        name: String,
        /// The character.
        character: char,
        /// Where it is first.
        at: usize,
    },
    /// The path is longer than a socket's address can be.
    #[error(
        "the socket path {path:?} has {len} bytes, at most {max} are possible: choose a shorter name or folder"
    )]
    TooLong {
        /// The whole path.
        path: String,
        /// Its length in bytes.
        len: usize,
        /// The longest possible.
        max: usize,
    },
}

impl Addr {
    /// The address of the socket `name` in `folder`.
    ///
    /// # Errors
    /// When `name` is not one file name, or the path gets too long.
    pub fn in_folder(folder: &Path, name: &str) -> Result<Self, NameError> {
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name == "." || name == ".." {
            return Err(NameError::Dots { name: name.to_owned() });
        }
        refuse(name.as_bytes(), &[b'/', 0])?;
        Self::from_path(&folder.join(name))
    }

    /// The address of the socket bound to `path`, which should be absolute: the system takes it as
    /// it stands, and a relative one means something else to a process in another folder.
    ///
    /// # Errors
    /// When the path is empty, too long, or has a NUL.
    pub fn from_path(path: &Path) -> Result<Self, NameError> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.is_empty() {
            return Err(NameError::Empty);
        }
        refuse(bytes, &[0])?;
        let too_long = || NameError::TooLong {
            path: path.display().to_string(),
            len: bytes.len(),
            max: MAX_PATH,
        };
        if bytes.len() > MAX_PATH {
            return Err(too_long());
        }
        SockAddr::new(bytes).map(Self).ok_or_else(too_long)
    }

    /// The path, if this is the address of a socket in the file system.
    pub fn path(&self) -> Option<&Path> {
        match self.0.name() {
            [] | [0, ..] => None,
            path => Some(Path::new(OsStr::from_bytes(path))),
        }
    }

    /// Whether this address names nobody.
    pub fn is_unnamed(&self) -> bool {
        self.0.name().is_empty()
    }
}

impl Default for Addr {
    fn default() -> Self {
        Self(SockAddr::unnamed())
    }
}

impl PartialEq for Addr {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for Addr {}

impl Hash for Addr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name().hash(state);
    }
}

/// The path, `@` and the abstract name, or `(unnamed)`. A peer chose its name, so what is no plain
/// character is escaped.
impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.name() {
            [] => f.write_str("(unnamed)"),
            [0, name @ ..] => write!(f, "@{}", name.escape_ascii()),
            path => {
                for chunk in path.utf8_chunks() {
                    write!(
                        f,
                        "{}{}",
                        chunk.valid().escape_debug(),
                        chunk.invalid().escape_ascii()
                    )?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Addr({self})")
    }
}

fn refuse(name: &[u8], characters: &[u8]) -> Result<(), NameError> {
    match name.iter().position(|byte| characters.contains(byte)) {
        Some(at) => Err(NameError::Character {
            name: String::from_utf8_lossy(name).into_owned(),
            character: name.get(at).copied().map_or('\0', char::from),
            at,
        }),
        None => Ok(()),
    }
}

/// One byte of the room is for the closing NUL. Linux could do without, but not everybody who reads
/// such an address.
const MAX_PATH: usize = sys::PATH_ROOM - 1;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_that_are_no_file_names_are_refused() {
        let folder = Path::new("/run/ccp");
        assert_eq!(Addr::in_folder(folder, ""), Err(NameError::Empty));
        assert!(matches!(Addr::in_folder(folder, ".."), Err(NameError::Dots { .. })));
        assert!(matches!(Addr::in_folder(folder, "."), Err(NameError::Dots { .. })));
        assert_eq!(
            Addr::in_folder(folder, "a/b"),
            Err(NameError::Character { name: "a/b".into(), character: '/', at: 1 })
        );
        assert!(matches!(
            Addr::in_folder(folder, "a\0b"),
            Err(NameError::Character { character: '\0', at: 1, .. })
        ));
        assert_eq!(
            Addr::in_folder(folder, "portus").unwrap().path(),
            Some(Path::new("/run/ccp/portus"))
        );
    }

    #[test]
    fn a_path_may_fill_the_room_up_to_its_nul() {
        let folder = Path::new("/d");
        let longest = "x".repeat(MAX_PATH - 3);
        let addr = Addr::in_folder(folder, &longest).unwrap();
        assert_eq!(addr.path().unwrap().as_os_str().len(), MAX_PATH);
        let error = Addr::in_folder(folder, &format!("{longest}y")).unwrap_err();
        assert!(
            matches!(error, NameError::TooLong { len, max: MAX_PATH, .. } if len == MAX_PATH + 1),
            "{error}"
        );
        assert_eq!(Addr::from_path(Path::new("")), Err(NameError::Empty));
    }

    #[test]
    fn equal_names_are_equal_addresses() {
        let a = Addr::from_path(Path::new("/tmp/a")).unwrap();
        let b = Addr::from_path(Path::new("/tmp/b")).unwrap();
        let mut known = HashSet::from([a, b, Addr::default()]);
        assert_eq!(known.len(), 3);
        assert!(!known.insert(Addr::from_path(Path::new("/tmp/a")).unwrap()));
        assert!(Addr::default().is_unnamed());
    }

    #[test]
    fn what_a_peer_put_into_its_name_cannot_spoil_a_log() {
        let odd = Path::new(OsStr::from_bytes(b"/tmp/a\nb\xffc"));
        assert_eq!(Addr::from_path(odd).unwrap().to_string(), "/tmp/a\\nb\\xffc");
        assert_eq!(Addr::default().to_string(), "(unnamed)");
    }
}
