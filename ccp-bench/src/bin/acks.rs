//! Runs ACKs through a program on the machine or by hand, for tools that count instructions:
//! `acks SIDE CASE ROUNDS`. `acks` alone lists sides and cases.

use std::hint::black_box;
use std::process::ExitCode;

use ccp_bench::acks::by_hand::ByHand;
use ccp_bench::acks::{Case, Driver, OnMachine, Visit, stream};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [side, case, rounds] = arguments.as_slice() else {
        for case in Case::ALL {
            println!("{}\t{}", case.key(), case.name());
        }
        return ExitCode::SUCCESS;
    };
    let case = Case::ALL.into_iter().find(|known| known.key() == case);
    let (Some(case), Ok(rounds)) = (case, rounds.parse::<u64>()) else {
        eprintln!("acks: no such case, or no number of rounds");
        return ExitCode::from(2);
    };
    let rounds = Rounds { case, acks: rounds * stream::STEADY };
    match (side.as_str(), case.compile()) {
        ("machine", Ok(compiled)) => rounds.visit(OnMachine::new(compiled)),
        ("hand", _) => case.by_hand(rounds),
        (_, Err(errors)) => {
            eprintln!("acks: {errors}");
            return ExitCode::FAILURE;
        }
        _ => {
            eprintln!("acks: the sides are machine and hand");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

struct Rounds {
    case: Case,
    acks: u64,
}

impl Visit for Rounds {
    type Output = ();

    fn visit<F: ByHand>(self, flow: F) {
        let mut driver = Driver::new(self.case, flow);
        for _ in 0..self.acks {
            black_box(driver.ack());
        }
    }
}
