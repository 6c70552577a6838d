//! `ccp compile`, `check` and `trace`, as a user calls them.

mod common;

use common::{ccp, text, write};

const PROGRAM: &str = "\
(def (Report (volatile acked 0) (volatile late false)) (limit 2))
(when true
    (:= Report.acked (+ Report.acked Ack.bytes_acked))
    (:= Report.late Flow.was_timeout)
    (:= Cwnd (+ Cwnd Ack.bytes_acked))
    (fallthrough))
(when (> Ack.packets_acked limit)
    (report))
";

#[test]
fn a_trace_feeds_the_window_on_and_names_what_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let program = write(&folder, "p.ccp", PROGRAM);
    let acks = write(
        &folder,
        "acks.csv",
        "bytes_acked,packets_acked,was_timeout,now_us\n1000,1,0,5\n2000,3,true,10\n10,3,0,10\n",
    );
    let run = ccp(&["trace", &program, "--acks", &acks, "--cwnd", "10000"], "");
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert_eq!(
        text(&run.stdout),
        "{\"ack\":0,\"now_us\":5,\"cwnd\":11000,\"rate\":0}\n\
         {\"ack\":1,\"now_us\":10,\"cwnd\":13000,\"rate\":0,\"report\":{\"acked\":3000,\"late\":true}}\n\
         {\"ack\":2,\"now_us\":10,\"cwnd\":13010,\"rate\":0,\"report\":{\"acked\":10,\"late\":false}}\n"
    );
}

#[test]
fn a_trace_starts_from_what_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let program = write(&folder, "p.ccp", PROGRAM);
    let acks = write(&folder, "acks.csv", "bytes_acked,packets_acked\n1,1\n");
    let set = ["--set", "limit=0", "--set", "Rate=77"];
    let run = ccp(&[["trace", &program, "--acks", &acks].as_slice(), &set].concat(), "");
    assert_eq!(
        text(&run.stdout),
        "{\"ack\":0,\"now_us\":0,\"cwnd\":14481,\"rate\":77,\"report\":{\"acked\":1,\"late\":false}}\n"
    );
    for (wrong, says) in [("none=1", "no variable 'none'"), ("Report.acked=1", "cannot be set")] {
        let run = ccp(&["trace", &program, "--acks", &acks, "--set", wrong], "");
        assert_eq!(run.status.code(), Some(2));
        assert!(text(&run.stderr).contains(says), "{}", text(&run.stderr));
    }
}

#[test]
fn a_trap_is_said_in_its_row_and_the_window_stays() {
    let folder = tempfile::tempdir().unwrap();
    let program =
        write(&folder, "p.ccp", "(def) (when true (:= Cwnd 1) (:= Cwnd (/ 8 Ack.ecn_bytes)))");
    let acks = write(&folder, "acks.csv", "ecn_bytes\n0\n4\n");
    let run = ccp(&["trace", &program, "--acks", &acks], "");
    assert_eq!(run.status.code(), Some(0));
    let out = text(&run.stdout);
    let rows: Vec<&str> = out.lines().collect();
    assert!(rows[0].starts_with("{\"ack\":0,\"now_us\":0,\"cwnd\":14480,\"rate\":0,\"error\":"));
    assert!(rows[0].contains("division by zero"), "{}", rows[0]);
    assert_eq!(rows[1], "{\"ack\":1,\"now_us\":0,\"cwnd\":2,\"rate\":0}");
}

#[test]
fn wrong_recordings_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let program = write(&folder, "p.ccp", PROGRAM);
    for (csv, says) in [
        ("bytes\n1\n", "'bytes' is no primitive"),
        ("now_us,now_us\n1,1\n", "stands twice"),
        ("bytes_acked\nmany\n", ":2: 'many' is no whole number"),
        ("bytes_acked,now_us\n1\n", "not a table"),
        ("now_us\n5\n4\n", ":3: now_us goes back, from 5 to 4"),
        ("was_timeout\n2\n", ":2: '2' is neither true (1) nor false (0)"),
    ] {
        let acks = write(&folder, "acks.csv", csv);
        let run = ccp(&["trace", &program, "--acks", &acks], "");
        assert_eq!(run.status.code(), Some(1), "{csv}");
        assert!(text(&run.stderr).contains(says), "{csv}: {}", text(&run.stderr));
    }
}

#[test]
fn check_says_the_place_of_every_error_and_fails() {
    let wrong =
        "(def (Report (volatile a 0)))\n(when (> Flow.rtt 3) (report))\n(when true (:= b c))\n";
    let run = ccp(&["check", "-"], wrong);
    assert_eq!(run.status.code(), Some(1));
    let said = text(&run.stderr);
    assert!(said.contains("<stdin>:2:10"), "{said}");
    assert!(said.contains("<stdin>:3:"), "{said}");
    assert!(run.stdout.is_empty());
}

#[test]
fn check_passes_over_one_bad_file_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = write(&folder, "wrong.ccp", "(def) (when maybe (report))");
    let run = ccp(&["check", "no-such-file.ccp", &wrong], "");
    assert_eq!(run.status.code(), Some(1));
    let said = text(&run.stderr);
    assert!(said.contains("cannot open no-such-file.ccp"), "{said}");
    assert!(said.contains("wrong.ccp:1:"), "{said}");
}

#[test]
fn an_allowed_lint_only_warns() {
    let source = "(def (x 0)) (when true (:= Report.y 1) (:= x (+ x 1)))";
    assert_eq!(ccp(&["check", "-"], source).status.code(), Some(1));
    let run = ccp(&["check", "-", "--allow", "unknown-field"], source);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert!(text(&run.stderr).contains("warning"));
    let run = ccp(&["check", "-", "--allow", "nonsense"], source);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("unknown-field"), "the known ones are named");
}

#[test]
fn the_wire_form_is_an_install_of_program_1() {
    let run = ccp(&["compile", "-", "--emit", "wire"], PROGRAM);
    let message = ccp_wire::Messages::new(&run.stdout).next().unwrap().unwrap();
    let ccp_wire::Message::Install(install) = message else { panic!("{message:?}") };
    assert_eq!(install.program_uid, ccp_wire::ProgramUid(1));
    assert_eq!(install.encoded_len(), run.stdout.len());
    let program = ccp_lang::Program::from_records(
        install.events,
        install.instrs,
        &ccp_lang::Limits::default(),
    )
    .unwrap();
    assert_eq!(program, ccp_lang::compile(PROGRAM).unwrap().program);
}

#[test]
fn instructions_are_assembled_to_the_program_they_were_printed_from() {
    let folder = tempfile::tempdir().unwrap();
    let asm = text(&ccp(&["compile", "-"], PROGRAM).stdout);
    let file = write(&folder, "p.ccpasm", &format!("; by hand\n{asm}"));
    for emit in ["asm", "wire", "ebpf"] {
        let compiled = ccp(&["compile", "-", "--emit", emit], PROGRAM);
        for source in
            [[file.as_str(), "--from=asm"], [file.as_str(), "--opt=none"], ["-", "--from=asm"]]
        {
            let assembled = ccp(&["compile", source[0], source[1], "--emit", emit], &asm);
            assert_eq!(assembled.status.code(), Some(0), "{}", text(&assembled.stderr));
            assert!(assembled.stdout == compiled.stdout, "{emit} of {source:?}");
        }
    }
    let run = ccp(&["compile", &file, "--from", "ccp"], "");
    assert_eq!(run.status.code(), Some(1), "this is no program of the language");
    let run = ccp(&["compile", &file, "--emit", "ast"], "");
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn wrong_instructions_are_refused_with_their_place() {
    for (asm, said) in [
        ("BIND Cwnd #5", "<stdin>:1:11: error: `#5` where `,` should stand"),
        ("BIND Ack.now, #5", "instruction 0: Ack.now cannot be written"),
    ] {
        let run = ccp(&["compile", "-", "--from", "asm"], asm);
        assert_eq!(run.status.code(), Some(1));
        assert!(text(&run.stderr).contains(said), "{}", text(&run.stderr));
        assert!(run.stdout.is_empty());
    }
    let run = common::ccp_bytes(&["compile", "-", "--from", "asm"], b"\xff");
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
}

#[test]
fn the_tree_is_printed_as_a_program_and_the_steps_with_their_registers() {
    let tree = text(&ccp(&["compile", "-", "--emit", "ast"], PROGRAM).stdout);
    let again = text(&ccp(&["compile", "-", "--emit", "ast"], &tree).stdout);
    assert!(tree.contains("(volatile Report.late false)"), "{tree}");
    assert_eq!(tree, again, "what is printed is the same program");
    let steps = text(&ccp(&["compile", "-", "--emit", "ir", "--opt", "none"], PROGRAM).stdout);
    assert!(steps.contains("← ADD vreport.0, Ack.bytes_acked"), "{steps}");

    let run = ccp(&["compile", "-", "--emit", "ast"], "(def (x 1)) (when (foo x) (:= Cwnd x))");
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stdout).contains("(:= Cwnd x)"), "{}", text(&run.stdout));
}

#[test]
fn the_json_form_names_registers_and_variables() {
    let run = ccp(&["compile", "-", "--emit", "json"], PROGRAM);
    let value: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(value["schema"], 1);
    assert_eq!(value["variables"][0]["name"], "Report.acked");
    assert_eq!(value["variables"][0]["kind"], "report");
    assert_eq!(value["variables"][0]["bytes"], serde_json::json!([23, 28]));
    assert_eq!(value["report_fields"], 2);
    assert_eq!(value["primitives"][0], "Ack.bytes_acked");
    assert_eq!(value["events"].as_array().unwrap().len(), 2);
}

#[test]
fn the_ebpf_form_shows_each_instruction_with_its_code() {
    let run = ccp(&["compile", "-", "--emit", "ebpf"], PROGRAM);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let shown = text(&run.stdout);
    let program = ccp_lang::compile(PROGRAM).unwrap().program;
    let report = format!("(a report of {} fields)", program.report_len());
    for part in ["ADD", "Ack.bytes_acked", "r0 = *(u64 *)(r9 +", "exit", &report] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
}

#[test]
fn bytes_that_are_no_text_are_an_error_with_a_place() {
    let run = common::ccp_bytes(&["check", "-"], b"(def)\n\xff");
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("2:1"), "{}", text(&run.stderr));
}

#[test]
fn compile_shows_the_steps_after_each_pass() {
    let source = "(def) (when true (:= Cwnd (+ 1 2)))";
    let run = ccp(&["compile", "-", "--passes"], source);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let out = text(&run.stdout);
    let passes: Vec<&str> = out.lines().filter(|line| line.starts_with("# ")).collect();
    assert!(passes[0].starts_with("# fold: ") && passes.len() == 8, "{out}");
    assert!(out.ends_with("Cwnd ← BIND #3\n\n"), "{out}");
}

#[test]
fn check_prints_what_a_good_program_costs_at_most() {
    let run = ccp(&["check", "-", "--opt", "none"], PROGRAM);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    // Three declarations; both events, since the first falls through.
    assert_eq!(
        text(&run.stdout),
        "<stdin>: at most 9 of 12 instructions an ACK, 2 events; 1 control, 2 report, 0 local, \
         1 temporary registers; Install 244 bytes, report 32 bytes\n"
    );
}

#[test]
fn check_for_tools_prints_an_object_for_each_mistake_and_each_good_program() {
    let wrong = "(def (Report (volatile a 0)))\n(when (> Flow.rtt 3) (report))\n";
    let run = ccp(&["check", "-", "--format", "json"], wrong);
    assert_eq!(run.status.code(), Some(1));
    let said: Vec<serde_json::Value> =
        text(&run.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let error = said.iter().find(|one| one["severity"] == "error").unwrap();
    assert_eq!((&error["at"]["line"], &error["at"]["column"]), (&2.into(), &10.into()));
    assert!(error["help"].as_str().unwrap().contains("Flow.rtt_sample_us"), "{error}");
    assert!(run.stderr.is_empty(), "{}", text(&run.stderr));

    let run = ccp(&["check", "-", "--format", "json", "--opt", "none"], PROGRAM);
    let out = text(&run.stdout);
    let good: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(good["bounds"]["instructions_per_ack"], 9);
}

#[test]
fn a_denied_lint_is_an_error() {
    let source = "(def (unused 0)) (when true (:= Cwnd 1))";
    assert_eq!(ccp(&["check", "-"], source).status.code(), Some(0));
    let run = ccp(&["check", "-", "--deny", "never-read"], source);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("never-read"), "{}", text(&run.stderr));
}

#[test]
fn explain_takes_a_code_or_a_lint_and_lists_all() {
    let by_code = ccp(&["explain", "l0102"], "");
    assert_eq!(by_code.status.code(), Some(0));
    assert!(text(&by_code.stdout).starts_with("L0102: a read of a name that nothing binds\n\n"));
    assert_eq!(by_code.stdout, ccp(&["explain", "unbound-read"], "").stdout);
    let all = text(&ccp(&["explain"], "").stdout);
    assert!(all.lines().count() > 30 && all.contains("E0101\t"), "{all}");
    let unknown = ccp(&["explain", "E9999"], "");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("'E9999'"));
}

#[test]
fn check_knows_the_primitives_of_a_file_and_says_which_are_needed() {
    let folder = tempfile::tempdir().unwrap();
    let guide = include_str!("../../docs/add-a-transport.md");
    let form = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let primitives = write(&folder, "primitives.toml", form);
    let program = "(def (Report (m 0) (l false)))
        (when true (:= Report.m Flow.min_rtt) (:= Report.l Flow.app_limited) (report))";
    let unknown = ccp(&["check", "-"], program);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("nothing binds `Flow.min_rtt`"));

    let run = ccp(&["check", "-", "--primitives", &primitives], program);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let needs = "; needs Flow.min_rtt; reads, or their stand-ins, Flow.app_limited\n";
    assert!(text(&run.stdout).ends_with(needs), "{}", text(&run.stdout));

    let args = ["check", "-", "--primitives", &primitives, "--format", "json"];
    let out = text(&ccp(&args, program).stdout);
    let bounds: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    let own = bounds["primitives"].as_array().unwrap().iter().find(|p| p["index"] == 31).unwrap();
    assert_eq!((&own["name"], &own["stand_in"]), (&"Flow.min_rtt".into(), &().into()));

    let acks = write(&folder, "acks.csv", "min_rtt\n7\n");
    let file = write(&folder, "p.ccp", program);
    let run = ccp(&["trace", &file, "--acks", &acks, "--primitives", &primitives], "");
    assert!(text(&run.stdout).contains("\"report\":{\"m\":7,"), "{}", text(&run.stderr));

    let wrong = write(&folder, "wrong.toml", "[[primitive]]\nname = \"Flow.x\"\nindex = 0\n");
    let run = ccp(&["check", "-", "--primitives", &wrong], program);
    assert_eq!(run.status.code(), Some(1));
    let said = text(&run.stderr);
    assert!(
        said.contains("wrong.toml: index 0 of `Flow.x` belongs to `Ack.bytes_acked`"),
        "{said}"
    );
}

#[test]
fn explain_shows_a_wrong_and_a_right_program_for_each_code() {
    for code in ccp_lang::DiagCode::ALL {
        let run = ccp(&["explain", code.as_str()], "");
        assert_eq!(run.status.code(), Some(0));
        let shown = text(&run.stdout);
        let has_example =
            ["\nWrong", "\nRight:\n", &format!("[{code}]: ")].map(|p| shown.contains(p));
        assert_eq!(has_example, [code.example().is_some(); 3], "{shown}");
        assert!(shown.lines().count() < 45, "{shown}");
    }
}

#[test]
fn objects_for_tools_have_a_schema_and_these_keys() {
    let wrong = "(def (a 0) (a 1))\n(when true (:= Cwnd a))";
    let out = text(&ccp(&["check", "-", "--format", "json"], wrong).stdout);
    let object: serde_json::Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    let keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    let expected =
        ["schema", "file", "code", "severity", "message", "at", "help", "lint", "labels"];
    assert_eq!(keys, expected);
    assert_eq!(object["schema"], 1);
    let documented = include_str!("../README.md");
    for key in keys {
        assert!(documented.contains(&format!("`{key}`")), "README.md does not tell of {key}");
    }
}

#[test]
fn what_passes_the_limits_of_libccp_is_refused_unless_others_are_asked_for() {
    let binds: String = (0..9).map(|n| format!("(:= x{n} (+ Cwnd {n})) (:= Cwnd x{n})")).collect();
    let source = format!("(def) (when true {binds})");
    let run = ccp(&["check", "-", "--opt", "none"], &source);
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stderr).contains("E0603"), "{}", text(&run.stderr));
    let run = ccp(&["check", "-", "--limits", "machine", "--opt", "none"], &source);
    assert_eq!(run.status.code(), Some(0));
    assert!(text(&run.stderr).contains("9 locals, of which libccp has 8"), "{}", text(&run.stderr));
}

#[test]
fn the_longest_report_fits_the_buffer_of_published_agents() {
    let fields =
        |form: &str| (0..110).map(|n| form.replace('N', &n.to_string())).collect::<String>();
    let source = format!(
        "(def (Report {})) (when true {} (report))",
        fields("(volatile aN 0)"),
        fields("(:= Report.aN Cwnd)")
    );
    let out =
        text(&ccp(&["check", "-", "--limits", "machine", "--format", "json"], &source).stdout);
    let bounds: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!(bounds["bounds"]["report_bytes"], 896);
}
