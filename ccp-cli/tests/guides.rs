//! The commands of the guides run as they stand there.

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Process, ccp, text};

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

/// The commands of a guide, a line each; files are in a folder of their own.
fn commands(guide: &str, folder: &Path, kinds: &[&str]) -> Vec<Vec<String>> {
    let blocks = blocks(guide).into_iter().filter(|(language, _)| language == "sh");
    let lines: Vec<String> =
        blocks.flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let place = |word: &str| match word.rsplit_once('.') {
        Some((_, kind)) if kinds.contains(&kind) => folder.join(word).display().to_string(),
        _ => word.to_owned(),
    };
    lines.iter().map(|line| line.split_whitespace().map(place).collect()).collect()
}

#[test]
fn the_commands_of_the_guide_to_recording_run() {
    let folder = tempfile::tempdir().unwrap();
    let guide = include_str!("../../docs/record-and-replay.md");
    let all = commands(guide, folder.path(), &["ccprec"]);
    assert!(all.len() >= 6, "{all:?}");
    for words in all {
        let [command, args @ ..] = &words[..] else { continue };
        assert_eq!(command, "ccp", "{words:?}");
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        if args[0] == "run" {
            run_for_a_moment(&args, folder.path());
            continue;
        }
        let output = ccp(&args, "");
        // An algorithm other than the recorded one decides otherwise.
        let other = args.iter().any(|arg| arg.contains("c=0.5"));
        assert_eq!(output.status.code(), Some(other.into()), "{args:?}: {}", text(&output.stderr));
        let said = text(&output.stdout);
        let beginning = if other { "different at record " } else { "same: " };
        let plain = args[0] == "replay" && !args[1].starts_with("--");
        assert!(!said.is_empty() && (!plain || said.starts_with(beginning)), "{args:?}: {said}");
    }
    let run = folder.path().join("run.ccprec").display().to_string();
    assert_eq!(ccp(&["replay", &run], "").status.code(), Some(0));
}

/// An agent in a folder of its own, ended once it is there.
fn run_for_a_moment(args: &[&str], folder: &Path) {
    let ipc = folder.join("ipc");
    let agent = Command::new(env!("CARGO_BIN_EXE_ccp"))
        .args(args)
        .arg("--ipc-dir")
        .arg(&ipc)
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped())
        .spawn();
    let mut agent = Process(agent.unwrap());
    let mut said = BufReader::new(agent.0.stderr.take().unwrap()).lines();
    // Only then do signals end it as they should.
    assert!(said.by_ref().flatten().any(|line| line.contains("the agent runs")));
    agent.end();
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
