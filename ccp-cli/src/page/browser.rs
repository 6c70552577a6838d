//! The page in a browser: laid out at the sizes and in the colours that people have.
//!
//! Headless Chromium shows the page in frames of the wanted sizes and schemes and measures it by
//! `measure.js`, which stands outside the page: what is tested is the page as it is written.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use serde::Deserialize;

use super::render;
use crate::args::{Args, Command as Subcommand};
use crate::sim::plan::Plan;
use crate::sim::series::Run;

/// A frame in which a page is shown.
struct Frame<'a> {
    page: &'a str,
    width: u32,
    height: u32,
    scheme: &'static str,
    scripts: bool,
}

/// What was measured in a frame.
#[derive(Debug, Deserialize)]
struct Measured {
    width: u32,
    height: u32,
    dark: bool,
    plots: usize,
    lines: usize,
    /// What the page loaded from elsewhere.
    loaded: usize,
    texts: usize,
    /// The least contrast of text, and that of lines and bars, as WCAG reckons it.
    text: f64,
    drawing: f64,
    complaints: Vec<String>,
    slid: Option<Slid>,
}

/// What the page said once its slider was moved.
#[derive(Debug, Deserialize)]
struct Slid {
    /// How many lines told their value.
    read: usize,
    crosses: usize,
    times: Vec<String>,
    states: Vec<String>,
    complaints: Vec<String>,
}

/// Simulates what a command line asks for.
fn simulate(arguments: &[&str]) -> Run {
    let arguments = [&["ccp", "sim"], arguments].concat();
    let Subcommand::Sim(flags) = Args::try_parse_from(arguments).unwrap().command else {
        panic!("not sim");
    };
    let Ok(plan) = Plan::of(&flags) else { panic!("no plan") };
    let results = plan.run(|_| {}).unwrap();
    Run::new(&plan, &results)
}

/// Shows the frames, and measures each; `None` if there is no browser, which is noted.
fn show(frames: &[Frame<'_>]) -> Option<Vec<Measured>> {
    let scratch = tempfile::tempdir().unwrap();
    let mut document = String::from(
        "<!DOCTYPE html><meta charset=\"utf-8\"/><style>:root { color-scheme: light dark; }\n\
         iframe { border: 0; position: absolute; top: 0; left: 0; }</style>",
    );
    for frame in frames {
        let source = frame.page.replace('&', "&amp;").replace('"', "&quot;");
        let sandbox = if frame.scripts { "" } else { "sandbox=\"allow-same-origin\"" };
        let Frame { width, height, scheme, .. } = frame;
        document.push_str(&format!(
            "<iframe width=\"{width}\" height=\"{height}\" style=\"color-scheme: {scheme}\" \
             {sandbox} srcdoc=\"{source}\"></iframe>"
        ));
    }
    document.push_str("<pre id=\"found\"></pre><script>");
    document.push_str(include_str!("measure.js"));
    document.push_str("</script>");
    let file = scratch.path().join("frames.html");
    std::fs::write(&file, document).unwrap();

    let mut command = Command::new(BROWSER);
    command
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", scratch.path().join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut browser = match command.spawn() {
        Ok(browser) => browser,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            skip(&format!("the page in a browser: no {BROWSER} here"));
            return None;
        }
        Err(error) => panic!("{BROWSER}: {error}"),
    };
    let reader = |mut from: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let output = reader(Box::new(browser.stdout.take().unwrap()));
    let errors = reader(Box::new(browser.stderr.take().unwrap()));
    let end = Instant::now() + PATIENCE;
    while browser.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            browser.kill().unwrap();
            browser.wait().unwrap();
            panic!("{BROWSER} does not end: {}", errors.join().unwrap());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let (output, errors) = (output.join().unwrap(), errors.join().unwrap());
    // That the frames without scripts have none is what they are for.
    let blocked = "Blocked script execution in 'about:srcdoc'";
    let (silenced, said): (Vec<&str>, Vec<&str>) = errors
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .partition(|line| line.contains(blocked));
    assert_eq!(silenced.len(), frames.iter().filter(|frame| !frame.scripts).count());
    assert!(said.is_empty(), "the browser complains: {said:#?}");
    let found =
        output.split_once("<pre id=\"found\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let Some((found, _)) = found else { panic!("nothing was measured: {errors}") };
    let found = found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Some(serde_json::from_str(&found).unwrap_or_else(|error| panic!("{error}: {found:?} {errors}")))
}

/// Notes a test that cannot run here, where `cargo xtask test` looks for it.
fn skip(why: &str) {
    use std::io::Write;
    eprintln!("skipped: {why}");
    if let Some(file) = std::env::var_os("CCP_TEST_SKIPS") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        writeln!(file, "{why}").unwrap();
    }
}

#[test]
fn the_page_fits_its_window_and_can_be_read_in_both_schemes() {
    let losses = ["--time", "4s", "--loss", "0.2%", "--quiet"];
    let mixed = simulate(&[&["cubic,hystart=off,beta=0.7", "bbr", "reno"], &losses[..]].concat());
    let many = simulate(&["reno", "--flows", "9", "--time", "2s", "--quiet"]);
    let one = simulate(&["bbr", "--time", "2s", "--queue", "unlimited", "--quiet"]);
    let single = render(std::slice::from_ref(&mixed));
    let several = render(&[one, mixed, many]);
    let frame =
        |page, (width, height), scheme, scripts| Frame { page, width, height, scheme, scripts };
    let (phone, laptop) = ((360, 800), (1280, 900));
    let frames = [
        frame(&single, phone, "light", true),
        frame(&single, phone, "dark", true),
        frame(&single, laptop, "light", true),
        frame(&single, laptop, "dark", true),
        frame(&single, phone, "dark", false),
        frame(&several, phone, "light", true),
        frame(&several, laptop, "dark", true),
        frame(&several, laptop, "light", false),
    ];
    let Some(measured) = show(&frames) else { return };
    assert_eq!(measured.len(), frames.len());
    for (found, frame) in measured.iter().zip(&frames) {
        let is_single = std::ptr::eq(frame.page, single.as_str());
        assert_eq!((found.width, found.height), (frame.width, frame.height));
        assert_eq!(found.dark, frame.scheme == "dark");
        assert!(found.complaints.is_empty(), "{found:#?}");
        assert!(found.text >= 4.5 && found.drawing >= 3.0, "{found:#?}");
        assert_eq!(found.loaded, 0);
        // The link has 5 plots, or 3 if it has one flow; each flow has 4.
        let (plots, times) = if is_single {
            (5 + 3 * 4, vec!["2 s"])
        } else {
            (3 + 4 + 5 + 3 * 4 + 5 + 9 * 4, vec!["1 s", "2 s", "1 s"])
        };
        assert_eq!(found.plots, plots);
        assert!(found.lines > plots && found.texts > 10 * plots, "{found:#?}");
        assert_eq!(found.slid.is_some(), frame.scripts);
        let Some(slid) = &found.slid else { continue };
        assert!(slid.complaints.is_empty(), "{slid:#?}");
        assert_eq!(slid.crosses, plots);
        assert_eq!(slid.times, times);
        assert!(slid.read >= plots, "{slid:#?}");
        assert!(slid.states.iter().any(|state| state.contains("probe-bw")), "{slid:#?}");
    }
}

/// Debian's name of it.
const BROWSER: &str = "chromium";

/// With these it looks for no network. It prints the document once that is loaded.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--window-size=1400,1000",
    "--dump-dom",
];

/// It takes seconds; on a machine that does much else, more.
const PATIENCE: Duration = Duration::from_secs(120);
