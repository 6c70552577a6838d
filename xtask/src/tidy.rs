//! `cargo xtask tidy`: the rules of this repository that a program can check.
//!
//! - crates depend on each other only as [`EDGES`] allows, and no shipped crate needs a C toolchain;
//! - each source file opens with its purpose and stays under [`MOST_LINES`] lines;
//! - no unfinished work and no test that never runs is left in the code;
//! - libraries forbid unsafe code, but for those in [`UNSAFE`];
//! - README and ARCHITECTURE name every crate, each crate has a README that its rustdoc shows, and
//!   the README's Rust version is Cargo's;
//! - the limits that are promises to readers hold ([`SHORT`]).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::graph::{self, Kind, Package};
use crate::process::{output, root};

/// Finds all violations, prints them and fails if there is one.
pub(crate) fn run() -> Result<()> {
    let mut found = Vec::new();
    let members = graph::members()?;
    edges(&members, &mut found);
    c_toolchain(&members, &mut found)?;
    documents(&members, &mut found)?;
    let sources = tracked_sources()?;
    for path in &sources {
        source(path, &read(path)?, &mut found);
    }
    unsafe_code(&members, &mut found)?;
    short(&sources, &mut found)?;
    for line in &found {
        eprintln!("tidy: {line}");
    }
    if !found.is_empty() {
        bail!("{} violation(s) of the rules in xtask/src/tidy.rs", found.len());
    }
    eprintln!("tidy: {} crates and {} source files are in order", members.len(), sources.len());
    Ok(())
}

fn edges(members: &[Package], found: &mut Vec<String>) {
    for package in members {
        let Some((_, normal, dev)) = EDGES.iter().find(|(name, ..)| *name == package.name) else {
            found
                .push(format!("{}: not in the table of allowed edges; add it there", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            if !members.iter().any(|member| member.name == dependency.name) {
                continue;
            }
            let allowed = match dependency.kind {
                Kind::Normal => allows(normal, &dependency.name),
                Kind::Dev => allows(normal, &dependency.name) || allows(dev, &dependency.name),
                Kind::Build => package.name == "ccp-algs" && dependency.name == "ccp-lang",
            };
            if !allowed {
                found.push(format!(
                    "{}: may not depend on {} ({:?}); see ARCHITECTURE.md",
                    package.name, dependency.name, dependency.kind
                ));
            }
        }
    }
}

fn allows(list: &[&str], name: &str) -> bool {
    list.contains(&"*") || list.contains(&name)
}

fn c_toolchain(members: &[Package], found: &mut Vec<String>) -> Result<()> {
    for package in members.iter().filter(|package| package.published) {
        for line in graph::shipped(&package.name)? {
            let name = line.split(' ').next().unwrap_or_default();
            if C_TOOLS.contains(&name) {
                found.push(format!("{}: pulls in {name}, which runs a C toolchain", package.name));
            }
        }
    }
    Ok(())
}

fn documents(members: &[Package], found: &mut Vec<String>) -> Result<()> {
    let readme = read(&root().join("README.md"))?;
    let architecture = read(&root().join("ARCHITECTURE.md"))?;
    for package in members {
        for (file, text) in [("README.md", &readme), ("ARCHITECTURE.md", &architecture)] {
            if !text.contains(&format!("`{}`", package.name)) {
                found.push(format!("{file}: does not name the crate `{}`", package.name));
            }
        }
        let shown = format!("Rust {}", package.rust_version);
        if !readme.contains(&shown) {
            found.push(format!("README.md: does not say \"{shown}\", which Cargo.toml asks for"));
        }
        if package.name == "xtask" {
            continue;
        }
        if !package.folder.join("README.md").is_file() {
            found.push(format!("{}: has no README.md", package.name));
        }
        let library = package.folder.join("src/lib.rs");
        if library.is_file() && !read(&library)?.contains("include_str!(\"../README.md\")") {
            found.push(format!("{}: src/lib.rs does not show README.md in rustdoc", package.name));
        }
    }
    if !read(&root().join("CHANGELOG.md"))?.contains("## Unreleased") {
        found.push("CHANGELOG.md: has no section \"## Unreleased\" on top".to_owned());
    }
    Ok(())
}

fn source(path: &Path, text: &str, found: &mut Vec<String>) {
    let name = path.strip_prefix(root()).unwrap_or(path).display();
    let opens =
        text.lines().take(12).any(|line| line.starts_with("//!") || line.starts_with("#![doc"));
    if !opens {
        found.push(format!("{name}: does not open with a //! line that says what it is for"));
    }
    let lines = text.lines().count();
    if lines > MOST_LINES {
        found.push(format!("{name}: has {lines} lines; split it by its seams at {MOST_LINES}"));
    }
    for (number, line) in text.lines().enumerate() {
        for word in UNFINISHED {
            // A pattern in this table is not itself unfinished work.
            if line.contains(word) && !path.ends_with("xtask/src/tidy.rs") {
                found.push(format!("{name}:{}: {word} is left in the code", number + 1));
            }
        }
    }
}

fn unsafe_code(members: &[Package], found: &mut Vec<String>) -> Result<()> {
    for package in members {
        let library = package.folder.join("src/lib.rs");
        if !library.is_file() {
            continue;
        }
        let wanted = match UNSAFE.iter().find(|(name, _)| *name == package.name) {
            Some((_, None)) => continue,
            Some((_, Some(attribute))) => *attribute,
            None => "#![forbid(unsafe_code)]",
        };
        if !read(&library)?.contains(wanted) {
            found.push(format!("{}: src/lib.rs lacks {wanted}", package.name));
        }
    }
    Ok(())
}

fn short(sources: &[PathBuf], found: &mut Vec<String>) -> Result<()> {
    for promise in SHORT {
        let mut lines = 0;
        for path in sources.iter().filter(|path| path.starts_with(root().join(promise.place))) {
            // Unit tests stand at a file's foot.
            lines += read(path)?
                .lines()
                .take_while(|line| !line.starts_with(promise.until))
                .map(str::trim)
                .filter(|line| !line.is_empty() && !line.starts_with("//"))
                .count();
        }
        if lines == 0 || lines > promise.most {
            found.push(format!(
                "{}: {lines} lines of code before \"{}\"; promised are 1 to {}",
                promise.place, promise.until, promise.most
            ));
        }
    }
    Ok(())
}

fn tracked_sources() -> Result<Vec<PathBuf>> {
    let mut git = std::process::Command::new("git");
    git.current_dir(root()).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "*.rs",
    ]);
    Ok(output(&mut git)?
        .lines()
        .map(|line| root().join(line))
        .filter(|path| path.is_file())
        .collect())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Crate, what it may stand on, and what its tests and examples may use besides. `*`: any.
const EDGES: &[(&str, &[&str], &[&str])] = &[
    ("ccp-wire", &[], &[]),
    ("ccp-lang", &[], &[]),
    ("ccp-ipc", &[], &[]),
    ("ccp-datapath", &["ccp-wire", "ccp-lang"], &["ccp-ipc"]),
    ("ccp-runtime", &["ccp-wire", "ccp-lang", "ccp-ipc"], &[]),
    ("ccp-algs", &["ccp-runtime"], &["ccp-sim", "ccp-lang", "ccp-ipc"]),
    ("ccp-ebpf", &["ccp-lang", "ccp-wire", "ccp-ipc"], &["ccp-runtime", "ccp-algs"]),
    ("ccp-portus", &["ccp-runtime", "ccp-lang", "ccp-ipc"], &[]),
    ("ccp-sim", &["ccp-datapath", "ccp-runtime", "ccp-ipc"], &[]),
    ("ccp-cli", &["*"], &[]),
    ("ccp-bench", &["*"], &[]),
    ("xtask", &[], &[]),
];

/// Packages whose build runs a C compiler or looks for C libraries.
const C_TOOLS: &[&str] = &["cc", "cmake", "bindgen", "pkg-config", "clang-sys", "vcpkg"];

/// A file longer than this no longer fits in one head.
const MOST_LINES: usize = 800;

const UNFINISHED: &[&str] = &["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "TODO", "FIXME"];

/// Crates that do not forbid unsafe code: what they say instead (`None`: nothing).
const UNSAFE: &[(&str, Option<&str>)] = &[
    ("ccp-ipc", None),
    ("ccp-ebpf", Some("#![deny(unsafe_code)]")),
    ("ccp-runtime", Some("#![deny(unsafe_code)]")),
    ("ccp-portus", Some("#![deny(unsafe_code)]")),
    // One ioctl of the emulated path in its tests of the kernel.
    ("ccp-bench", Some("#![deny(unsafe_code)]")),
];

/// Places that promise to stay short, in lines that are neither blank nor comment.
const SHORT: &[Promise] = &[
    Promise { place: "ccp-runtime/src", until: "#[cfg(test)]", most: 1_000 },
    Promise { place: "ccp-algs/examples/my_algorithm.rs", until: "// --- Its test", most: 60 },
];

struct Promise {
    /// A file or folder.
    place: &'static str,
    /// What does not count: from the first line that begins so to the end of the file.
    until: &'static str,
    most: usize,
}
