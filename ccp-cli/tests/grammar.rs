//! The grammar for editors gives every token the scope that the compiler's own tokens ask for, on every program of the
//! repository and on every row of the language's tables.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ccp_lang::Primitive;
use ccp_lang::syntax::{self, Command, Operator, Token};
use fancy_regex::{Regex, RegexBuilder};
use serde::Deserialize;

const ROOT: &str = "source.ccp";

/// Reading it takes longer than using it.
static GRAMMAR: LazyLock<Grammar> = LazyLock::new(Grammar::load);

#[test]
fn every_program_of_the_repository_has_the_scopes_of_its_tokens() {
    let mut files = Vec::new();
    programs(&root(), &mut files);
    assert!(files.len() > 100, "{} programs", files.len());
    let wrong: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let name = file.strip_prefix(root()).unwrap().display();
            // Editors show bytes that are no text as a character that says so.
            let src = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
            differences(&src).into_iter().map(move |line| format!("{name}:{line}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_operator_command_and_primitive_is_known() {
    let mut wrong = Vec::new();
    let mut check = |src: String| wrong.extend(differences(&src));
    for operator in Operator::ALL {
        for written in [operator.symbol(), operator.word()] {
            check(format!("({written} a b)"));
            check(format!("( {written}(a))"));
        }
    }
    for command in Command::ALL {
        check(command.to_string());
    }
    for primitive in Primitive::ALL {
        check(format!("(> {primitive} 0)"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_hard_to_tell_apart_is_told_apart() {
    for src in [
        // Heads on other lines, behind comments, missing.
        "(\n  min # max\n a\n)(# if\nif(max)())",
        "( # (report)\n\n (report))",
        "(()min)(\n)max",
        // Words of the language that are names where they stand, or longer words.
        "(:= min max) (report report) (when when) (minx defx whenever volatile_ Report.volatile)",
        "(if.x add.1 reportä trueä Cwnd.x Cwndä true.x) (define) (Report.x) (reset5)",
        "(volatile volatile true) (Report (Report 1))",
        // Signs that touch.
        "(:=x(!if a +infinity)) (!iffy) (! if) (!=a) (>==) (a+infinityx) (+ infinity) (+infinity) (+-+infinity)",
        "(:::=) (& | && ||| =) (a>b<=c==!d)",
        // Numbers and what is none.
        "0 007 42ms 250us 2s 5min 5ms2 1.5 5_000 5ä 18446744073709551615 99999999999999999999 ms -5s",
        // Primitives and what looks like some.
        "Ack.now Ack.nowx Ack.now.x Ack.ä Ack. Ack Flow.min_rtt Flow.rtt_sample_us xFlow.now __x Report.__x Report.",
        // Other scripts; what belongs to no language.
        "(größe Δ 数 a→b → ≤ [x] {y} 'a' \"a (b\" \"c ; d)\n) \u{b} \u{0} x\u{301} ² ٣ \u{345} \u{feff} \u{a0}",
        "# comment to the end",
        "#\n#\r\n(def)\r\n\t(when true)# x ( \" ;\n;#\n\"#\" \"\n#\"",
        "",
        // Unbalanced.
        "))((def (x 0) (when (min",
        "(",
    ] {
        let wrong = differences(src);
        assert!(wrong.is_empty(), "{src}\n{}", wrong.join("\n"));
    }
}

#[test]
fn the_scopes_are_those_that_themes_colour() {
    let src = "(def (Report (volatile x +infinity)) (y 2ms)) # z\n\
        (when true (:= Cwnd (!if y (min Report.x Ack.now Flow.min_rtt 5))) (report) 5min)";
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let scopes = GRAMMAR.scopes(src);
    for (_, at) in syntax::tokens(src) {
        let scope = scopes[at.start].strip_suffix(".ccp").unwrap();
        if !scope.starts_with("punctuation") {
            seen.push((&src[at.clone()], scope));
        }
    }
    assert_eq!(
        seen,
        [
            ("def", "keyword.control"),
            ("Report", "storage.type"),
            ("volatile", "storage.modifier"),
            ("x", "variable.other"),
            ("+infinity", "constant.language.infinity"),
            ("y", "variable.other"),
            ("2ms", "constant.numeric.time"),
            ("when", "keyword.control"),
            ("true", "constant.language.boolean"),
            (":=", "keyword.operator.symbol"),
            ("Cwnd", "support.variable.builtin"),
            ("!if", "keyword.control"),
            ("y", "variable.other"),
            ("min", "keyword.operator.word"),
            ("Report.x", "variable.other.report"),
            ("Ack.now", "support.variable.primitive"),
            ("Flow.min_rtt", "variable.other.primitive"),
            ("5", "constant.numeric"),
            ("report", "support.function.command"),
            ("5min", "invalid.illegal.number"),
        ]
    );
    assert_eq!(scopes[src.find("# z").unwrap()], "comment.line.number-sign.ccp");
}

#[test]
fn the_extension_names_its_files() {
    let folder = root().join("editors");
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
    };
    let contributes = &read("package.json")["contributes"];
    let (language, grammar) = (&contributes["languages"][0], &contributes["grammars"][0]);
    assert_eq!(language["id"], grammar["language"]);
    assert_eq!(language["extensions"][0], ".ccp");
    assert_eq!(grammar["scopeName"], ROOT);
    assert_eq!(read(grammar["path"].as_str().unwrap())["scopeName"], ROOT);
    assert_eq!(read(language["configuration"].as_str().unwrap())["comments"]["lineComment"], "#");
}

/// Where the grammar's scopes are not those of the tokens, as `LINE: TEXT: has SCOPE, wants SCOPE`.
fn differences(src: &str) -> Vec<String> {
    let scopes = GRAMMAR.scopes(src);
    let mut wrong = Vec::new();
    let mut compare = |at: Range<usize>, wanted: &str| {
        if let Some(has) = scopes[at.clone()].iter().find(|has| **has != wanted) {
            let line = 1 + src[..at.start].matches('\n').count();
            wrong.push(format!("{line}: {:?}: has {has}, wants {wanted}", &src[at]));
        }
    };
    let (mut end, mut is_head) = (0, false);
    for (token, at) in syntax::tokens(src) {
        between(src, end..at.start, &mut compare);
        compare(at.clone(), &wanted(token, &src[at.clone()], is_head));
        (end, is_head) = (at.end, token == Token::Open);
    }
    between(src, end..src.len(), &mut compare);
    wrong
}

/// White space and comments; whether a line's end belongs to its comment is all the same.
fn between(src: &str, range: Range<usize>, compare: &mut impl FnMut(Range<usize>, &str)) {
    let mut start = range.start;
    for line in src[range].split('\n') {
        let comment = line.find('#').unwrap_or(line.len());
        compare(start..start + comment, ROOT);
        compare(start + comment..start + line.len(), "comment.line.number-sign.ccp");
        start += line.len() + 1;
    }
}

/// The scope that a token should have.
fn wanted(token: Token, text: &str, is_head: bool) -> String {
    let scope = match token {
        Token::Open => "punctuation.section.parens.begin",
        Token::Close => "punctuation.section.parens.end",
        Token::Symbol(operator) => return operator_scope(operator, "symbol"),
        Token::Infinity => "constant.language.infinity",
        Token::Word => match is_head.then(|| head(text)).flatten() {
            Some(scope) => return scope,
            None => word(text),
        },
        _ => "invalid.illegal",
    };
    format!("{scope}.ccp")
}

fn operator_scope(operator: Operator, kind: &str) -> String {
    match operator {
        Operator::If | Operator::NotIf => "keyword.control.ccp".to_owned(),
        _ => format!("keyword.operator.{kind}.ccp"),
    }
}

/// What only the first word of a form can be.
fn head(text: &str) -> Option<String> {
    let keyword = match text {
        "def" | "when" => Some("keyword.control"),
        "volatile" => Some("storage.modifier"),
        "Report" => Some("storage.type"),
        _ if Command::ALL.iter().any(|command| command.word() == text) => {
            Some("support.function.command")
        }
        _ => None,
    };
    let is_written = |operator: &&Operator| [operator.symbol(), operator.word()].contains(&text);
    let operator = Operator::ALL.iter().find(is_written);
    keyword
        .map(|scope| format!("{scope}.ccp"))
        .or_else(|| operator.map(|&operator| operator_scope(operator, "word")))
}

fn word(text: &str) -> &'static str {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_field = |group: &str| text.strip_prefix(group).is_some_and(|field| !field.is_empty());
    match text {
        "true" | "false" => "constant.language.boolean",
        "Cwnd" | "Rate" | "Micros" => "support.variable.builtin",
        _ if digits > 0 => match &text[digits..] {
            "" => "constant.numeric",
            "us" | "ms" | "s" => "constant.numeric.time",
            _ => "invalid.illegal.number",
        },
        _ if Primitive::from_name(text).is_some() => "support.variable.primitive",
        _ if is_field("Ack.") || is_field("Flow.") => "variable.other.primitive",
        _ if is_field("Report.") => "variable.other.report",
        _ => "variable.other",
    }
}

fn programs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        let is_ours = name != "target" && !name.as_encoded_bytes().starts_with(b".");
        if is_ours && entry.file_type().unwrap().is_dir() {
            programs(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "ccp") {
            found.push(path);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// As much of a TextMate grammar as ours uses; what else one can have is refused when it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Grammar {
    #[serde(rename = "name")]
    _name: String,
    scope_name: String,
    #[serde(rename = "fileTypes")]
    _file_types: Vec<String>,
    patterns: Vec<Pattern>,
    repository: BTreeMap<String, Pattern>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Pattern {
    Include(Include),
    Match(Match),
    Span(Span),
    Group(Group),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Include {
    include: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Match {
    #[serde(rename = "comment")]
    _comment: Option<String>,
    name: String,
    #[serde(rename = "match", deserialize_with = "regex")]
    regex: Regex,
}

/// What lasts from one match to another, over lines.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Span {
    #[serde(rename = "comment")]
    _comment: Option<String>,
    #[serde(deserialize_with = "regex")]
    begin: Regex,
    begin_captures: Whole,
    #[serde(deserialize_with = "regex")]
    end: Regex,
    /// The end is looked for behind the patterns, not before them.
    apply_end_pattern_last: bool,
    patterns: Vec<Pattern>,
}

/// The scope of a whole match, the capture 0.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(rename = "0")]
    whole: Name,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(rename = "comment")]
    _comment: Option<String>,
    patterns: Vec<Pattern>,
}

fn regex<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    let regex = String::deserialize(deserializer)?;
    RegexBuilder::new(&regex).oniguruma_mode(true).build().map_err(serde::de::Error::custom)
}

/// What a match does.
#[derive(Clone, Copy)]
enum Found<'g> {
    Match(&'g Match),
    Begin(&'g Span),
    End,
}

/// Where on the line each expression matches next, so that it is looked for once.
type Ahead = HashMap<*const Regex, Option<Range<usize>>>;

impl Grammar {
    fn load() -> Self {
        let text = fs::read_to_string(root().join("editors/ccp.tmLanguage.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The scope of every byte. As editors do it: line by line, and of the matches that begin first that of the first
    /// rule.
    fn scopes(&self, src: &str) -> Vec<&str> {
        let mut scopes = Vec::with_capacity(src.len());
        let mut open: Vec<&Span> = Vec::new();
        for line in src.split_inclusive('\n') {
            let (mut at, mut ahead) = (0, Ahead::new());
            while let Some((found, range)) = self.next(line, at, open.last().copied(), &mut ahead) {
                scopes.resize(scopes.len() + (range.start - at), self.scope_name.as_str());
                let len = scopes.len() + range.len();
                match found {
                    Found::Match(rule) => {
                        assert!(!range.is_empty(), "{} matches nothing", rule.name);
                        scopes.resize(len, &rule.name);
                    }
                    Found::Begin(span) => {
                        assert!(!range.is_empty(), "{} matches nothing", span.begin);
                        scopes.resize(len, &span.begin_captures.whole.name);
                        open.push(span);
                    }
                    Found::End => {
                        assert!(range.is_empty(), "the end of a span has no scope here");
                        open.pop();
                    }
                }
                at = range.end;
            }
            scopes.resize(scopes.len() + (line.len() - at), &self.scope_name);
        }
        scopes
    }

    fn next<'g>(
        &'g self,
        line: &str,
        at: usize,
        inside: Option<&'g Span>,
        ahead: &mut Ahead,
    ) -> Option<(Found<'g>, Range<usize>)> {
        let mut rules = Vec::new();
        self.rules(inside.map_or(&self.patterns, |span| &span.patterns), &mut rules);
        if let Some(span) = inside {
            let place = if span.apply_end_pattern_last { rules.len() } else { 0 };
            rules.insert(place, (Found::End, &span.end));
        }
        let found = rules.into_iter().filter_map(|(found, regex)| {
            let search = || regex.find_from_pos(line, at).unwrap().map(|found| found.range());
            let next = ahead.entry(std::ptr::from_ref(regex)).or_insert_with(search);
            if next.as_ref().is_some_and(|next| next.start < at) {
                *next = search();
            }
            Some((found, next.clone()?))
        });
        // The first of those that begin first.
        found.min_by_key(|(_, range)| range.start)
    }

    /// The rules of a list of patterns, in order.
    fn rules<'g>(&'g self, patterns: &'g [Pattern], rules: &mut Vec<(Found<'g>, &'g Regex)>) {
        for pattern in patterns {
            self.rule(pattern, rules);
        }
    }

    fn rule<'g>(&'g self, pattern: &'g Pattern, rules: &mut Vec<(Found<'g>, &'g Regex)>) {
        match pattern {
            Pattern::Include(Include { include }) => {
                let name = include.strip_prefix('#').unwrap();
                let named = self.repository.get(name);
                self.rule(named.unwrap_or_else(|| panic!("no {name} in the repository")), rules);
            }
            Pattern::Match(rule) => rules.push((Found::Match(rule), &rule.regex)),
            Pattern::Span(span) => rules.push((Found::Begin(span), &span.begin)),
            Pattern::Group(group) => self.rules(&group.patterns, rules),
        }
    }
}
