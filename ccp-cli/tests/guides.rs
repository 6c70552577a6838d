//! The commands of the guides run as they stand there.

mod common;

use common::{ccp, text};

/// A guide's fenced blocks: what they are in, and their text.
fn blocks(guide: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in guide.lines() {
        match line.strip_prefix("```") {
            Some(language) if !inside => blocks.push((language.to_owned(), String::new())),
            Some(_) => {}
            None => {
                if let Some((_, text)) = blocks.last_mut().filter(|_| inside) {
                    text.push_str(line);
                    text.push('\n');
                }
                continue;
            }
        }
        inside = !inside;
    }
    blocks
}

#[test]
fn the_commands_of_the_guide_to_simulating_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut ran = 0;
    for (language, block) in blocks(include_str!("../../docs/simulate.md")) {
        if language == "toml" {
            std::fs::write(folder.path().join("outage.toml"), &block).unwrap();
        }
        for line in block.lines().filter(|_| language == "sh") {
            let words: Vec<String> = line
                .split_whitespace()
                // Files are in a folder of their own.
                .map(|word| match word.rsplit_once('.') {
                    Some((_, "toml" | "jsonl" | "html")) => {
                        folder.path().join(word).display().to_string()
                    }
                    _ => word.to_owned(),
                })
                .collect();
            let [command, args @ ..] = &words[..] else { continue };
            assert_eq!(command, "ccp", "{line}");
            let args: Vec<&str> = args.iter().map(String::as_str).chain(["--quiet"]).collect();
            let output = ccp(&args, "");
            assert_eq!(output.status.code(), Some(0), "{line}: {}", text(&output.stderr));
            assert!(!output.stdout.is_empty(), "{line}");
            ran += 1;
        }
    }
    assert!(ran >= 10, "{ran} commands");
    let page = std::fs::metadata(folder.path().join("pair.html")).unwrap();
    assert!(page.len() > 10_000, "{page:?}");
    let series = std::fs::metadata(folder.path().join("bbr.jsonl")).unwrap();
    assert!(series.len() > 100_000, "{series:?}");
}

#[test]
fn the_readme_shows_the_parameters_as_they_are_listed() {
    let output = ccp(&["list", "--long"], "");
    let listed = text(&output.stdout);
    let blocks = blocks(include_str!("../README.md"));
    let (_, shown) = blocks.iter().find(|(language, _)| language == "text").unwrap();
    assert!(listed.contains(shown.as_str()), "{shown} is not in {listed}");
}
