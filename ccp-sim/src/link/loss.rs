//! Which packets never arrive.

use rand_core::Rng as _;
use rand_pcg::Pcg64;

/// Which packets a link loses on their way to its queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// Each by itself, with this probability.
    Random(f64),
    /// In bursts (Gilbert's model): all while the link is bad. Each packet finds it turned bad with probability `enter`,
    /// and turned good again with probability `leave`.
    Burst {
        /// Good to bad, for each packet.
        enter: f64,
        /// Bad to good, for each packet; one over the mean length of a burst.
        leave: f64,
    },
    /// Each one of so many: the last of every so many. 0: none.
    Every(u64),
}

impl Loss {
    /// Bursts of so many packets on average, which take this part of all packets.
    pub fn burst(part: f64, mean_length: f64) -> Self {
        let leave = 1.0 / mean_length.max(1.0);
        Self::Burst { enter: part * leave / (1.0 - part), leave }
    }
}

impl Loss {
    /// What must lie between 0 and 1.
    pub(crate) fn probabilities(self) -> impl Iterator<Item = f64> {
        let pair = match self {
            Self::None | Self::Every(_) => [None, None],
            Self::Random(probability) => [Some(probability), None],
            Self::Burst { enter, leave } => [Some(enter), Some(leave)],
        };
        pair.into_iter().flatten()
    }
}

/// Decides for one packet after the other.
#[derive(Clone, Debug)]
pub(crate) struct Losing {
    rng: Pcg64,
    rule: Rule,
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    None,
    /// Something happens when the next random number is below this.
    Random(Below),
    Burst {
        enter: Below,
        leave: Below,
        bad: bool,
    },
    Every {
        every: u64,
        seen: u64,
    },
}

/// A probability as a bound for 64 random bits. Floating point ends here, so that every platform decides alike.
type Below = u128;

impl Losing {
    pub(crate) fn new(loss: Loss, rng: Pcg64) -> Self {
        let mut losing = Self { rng, rule: Rule::None };
        losing.set(loss);
        losing
    }

    /// From now on like this.
    pub(crate) fn set(&mut self, loss: Loss) {
        self.rule = match loss {
            Loss::None | Loss::Every(0) => Rule::None,
            Loss::Random(probability) => match below(probability) {
                0 => Rule::None,
                bound => Rule::Random(bound),
            },
            Loss::Burst { enter, leave } => {
                Rule::Burst { enter: below(enter), leave: below(leave), bad: false }
            }
            Loss::Every(every) => Rule::Every { every, seen: 0 },
        };
    }

    pub(crate) fn takes_next(&mut self) -> bool {
        match &mut self.rule {
            Rule::None => false,
            Rule::Random(bound) => u128::from(self.rng.next_u64()) < *bound,
            Rule::Burst { enter, leave, bad } => {
                let bound = if *bad { *leave } else { *enter };
                *bad ^= u128::from(self.rng.next_u64()) < bound;
                *bad
            }
            Rule::Every { every, seen } => {
                *seen = (*seen + 1) % *every;
                *seen == 0
            }
        }
    }
}

/// Exact, as scaling by a power of two is; what is no probability counts as the nearest one.
pub(crate) fn below(probability: f64) -> u128 {
    (probability.clamp(0.0, 1.0) * 18_446_744_073_709_551_616.0) as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(loss: Loss, packets: usize) -> Vec<bool> {
        let mut losing = Losing::new(loss, Pcg64::new(1, 1));
        (0..packets).map(|_| losing.takes_next()).collect()
    }

    fn lost(pattern: &[bool]) -> usize {
        pattern.iter().filter(|lost| **lost).count()
    }

    #[test]
    fn the_part_lost_is_the_probability() {
        for (probability, least, most) in
            [(0.0, 0, 0), (0.1, 900, 1100), (1.0, 10_000, 10_000), (f64::NAN, 0, 0)]
        {
            let lost = lost(&pattern(Loss::Random(probability), 10_000));
            assert!((least..=most).contains(&lost), "{lost} at {probability}");
        }
    }

    #[test]
    fn bursts_have_their_length_and_their_part() {
        let pattern = pattern(Loss::burst(0.05, 10.0), 200_000);
        let bursts = pattern.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        let lost = lost(&pattern);
        assert!((9_000..11_000).contains(&lost), "{lost} lost");
        let length = lost as f64 / bursts as f64;
        assert!((9.0..11.0).contains(&length), "{length} a burst");
    }

    #[test]
    fn every_so_many_loses_the_last() {
        assert_eq!(pattern(Loss::Every(3), 7), [false, false, true, false, false, true, false]);
        assert_eq!(lost(&pattern(Loss::Every(0), 7)), 0);
    }
}
