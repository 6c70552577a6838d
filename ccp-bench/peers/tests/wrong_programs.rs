//! What `docs/wrong-programs.md` says of portus's compiler is what it answers.
//!
//! `CCP_BLESS=1` writes its answers into the page.

use std::fs;
use std::path::Path;

const PAGE: &str = "../../docs/wrong-programs.md";

/// Longer answers, some with the whole symbol table in them, are cut.
const SHOWN: usize = 72;

#[test]
fn portus_answers_to_the_wrong_programs_as_the_page_shows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let programs = page.split("```ccp,wrong\n").skip(1);
    let programs: Vec<&str> = programs.map(|part| part.split_once("```").unwrap().0).collect();
    assert_eq!(programs.len(), 10);
    let mut written = String::new();
    let mut rows = 0;
    for line in page.lines() {
        let row = line.strip_prefix("| ").and_then(|rest| rest.split_once(' '));
        let number = row.and_then(|(number, _)| number.parse::<usize>().ok());
        match number.and_then(|number| programs.get(number - 1)) {
            Some(program) => {
                rows += 1;
                let ours = line.strip_suffix(" |").unwrap().rsplit_once(" | ").unwrap().0;
                written += &format!("{ours} | {} |\n", answer(program));
            }
            None => written += &format!("{line}\n"),
        }
    }
    assert_eq!(rows, 10, "rows of the table");
    if std::env::var_os("CCP_BLESS").is_some() {
        fs::write(&path, &written).unwrap();
    } else {
        assert!(page == written, "CCP_BLESS=1 writes the page as:\n{written}");
    }
}

fn answer(program: &str) -> String {
    let program = program.to_owned();
    let compiled = std::panic::catch_unwind(move || {
        portus::lang::compile(program.as_bytes(), &[]).map(|_| ())
    });
    let said = match compiled {
        Ok(Ok(())) => return "compiles".to_owned(),
        Ok(Err(error)) => error.to_string().replace('\n', " "),
        Err(_) => return "panics".to_owned(),
    };
    let mut shown: String = said.chars().take(SHOWN).collect();
    if shown.len() < said.len() {
        shown = format!("{}…", shown.trim_end());
    }
    format!("`` {} ``", shown.replace('|', "\\|"))
}
