//! Every committed input once more, without libFuzzer.

use std::path::Path;

fn replay(target: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut inputs = 0;
    for entry in std::fs::read_dir(&folder).expect("a corpus") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("an input");
        // Shown when the test fails.
        println!("{}", path.display());
        ccp_fuzz::run(target, &bytes);
        inputs += 1;
    }
    assert!(inputs > 0, "{} is empty", folder.display());
}

#[test]
fn the_agent_lives_through_its_corpus() {
    replay("agent");
}

#[test]
fn the_datapath_lives_through_its_corpus() {
    replay("datapath");
}

#[test]
fn the_ebpf_code_does_what_the_machine_does_over_the_corpus() {
    replay("ebpf");
}

#[test]
fn the_compiler_takes_its_corpus() {
    replay("lang");
}

#[test]
fn the_verifier_takes_its_corpus() {
    replay("verify");
}

#[test]
fn the_codec_takes_its_corpus() {
    replay("wire");
}

#[test]
fn each_target_has_its_corpus_and_the_whole_is_small() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let (mut files, mut bytes) = (0, 0);
    for folder in std::fs::read_dir(corpus).expect("the corpus") {
        let folder = folder.expect("an entry");
        let name = folder.file_name();
        assert!(ccp_fuzz::TARGETS.iter().any(|target| name == target.name), "{name:?}");
        for input in std::fs::read_dir(folder.path()).expect("a folder") {
            files += 1;
            bytes += input.expect("an input").metadata().expect("its length").len();
        }
    }
    assert!(files <= 250 && bytes <= 1 << 20, "{files} files, {bytes} bytes");
}
