//! The project's own commands: `cargo xtask <command>`.
//!
//! Knows none of the project's crates: it runs cargo and reads what cargo prints, so that it builds
//! in seconds on a fresh machine and nothing here can hide a dependency between crates.

mod ci;
mod demo;
mod fuzz;
mod graph;
mod instructions;
mod kernel_flow;
mod new_algorithm;
mod process;
mod test;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["demo"] => demo::run(),
        ["test"] => test::run(test::Scope::Cargo),
        ["test", "--all"] => test::run(test::Scope::All),
        ["new-algorithm", name] => new_algorithm::run(name, None),
        ["new-algorithm", name, folder] => new_algorithm::run(name, Some(folder)),
        ["book"] => ci::book(),
        ["guide"] => new_algorithm::try_guide(),
        ["tidy"] => tidy::run(),
        ["fuzz", "--minimise", targets @ ..] => fuzz::minimise(targets),
        ["fuzz", "--replay"] => fuzz::replay(),
        ["fuzz", arguments @ ..] => fuzz::run(arguments),
        ["no-std"] => ci::no_std(),
        ["package"] => ci::package(),
        ["bench"] => ci::bench(),
        ["bench", "--instructions"] => instructions::run(),
        ["bench", "--kernel", parts @ ..] => ci::bench_kernel(parts),
        ["bench", "--peers", parts @ ..] => ci::bench_beside_peers(parts),
        ["ci"] => ci::run(),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => {
            eprintln!("xtask: no command '{}'\n\n{USAGE}", other.join(" "));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

const USAGE: &str = "\
usage: cargo xtask <command>

  demo            build, then run an agent and a sender on this machine and in virtual time, and
                  as root a TCP flow of this kernel
  test            every test that needs Rust alone; lists what it left out and how to get it
  test --all      installs what the rest needs (apt, as root) and runs everything, as CI does
  new-algorithm NAME [FOLDER]
                  makes a crate with an algorithm of your own, beside this checkout unless a folder
                  is named; docs/your-own-algorithm.md explains it
  guide           runs the commands of that guide
  book            docs/ as a book in target/book, by mdbook
  tidy            the rules of this repository that a program can check
  fuzz [TARGET...] [--seconds N]
                  libFuzzer on lang, verify, ebpf, wire, agent and datapath, or those named, a minute each
                  unless told; fuzz/README.md tells what else there is
  no-std          proves that ccp-wire, ccp-lang's machine and ccp-datapath need no std
  package         packages every crate that is published
  bench           the benchmarks of this workspace
  bench --instructions
                  instructions per ACK through the published programs, on the machine and by hand in
                  Rust, as valgrind counts them
  bench --kernel  this machine's TCP under the agent beside the kernel's own algorithms, as root; words
                  after it choose parts: `cost`, `bulk`, `twins`, and `quick` for a look
  bench --peers   the same work on portus, libccp and ns-3, in one run, with the ratios; words after
                  it choose parts, such as `simulator`
  ci              all of it, as CI runs it";
