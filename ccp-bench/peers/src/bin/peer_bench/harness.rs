//! Timing of two sides of a comparison in turns, so that both see the same machine.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// One line of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) peer: f64,
    pub(crate) ours: f64,
    /// The same written by hand in Rust, where there is that.
    pub(crate) by_hand: Option<f64>,
    /// More is better (a rate), or less (a time).
    pub(crate) more_is_better: bool,
    /// What else was seen, and what the figures contain.
    pub(crate) note: String,
}

impl Row {
    /// How many times better ours is.
    fn ratio(&self) -> f64 {
        if self.more_is_better { self.ours / self.peer } else { self.peer / self.ours }
    }
}

/// Prints the rows as a table.
pub(crate) fn print(rows: &[Row]) {
    println!("| what | unit | peer | ours | ours is better by | by hand | ours takes | |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |");
    for row in rows {
        let (by_hand, times) = match row.by_hand {
            Some(by_hand) => (short(by_hand), format!("{:.2} times that", row.ours / by_hand)),
            None => (String::new(), String::new()),
        };
        println!(
            "| {} | {} | {} | {} | **{:.2}** | {by_hand} | {times} | {} |",
            row.what,
            row.unit,
            short(row.peer),
            short(row.ours),
            row.ratio(),
            row.note
        );
    }
}

/// Three digits are more than two runs agree on.
fn short(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}

/// Medians of the nanoseconds that one call of each function takes, measured in turns.
pub(crate) fn nanoseconds<A, B>(
    mut peer: impl FnMut() -> A,
    mut ours: impl FnMut() -> B,
) -> (f64, f64) {
    let peer_calls = calls_per_batch(&mut peer);
    let our_calls = calls_per_batch(&mut ours);
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        times.0.push(per_call(&mut peer, peer_calls));
        times.1.push(per_call(&mut ours, our_calls));
    }
    (median(&mut times.0), median(&mut times.1))
}

/// The same of three functions.
pub(crate) fn three<A, B, C>(
    mut peer: impl FnMut() -> A,
    mut ours: impl FnMut() -> B,
    mut by_hand: impl FnMut() -> C,
) -> (f64, f64, f64) {
    let calls =
        (calls_per_batch(&mut peer), calls_per_batch(&mut ours), calls_per_batch(&mut by_hand));
    let mut times = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        times.0.push(per_call(&mut peer, calls.0));
        times.1.push(per_call(&mut ours, calls.1));
        times.2.push(per_call(&mut by_hand, calls.2));
    }
    (median(&mut times.0), median(&mut times.1), median(&mut times.2))
}

fn calls_per_batch<T>(f: &mut impl FnMut() -> T) -> u32 {
    let mut calls = 1;
    loop {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(f());
        }
        if start.elapsed() >= BATCH || calls > 1 << 28 {
            return calls;
        }
        calls *= 2;
    }
}

fn per_call<T>(f: &mut impl FnMut() -> T, calls: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(f());
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}

/// The middle value; sorts.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that the fraction `q` of all does not exceed; sorts.
pub(crate) fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * q) as usize).copied().unwrap_or(f64::NAN)
}

/// Long against the clock's resolution, short against what else runs on the machine.
const BATCH: Duration = Duration::from_millis(5);
const BATCHES: usize = 101;
