//! `ccp trace --steps` and `--why`: what a program does, in the words of its source.

mod common;

use std::fs;
use std::path::Path;

use common::{ccp, text, write};

const PROGRAM: &str = "\
(def (Report (volatile acked 0)) (volatile limit 2) (gain 1))
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked)) # all of it
    (:= Cwnd (+ Cwnd
                # by more or less
                (* gain Ack.bytes_acked)))
    (fallthrough))
(when (> Ack.packets_acked limit)
    (:= Rate (/ Cwnd Flow.packets_in_flight))
    (report))
(when Flow.was_timeout
    (:= Cwnd 1448))
";

/// Falls through, reports, traps, and takes a timeout.
const ACKS: &str = "\
now_us,bytes_acked,packets_acked,packets_in_flight,was_timeout
5,1000,1,4,0
10,2000,3,4,0
15,0,3,0,0
20,0,0,4,1
";

fn trace(flags: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = write(&folder, "p.ccp", PROGRAM);
    let acks = write(&folder, "acks.csv", ACKS);
    let start = ["trace", &program, "--acks", &acks, "--cwnd", "10000"];
    let run = ccp(&[&start, flags].concat(), "");
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    text(&run.stdout)
}

fn expected(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trace").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn why_names_the_last_writes_and_the_event_that_decided() {
    assert_eq!(trace(&["--why", "--set", "Rate=77", "--opt", "none"]), expected("why.txt"));
}

#[test]
fn steps_are_the_instructions_in_the_words_of_the_source() {
    assert_eq!(trace(&["--steps", "--opt", "none", "--set", "gain=2"]), expected("steps.txt"));
}

#[test]
fn an_optimised_program_changes_the_same() {
    let changes = |opt: &str| {
        let told = trace(&["--why", "--set", "Rate=77", "--opt", opt]);
        let lines = told.lines().filter(|line| line.starts_with("ack ") || line.contains(" -> "));
        // Where a result is written at once, the operator is named in place of the bind.
        let lines = lines.map(|line| line.split(" by ").next().unwrap().to_owned());
        lines.collect::<Vec<_>>()
    };
    let (plain, optimised) = (changes("none"), changes("full"));
    assert!(plain.len() > 8, "{plain:#?}");
    assert_eq!(plain, optimised);
}

#[test]
fn an_event_without_fallthrough_stops_and_a_window_of_0_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let program = "(def) (when (> Ack.bytes_acked 9) (:= Cwnd 0)) (when true (:= Rate 5))";
    let program = write(&folder, "p.ccp", program);
    let acks = write(&folder, "acks.csv", "bytes_acked\n10\n");
    let run = ccp(&["trace", &program, "--acks", &acks, "--why", "--opt", "none"], "");
    assert_eq!(
        text(&run.stdout),
        "ack 0 at 0 us: cwnd 14480, rate 0\n  \
         Cwnd 14480 -> 0 by 1:35 (:= Cwnd 0), and 0 leaves what is in use\n  \
         decided: 1:13 when (> Ack.bytes_acked 9); stopped there\n"
    );
}

#[test]
fn the_page_shows_what_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/language.md")).unwrap();
    let shown = page.split("\nccp trace ").nth(1).expect("the page has the command");
    let (command, rest) = shown.split_once('\n').unwrap();
    let place = |word: &str| match word.strip_prefix("docs/") {
        Some(_) => root.join(word).display().to_string(),
        None => word.to_owned(),
    };
    let args: Vec<String> = command.split_whitespace().map(place).collect();
    let args: Vec<&str> = ["trace"].into_iter().chain(args.iter().map(String::as_str)).collect();
    let printed = text(&ccp(&args, "").stdout);
    let block = rest.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(block, Some(printed.as_str()));
}

#[test]
fn steps_and_why_together_show_both_for_each_ack() {
    let (steps, why, both) = (trace(&["--steps"]), trace(&["--why"]), trace(&["--steps", "--why"]));
    let of = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (steps, why, both) = (of(&steps), of(&why), of(&both));
    assert!(steps.iter().chain(&why).all(|line| both.contains(line)), "{both:#?}");
    assert!(both.len() > steps.len().max(why.len()));
}

#[test]
fn what_a_program_does_is_the_same_with_and_without_steps() {
    let numbers = |line: &str| -> Vec<u64> {
        let parts = line.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        parts.take(4).map(|part| part.parse().unwrap()).collect()
    };
    let plain = trace(&[]);
    let told = trace(&["--steps"]);
    let heads = told.lines().filter(|line| line.starts_with("ack "));
    let plain: Vec<_> = plain.lines().map(numbers).collect();
    assert_eq!(plain, heads.map(numbers).collect::<Vec<_>>());
    assert_eq!(plain.len(), 4);
}
