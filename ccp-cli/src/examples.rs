//! The examples that `--help` and the manual pages end with.

use clap::{Command, CommandFactory};

use crate::args::Args;

/// The command line, with an example or two for each command.
pub(crate) fn command() -> Command {
    add(Args::command(), "")
}

fn add(command: Command, before: &str) -> Command {
    let path = format!("{before}{} ", command.get_name());
    let examples: Vec<&str> = EXAMPLES
        .iter()
        .filter(|(of, _)| *of == path.trim_end())
        .map(|(_, example)| *example)
        .collect();
    // On the page of `ccp` itself stand the exit codes.
    let command = match examples.is_empty() {
        true => command,
        false => command.after_long_help(format!("Examples:\n  {}", examples.join("\n  "))),
    };
    command.mut_subcommands(|inner| add(inner, &path))
}

/// Each behind the command that it is an example of.
const EXAMPLES: &[(&str, &str)] = &[
    ("ccp run", "ccp run"),
    ("ccp run", "ccp run cubic,hystart=off bbr --default bbr"),
    ("ccp run", "ccp run cubic --record agent.rec"),
    ("ccp list", "ccp list --long"),
    ("ccp replay", "ccp replay agent.rec"),
    ("ccp replay", "ccp replay agent.rec --dump --json"),
    ("ccp compile", "ccp compile program.ccp"),
    ("ccp compile", "ccp compile program.ccp --emit json"),
    ("ccp check", "ccp check *.ccp"),
    ("ccp check", "ccp check program.ccp --deny never-read --format json"),
    ("ccp check", "ccp check --embedded src --limits machine"),
    ("ccp fmt", "ccp fmt *.ccp"),
    ("ccp fmt", "ccp fmt --check *.ccp"),
    ("ccp fmt", "ccp fmt - < program.ccp"),
    ("ccp explain", "ccp explain E0107"),
    ("ccp trace", "ccp trace program.ccp --acks acks.csv --set target=10000"),
    ("ccp trace", "ccp trace program.ccp --acks acks.csv --why"),
    ("ccp trace", "ccp trace program.ccp --acks acks.csv --steps --opt none"),
    ("ccp sim", "ccp sim reno"),
    ("ccp sim", "ccp sim cubic bbr --html page.html"),
    ("ccp study", "ccp study --html study.html"),
    ("ccp doctor", "ccp doctor --json"),
    ("ccp flows", "ccp flows --watch=200ms"),
    ("ccp ebpf", "ccp ebpf dump"),
    ("ccp ebpf dump", "ccp ebpf dump cong_control"),
    ("ccp completions", "ccp completions bash > /usr/share/bash-completion/completions/ccp"),
    ("ccp man", "ccp man /usr/share/man/man1"),
    ("ccp man", "ccp man | man -l -"),
];

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn every_command_has_an_example() {
        let mut open = vec![("ccp".to_owned(), Args::command())];
        while let Some((path, command)) = open.pop() {
            let has = EXAMPLES.iter().any(|(of, _)| *of == path);
            assert!(has || path == "ccp", "{path} has no example");
            let inner =
                command.get_subcommands().map(|c| (format!("{path} {}", c.get_name()), c.clone()));
            open.extend(inner);
        }
    }

    #[test]
    fn every_example_is_a_command_line() {
        for (of, example) in EXAMPLES {
            assert!(example.starts_with(of), "{example} is none of {of}");
            let line = example.split(" > ").next().unwrap_or_default();
            let line = line.split(" < ").next().unwrap_or_default();
            let line = line.split(" | ").next().unwrap_or_default();
            // Only on Linux all commands are there.
            if cfg!(all(target_os = "linux", feature = "ebpf")) {
                Args::try_parse_from(line.split_whitespace())
                    .unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }

    #[test]
    fn help_shows_the_examples() {
        let help = command().find_subcommand_mut("fmt").unwrap().render_long_help().to_string();
        assert!(help.contains("Examples:\n  ccp fmt *.ccp\n"), "{help}");
    }
}
