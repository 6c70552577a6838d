//! Series made as fine as a plot's pixels and no finer, as paths for SVG.
//!
//! A column of pixels keeps its first, smallest, largest and last value, so that the line drawn through
//! them covers the same pixels as the whole series would: no spike is lost.

use std::fmt::Write;

/// How wide a plot is inside, in its own units. The page stretches it to the space there is.
pub(super) const WIDTH: f64 = 1200.0;

/// How high a plot of lines is inside.
pub(super) const HEIGHT: f64 = 400.0;

/// How high a lane is inside.
pub(super) const LANE: f64 = 20.0;

/// Time in seconds, and a value; a value that is not finite is a gap.
pub(super) type Point = (f64, f64);

/// The path of a line from time 0 to `end`, with `top` at the upper edge, thinned to `columns`. It is
/// empty if there is no point. All steps are relative and whole, which keeps them short.
pub(super) fn line(points: &[Point], end: f64, top: f64, columns: usize) -> String {
    let place = |(time, value): Point| {
        let x = (time / end * WIDTH).round() as i64;
        // What is off the top leaves the plot there, and not a mile above.
        let y = (HEIGHT - value / top * HEIGHT).round().clamp(-HEIGHT, HEIGHT) as i64;
        (x, y)
    };
    let mut path = Path::default();
    let mut cell: Option<Cell> = None;
    for &point in points.iter().filter(|(time, _)| (0.0..=end).contains(time)) {
        if !point.1.is_finite() {
            if let Some(cell) = cell.take() {
                cell.points().for_each(|point| path.to(place(point)));
            }
            path.lift();
            continue;
        }
        let column = (point.0 / end * columns as f64) as usize;
        match &mut cell {
            Some(cell) if cell.column == column => cell.add(point),
            _ => {
                let done = cell.replace(Cell::new(column, point));
                if let Some(done) = done {
                    done.points().for_each(|point| path.to(place(point)));
                }
            }
        }
    }
    if let Some(cell) = cell {
        cell.points().for_each(|point| path.to(place(point)));
    }
    path.finish()
}

/// What a column of pixels keeps.
struct Cell {
    column: usize,
    first: Point,
    least: Point,
    most: Point,
    last: Point,
}

impl Cell {
    fn new(column: usize, point: Point) -> Self {
        Self { column, first: point, least: point, most: point, last: point }
    }

    fn add(&mut self, point: Point) {
        if point.1 < self.least.1 {
            self.least = point;
        }
        if point.1 > self.most.1 {
            self.most = point;
        }
        self.last = point;
    }

    fn points(&self) -> impl Iterator<Item = Point> {
        let (one, other) = if self.least.0 <= self.most.0 {
            (self.least, self.most)
        } else {
            (self.most, self.least)
        };
        [self.first, one, other, self.last].into_iter()
    }
}

/// A path in the making. Of steps in one direction only the last is written.
#[derive(Default)]
struct Path {
    text: String,
    /// Where the written part ends.
    written: (i64, i64),
    /// The point after that, not written yet, and whether the pen is up on the way there.
    next: Option<((i64, i64), bool)>,
    up: bool,
}

impl Path {
    fn lift(&mut self) {
        self.up = true;
    }

    fn to(&mut self, point: (i64, i64)) {
        let begins = self.text.is_empty() && self.next.is_none();
        let up = self.up || begins;
        self.up = false;
        if !up && let Some((next, false)) = self.next {
            if next == point {
                return;
            }
            let (from, a) = (self.written, (next.0 - self.written.0, next.1 - self.written.1));
            let b = (point.0 - from.0, point.1 - from.1);
            let onwards = a.0 * (b.0 - a.0) + a.1 * (b.1 - a.1) >= 0;
            if a.0 * b.1 == a.1 * b.0 && onwards {
                self.next = Some((point, false));
                return;
            }
        }
        self.write(up);
        self.next = Some((point, up));
    }

    /// Writes the waiting point; `alone` if no line goes on from it.
    fn write(&mut self, alone: bool) {
        let Some((point, up)) = self.next.take() else { return };
        let (x, y) = (point.0 - self.written.0, point.1 - self.written.1);
        self.step(if up { 'm' } else { 'l' }, x, y);
        if up && alone {
            // A line to itself is a dot, since its ends are round.
            self.step('l', 0, 0);
        }
        self.written = point;
    }

    fn step(&mut self, command: char, x: i64, y: i64) {
        // A minus sign separates as well as a space does. Writing to a string cannot fail.
        let space = if y < 0 { "" } else { " " };
        let _ = write!(self.text, "{command}{x}{space}{y}");
    }

    fn finish(mut self) -> String {
        self.write(true);
        self.text
    }
}

/// Events over time as bars, each as high as there were events in its part of the time.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Bars {
    /// Their path; empty if there were none.
    pub(super) path: String,
    /// All events.
    pub(super) total: u64,
    /// The most in one part.
    pub(super) most: u64,
    /// How long a part is, in seconds.
    pub(super) part: f64,
}

/// Bars of what a counter counted: its readings, in the order of time.
pub(super) fn bars(readings: &[(f64, u64)], end: f64) -> Bars {
    let mut counts = [0u64; BARS];
    let mut before = 0;
    for &(time, reading) in readings.iter().filter(|(time, _)| (0.0..=end).contains(time)) {
        let place = (time / end * BARS as f64) as usize;
        let count = &mut counts[place.min(BARS - 1)];
        *count = count.saturating_add(reading.saturating_sub(before));
        before = reading;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut path = String::new();
    let width = WIDTH as usize / BARS;
    let height = |count: u64| match count {
        0 => 0,
        // One event among thousands is still seen.
        _ => (LEAST_BAR + (LANE - LEAST_BAR) * count as f64 / most as f64).round() as i64,
    };
    let mut place = 0;
    while place < BARS {
        let high = height(counts[place]);
        let alike = counts[place..].iter().take_while(|&&count| height(count) == high).count();
        if high > 0 {
            let wide = alike * width;
            let _ = write!(path, "M{} {LANE}v-{high}h{wide}v{high}z", place * width);
        }
        place += alike;
    }
    let total = counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count));
    Bars { path, total, most, part: end / BARS as f64 }
}

/// Times at which something is the case.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Spans {
    /// Their path; empty if it is never the case.
    pub(super) path: String,
    /// The part of the time that it is, 0 to 1.
    pub(super) share: f64,
    /// How many times it begins.
    pub(super) times: usize,
}

/// The path of spans from one time to another, in the order of time, out of `whole` seconds of the
/// plot's `end`, as fine as its `columns`.
pub(super) fn spans(times: &[(f64, f64)], end: f64, whole: f64, columns: usize) -> Spans {
    let mut path = String::new();
    let mut open: Option<(i64, i64)> = None;
    let mut write = |(from, to): (i64, i64)| {
        let wide = to - from;
        let _ = write!(path, "M{from} 0h{wide}v{LANE}h-{wide}z");
    };
    for &(from, to) in times {
        // The shortest is still seen: it has a whole column.
        let column = |time: f64| (time / end * columns as f64).round();
        let (left, right) = (column(from), column(to).max(column(from) + 1.0));
        let place = |column: f64| (column / columns as f64 * WIDTH).round() as i64;
        let (left, right) = (place(left), place(right));
        match &mut open {
            Some((_, reached)) if left <= *reached => *reached = (*reached).max(right),
            _ => {
                if let Some(done) = open.replace((left, right)) {
                    write(done);
                }
            }
        }
    }
    if let Some(done) = open {
        write(done);
    }
    let sum: f64 = times.iter().map(|(from, to)| to - from).sum();
    Spans { path, share: if whole > 0.0 { sum / whole } else { 0.0 }, times: times.len() }
}

/// A bar is more than a pixel wide on a phone.
const BARS: usize = 240;

/// What a bar is high at least, of [`LANE`].
const LEAST_BAR: f64 = 5.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// All points of a path of [`line`]: whether the pen was down, and where.
    fn points(path: &str) -> Vec<(bool, i64, i64)> {
        let mut found = Vec::new();
        let (mut x, mut y) = (0, 0);
        for step in path.split_inclusive(['m', 'l']).collect::<Vec<_>>().windows(2) {
            let numbers = step[1].trim_end_matches(['m', 'l']).replace('-', " -");
            let numbers: Vec<i64> =
                numbers.split_whitespace().map(|text| text.parse().unwrap()).collect();
            (x, y) = (x + numbers[0], y + numbers[1]);
            found.push((step[0].ends_with('l'), x, y));
        }
        found
    }

    #[test]
    fn a_line_goes_through_its_points() {
        let path = line(&[(0.0, 0.0), (5.0, 10.0), (10.0, 5.0)], 10.0, 10.0, 600);
        assert_eq!(path, "m0 400l600-400l600 200");
        assert_eq!(points(&path), [(false, 0, 400), (true, 600, 0), (true, 1200, 200)]);
    }

    #[test]
    fn no_spike_is_lost_however_many_samples_there_are() {
        let mut samples: Vec<Point> = (0..100_000).map(|i| (f64::from(i) / 1e4, 5.0)).collect();
        samples[33_333].1 = 10.0;
        samples[77_777].1 = 0.0;
        let path = line(&samples, 10.0, 10.0, 600);
        let heights: Vec<i64> = points(&path).iter().map(|point| point.2).collect();
        assert!(heights.contains(&0) && heights.contains(&400), "{path}");
        assert!(path.len() < 100, "{path}");
    }

    #[test]
    fn noise_is_bounded_by_the_columns() {
        let samples: Vec<Point> = (0..100_000u32)
            .map(|i| (f64::from(i) / 1e4, f64::from(i.wrapping_mul(2_654_435_761) >> 16)))
            .collect();
        let path = line(&samples, 10.0, 65_536.0, 300);
        assert!(points(&path).len() <= 4 * 300, "{}", points(&path).len());
        assert!(points(&path).len() > 600);
    }

    #[test]
    fn a_gap_lifts_the_pen() {
        let path =
            line(&[(0.0, 1.0), (1.0, 1.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 1.0)], 4.0, 1.0, 600);
        let found = points(&path);
        assert_eq!(found, [(false, 0, 0), (true, 300, 0), (false, 900, 0), (true, 1200, 0)]);
    }

    #[test]
    fn a_single_sample_is_a_dot() {
        assert_eq!(line(&[(5.0, 5.0)], 10.0, 10.0, 600), "m600 200l0 0");
        let gap = f64::INFINITY;
        assert_eq!(
            line(&[(5.0, 5.0), (6.0, gap), (10.0, 10.0)], 10.0, 10.0, 600),
            "m600 200l0 0m600-200l0 0"
        );
    }

    #[test]
    fn nothing_makes_no_path() {
        assert_eq!(line(&[], 10.0, 10.0, 600), "");
        assert_eq!(line(&[(1.0, f64::NAN), (2.0, f64::NEG_INFINITY)], 10.0, 10.0, 600), "");
        assert_eq!(line(&[(11.0, 1.0), (-1.0, 1.0), (f64::NAN, 1.0)], 10.0, 10.0, 600), "");
    }

    #[test]
    fn what_is_off_the_top_leaves_there() {
        let path = line(&[(0.0, 1e300), (10.0, 5.0)], 10.0, 10.0, 600);
        assert_eq!(path, "m0-400l1200 600");
    }

    #[test]
    fn turning_back_on_the_same_line_is_kept() {
        let path = line(&[(0.0, 0.0), (0.001, 10.0), (0.002, 5.0)], 10.0, 10.0, 600);
        assert_eq!(points(&path), [(false, 0, 400), (true, 0, 0), (true, 0, 200)]);
    }

    #[test]
    fn bars_count_what_a_counter_counted() {
        let found = bars(&[(0.0, 0), (1.0, 3), (1.01, 4), (5.0, 4), (9.99, 10), (10.0, 12)], 10.0);
        assert_eq!((found.total, found.most), (12, 8));
        assert_eq!(found.path, "M120 20v-13h5v13zM1195 20v-20h5v20z");
        assert_eq!(bars(&[(0.0, 0), (10.0, 0)], 10.0).path, "");
        assert_eq!(bars(&[], 10.0).total, 0);
    }

    #[test]
    fn a_million_losses_make_a_short_path() {
        let readings: Vec<(f64, u64)> =
            (0..100_000u32).map(|i| (f64::from(i) / 1e4, u64::from(i) * 10)).collect();
        let found = bars(&readings, 10.0);
        assert_eq!(found.total, 999_990);
        assert!(found.path.len() < 5_000, "{}", found.path.len());
    }

    #[test]
    fn the_shortest_span_is_seen_and_touching_ones_are_one() {
        let found = spans(&[(0.0, 1.0), (1.0, 2.0), (5.0, 5.0)], 10.0, 10.0, 600);
        assert_eq!(found.path, "M0 0h240v20h-240zM600 0h2v20h-2z");
        assert_eq!((found.share, found.times), (0.2, 3));
        assert_eq!(spans(&[], 10.0, 0.0, 600), Spans::default());
    }
}
