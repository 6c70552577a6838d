//! The pages of the documentation: every link leads somewhere, the book has every page, and every command of a page is
//! run by a test or says why not.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{ccp, text};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Pages whose commands other tests run, and which.
const GUIDES: &[(&str, &str)] = &[
    ("docs/your-own-algorithm.md", "xtask/src/new_algorithm.rs"),
    ("docs/linux-tcp.md", "ccp-cli/tests/guide_linux_tcp.rs"),
    ("docs/record-and-replay.md", "ccp-cli/tests/guides.rs"),
    ("docs/simulate.md", "ccp-cli/tests/guides.rs"),
    ("docs/tools.md", "ccp-lang/tests/examples.rs"),
];

/// Commands that are run by other means, or not at all. By their beginning.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cargo xtask ", "CI is one, and runs them as its steps"),
    ("cargo run -p ccp-algs --example my_algorithm", "its main is its test, which cargo test runs"),
    ("cargo test -p ccp-algs --example my_algorithm", "cargo test runs it"),
    ("cargo build -p ccp-cli", "the guide to Linux TCP has what comes after it"),
    ("sudo target/debug/ccp ", "the guide to Linux TCP has it"),
    ("iperf3 ", "the guide to Linux TCP has it"),
    ("ccp man \"$DESTDIR", "tests/fmt.rs writes the pages into a folder"),
    ("ccp completions bash > ", "tests/fmt.rs makes the scripts"),
];

#[test]
fn every_link_of_every_page_leads_somewhere() {
    let pages = pages();
    let anchors: BTreeMap<&str, Vec<String>> =
        pages.iter().map(|(page, text)| (page.as_str(), anchors(text))).collect();
    let mut dead = Vec::new();
    let mut count = 0;
    for (page, text) in &pages {
        for link in links(text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = Path::new(page).parent().unwrap();
            let to = if file.is_empty() { PathBuf::from(page) } else { plain(&folder.join(file)) };
            let is_there = root().join(&to).exists();
            let is_known = |found: &Vec<String>| found.iter().any(|one| one == anchor);
            let name = to.to_str().unwrap();
            if !is_there || !(anchor.is_empty() || anchors.get(name).is_some_and(is_known)) {
                dead.push(format!("{page}: {link}"));
            }
            // A book has nothing of the repository around it.
            let book = Path::new("docs");
            if page.starts_with("docs/") && !to.starts_with(book) {
                dead.push(format!("{page}: {link} leads out of the book; name the file instead"));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
    assert!(count > 30, "{count} links");
}

#[test]
fn the_book_has_every_page_once() {
    let mut listed = links(&read("docs/SUMMARY.md"));
    listed.sort();
    let files = fs::read_dir(root().join("docs")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut there: Vec<String> =
        names.filter(|name| name.ends_with(".md") && name != "SUMMARY.md").collect();
    there.sort();
    assert_eq!(listed, there);
}

#[test]
fn every_command_is_run_or_said_to_run_elsewhere() {
    for (page, test) in GUIDES {
        let name = page.rsplit('/').next().unwrap();
        assert!(read(test).contains(name), "{test} does not run {page}");
    }
    let mut ran = 0;
    let mut unknown = Vec::new();
    for (page, text) in pages() {
        if GUIDES.iter().any(|(guide, _)| *guide == page) {
            continue;
        }
        for line in commands(&text) {
            let command = line.split(" #").next().unwrap().trim();
            if ELSEWHERE.iter().any(|(begin, _)| command.starts_with(begin)) {
                continue;
            }
            let direct = command.strip_prefix("cargo run -q -p ccp-cli -- ");
            let Some(args) = direct.or_else(|| command.strip_prefix("ccp ")) else {
                unknown.push(format!("{page}: {command}"));
                continue;
            };
            if args.starts_with("run ") {
                // The agent goes on until a signal ends it; that it takes these words is enough here.
                continue;
            }
            let args: Vec<String> = args.split_whitespace().map(placed).collect();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let output = ccp(&args, "");
            assert!(output.status.success(), "{page}: {command}: {}", said(&output.stderr));
            ran += 1;
        }
    }
    assert!(unknown.is_empty(), "no test runs\n{}", unknown.join("\n"));
    assert!(ran >= 4, "{ran} commands");
}

/// Files of the repository where they are; what is written goes into the folder of this build.
fn placed(word: &str) -> String {
    match word.strip_prefix("target/") {
        Some(name) => Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).display().to_string(),
        None if word.starts_with("docs/") => root().join(word).display().to_string(),
        None => word.to_owned(),
    }
}

fn said(bytes: &[u8]) -> String {
    text(bytes)
}

/// The pages by their path in the repository, those of the crates and of `editors` included.
fn pages() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in [".", "docs", "editors"].into_iter().map(PathBuf::from).chain(crates()) {
        let files = fs::read_dir(root().join(&folder)).unwrap();
        for file in files.map(|file| file.unwrap().file_name().into_string().unwrap()) {
            if file.ends_with(".md") {
                let page = plain(&folder.join(file)).to_str().unwrap().to_owned();
                let text = read(&page);
                found.push((page, text));
            }
        }
    }
    found.sort();
    found
}

fn crates() -> Vec<PathBuf> {
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap());
    let crates = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    crates.map(|entry| PathBuf::from(entry.file_name())).collect()
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

fn links(page: &str) -> Vec<String> {
    let events = Parser::new_ext(page, Options::ENABLE_TABLES);
    let target = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    };
    events.filter_map(target).collect()
}

/// The anchors that a page's headings get, here and in the book.
fn anchors(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let name = heading.take().unwrap_or_default().to_lowercase().replace(' ', "-");
                let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_');
                found.push(name.chars().filter(is_kept).collect());
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    found
}

/// The lines of the blocks for a shell.
fn commands(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => inside = &*info == "sh",
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => {
                found
                    .extend(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
            }
            _ => {}
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}
