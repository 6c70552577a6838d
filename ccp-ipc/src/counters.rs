//! Counters of a loop: it alone writes them, every thread may read them.
//!
//! As a [`StopHandle`](crate::StopHandle) is the way to act on a loop from outside, these are the
//! way to look at it. Reading never holds the loop up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// `N` counters, at zero to begin with. Clones are the same counters.
///
/// [`counters!`](macro@crate::counters) gives them names.
#[derive(Clone, Debug)]
pub struct Counters<const N: usize>(Arc<[AtomicU64; N]>);

impl<const N: usize> Counters<N> {
    /// Adds to a counter, and gives its value. One thread alone may do so, or counts get lost: it
    /// is a plain store, without a locked bus.
    #[inline]
    pub fn add(&self, at: usize, by: i64) -> u64 {
        let value = self.get(at).wrapping_add_signed(by);
        self.set(at, value);
        value
    }

    /// Gives a counter the value that somebody else has counted. There is none beyond `N`.
    #[inline]
    pub fn set(&self, at: usize, value: u64) {
        if let Some(counter) = self.0.get(at) {
            counter.store(value, Relaxed);
        }
    }

    /// The value of a counter; 0 beyond `N`.
    #[inline]
    pub fn get(&self, at: usize) -> u64 {
        self.0.get(at).map_or(0, |counter| counter.load(Relaxed))
    }
}

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Self(Arc::new(std::array::from_fn(|_| AtomicU64::new(0))))
    }
}

/// Names counters: makes a struct of all values at a moment, a handle to read them by, and an enum
/// for the one thread that counts.
///
/// ```
/// ccp_ipc::counters! {
///     /// What the loop has done.
///     pub struct Stats;
///     /// Reads it.
///     pub struct StatsHandle;
///     enum Counter {
///         /// Datagrams received.
///         Received received,
///         /// Datagrams sent.
///         Sent sent,
///     }
/// }
/// let handle = StatsHandle::new();
/// handle.add(Counter::Sent, 2);
/// let stats = handle.snapshot();
/// assert_eq!((stats.received, stats.sent), (0, 2));
/// assert!(stats.iter().eq([("received", 0), ("sent", 2)]));
/// # let _ = Counter::Received;
/// ```
#[macro_export]
macro_rules! counters {
    (
        $(#[$stats_meta:meta])* $stats_vis:vis struct $Stats:ident;
        $(#[$handle_meta:meta])* $handle_vis:vis struct $Handle:ident;
        $(#[$counter_meta:meta])* $counter_vis:vis enum $Counter:ident {
            $($(#[$doc:meta])* $variant:ident $field:ident,)*
        }
    ) => {
        $(#[$counter_meta])*
        #[derive(Clone, Copy, Debug)]
        $counter_vis enum $Counter { $($variant,)* }

        impl $Counter {
            /// How many there are.
            $counter_vis const COUNT: usize = [$(Self::$variant,)*].len();
        }

        $(#[$stats_meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        $stats_vis struct $Stats { $($(#[$doc])* pub $field: u64,)* }

        impl $Stats {
            /// Every counter with its name, in the order of the fields.
            $stats_vis fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($field), self.$field),)*].into_iter()
            }
        }

        $(#[$handle_meta])*
        #[derive(Clone, Debug, Default)]
        $handle_vis struct $Handle($crate::Counters<{ $Counter::COUNT }>);

        impl $Handle {
            /// Counters at zero.
            $handle_vis fn new() -> Self {
                Self::default()
            }

            /// The counters now. Each is exact; together they may be of slightly different moments.
            $handle_vis fn snapshot(&self) -> $Stats {
                $Stats { $($field: self.0.get($Counter::$variant as usize),)* }
            }

            /// Adds to a counter, and gives its value. For one thread alone.
            #[inline]
            $counter_vis fn add(&self, counter: $Counter, by: i64) -> u64 {
                self.0.add(counter as usize, by)
            }

            /// Gives a counter the value that somebody else has counted.
            #[inline]
            #[allow(dead_code, reason = "not everybody who counts has such")]
            $counter_vis fn set(&self, counter: $Counter, value: u64) {
                self.0.set(counter as usize, value);
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_thread_counts_others_read() {
        let counters = Counters::<2>::default();
        let reader = counters.clone();
        assert_eq!(counters.add(1, 5), 5);
        assert_eq!(counters.add(1, -2), 3);
        counters.set(0, 9);
        let read = std::thread::spawn(move || (reader.get(0), reader.get(1)));
        assert_eq!(read.join().unwrap(), (9, 3));
    }

    #[test]
    fn there_is_nothing_beyond_the_last() {
        let counters = Counters::<1>::default();
        counters.set(1, 9);
        assert_eq!(counters.get(1), 0);
    }
}
