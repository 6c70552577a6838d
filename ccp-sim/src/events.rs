//! What will happen, in order of time and, at one time, in the order in which it was planned.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::time::Time;

/// The queue of planned events and, with it, the clock: it stands at the last event taken out.
#[derive(Debug)]
pub(crate) struct Events<E> {
    heap: BinaryHeap<Planned<E>>,
    /// Number of the next event planned.
    next: u64,
    now: Time,
}

impl<E> Events<E> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), next: 0, now: Time::ZERO }
    }

    /// Plans `event`. What should have happened before now happens now, after all that is planned for now.
    pub(crate) fn plan(&mut self, at: Time, event: E) {
        let number = self.next;
        self.next += 1;
        self.heap.push(Planned { at: at.max(self.now), number, event });
    }

    /// Takes out the next event if it happens no later than `until`, and moves the clock to it; otherwise moves the
    /// clock to `until`.
    pub(crate) fn next_until(&mut self, until: Time) -> Option<E> {
        if self.heap.peek().is_some_and(|planned| planned.at <= until) {
            let planned = self.heap.pop()?;
            self.now = planned.at;
            Some(planned.event)
        } else {
            self.now = self.now.max(until);
            None
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.now
    }
}

#[derive(Debug)]
struct Planned<E> {
    at: Time,
    number: u64,
    event: E,
}

impl<E> Planned<E> {
    fn key(&self) -> (Time, u64) {
        (self.at, self.number)
    }
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Planned<E> {}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Planned<E> {
    /// The earliest is the greatest, since the heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

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
}
