//! Programs in the sources of published packages.

use std::fs;
use std::path::PathBuf;

/// Packages and those of their files that have programs in them.
pub(crate) const WITH_PROGRAMS: [(&str, &[&str]); 3] = [
    ("generic_cong_avoid-0.4.0", &["src/lib.rs"]),
    ("portus-0.9.0", &["src/lib.rs", "src/algs.rs", "src/run.rs", "src/lang/mod.rs"]),
    (
        "portus-0.9.0",
        &[
            "tests/basic.rs",
            "tests/preset.rs",
            "tests/timing.rs",
            "tests/twoflow.rs",
            "tests/update.rs",
            "tests/volatile.rs",
        ],
    ),
];

/// The folder of a published package's sources.
pub(crate) fn sources(package: &str) -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    registries
        .filter_map(Result::ok)
        .map(|entry| entry.path().join(package))
        .find(|path| path.is_dir())
}

/// The texts from `(def` to the end of their string literal or code block, the signs of comments
/// taken off.
pub(crate) fn programs(text: &str) -> Vec<String> {
    let bare = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("//!").or_else(|| line.strip_prefix("///")).unwrap_or(line);
        String::from(line)
    };
    let text = text.lines().map(bare).collect::<Vec<_>>().join("\n");
    let begins = text.match_indices("(def").map(|(at, _)| &text[at..]);
    let programs = begins.map(|rest| rest.split(['"', '`', ';']).next().unwrap_or_default());
    programs.filter(|program| program.contains("(when")).map(String::from).collect()
}
