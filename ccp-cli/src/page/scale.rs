//! Axes and figures: round numbers, in the unit that keeps them short.

/// What a value is, and so which units it may be shown in. Values are in the unit named here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    /// Bytes.
    Bytes,
    /// Bits per second.
    BitRate,
    /// Seconds.
    Seconds,
    /// A number of packets.
    Packets,
}

impl Quantity {
    /// The unit in which `value` has one to three digits before the point.
    pub(super) fn unit(self, value: f64) -> Unit {
        let units = match self {
            Self::Bytes => BYTES,
            Self::BitRate => BIT_RATES,
            Self::Seconds => SECONDS,
            Self::Packets => PACKETS,
        };
        let fits = units.iter().take_while(|unit| unit.factor <= value.abs() * ALMOST).last();
        *fits.unwrap_or(&units[0])
    }

    /// The value with its unit, as `48 Mbit/s`.
    pub(super) fn show(self, value: f64) -> String {
        // Nothing is nothing in each unit; the largest common one reads best.
        let unit = if value == 0.0 { self.unit(1.0) } else { self.unit(value) };
        format!("{}\u{a0}{}", number(value / unit.factor), unit.name)
    }
}

/// A unit of some quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    /// How many of the quantity's own unit it is.
    pub(super) factor: f64,
    /// What it is called.
    pub(super) name: &'static str,
}

/// An axis from zero up.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    /// Its end, in the quantity's own unit.
    pub(super) top: f64,
    /// From tick to tick, likewise.
    pub(super) step: f64,
    /// What its labels are in.
    pub(super) unit: Unit,
}

impl Scale {
    /// An axis that ends with a round number above `largest`, with at most `most` steps up to it and
    /// some room above: a line along the edge would be cut in half.
    pub(super) fn up_to(largest: f64, most: u32, quantity: Quantity) -> Self {
        let step = step(largest, most);
        let top = (tame(largest) * (1.0 + ROOM) / step).ceil().max(1.0) * step;
        Self { top, step, unit: quantity.unit(top) }
    }

    /// An axis that ends exactly at `end`: time.
    pub(super) fn exactly(end: f64, most: u32, quantity: Quantity) -> Self {
        let top = tame(end);
        Self { top, step: step(top, most), unit: quantity.unit(top) }
    }

    /// The ticks: how far up the axis (0 to 1), and the label, without the unit.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let last = (self.top / self.step + ROUNDING).floor() as u32;
        (0..=last).map(|tick| {
            let value = f64::from(tick) * self.step;
            (value / self.top, number(value / self.unit.factor))
        })
    }
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten of which at most `most` reach `largest`.
fn step(largest: f64, most: u32) -> f64 {
    let rough = tame(largest) / f64::from(most.max(1));
    let power = 10f64.powf(rough.log10().floor());
    let round =
        [1.0, 2.0, 2.5, 5.0].into_iter().find(|round| rough <= round * power + ROUNDING * power);
    round.unwrap_or(10.0) * power
}

/// A length that an axis can have: what is not a number, or none that a plot makes sense of, is
/// brought into reach.
fn tame(largest: f64) -> f64 {
    if largest.is_nan() || largest <= 0.0 { 1.0 } else { largest.clamp(SMALLEST, LARGEST) }
}

/// Three significant digits, all of them before the point; thousands are set apart.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return if value.is_nan() { "?".to_owned() } else { "\u{221e}".to_owned() };
    }
    if size >= 1e15 {
        return format!("{value:.2e}");
    }
    if size >= 99.95 {
        return thousands(value);
    }
    let decimals = match size {
        0.0 => 0,
        9.995.. => 1,
        0.9995.. => 2,
        0.1.. => 3,
        0.01.. => 4,
        _ => return if size < 1e-9 { "0".to_owned() } else { short_exponent(value) },
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn short_exponent(value: f64) -> String {
    if value.abs() >= 0.001 {
        format!("{value:.5}").trim_end_matches('0').to_owned()
    } else {
        format!("{value:.1e}")
    }
}

/// A whole number, its thousands set apart by a narrow space.
fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A count, its thousands set apart.
pub(super) fn count(value: u64) -> String {
    thousands(value as f64)
}

/// A part of the whole, as `97.3 %`.
pub(super) fn percent(part: f64) -> String {
    let percent = part * 100.0;
    match percent {
        99.95.. => format!("{percent:.0}\u{a0}%"),
        _ => format!("{percent:.1}\u{a0}%"),
    }
}

const BYTES: &[Unit] = &[
    Unit { factor: 1.0, name: "B" },
    Unit { factor: 1e3, name: "kB" },
    Unit { factor: 1e6, name: "MB" },
    Unit { factor: 1e9, name: "GB" },
];

const BIT_RATES: &[Unit] = &[
    Unit { factor: 1.0, name: "bit/s" },
    Unit { factor: 1e3, name: "kbit/s" },
    Unit { factor: 1e6, name: "Mbit/s" },
    Unit { factor: 1e9, name: "Gbit/s" },
];

const SECONDS: &[Unit] = &[
    Unit { factor: 1e-6, name: "µs" },
    Unit { factor: 1e-3, name: "ms" },
    Unit { factor: 1.0, name: "s" },
];

const PACKETS: &[Unit] = &[Unit { factor: 1.0, name: "packets" }];

/// 999.6 kB is shown as 1 MB, for it would round to 1000 kB.
const ALMOST: f64 = 1.0005;

/// What is left free above the largest value, of it.
const ROOM: f64 = 0.01;

/// What arithmetic may be off by.
const ROUNDING: f64 = 1e-9;

/// A nanosecond: nothing in a simulation is shorter.
const SMALLEST: f64 = 1e-9;

/// Beyond each rate and size that exists.
const LARGEST: f64 = 1e18;

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        scale.ticks().map(|(_, label)| label).collect()
    }

    #[test]
    fn an_axis_ends_with_a_round_number_above_the_largest_value() {
        let scale = Scale::up_to(163_000.0, 5, Quantity::Bytes);
        assert_eq!(scale.unit.name, "kB");
        assert_eq!(labels(&scale), ["0", "50", "100", "150", "200"]);
        assert_eq!(scale.top, 200_000.0);
        let scale = Scale::up_to(0.0405, 5, Quantity::Seconds);
        assert_eq!(labels(&scale), ["0", "10", "20", "30", "40", "50"]);
        assert_eq!(scale.unit.name, "ms");
    }

    #[test]
    fn a_round_value_has_room_above() {
        let scale = Scale::up_to(80.0, 5, Quantity::Packets);
        assert_eq!(labels(&scale), ["0", "20", "40", "60", "80", "100"]);
        let scale = Scale::up_to(48e6, 5, Quantity::BitRate);
        assert_eq!(labels(&scale), ["0", "10", "20", "30", "40", "50"]);
    }

    #[test]
    fn the_time_axis_ends_with_the_run() {
        let scale = Scale::exactly(7.3, 6, Quantity::Seconds);
        assert_eq!(labels(&scale), ["0", "2", "4", "6"]);
        assert_eq!(scale.top, 7.3);
    }

    #[test]
    fn no_value_makes_an_axis_endless_or_empty() {
        for largest in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE, 1e-9, 1e18]
        {
            for most in [0, 1, 5, 6] {
                for quantity in
                    [Quantity::Bytes, Quantity::BitRate, Quantity::Seconds, Quantity::Packets]
                {
                    let scale = Scale::up_to(largest, most, quantity);
                    assert!(scale.top > 0.0 && scale.top.is_finite(), "{largest} {scale:?}");
                    let ticks = scale.ticks().count();
                    assert!((2..=8).contains(&ticks), "{largest}: {ticks} ticks");
                }
            }
        }
    }

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        assert_eq!(Quantity::BitRate.show(48e6), "48\u{a0}Mbit/s");
        assert_eq!(Quantity::BitRate.show(46_512_345.0), "46.5\u{a0}Mbit/s");
        assert_eq!(Quantity::Bytes.show(999_600.0), "1\u{a0}MB");
        assert_eq!(Quantity::Seconds.show(0.02), "20\u{a0}ms");
        assert_eq!(Quantity::Seconds.show(0.000_25), "250\u{a0}µs");
        assert_eq!(Quantity::Packets.show(12_345.0), "12\u{202f}345\u{a0}packets");
        assert_eq!(Quantity::Seconds.show(0.0), "0\u{a0}s");
        assert_eq!(Quantity::Bytes.show(f64::INFINITY), "\u{221e}\u{a0}GB");
    }

    #[test]
    fn parts_of_the_whole_have_one_decimal_below_the_whole() {
        assert_eq!(percent(0.9731), "97.3\u{a0}%");
        assert_eq!(percent(1.0), "100\u{a0}%");
        assert_eq!(percent(0.0), "0.0\u{a0}%");
    }
}
