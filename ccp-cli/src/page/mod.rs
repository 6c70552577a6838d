//! The report of simulations as one HTML page that needs nothing else: no network, no other file.
//!
//! All of it is there without its script, which only adds the values at a time that is pointed at. The
//! markup is XML too, so that any parser can check it. Every text that comes from outside is escaped by
//! the templates. The plots are drawn here, since those of a charting crate have their colours, their
//! width and their text sizes built in: they turn neither dark nor narrow.

mod figures;
mod plot;
mod scale;
mod table;
mod thin;

use maud::{Markup, PreEscaped, html};

use crate::sim::series::Run;
use figures::seconds;
use plot::Frame;

/// The page of these runs, as HTML.
pub(crate) fn render(runs: &[Run]) -> String {
    let title = match runs {
        [run] => run.title.as_str(),
        _ => "Simulations of congestion control",
    };
    let page = html! {
        (PreEscaped(HEAD))
        title { (title) }
        style { (PreEscaped(STYLE)) }
        (PreEscaped("</head>"))
        body {
            header { h1 { (title) } }
            main {
                @match runs {
                    [] => p { "Nothing was simulated." },
                    [run] => (section(run, 0, runs)),
                    _ => {
                        nav aria-label="Runs" {
                            (contents(runs))
                        }
                        (table::of_all(runs, id))
                        @for (place, run) in runs.iter().enumerate() { (section(run, place, runs)) }
                    }
                }
            }
            footer {
                p {
                    "Made by ccp " (env!("CARGO_PKG_VERSION")) ". A line is as fine as the plot's pixels: "
                    "of the samples that share one, the lowest and the highest are drawn."
                }
            }
            script { (PreEscaped(SCRIPT)) }
        }
        (PreEscaped("</html>\n"))
    };
    page.into_string()
}

/// Links to all runs, those of a group in one line.
fn contents(runs: &[Run]) -> Markup {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        match groups.last_mut() {
            Some((group, places)) if !group.is_empty() && *group == run.group => places.push(place),
            _ => groups.push((&run.group, vec![place])),
        }
    }
    html! {
        ul {
            @for (group, places) in groups {
                li {
                    @if !group.is_empty() { (group) ": " }
                    @for (nth, place) in places.into_iter().enumerate() {
                        @if nth > 0 { ", " }
                        a href={ "#" (id(place)) } { (runs[place].title) }
                    }
                }
            }
        }
    }
}

/// What stands before a run's title.
fn group_of(run: &Run) -> Markup {
    html! { @if !run.group.is_empty() { span.group { (run.group) ": " } } }
}

/// The place of a run on the page.
fn id(place: usize) -> String {
    format!("run-{}", place + 1)
}

fn section(run: &Run, place: usize, runs: &[Run]) -> Markup {
    let id = id(place);
    let frame = Frame {
        // A run without length still has a page.
        end: seconds(run.scenario.time_us.max(1)),
        columns: columns(run, runs.len()),
    };
    let several = run.flows.len() > 1;
    // Closed, a flow is a line: a page of many is found through before it is read.
    let open = run.flows.len() <= if runs.len() > 1 { 1 } else { OPEN_FLOWS };
    html! {
        section.run id=(id) data-end=(frame.end) {
            @if runs.len() > 1 { h2.title { a href={ "#" (id) } { (group_of(run)) (run.title) } } }
            (facts(run))
            @if runs.len() == 1 || table::is_shortened(run) { (table::of(run)) }
            (heading("The link", runs))
            div.plots {
                (figures::link_rate(run, &id).draw(frame))
                (figures::queue(run, &id).draw(frame))
                @if several {
                    (figures::goodputs(run, &id).draw(frame))
                    (figures::windows(run, &id).draw(frame))
                }
                (figures::link_losses(run, &id).draw(frame))
            }
            @for (number, flow) in run.flows.iter().enumerate().take(MOST_FLOWS) {
                @let id = format!("{id}-flow-{}", number + 1);
                details.flow id=(id) open=[open.then_some("open")] {
                    summary { (heading(&flow.label, runs)) }
                    div.plots {
                        (figures::window(flow, &id).draw(frame))
                        (figures::flow_rates(run, flow, &id).draw(frame))
                        (figures::round_trips(run, flow, &id).draw(frame))
                        (figures::states(flow, &id, frame).draw(frame))
                    }
                }
            }
            @if run.flows.len() > MOST_FLOWS {
                p {
                    "The plots of the first " (MOST_FLOWS) " flows are shown; those of the other "
                    (run.flows.len() - MOST_FLOWS) " would make the page too large to open."
                }
            }
        }
    }
}

/// The heading of a part of a run, below that of the run; a single run has the page's.
fn heading(text: &str, runs: &[Run]) -> Markup {
    html! {
        @if runs.len() > 1 { h3.part { (text) } } @else { h2.part { (text) } }
    }
}

/// The scenario in words.
fn facts(run: &Run) -> Markup {
    html! {
        @if !run.scenario.facts.is_empty() {
            dl.facts {
                @for (what, value) in &run.scenario.facts { div { dt { (what) } dd { (value) } } }
            }
        }
    }
}

/// How many columns a line may have, so that the page stays small.
fn columns(run: &Run, runs: usize) -> usize {
    let lines = LINES_OF_LINK + LINES_OF_FLOW * run.flows.len().min(MOST_FLOWS);
    let columns = RUN_COLUMNS.min(PAGE_COLUMNS / runs.max(1));
    (columns / lines).clamp(FEWEST_COLUMNS, MOST_COLUMNS)
}

/// What comes before the title. Nothing may be loaded from anywhere, which the policy makes certain.
const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\"><head>\
    <meta charset=\"utf-8\"/>\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
    <meta name=\"color-scheme\" content=\"light dark\"/>\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
    style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\"/>\
    <link rel=\"icon\" href=\"data:,\"/>";

const STYLE: &str = include_str!("style.css");

const SCRIPT: &str = include_str!("script.js");

/// How many flows are shown opened, of a single run.
const OPEN_FLOWS: usize = 4;

/// How many flows of a run have their own plots: 4 plots with their frames are about 10 kB.
const MOST_FLOWS: usize = 24;

/// Lines in the plots of the link and of all flows, and in those of each flow.
const LINES_OF_LINK: usize = 10;

/// See `LINES_OF_LINK`.
const LINES_OF_FLOW: usize = 7;

/// A plot is seldom wider than this many pixels.
const MOST_COLUMNS: usize = 600;

/// With fewer a plot is no longer worth its place.
const FEWEST_COLUMNS: usize = 60;

/// Columns of all lines of a run. One of noise takes about 28 bytes, so that a run stays below 1 MB with all
/// that stands around its lines.
const RUN_COLUMNS: usize = 24_000;

/// Columns of all lines of a page.
const PAGE_COLUMNS: usize = 180_000;

#[cfg(test)]
mod browser;
#[cfg(test)]
mod tests;
