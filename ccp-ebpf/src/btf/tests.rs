//! Made-up types read back, and bytes that are none.

use proptest::prelude::*;

use super::*;

/// A struct with a plain member, a bit field, and one inside an anonymous union in an anonymous struct.
fn sample() -> (Vec<u8>, TypeId) {
    let mut make = BtfMaker::new();
    let byte = make.int("unsigned char", 1);
    let word = make.int("unsigned int", 4);
    let alias = make.alias(Kind::Typedef, "u32", word);
    let constant = make.alias(Kind::Const, "", alias);
    let array = make.array(alias, 3);
    let union = make.composite(Kind::Union, "", 4, &[("a", word, 0, 0), ("b", byte, 0, 0)]);
    let inner = make.composite(Kind::Struct, "", 8, &[("x", word, 0, 0), ("", union, 32, 0)]);
    let outer = make.composite(
        Kind::Struct,
        "outer",
        32,
        &[
            ("first", constant, 0, 0),
            ("state", byte, 32, 5),
            ("", inner, 64, 0),
            ("list", array, 128, 0),
        ],
    );
    let pointer = make.alias(Kind::Pointer, "", outer);
    make.prototype(&[("sk", pointer), ("flag", word)]);
    (make.finish(), outer)
}

#[test]
fn members_are_found_by_name_also_inside_anonymous_ones() {
    let (bytes, id) = sample();
    let btf = Btf::parse(bytes).unwrap();
    assert_eq!(btf.find(Kind::Struct, "outer"), Some(id));
    assert_eq!(btf.find(Kind::Union, "outer"), None);
    let place = |name| btf.member(id, name).map(|m| (m.bit_offset, m.bits));
    assert_eq!(place("first"), Some((0, 0)));
    assert_eq!(place("state"), Some((32, 5)));
    assert_eq!(place("x"), Some((64, 0)));
    assert_eq!(place("b"), Some((96, 0)));
    assert_eq!(place("absent"), None);
    let size = |name| btf.size_of(btf.member(id, name).unwrap().ty);
    assert_eq!((size("first"), size("list")), (Some(4), Some(12)));
}

#[test]
fn parameters_are_found_by_name_and_by_what_they_point_to() {
    let (bytes, id) = sample();
    let btf = Btf::parse(bytes).unwrap();
    let proto = TypeId(btf.len() as u32);
    let params = btf.params(proto).unwrap();
    assert_eq!(params[1].name, "flag");
    assert_eq!(btf.target(params[0].ty), Some(id));
    assert_eq!(btf.target(params[1].ty), None);
    assert_eq!(btf.params(id), None);
}

#[test]
fn types_that_go_round_in_circles_have_no_size_and_no_member() {
    let mut make = BtfMaker::new();
    make.alias(Kind::Typedef, "a", TypeId(2));
    make.alias(Kind::Typedef, "b", TypeId(1));
    let own = make.composite(Kind::Struct, "own", 8, &[("", TypeId(3), 0, 0)]);
    make.array(TypeId(4), 2);
    let btf = Btf::parse(make.finish()).unwrap();
    assert_eq!(btf.size_of(TypeId(1)), None);
    assert_eq!(btf.member(own, "x"), None);
    assert_eq!(btf.size_of(TypeId(4)), None);
}

#[test]
fn every_truncation_is_refused() {
    let (bytes, _) = sample();
    for len in 0..bytes.len() {
        assert!(Btf::parse(bytes[..len].to_vec()).is_err(), "{len} bytes");
    }
}

#[test]
fn other_byte_orders_versions_and_kinds_are_refused_by_name() {
    let (bytes, _) = sample();
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        Btf::parse(bytes).unwrap_err()
    };
    assert_eq!(with(0, 0xEB), BtfError::NoMagic { magic: 0xEBEB });
    assert_eq!(with(2, 9), BtfError::Version { version: 9 });
    assert_eq!(with(24 + 7, 31), BtfError::Kind { id: 1, kind: 31 });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn corrupt_bytes_never_panic(changes in prop::collection::vec((0_usize..600, any::<u8>()), 1..8)) {
        let (mut bytes, id) = sample();
        for (at, byte) in changes {
            let len = bytes.len();
            bytes[at % len] = byte;
        }
        if let Ok(btf) = Btf::parse(bytes) {
            for id in (0..=btf.len() as u32 + 1).map(TypeId) {
                let _ = (btf.kind(id), btf.name(id).len(), btf.size_of(id), btf.target(id));
                let _ = (btf.params(id), btf.members(id).count(), btf.member(id, "b"));
            }
            let _ = (btf.find(Kind::Struct, "outer"), btf.member(id, "x"));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Btf::parse(bytes);
    }
}
