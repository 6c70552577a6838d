//! Plots as SVG: lines over time, and lanes that tell when something was the case.
//!
//! The page stretches the drawing to the width there is, but neither text nor strokes: places are per
//! cent of the plot, and the lines lie in an inner SVG that ignores its proportions. No line is told
//! from another by its colour alone: they differ in dashes, and lanes in place and label.

use maud::{Markup, html};

use super::scale::{self, Quantity, Scale};
use super::thin::{self, Bars, HEIGHT, LANE, Point, Spans, WIDTH};

/// What all plots of a run share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// How long the run is, in seconds.
    pub(super) end: f64,
    /// How many columns a line is thinned to.
    pub(super) columns: usize,
}

/// Lines over time.
pub(super) struct Chart<'a> {
    /// Unlike that of any other plot of the page.
    pub(super) id: String,
    /// What is plotted, in a word or two.
    pub(super) title: &'a str,
    /// Of what: a flow's label, or the link.
    pub(super) of: &'a str,
    /// What the values are.
    pub(super) quantity: Quantity,
    /// The lines, the topmost last.
    pub(super) lines: Vec<Line<'a>>,
}

/// A line of a plot.
pub(super) struct Line<'a> {
    /// What it is called.
    pub(super) name: &'a str,
    /// Where it goes.
    pub(super) points: Vec<Point>,
    /// How it is drawn.
    pub(super) look: Look,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The n-th colour and dashes of eight.
    Nth(usize),
    /// As [`Look::Nth`], but it does not stretch the axis far: what an algorithm may set to "no limit".
    Loose(usize),
    /// The space below it, shaded. It has no gaps.
    Area,
    /// What to compare with: dotted.
    Reference,
}

impl Look {
    fn class(self) -> String {
        match self {
            Self::Nth(n) | Self::Loose(n) => format!("s{}", n % LOOKS),
            Self::Area => "fill".to_owned(),
            Self::Reference => "ref".to_owned(),
        }
    }
}

impl Chart<'_> {
    /// Draws it.
    pub(super) fn draw(&self, frame: Frame) -> Markup {
        let scale = Scale::up_to(self.largest(), MOST_STEPS, self.quantity);
        let lines: Vec<Drawn<'_>> =
            self.lines.iter().map(|line| Drawn::new(line, self.quantity, &scale, frame)).collect();
        let about: Vec<String> = lines.iter().map(Drawn::about).collect();
        let empty =
            lines.iter().all(|drawn| drawn.line.look == Look::Reference || drawn.path.is_empty());
        let id = &self.id;
        html! {
            figure.plot id=(id) data-top=(scale.top / scale.unit.factor) {
                figcaption {
                    span.what { b { (self.title) } ", " (scale.unit.name) }
                    ul.legend {
                        @for drawn in &lines {
                            li {
                                (key(drawn.line.look)) (drawn.line.name) " "
                                small { (drawn.beside()) }
                            }
                        }
                    }
                }
                svg.area role="img" aria-labelledby={ (id) "-t" } aria-describedby={ (id) "-d" } {
                    title id={ (id) "-t" } { (self.title) " of " (self.of) " over time" }
                    desc id={ (id) "-d" } { (about.join("; ")) "." }
                    @for (part, label) in scale.ticks() {
                        @let y = per_cent(1.0 - part);
                        line.grid x2="100%" y1=(y) y2=(y) {}
                        text.y y=(y) dx="-6" dy=".32em" { (label) }
                    }
                    (time_axis(frame))
                    svg.lines viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none"
                        width="100%" height="100%" {
                        @for drawn in lines.iter().filter(|drawn| !drawn.path.is_empty()) {
                            path class=(drawn.line.look.class()) d=(drawn.path) {}
                        }
                    }
                    @if empty { text.none x="50%" y="50%" { "no samples" } }
                }
            }
        }
    }

    /// The largest value that has to be seen.
    fn largest(&self) -> f64 {
        let most = |loose: bool| {
            let lines =
                self.lines.iter().filter(|line| matches!(line.look, Look::Loose(_)) == loose);
            let values = lines.flat_map(|line| line.points.iter().map(|point| point.1));
            values.filter(|value| value.is_finite()).fold(0.0, f64::max)
        };
        let (firm, loose) = (most(false), most(true));
        if firm > 0.0 { firm.max(loose.min(firm * MOST_LOOSE)) } else { loose }
    }
}

/// A line, drawn.
struct Drawn<'a> {
    line: &'a Line<'a>,
    path: String,
    quantity: Quantity,
    least: f64,
    most: f64,
    mean: f64,
    median: f64,
    /// How many values it has.
    values: usize,
    /// Whether it leaves the plot.
    above: bool,
}

impl<'a> Drawn<'a> {
    fn new(line: &'a Line<'a>, quantity: Quantity, scale: &Scale, frame: Frame) -> Self {
        let mut path = thin::line(&line.points, frame.end, scale.top, frame.columns);
        if line.look == Look::Area
            && !path.is_empty()
            && let Some((first, _)) = line.points.first()
        {
            let left = (first / frame.end * WIDTH).round();
            path.push_str(&format!("V{HEIGHT}H{left}z"));
        }
        let values = || line.points.iter().map(|point| point.1).filter(|value| value.is_finite());
        let mut sorted: Vec<f64> = values().collect();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        Self {
            line,
            path,
            quantity,
            least: sorted.first().copied().unwrap_or(0.0),
            most: sorted.last().copied().unwrap_or(0.0),
            median: sorted.get(count / 2).copied().unwrap_or(0.0),
            mean: values().map(|value| value / count as f64).sum(),
            values: count,
            above: sorted.last().is_some_and(|most| *most > scale.top),
        }
    }

    /// What is said of it in words.
    fn about(&self) -> String {
        let (name, show) = (self.line.name, |value| self.quantity.show(value));
        match self.values {
            0 => format!("{name}: none"),
            _ if self.least == self.most => format!("{name}: {} throughout", show(self.mean)),
            _ => format!(
                "{name}: {} on average, from {} to {}",
                show(self.mean),
                show(self.least),
                show(self.most)
            ),
        }
    }

    /// What stands beside its name.
    fn beside(&self) -> String {
        match self.values {
            0 => "none".to_owned(),
            // What stands for "no limit" makes a mean meaningless.
            _ if self.above => format!("median {}", self.quantity.show(self.median)),
            _ if self.least == self.most => self.quantity.show(self.mean),
            _ => format!("mean {}", self.quantity.show(self.mean)),
        }
    }
}

/// Lanes over time, one above the other.
pub(super) struct Lanes<'a> {
    /// Unlike that of any other plot of the page.
    pub(super) id: String,
    /// What is shown, in some words.
    pub(super) title: &'a str,
    /// Of what: a flow's label, or the link.
    pub(super) of: &'a str,
    /// The lanes, from the top.
    pub(super) lanes: Vec<Lane>,
}

/// A lane.
pub(super) struct Lane {
    /// What it tells of.
    pub(super) name: String,
    /// What it shows.
    pub(super) what: Shown,
}

/// What a lane shows.
pub(super) enum Shown {
    /// When something was the case.
    Spans(Spans),
    /// How many events there were.
    Bars(Bars),
}

impl Lane {
    fn path(&self) -> &str {
        match &self.what {
            Shown::Spans(spans) => &spans.path,
            Shown::Bars(bars) => &bars.path,
        }
    }

    fn class(&self) -> &'static str {
        match &self.what {
            Shown::Spans(_) => "span",
            Shown::Bars(_) => "bars",
        }
    }

    /// What stands beside its name.
    fn beside(&self) -> String {
        match &self.what {
            Shown::Spans(spans) if spans.times == 0 => "never".to_owned(),
            Shown::Spans(spans) if spans.times == 1 => {
                format!("{}, once", scale::percent(spans.share))
            }
            Shown::Spans(spans) => {
                let times = scale::count(spans.times as u64);
                format!("{}, {times} times", scale::percent(spans.share))
            }
            Shown::Bars(bars) if bars.total == 0 => "none".to_owned(),
            Shown::Bars(bars) => format!(
                "{}, most {} in {}",
                scale::count(bars.total),
                scale::count(bars.most),
                Quantity::Seconds.show(bars.part)
            ),
        }
    }
}

impl Lanes<'_> {
    /// Draws them.
    pub(super) fn draw(&self, frame: Frame) -> Markup {
        let about: Vec<String> =
            self.lanes.iter().map(|lane| format!("{}: {}", lane.name, lane.beside())).collect();
        let id = &self.id;
        let high = self.lanes.len().max(1) * LANE_PIXELS;
        html! {
            figure.plot.lanes id=(id) {
                figcaption { span.what { b { (self.title) } } span.now {} }
                svg.area role="img" aria-labelledby={ (id) "-t" } aria-describedby={ (id) "-d" }
                    style={ "height:" (high) "px" } {
                    title id={ (id) "-t" } { (self.title) " of " (self.of) " over time" }
                    desc id={ (id) "-d" } { (about.join("; ")) "." }
                    (time_axis(frame))
                    @for (place, lane) in self.lanes.iter().enumerate() {
                        @let y = place * LANE_PIXELS;
                        text.lane y=(y + LABEL_PIXELS) { (lane.name) }
                        text.share x="100%" y=(y + LABEL_PIXELS) { (lane.beside()) }
                        line.grid x2="100%" y1=(y + LANE_PIXELS) y2=(y + LANE_PIXELS) {}
                        @if !lane.path().is_empty() {
                            svg y=(y + LABEL_PIXELS + 5) width="100%"
                                height=(LANE_PIXELS - LABEL_PIXELS - 5)
                                viewBox={ "0 0 " (WIDTH) " " (LANE) } preserveAspectRatio="none" {
                                path class=(lane.class()) data-name=(lane.name) d=(lane.path()) {}
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A sample of a line, for the legend.
fn key(look: Look) -> Markup {
    html! {
        svg.key aria-hidden="true" {
            @if look == Look::Area {
                rect.fill width="100%" height="100%" {}
            } @else {
                line class=(look.class()) x2="100%" y1="50%" y2="50%" {}
            }
        }
    }
}

/// The time, below a plot.
fn time_axis(frame: Frame) -> Markup {
    let scale = Scale::exactly(frame.end, MOST_TIMES, Quantity::Seconds);
    let ticks: Vec<(f64, String)> = scale.ticks().collect();
    html! {
        @for (place, (part, label)) in ticks.iter().enumerate() {
            @let x = per_cent(*part);
            line.grid y2="100%" x1=(x) x2=(x) {}
            text.x x=(x) y="100%" dy="1.4em" {
                (label) @if place + 1 == ticks.len() { "\u{a0}" (scale.unit.name) }
            }
        }
    }
}

/// A place, as an attribute takes it: `12.5%`.
fn per_cent(part: f64) -> String {
    let text = format!("{:.2}", part * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// How many looks the style sheet has.
pub(super) const LOOKS: usize = 8;

/// More steps than this make an axis a ladder.
const MOST_STEPS: u32 = 5;

/// On a phone there is room for no more times.
const MOST_TIMES: u32 = 6;

/// How many times the largest firm value a loose line may stretch an axis to.
const MOST_LOOSE: f64 = 3.0;

/// A lane's height with its label, in pixels.
const LANE_PIXELS: usize = 34;

/// Where the label's foot is, from the lane's top.
const LABEL_PIXELS: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame { end: 10.0, columns: 600 };

    fn chart(lines: Vec<Line<'static>>) -> String {
        let chart = Chart {
            id: "p".to_owned(),
            title: "Window",
            of: "x",
            quantity: Quantity::Bytes,
            lines,
        };
        chart.draw(FRAME).into_string()
    }

    #[test]
    fn a_threshold_that_is_no_limit_does_not_flatten_the_window() {
        let window =
            Line { name: "window", points: vec![(0.0, 1e5), (9.0, 2e5)], look: Look::Nth(0) };
        let none =
            Line { name: "ssthresh", points: vec![(0.0, 2e9), (9.0, 1e5)], look: Look::Loose(1) };
        let drawn = chart(vec![window, none]);
        assert!(drawn.contains("data-top=\"800\""), "{drawn}");
        assert!(drawn.contains("<small>median 2\u{a0}GB</small>"), "{drawn}");
    }

    #[test]
    fn a_loose_line_alone_has_an_axis() {
        let line = Line { name: "ssthresh", points: vec![(0.0, 5e6)], look: Look::Loose(1) };
        assert!(chart(vec![line]).contains("data-top=\"6\""));
    }

    #[test]
    fn a_plot_says_in_words_what_it_shows() {
        let line =
            Line { name: "window", points: vec![(0.0, 1e5), (9.0, 2e5)], look: Look::Nth(0) };
        let drawn = chart(vec![line]);
        assert!(
            drawn.contains("window: 150\u{a0}kB on average, from 100\u{a0}kB to 200\u{a0}kB."),
            "{drawn}"
        );
    }

    #[test]
    fn a_plot_without_samples_says_so() {
        let line = Line { name: "window", points: Vec::new(), look: Look::Area };
        let drawn = chart(vec![line]);
        assert!(drawn.contains("no samples") && drawn.contains("window: none."), "{drawn}");
        assert!(!drawn.contains("<path"), "{drawn}");
    }

    #[test]
    fn lanes_tell_how_long_and_how_often() {
        let spans = thin::spans(&[(0.0, 1.0), (4.0, 5.0)], 10.0, 10.0, 600);
        let bars = thin::bars(&[(0.0, 0), (5.0, 1_234)], 10.0);
        let lanes = vec![
            Lane { name: "avoidance".to_owned(), what: Shown::Spans(spans) },
            Lane { name: "losses".to_owned(), what: Shown::Bars(bars) },
            Lane { name: "repairing".to_owned(), what: Shown::Spans(Spans::default()) },
        ];
        let drawn = Lanes { id: "p".to_owned(), title: "State", of: "x", lanes }.draw(FRAME);
        let drawn = drawn.into_string();
        assert!(drawn.contains("avoidance: 20.0\u{a0}%, 2 times; "), "{drawn}");
        assert!(
            drawn.contains("losses: 1\u{202f}234, most 1\u{202f}234 in 41.7\u{a0}ms; "),
            "{drawn}"
        );
        assert!(drawn.contains("repairing: never."), "{drawn}");
    }
}
