//! Names are safe, reversible and never shared.

use proptest::prelude::*;

use crate::route::template::fold_path;
use crate::route::{decode, encode_node, encode_path, is_safe};

fn folded(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    fold_path(path, &mut out);
    out
}

#[test]
fn names_read_like_their_paths() {
    for (template, name) in [
        ("/", "__root"),
        ("/api/v1/users/{id}", "api.v1.users.__id"),
        ("/api/v1/users/", "api.v1.users.__empty"),
        ("//", "__empty.__empty"),
        ("/a//b", "a.__empty.b"),
        ("/app.{hash}.js", "app_2E__hash_2Ejs"),
        ("/{id}s", "__id_73"),
        ("/{id}S-{uuid}", "__idS-__uuid"),
        ("/{id}_x", "__id_x"),
        ("/snake_case", "snake_case"),
        ("/a_b", "a_b"),
        ("/a_20", "a_5F20"),
        ("/a__b", "a_5F_b"),
        ("/a_.b", "a_5F_2Eb"),
        ("/a_{id}", "a_5F__id"),
        ("/a_", "a_"),
        ("/_", "_"),
        ("/..", "_2E_2E"),
        ("/a b;c=1", "a_20b_3Bc_3D1"),
        ("/\\xC3\\xA9", "_C3_A9"),
        ("/caf%C3%A9", "caf_25C3_25A9"),
        ("/\\x7Bid}", "_7Bid_7D"),
        ("/__id", "_5F_id"),
        ("/malformed", "malformed"),
        ("/__malformed", "_5F_malformed"),
        ("/ws/{101}", "ws.__101"),
        ("/{101}", "__101"),
        ("/other", "_6Fther"),
        ("/other/x", "other.x"),
        ("{other}", "other"),
        ("{malformed}", "__malformed"),
        ("{connect}", "__connect"),
        ("{asterisk}", "__asterisk"),
    ] {
        assert_eq!(encode_path(template), name, "{template}");
        assert_eq!(decode(name).as_deref(), Some(template), "{name}");
        assert!(is_safe(name), "{name}");
    }
}

#[test]
fn what_is_no_name_of_a_template_decodes_to_nothing() {
    for name in ["", ".", "a..b", "a.", "a b", "a;b", "_61", "__nonsense", "__empty.__root", "_2F", "a\n", "é", "__idx"]
    {
        assert_eq!(decode(name), None, "{name}");
    }
    assert_eq!(decode(&"a".repeat(201)), None);
}

#[test]
fn metrics_cannot_be_injected() {
    for hostile in
        ["/a b 1 2\nnginx.x 5 6", "/a;host=evil", "/../../etc", "/a\tb\r\n", "/\u{202e}", "/<script>", "/*", "/{a,b}"]
    {
        let name = encode_path(folded(hostile.as_bytes()));
        assert!(is_safe(&name), "{name}");
    }
}

#[test]
fn captures_are_one_node() {
    assert_eq!(encode_node(b"my.project"), "my_2Eproject");
    assert_eq!(encode_node(b"a/b"), "a_2Fb");
    assert_eq!(encode_node(b""), "__empty");
    assert_eq!(encode_node(b"__long"), "_5F_long");
    assert_eq!(encode_node(b"{id}"), "_7Bid_7D");
    assert_eq!(encode_node(&[b'x'; 101]), "__long");
    assert_eq!(encode_node(&[b'.'; 90]), "__long");
}

#[test]
fn too_long_is_cut_where_a_node_ends() {
    let name = encode_path("/abcdefghi".repeat(200));
    assert!(is_safe(&name) && name.ends_with(".abcdefghi.__rest"), "{name}");
    assert_eq!(encode_path(format!("/a/{}", ".".repeat(67))), "a.__long");
}

/// Paths of the bytes that matter to encoding, and of any bytes.
fn paths() -> impl Strategy<Value = Vec<u8>> {
    let tricky = proptest::collection::vec(
        prop_oneof![
            Just(b"_".to_vec()),
            Just(b"/".to_vec()),
            Just(b"5F".to_vec()),
            Just(b"{id}".to_vec()),
            Just(b"{".to_vec()),
            Just(b"\\x22".to_vec()),
            Just(b"\\".to_vec()),
            Just(b"__id".to_vec()),
            Just(b"__empty".to_vec()),
            Just(b"12345".to_vec()),
            Just(b"other".to_vec()),
            Just(b"A".to_vec()),
            Just(b".".to_vec()),
            Just(b"s".to_vec()),
            Just(b"0123abcdef".to_vec()),
            Just(b"{101}".to_vec()),
            Just(b"\xC3".to_vec()),
            Just(b"__root".to_vec()),
        ],
        0..12,
    )
    .prop_map(|parts| parts.concat());
    prop_oneof![tricky, proptest::collection::vec(any::<u8>(), 0..400)].prop_map(|mut bytes| {
        bytes.insert(0, b'/');
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_path_has_a_safe_and_reversible_name(path in paths()) {
        let template = folded(&path);
        let name = encode_path(&template);
        prop_assert!(is_safe(&name), "{}", name);
        prop_assert_eq!(decode(&name).map(String::into_bytes), Some(template));
    }

    #[test]
    fn distinct_templates_have_distinct_names(left in paths(), right in paths()) {
        let (left, right) = (folded(&left), folded(&right));
        prop_assert_eq!(left == right, encode_path(&left) == encode_path(&right));
    }

    #[test]
    fn any_bytes_at_all_have_a_safe_name_that_stays(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
        let name = encode_path(&bytes);
        prop_assert!(is_safe(&name), "{}", name);
        let template = decode(&name).unwrap();
        prop_assert_eq!(encode_path(template), name);
        let node = encode_node(&bytes);
        prop_assert!(is_safe(&node) && !node.contains('.'));
    }

    #[test]
    fn any_safe_name_decodes_to_at_most_its_own_template(name in "[A-Fao_0-9.]{0,20}|(__(id|hash|root|empty)|_[0-9A-F]{2}|[a-z.])*") {
        if let Some(template) = decode(&name) {
            prop_assert_eq!(encode_path(template), name);
        }
    }

    #[test]
    fn distinct_captures_are_distinct_nodes(left in "[_5Fa.{é]{0,6}", right in "[_5Fa.{é]{0,6}") {
        prop_assert_eq!(left == right, encode_node(left.as_bytes()) == encode_node(right.as_bytes()));
    }
}
