//! `ccp study`: its table and its page.

mod common;

use common::{ccp, text};

#[test]
fn the_study_compares_all_algorithms_in_a_table_and_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("study.html");
    let output = ccp(&["study", "--quiet", "--html", page.to_str().unwrap()], "");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    let table = text(&output.stdout);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg"), "{}", &page[..200]);
    assert!(table.lines().all(|line| line.len() <= 100), "{table}");

    // The README shows the first rows, without their title.
    let first = table.split("== ").nth(1).and_then(|group| group.split_once('\n')).unwrap().1;
    let readme = include_str!("../../README.md");
    assert!(readme.contains(first), "README.md shows other rows than these:\n{first}");

    let groups: Vec<Vec<Vec<&str>>> = table
        .split("== ")
        .skip(1)
        .map(|group| group.lines().skip(2).map(|line| line.split_whitespace().collect()).collect())
        .collect();
    let [alone, cellular, pairs, shallow, deep] = &groups[..] else { panic!("{table}") };
    for group in [alone, cellular] {
        let names: Vec<_> = group.iter().map(|row| row[0]).collect();
        assert_eq!(names, ["bbr", "cubic", "cubic:linux", "reno"]);
    }
    let number = |text: &str| text.parse::<f64>().unwrap();
    let queue = |alg: &str| number(alone.iter().find(|row| row[0] == alg).unwrap()[2]);
    assert!(queue("bbr") < queue("reno").min(queue("cubic")) / 2.0, "{table}");
    for row in alone {
        assert!(number(row[1]) > 0.92, "{row:?}");
    }
    for row in pairs.iter().filter(|row| row[0] == "2") {
        assert!(number(row[7]) > 0.95, "two of a kind share: {row:?}");
    }
    // In a shallow queue BBR takes most of the link, in a deep one CUBIC has its part.
    let share = |group: &Vec<Vec<&str>>, alg: &str| {
        number(group.iter().find(|row| row[0] == alg && row[1] != "+").unwrap()[1])
    };
    assert!(share(shallow, "bbr") > 2.0 * share(shallow, "cubic"), "{table}");
    assert!(share(deep, "cubic") > 2.0 * share(shallow, "cubic"), "{table}");
}

#[test]
fn a_page_that_cannot_be_written_is_an_error_at_once() {
    let output = ccp(&["study", "--html", "no/such/folder/x.html"], "");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("--html: cannot write no/such/folder/x.html"));
    assert_eq!(text(&output.stdout), "");
}
