//! `cargo xtask new-algorithm NAME [FOLDER]`: a crate of one's own with an algorithm that works, to begin from.
//!
//! The crate stands outside this workspace and depends on the crates here by path. `docs/your-own-algorithm.md` explains
//! it; its commands are run by [`try_guide`].

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::graph;
use crate::process::{Scratch, cargo, root, run as run_command, target_dir};

/// Makes the crate. Without a folder it is made beside this checkout.
pub(crate) fn run(name: &str, folder: Option<&str>) -> Result<()> {
    check_name(name)?;
    let folder = match folder {
        Some(folder) => std::path::absolute(folder).context("no folder of that name")?,
        None => root().parent().context("nothing is beside the checkout")?.join(name),
    };
    make(name, &folder)?;
    println!("{} is ready:", folder.display());
    println!("  cargo test                     # its tests, one of them in virtual time");
    println!("  cargo run --example simulate   # a flow over a simulated link");
    println!("  cargo run                      # the agent, for datapaths on this machine");
    println!("docs/your-own-algorithm.md explains it");
    Ok(())
}

fn make(name: &str, folder: &Path) -> Result<()> {
    let parent = folder.parent().context("the folder has no parent")?;
    ensure!(parent.is_dir(), "there is no folder {} to make it in", parent.display());
    let checkout = root();
    let checkout = checkout.to_str().context("this checkout's path is not UTF-8")?;
    ensure!(!checkout.contains(['"', '\\']), "this checkout's path does not fit into a Cargo.toml");
    let members = graph::members()?;
    let runtime = members.iter().find(|member| member.name == "ccp-runtime");
    let runtime = runtime.context("ccp-runtime is no member of this workspace")?;

    // Fails if there is one: what is there is never touched.
    std::fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let words = [
        ("NAME", name),
        ("CRATE", &name.replace('-', "_")),
        ("CHECKOUT", checkout),
        ("CCP_VERSION", &runtime.version),
        ("RUST_VERSION", &runtime.rust_version),
    ];
    for (file, text) in FILES {
        write(&folder.join(file), &fill(text, &words))?;
    }
    // The versions that this checkout is tested with; cargo leaves out what is not needed.
    let lock = folder.join("Cargo.lock");
    std::fs::copy(root().join("Cargo.lock"), &lock)
        .with_context(|| format!("cannot write {}", lock.display()))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a file without a folder")?;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Puts the words in; the longer ones first, since one may contain another.
fn fill(text: &str, words: &[(&str, &str)]) -> String {
    let mut words = words.to_vec();
    words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
}

/// A name that is a crate's, a file's and, in a Create, an algorithm's.
fn check_name(name: &str) -> Result<()> {
    let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
    let fits = |other: char| matches!(other, 'a'..='z' | '0'..='9' | '-' | '_');
    ensure!(
        starts && name.chars().all(fits) && name.len() <= LONGEST_NAME,
        "'{name}' is no name for an algorithm: up to {LONGEST_NAME} of a-z, 0-9, - and _, the first one a letter"
    );
    if TAKEN.contains(&name) || name.starts_with("ccp-") || name.starts_with("ccp_") {
        bail!("'{name}' means something else to Rust, to cargo or here; choose another name");
    }
    Ok(())
}

/// Runs the commands of the guide, one after the other, in a folder that is removed afterwards.
pub(crate) fn try_guide() -> Result<()> {
    let guide = root().join("docs/your-own-algorithm.md");
    let text = std::fs::read_to_string(&guide).context("cannot read the guide")?;
    let scratch = Scratch::new("ccp-guide")?;
    let beside = scratch.path().to_str().context("the folder for temporary files is not UTF-8")?;
    // The agent that the guide starts must not outlive it, whatever fails.
    let end = "trap '[ -z \"${agent-}\" ] || kill \"$agent\" 2>/dev/null || :' EXIT\n";
    let mut script = format!("set -eu\n{end}set -x\n");
    for block in blocks(&text, "sh") {
        script += &block.replace("..", beside);
    }
    let file = scratch.path().join("guide.sh");
    std::fs::write(&file, script).context("cannot write the guide's commands")?;
    let mut shell = std::process::Command::new("sh");
    shell.arg(&file).current_dir(root());
    // Beside the workspace's own, so that the packages of others are compiled once.
    run_command(shell.env("CARGO_TARGET_DIR", target_dir()).env("CARGO", cargo().get_program()))
}

/// The code blocks of a text that are of this kind.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let fence = format!("```{kind}\n");
    let parts = text.split(&fence).skip(1);
    parts.filter_map(|part| Some(part.split_once("```")?.0.to_owned())).collect()
}

const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("../new-algorithm/Cargo.toml.in")),
    (".gitignore", "/target\n"),
    ("src/each_round.ccp", include_str!("../new-algorithm/src/each_round.ccp")),
    ("src/lib.rs", include_str!("../new-algorithm/src/lib.rs")),
    ("src/main.rs", include_str!("../new-algorithm/src/main.rs")),
    ("examples/simulate.rs", include_str!("../new-algorithm/examples/simulate.rs")),
];

/// What a Create on the wire has room for is 63 bytes; a file name has more.
const LONGEST_NAME: usize = 63;

/// Keywords, crates of the compiler, folders of cargo, and the dependencies of the new crate.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "ccp",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "simulate",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates_and_of_nothing_else() {
        for name in ["aimd", "my-algorithm", "my_algorithm2", "a"] {
            check_name(name).unwrap();
        }
        let long = "a".repeat(64);
        for name in ["", "2fast", "Aimd", "a b", "a/b", "..", "é", "test", "fn", "ccp-mine", &long]
        {
            check_name(name).unwrap_err();
        }
    }

    #[test]
    fn what_is_there_is_never_touched() {
        let scratch = Scratch::new("ccp-xtask-test").unwrap();
        let folder = scratch.path().join("mine");
        make("mine", &folder).unwrap();
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"mine\""), "{manifest}");
        std::fs::write(folder.join("Cargo.toml"), "changed").unwrap();
        make("mine", &folder).unwrap_err();
        assert_eq!(std::fs::read_to_string(folder.join("Cargo.toml")).unwrap(), "changed");
        make("mine", &scratch.path().join("none/mine")).unwrap_err();
    }

    #[test]
    fn no_word_of_the_templates_is_left_in_the_crate() {
        let words = [
            ("NAME", "a-b"),
            ("CRATE", "a_b"),
            ("CHECKOUT", "/c"),
            ("CCP_VERSION", "1"),
            ("RUST_VERSION", "2"),
        ];
        for (file, text) in FILES {
            let text = fill(text, &words);
            for (word, _) in words {
                assert!(!text.contains(word), "{file}: {word}");
            }
        }
        assert!(fill(FILES[0].1, &words).contains("rust-version = \"2\""));
    }

    #[test]
    fn the_guide_shows_the_code_that_the_skeleton_has() {
        let guide = std::fs::read_to_string(root().join("docs/your-own-algorithm.md")).unwrap();
        let aimd = [("NAME", "aimd"), ("CRATE", "aimd")];
        let code: String = FILES.iter().map(|(_, text)| fill(text, &aimd)).collect();
        let shown = [blocks(&guide, "rust"), blocks(&guide, "lisp")].concat();
        assert!(shown.len() >= 6);
        for block in shown {
            assert!(code.contains(&block), "not in xtask/new-algorithm:\n{block}");
        }
    }
}
