//! Files of primitives that a transport adds to the standard ones.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use ccp_lang::{PrimitiveDef, PrimitiveTable};
use serde::Deserialize;

/// A file: `[[primitive]]` and its keys, for each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default)]
    primitive: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    index: u32,
    #[serde(default, rename = "type")]
    ty: Type,
    #[serde(default)]
    doc: String,
    stand_in: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
enum Type {
    #[default]
    Num,
    Bool,
}

/// The standard primitives and those of a file.
pub(crate) fn read(path: &Path) -> anyhow::Result<PrimitiveTable> {
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    let mut text = String::new();
    file.take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {name}"))?;
    if text.len() as u64 > MOST_BYTES {
        bail!("{name} is larger than {MOST_BYTES} bytes, which no table of primitives is");
    }
    table(&text).with_context(|| name)
}

fn table(text: &str) -> anyhow::Result<PrimitiveTable> {
    let form: Form = toml::from_str(text)?;
    let mut table = PrimitiveTable::standard();
    for Entry { name, index, ty, doc, stand_in } in form.primitive {
        let def = match ty {
            Type::Num => PrimitiveDef::num(name, index),
            Type::Bool => PrimitiveDef::bool(name, index),
        };
        let def = def.with_doc(doc);
        table.add(match stand_in {
            Some(expr) => def.with_stand_in(expr),
            None => def,
        })?;
    }
    Ok(table)
}

/// There are thirty-two primitives at most.
const MOST_BYTES: u64 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        format!("{:#}", table(text).unwrap_err())
    }

    #[test]
    fn a_table_has_the_standard_primitives_and_those_of_the_file() {
        let text = "[[primitive]]\nname = \"Flow.min_rtt\"\nindex = 31\ndoc = \"smallest RTT\"\n\
                    stand_in = \"Flow.rtt_sample_us\"\n\
                    [[primitive]]\nname = \"Flow.paced\"\nindex = 30\ntype = \"Bool\"\n";
        let table = table(text).unwrap();
        let found = table.by_name("Flow.min_rtt").unwrap();
        assert_eq!((found.index(), found.doc()), (31, "smallest RTT"));
        assert_eq!(found.stand_in(), Some("Flow.rtt_sample_us"));
        assert_eq!(table.by_index(30).unwrap().ty(), ccp_lang::Type::Bool);
        assert!(table.by_name("Ack.now").is_some());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_what_to_look_at() {
        let one = |keys: &str| format!("[[primitive]]\nname = \"Flow.x\"\n{keys}\n");
        for (text, says) in [
            (one(""), "missing field `index`"),
            (one("index = 31\nunit = \"us\""), "unknown field `unit`"),
            (one("index = 31\ntype = \"num\""), "unknown variant `num`"),
            (one("index = 3"), "belongs to `Ack.ecn_packets`"),
            (one("index = 32"), "the last one is 31"),
            (one("index = 31\nstand_in = \"(+ 1\""), "the stand-in of `Flow.x`"),
            (one("index = 31") + &one("index = 30"), "already, of index 31"),
            ("[primitive]\n".to_owned(), "invalid type"),
        ] {
            let refusal = refusal(&text);
            assert!(refusal.contains(says), "{text}: {refusal}");
        }
    }
}
