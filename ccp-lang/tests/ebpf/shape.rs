//! What the code looks like: what is left out where it is needless.

use ccp_lang::ebpf::outline;
use ccp_lang::{Code, Event, Instr, Limits, Op, Primitive, Program, Reg};

const A: Reg = Reg::control(0);
const B: Reg = Reg::control(1);

/// The code of one event that always runs, up to the first exit; and what it may trap on.
fn shape(body: &[Instr]) -> (Vec<String>, Vec<String>) {
    let code = Code {
        events: vec![Event {
            flag_idx: 0,
            num_flag_instrs: 1,
            body_idx: 1,
            num_body_instrs: body.len() as u32,
        }],
        instrs: [&[Instr::bind(Reg::EVENT_FLAG, Reg::immediate(1))], body].concat(),
    };
    let program = Program::verify(code, &Limits::default()).expect("a good program");
    let text = outline(&program).expect("good code").to_string();
    let traps = text.lines().filter_map(|line| line.strip_prefix("; trap: ")).map(str::to_owned);
    let line = |line: &str| line.split_once(": ").map(|(_, insn)| insn.to_owned());
    let first = text.lines().skip_while(|line| !line.starts_with("; 1: "));
    let usual = first.take_while(|line| !line.starts_with("; to the transport"));
    (usual.filter(|line| !line.starts_with(';')).filter_map(line).collect(), traps.collect())
}

fn traps(body: &[Instr]) -> Vec<String> {
    shape(body).1
}

#[test]
fn a_sum_is_checked_and_stays_in_its_register() {
    let tmp = Reg::temp(0);
    let body = [Instr::new(Op::Add, tmp, A, B), Instr::new(Op::Max, A, tmp, B)];
    let (code, traps) = shape(&body);
    assert_eq!(traps, ["add_overflow"]);
    let start = [
        "r3 = *(u64 *)(r9 +2776)",
        "r4 = *(u64 *)(r9 +2784)",
        "r3 += r4",
        "if r3 < r4 goto",
        "if r3 >= r4 goto +1",
        "r3 = r4",
    ];
    for (found, expected) in code.iter().zip(start) {
        assert!(found.starts_with(expected), "{code:#?}");
    }
    // Micros, the result and shouldReport, but no temporary.
    let stores = code.iter().filter(|line| line.starts_with("*(u64")).count();
    assert_eq!(stores, 3, "{code:#?}");
}

#[test]
fn a_difference_of_what_is_never_less_is_not_checked() {
    let more = Instr::new(Op::Max, Reg::temp(0), A, B);
    let rest = Instr::new(Op::Sub, Reg::temp(1), Reg::temp(0), B);
    assert!(traps(&[more, rest]).is_empty());
    let less = Instr::new(Op::Min, Reg::temp(0), A, B);
    let rest = Instr::new(Op::Sub, Reg::temp(1), A, Reg::temp(0));
    assert!(traps(&[less, rest]).is_empty());
    let part = Instr::new(Op::Div, Reg::temp(0), A, Reg::immediate(8));
    assert!(traps(&[part, rest]).is_empty());
    // Not when one of them has changed since.
    let change = Instr::bind(A, B);
    assert_eq!(traps(&[less, change, rest]), ["sub_underflow"]);
    assert_eq!(traps(&[rest]), ["sub_underflow"]);
}

#[test]
fn truth_values_need_neither_products_nor_checks() {
    let body = [
        Instr::new(Op::Gt, Reg::temp(0), A, B),
        Instr::new(Op::Lt, Reg::temp(1), A, Reg::immediate(5)),
        Instr::new(Op::Mul, Reg::temp(2), Reg::temp(0), Reg::temp(1)),
        Instr::new(Op::Equiv, Reg::temp(3), Reg::temp(2), Reg::immediate(0)),
    ];
    let (code, traps) = shape(&body);
    assert!(traps.is_empty());
    assert!(code.iter().any(|line| line.contains("&=")) && code.iter().any(|l| l.contains("^= 1")));
}

#[test]
fn constants_and_missing_samples_bound_what_is_computed() {
    let rtt = Reg::primitive(Primitive::FlowRttSampleUs);
    let body = [
        // At most 3,000,000,000; a sample is never 0.
        Instr::new(Op::Min, Reg::temp(0), A, Reg::immediate(1_000_000)),
        Instr::new(Op::Mul, Reg::temp(1), Reg::temp(0), Reg::immediate(3_000)),
        Instr::new(Op::Div, Reg::temp(2), Reg::temp(1), rtt),
        Instr::new(Op::Add, Reg::temp(3), Reg::temp(2), Reg::immediate(7)),
    ];
    assert!(traps(&body).is_empty());
    let zero = Instr::new(Op::Div, Reg::temp(0), A, Reg::immediate(0));
    assert_eq!(traps(&[zero]), ["div_by_zero"]);
}

#[test]
fn a_comparison_and_the_choice_by_it_are_one_jump() {
    let tmp = Reg::temp(0);
    let body = [
        Instr::new(Op::Gt, tmp, A, B),
        Instr::new(Op::If, A, tmp, B),
        // Nobody sees the comparison's result.
        Instr::bind(tmp, Reg::immediate(0)),
    ];
    let (code, _) = shape(&body);
    assert_eq!(code.iter().filter(|line| line.starts_with("if")).count(), 1, "{code:#?}");
}
