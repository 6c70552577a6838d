//! This machine's TCP under the agent beside the kernel's own algorithms: `cargo xtask bench --kernel`.
//!
//! Both sides take turns in short runs and medians are compared, so that what else the machine does
//! hits both. As root; the algorithms have names of this process, and end with it. Words choose parts.

#[cfg(target_os = "linux")]
mod agent;
#[cfg(target_os = "linux")]
mod bulk;
#[cfg(target_os = "linux")]
mod cost;
#[cfg(target_os = "linux")]
mod hand;
#[cfg(target_os = "linux")]
mod hosts;
#[cfg(target_os = "linux")]
mod twins;

/// What went wrong, for people.
#[cfg(target_os = "linux")]
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[cfg(target_os = "linux")]
fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.is_empty() {
        // All benchmarks in a row should not take root and minutes.
        println!("kernel: left out; `cargo xtask bench --kernel` runs it");
        return Ok(());
    }
    let quick = words.iter().any(|word| word == "quick");
    let parts = [
        ("cost", cost::run as fn(bool) -> Outcome<()>),
        ("bulk", bulk::run),
        ("twins", twins::run),
    ];
    let all = !parts.iter().any(|(name, _)| words.iter().any(|word| word == name));
    for (name, part) in parts {
        if all || words.iter().any(|word| word == name) {
            part(quick).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("kernel: needs Linux");
}

/// The middle value.
#[cfg(target_os = "linux")]
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
