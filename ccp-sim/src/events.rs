//! What will happen, in order of time and, at one time, in the order in which it was planned.
//!
//! A wheel of buckets, each for a short stretch of time: planning and taking out cost the same whether a hundred events
//! are pending or a hundred thousand. Only the bucket whose turn it is gets sorted. Where events lie never decides
//! their order: that is by time and number alone.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Time;

/// The queue of planned events and, with it, the clock: it stands at the last event taken out.
#[derive(Debug)]
pub(crate) struct Events<E> {
    /// The events themselves, and room to use again.
    slots: Vec<Slot<E>>,
    /// The first unused slot; [`NONE`]: there is none.
    free: u32,
    /// What is planned for times in buckets below `turned`.
    near: BinaryHeap<Reverse<Key>>,
    /// What is planned for the [`BUCKETS`] from there on: the first slot of each bucket, in no order.
    wheel: Box<[u32]>,
    /// A bit for each bucket of the wheel that holds something.
    occupied: [u64; WORDS],
    /// What was planned for times beyond the wheel.
    far: BinaryHeap<Reverse<Key>>,
    turned: u64,
    /// Number of the next event planned.
    next: u64,
    now: Time,
}

/// An event's place in the order, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    at: Time,
    /// No two events share it, so that `slot` decides nothing.
    number: u64,
    slot: u32,
}

/// With an event of up to 40 bytes it is one cache line: with many flows, that is most of what an event costs.
#[derive(Debug)]
#[repr(align(64))]
struct Slot<E> {
    at: Time,
    number: u64,
    /// The next slot of the bucket, or of those unused; [`NONE`]: this is the last.
    next: u32,
    event: Option<E>,
}

impl<E> Events<E> {
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            near: BinaryHeap::new(),
            wheel: vec![NONE; BUCKETS].into(),
            occupied: [0; WORDS],
            far: BinaryHeap::new(),
            turned: 0,
            next: 0,
            now: Time::ZERO,
        }
    }

    /// Plans `event`. What should have happened before now happens now, after all that is planned for now.
    pub(crate) fn plan(&mut self, at: Time, event: E) {
        let at = at.max(self.now);
        let number = self.next;
        self.next += 1;
        let slot = self.store(at, number, event);
        let key = Reverse(Key { at, number, slot });
        let bucket = bucket_of(at);
        match bucket.checked_sub(self.turned) {
            None => self.near.push(key),
            Some(ahead) if ahead < BUCKETS as u64 => {
                let place = place_of(bucket);
                self.slots[slot as usize].next = core::mem::replace(&mut self.wheel[place], slot);
                self.occupied[place / 64] |= 1 << (place % 64);
            }
            Some(_) => self.far.push(key),
        }
    }

    /// Takes out the next event if it happens no later than `until`, and moves the clock to it; otherwise moves the
    /// clock to `until`.
    pub(crate) fn next_until(&mut self, until: Time) -> Option<E> {
        if self.near.is_empty() {
            self.turn();
        }
        if self.near.peek().is_some_and(|Reverse(key)| key.at <= until) {
            let Reverse(key) = self.near.pop()?;
            self.now = key.at;
            let slot = &mut self.slots[key.slot as usize];
            slot.next = core::mem::replace(&mut self.free, key.slot);
            slot.event.take()
        } else {
            self.now = self.now.max(until);
            None
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.now
    }

    fn store(&mut self, at: Time, number: u64, event: E) -> u32 {
        match self.slots.get_mut(self.free as usize) {
            Some(slot) => {
                let place = self.free;
                self.free = slot.next;
                *slot = Slot { at, number, next: NONE, event: Some(event) };
                place
            }
            None => {
                self.slots.push(Slot { at, number, next: NONE, event: Some(event) });
                (self.slots.len() - 1) as u32
            }
        }
    }

    /// Brings the events of the first bucket that has some near.
    fn turn(&mut self) {
        let on_wheel = self.first_occupied();
        let far = self.far.peek().map(|Reverse(key)| bucket_of(key.at));
        let Some(bucket) = on_wheel.into_iter().chain(far).min() else {
            return;
        };
        self.turned = bucket + 1;
        if on_wheel == Some(bucket) {
            let place = place_of(bucket);
            self.occupied[place / 64] &= !(1 << (place % 64));
            let mut slot = core::mem::replace(&mut self.wheel[place], NONE);
            while let Some(Slot { at, number, next, .. }) = self.slots.get(slot as usize) {
                self.near.push(Reverse(Key { at: *at, number: *number, slot }));
                slot = *next;
            }
        }
        while self.far.peek().is_some_and(|Reverse(key)| bucket_of(key.at) <= bucket) {
            self.near.extend(self.far.pop());
        }
    }

    /// The first bucket of the wheel that holds something.
    fn first_occupied(&self) -> Option<u64> {
        let first = place_of(self.turned);
        // The word that the wheel begins in has buckets at both ends: at its end the first ones, at its start the last.
        let begins = u64::MAX << (first % 64);
        let words = (0..=WORDS).map(|ahead| {
            let word = (first / 64 + ahead) % WORDS;
            let mask = match ahead {
                0 => begins,
                WORDS => !begins,
                _ => u64::MAX,
            };
            (word, self.occupied[word] & mask)
        });
        let (word, bits) = words.into_iter().find(|(_, bits)| *bits != 0)?;
        let place = word * 64 + bits.trailing_zeros() as usize;
        let ahead = (place + BUCKETS - first) % BUCKETS;
        Some(self.turned + ahead as u64)
    }
}

fn bucket_of(at: Time) -> u64 {
    at.as_nanos() >> BUCKET_BITS
}

fn place_of(bucket: u64) -> usize {
    (bucket % BUCKETS as u64) as usize
}

/// No slot.
const NONE: u32 = u32::MAX;

/// A bucket is 2^15 ns: few packets even on a fast link, so that there is little to sort.
const BUCKET_BITS: u32 = 15;

/// The wheel is 134 ms: longer than most packets travel. Timers of connections, one for each, mostly lie beyond it.
const BUCKETS: usize = 4096;
const WORDS: usize = BUCKETS / 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    #[test]
    fn events_of_one_time_happen_in_the_order_planned() {
        let mut events = Events::new();
        for (time, name) in [(5, 'c'), (3, 'a'), (5, 'd'), (3, 'b'), (9, 'e')] {
            events.plan(at(time), name);
        }
        let order: String = core::iter::from_fn(|| events.next_until(at(9))).collect();
        assert_eq!(order, "abcde");
    }

    #[test]
    fn the_clock_stops_where_it_was_told_to() {
        let mut events = Events::new();
        events.plan(at(7), ());
        assert_eq!(events.next_until(at(6)), None);
        assert_eq!(events.now(), at(6));
        assert_eq!(events.next_until(at(8)), Some(()));
        assert_eq!(events.now(), at(7));
    }

    #[test]
    fn the_past_happens_now() {
        let mut events = Events::new();
        assert_eq!(events.next_until(at(10)), None);
        events.plan(at(4), ());
        assert_eq!(events.next_until(at(10)), Some(()));
        assert_eq!(events.now(), at(10));
    }

    #[test]
    fn events_near_and_far_come_in_the_order_of_a_plain_sort() {
        // Times from all parts of the wheel and beyond it, many of them equal; planned while others are taken out.
        let mut random = 1u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % below
        };
        let mut events = Events::new();
        let mut expected: Vec<(u64, u64)> = Vec::new();
        let mut found = Vec::new();
        let mut now = 0;
        for number in 0..20_000 {
            let spread = [1, 1 << 10, 1 << 16, 1 << 22, 1 << 27, 1 << 31][next(6) as usize];
            let time = now + next(spread) / 7 * 7;
            events.plan(at(time), (time, number));
            expected.push((time, number));
            if next(3) == 0 {
                now += next(1 << 20);
                found.extend(core::iter::from_fn(|| events.next_until(at(now))));
            }
        }
        found.extend(core::iter::from_fn(|| events.next_until(Time::NEVER)));
        expected.sort_unstable();
        assert!(found == expected);
        assert!(events.slots.len() < 20_000, "room is used again");
    }

    #[test]
    fn what_is_planned_for_never_is_no_trouble() {
        let mut events = Events::new();
        events.plan(Time::NEVER, 'b');
        events.plan(at(1), 'a');
        assert_eq!(events.next_until(at(1 << 40)), Some('a'));
        assert_eq!(events.next_until(at(1 << 40)), None);
        events.plan(at(2 << 40), 'c');
        assert_eq!(events.next_until(at(3 << 40)), Some('c'));
        assert_eq!(events.next_until(Time::NEVER), Some('b'));
    }
}
