//! The programs written by hand do what the machine does, whatever the ACKs.

use ccp_bench::acks::by_hand::ByHand;
use ccp_bench::acks::stream::{self, Acked, Random};
use ccp_bench::acks::{Case, OnMachine, Visit};
use ccp_lang::Kind;

/// Runs both on the same ACKs; counts ACKs that were handled, reports and errors of arithmetic.
struct Compare {
    case: Case,
    acks: Vec<Acked>,
    /// Values that the agent sets on the way.
    orders: Option<Random>,
}

impl Visit for Compare {
    type Output = [usize; 3];

    fn visit<F: ByHand>(mut self, mut by_hand: F) -> Self::Output {
        let case = self.case.name();
        let mut machine = OnMachine::new(self.case.compile().unwrap());
        for &(name, value) in self.case.orders() {
            assert!(by_hand.set(name, value) && machine.set(name, value), "{case}: {name}");
        }
        let variables = machine.scope().variables().iter();
        let controls = variables.filter(|variable| variable.kind == Kind::Control);
        let controls: Vec<_> = controls.map(|control| control.name.clone()).collect();
        let (mut now, mut cwnd, mut rate) = (0, 14_480, 0);
        let mut counts = [0; 3];
        for (at, ack) in self.acks.iter().enumerate() {
            if let Some(random) = &mut self.orders
                && random.below(8) == 0
                && let Some(name) = controls.get(random.below(controls.len() as u64) as usize)
            {
                let value = order(name, random);
                // What is the program's own is not set.
                if by_hand.set(name, value) {
                    assert!(machine.set(name, value), "{case}: {name}");
                }
            }
            now += ack.elapsed;
            if at == 0 {
                by_hand.begin(now);
            }
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            let on_machine =
                machine.on_ack(&ack.primitives, now, cwnd, rate, |r| expected.extend_from_slice(r));
            let done =
                by_hand.on_ack(&ack.primitives, now, cwnd, rate, |r| found.extend_from_slice(r));
            assert_eq!(done, on_machine, "{case}, ACK {at}: {ack:?}");
            assert_eq!(found, expected, "{case}, ACK {at}: {ack:?}");
            counts[0] += usize::from(done.trap.is_none());
            counts[1] += usize::from(done.reported);
            counts[2] += usize::from(done.trap.is_some());
            // Windows that no transport has would end in nothing but errors.
            cwnd = done.cwnd.filter(|&cwnd| cwnd < 1 << 40).unwrap_or(14_480);
            rate = done.rate.unwrap_or(rate);
        }
        counts
    }
}

/// A value that an agent could set, or one that it should not.
fn order(name: &str, random: &mut Random) -> u64 {
    match name {
        "full" => random.below(2),
        "mode" => random.below(4),
        "phase" => random.below(10),
        // The program keeps the least of all: 0 would make every ACK an error.
        "rtprop" => 1 + random.below(100_000),
        "mss" | "pair" | "least" => 1 + random.below(5_000),
        _ => match random.below(30) {
            0 => u64::MAX >> random.below(64),
            1 => 0,
            _ => random.below(200_000),
        },
    }
}

#[test]
fn on_a_steady_flow_each_does_what_its_program_does() {
    let acks = [stream::steady(), stream::steady()].concat();
    for case in Case::ALL {
        let compare = Compare { case, acks: acks.clone(), orders: None };
        let [handled, reports, traps] = case.by_hand(compare);
        assert_eq!((handled, traps), (acks.len(), 0), "{}", case.name());
        assert!(reports > 10, "{}: {reports}", case.name());
    }
}

#[test]
fn on_wild_acks_and_orders_each_does_what_its_program_does() {
    for case in Case::ALL {
        let mut all = [0; 3];
        for seed in 1..=100 {
            let acks = stream::wild(seed, 300);
            let compare = Compare { case, acks, orders: Some(Random(seed)) };
            let counts = case.by_hand(compare);
            all = [0, 1, 2].map(|i| all[i] + counts[i]);
        }
        let [handled, reports, traps] = all;
        assert!(handled > 5_000 && reports > 500 && traps > 20, "{}: {all:?}", case.name());
    }
}
