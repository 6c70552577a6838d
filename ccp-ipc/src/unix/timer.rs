//! How a receive waits, with as few system calls as possible.

use std::cell::Cell;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// Knows what receive timeout a socket has (`SO_RCVTIMEO`) and whether that will do.
///
/// A loop that waits for a deadline asks for a little less each time. A timeout that is shorter
/// than asked for, but not by far, is therefore left in place (the caller then waits again for the
/// rest), and when one has to be set on the way to a deadline, it is made short enough to last for
/// a while. A loop that always asks for the same gets exactly that.
#[derive(Default)]
pub(super) struct ReceiveTimer {
    /// What the socket has; `None`: waits without limit, as a new socket does.
    set: Cell<Option<Duration>>,
    /// What was asked for when it was set.
    asked: Cell<Option<Duration>>,
}

/// How to wait for a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Not at all.
    No,
    /// In the receive itself, whose timeout will do.
    AsItIs,
    /// In the receive itself, once this timeout has been set.
    Set(Option<Duration>),
    /// Before it, for this time.
    Poll(Duration),
}

impl ReceiveTimer {
    /// How to wait for at most `timeout`.
    pub(super) fn plan(&self, timeout: Option<Duration>) -> Wait {
        match (self.set.get(), timeout) {
            (_, Some(wanted)) if wanted < COARSE => Wait::Poll(wanted),
            (Some(set), Some(wanted)) if set <= wanted && set >= wanted / 2 => Wait::AsItIs,
            (set, wanted) if set == wanted => Wait::AsItIs,
            (_, Some(wanted)) => Wait::Set(Some(match self.asked.get() {
                Some(before) if wanted < before && wanted > before / 2 => wanted / 4 * 3,
                _ => wanted,
            })),
            (_, None) => Wait::Set(None),
        }
    }

    /// Sets the socket's timeout to what [`plan`](Self::plan) said for `timeout`.
    pub(super) fn set(
        &self,
        socket: &UnixDatagram,
        value: Option<Duration>,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        socket.set_read_timeout(value)?;
        self.set.set(value);
        self.asked.set(timeout);
        Ok(())
    }
}

/// A receive's timeout runs in the system's ticks, of up to 10 ms each; what is shorter needs
/// better.
const COARSE: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(timer: &ReceiveTimer, socket: &UnixDatagram, timeout: Option<Duration>) -> Wait {
        let plan = timer.plan(timeout);
        if let Wait::Set(value) = plan {
            timer.set(socket, value, timeout).unwrap();
        }
        plan
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn who_always_asks_for_the_same_gets_it_set_once() {
        let socket = UnixDatagram::unbound().unwrap();
        for first in [None, Some(ms(60_000)), Some(ms(30)), Some(ms(20))] {
            let timer = ReceiveTimer::default();
            planned(&timer, &socket, first);
            planned(&timer, &socket, Some(ms(20)));
            planned(&timer, &socket, Some(ms(20)));
            for _ in 0..10 {
                assert_eq!(planned(&timer, &socket, Some(ms(20))), Wait::AsItIs, "after {first:?}");
            }
        }
    }

    #[test]
    fn without_a_limit_nothing_is_set_on_a_new_socket() {
        let socket = UnixDatagram::unbound().unwrap();
        let timer = ReceiveTimer::default();
        assert_eq!(planned(&timer, &socket, None), Wait::AsItIs);
        assert_eq!(planned(&timer, &socket, Some(ms(50))), Wait::Set(Some(ms(50))));
        assert_eq!(planned(&timer, &socket, None), Wait::Set(None));
    }

    #[test]
    fn on_the_way_to_a_deadline_the_timeout_is_set_a_few_times_only() {
        let socket = UnixDatagram::unbound().unwrap();
        let timer = ReceiveTimer::default();
        let mut set = 0;
        for left in (11..60_000).rev() {
            match planned(&timer, &socket, Some(ms(left))) {
                Wait::Set(Some(value)) => {
                    set += 1;
                    assert!(value <= ms(left));
                }
                Wait::AsItIs => assert!(timer.set.get().unwrap() <= ms(left)),
                other => panic!("{other:?}"),
            }
        }
        assert!(set < 40, "{set}");
    }

    #[test]
    fn a_long_wait_does_not_wake_up_at_each_turn_of_a_short_one() {
        let socket = UnixDatagram::unbound().unwrap();
        let timer = ReceiveTimer::default();
        planned(&timer, &socket, Some(ms(20)));
        let long = Some(ms(60_000));
        assert_eq!(planned(&timer, &socket, long), Wait::Set(long));
    }

    #[test]
    fn short_waits_are_precise() {
        let timer = ReceiveTimer::default();
        assert_eq!(timer.plan(Some(ms(1))), Wait::Poll(ms(1)));
        assert_eq!(timer.plan(Some(Duration::from_nanos(1))), Wait::Poll(Duration::from_nanos(1)));
    }
}
