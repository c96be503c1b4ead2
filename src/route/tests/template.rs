//! What is folded, and what is left alone.

use proptest::prelude::*;

use crate::route::encode_path;
use crate::route::graphite_name::{NAME_MAX, is_safe};
use crate::route::template::{SEGMENTS_MAX, fold_bytewise, fold_path, template_of};

fn folded(path: &str) -> String {
    let mut out = Vec::new();
    fold_path(path.as_bytes(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn ids_and_hashes_are_folded() {
    for (path, template) in [
        ("/", "/"),
        ("/?a=1", "/"),
        ("/a?b/c/1", "/a"),
        ("/a#b", "/a"),
        ("/api/v1/users/42", "/api/v1/users/{id}"),
        ("/api/v1/users/42/", "/api/v1/users/{id}/"),
        ("/1/2/3", "/{id}/{id}/{id}"),
        ("/x/18cec445-53c0-43ce-ad2f-a93bd9f2987e/y/6901", "/x/{uuid}/y/{id}"),
        ("/x/18CEC445-53C0-43CE-AD2F-A93BD9F2987E", "/x/{uuid}"),
        ("/avatar-18cec445-53c0-43ce-ad2f-a93bd9f2987e.png", "/avatar-{uuid}.png"),
        ("/app.0123abcdef12.js", "/app.{hash}.js"),
        ("/0123abcd", "/{hash}"),
        ("/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/{hash}"),
        ("/IMG_20240101_123456.jpg", "/IMG_{id}_{id}.jpg"),
        ("/12345-some-slug", "/{id}-some-slug"),
        ("/p;jsessionid=0A1B2C3D4E5F60718293A4B5C6D7E8F9", "/p;jsessionid={hash}"),
        ("/t/dQw4w9WgXcQ7bZ2kLmN0pR", "/t/{token}"),
        ("/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x", "/{token}.{token}.x"),
        ("/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/{token}"),
        ("/u/jo@example.com", "/u/{email}"),
        ("/u/jo.doe%40mail.example.org/x", "/u/{email}/x"),
        ("/%2F12345", "/%2F{id}"),
        ("/\\x22x\\xC3", "/\\x22x\\xC3"),
        ("/{id}", "/\\x7Bid}"),
        ("/\"", "/\\x22"),
        ("/é", "/\\xC3\\xA9"),
        ("/a\\b", "/a\\x5Cb"),
    ] {
        assert_eq!(folded(path), template, "{path}");
    }
}

#[test]
fn words_versions_and_sizes_stay() {
    for path in [
        "/api/v2/x",
        "/static/fonts/inter-100.woff2",
        "/static/fonts/inter-150.woff2",
        "/release-notes-2024",
        "/feedface",
        "/decade",
        "/2x",
        "/logo@2x.png",
        "/@scope/pkg",
        "/react@18.2.0/umd/react.production.min.js",
        "/10.0.0.1",
        "/how-to-return-an-item-2024",
        "/HowToInstall-Windows11-OnYourMac",
        "/x/getUserProfileInternal2",
        "/a..b",
        "/robots.txt",
        "/p/v1.2.3-rc4",
        "/sha256",
        "/oauth2/callback",
        "//",
        "/a//b/",
        "/%D0%9F%D1%80%D0%B8",
        "/utf-8",
        "/1234.html",
    ] {
        assert_eq!(folded(path), path);
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let twelve = "/a".repeat(SEGMENTS_MAX);
    assert_eq!(folded(&twelve), twelve);
    assert_eq!(folded(&"/a".repeat(SEGMENTS_MAX + 1)), format!("{twelve}/{{rest}}"));
    assert_eq!(folded(&format!("/7{twelve}")), format!("/{{id}}{}/{{rest}}", "/a".repeat(SEGMENTS_MAX - 1)));
    assert_eq!(folded(&format!("/{}/x", "a".repeat(100))), format!("/{}/x", "a".repeat(100)));
    assert_eq!(folded(&format!("/{}/x", "a".repeat(101))), "/{long}/x");
    assert_eq!(folded(&format!("/{}", ".".repeat(67))), "/{long}");
    let wide = format!("/{}", "a".repeat(99)).repeat(SEGMENTS_MAX);
    let template = folded(&wide);
    assert!(template.ends_with("/{rest}") && encode_path(&template).len() <= NAME_MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_folding_made_fits_a_name_with_a_marker(path in proptest::collection::vec("[/a._0\\PC-]{0,120}", 0..16)) {
        let mut template = folded(&format!("/{}", path.join("/")));
        template.push_str("/{101}");
        let name = encode_path(&template);
        prop_assert!(is_safe(&name) && name.ends_with(".__101"), "{}", name);
    }

    #[test]
    fn ids_do_not_matter(left in 0u64.., right in 0u64.., area in "[a-z]{1,9}") {
        prop_assert_eq!(folded(&format!("/{area}/{left}/x")), folded(&format!("/{area}/{right}/x")));
    }
}

/// Paths with what is folded and what is not, mostly short enough to be seen at a glance.
fn path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{0,9}",
        3 => "[0-9]{1,7}",
        1 => "[0-9a-f]{8,12}",
        2 => "[a-zA-Z0-9]{4,24}",
        1 => "[-_.]",
        1 => "[a-z]{1,4}[-_.][0-9]{1,6}",
        1 => Just("18cec445-53c0-43ce-ad2f-a93bd9f2987e".to_owned()),
        1 => Just("jo@example.com".to_owned()),
        1 => Just("%2F\\xC3{".to_owned()),
        1 => Just("?q=/1/2".to_owned()),
        1 => Just("#x".to_owned()),
    ];
    proptest::collection::vec(proptest::collection::vec(piece, 0..3), 0..15)
        .prop_map(|segments| segments.iter().map(|pieces| format!("/{}", pieces.concat())).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]
    #[test]
    fn a_glance_folds_as_a_look_at_every_byte(path in path()) {
        let path = if path.is_empty() { "/" } else { path.as_str() };
        let (mut quick, mut slow) = (b"x".to_vec(), b"x".to_vec());
        prop_assert_eq!(fold_path(path.as_bytes(), &mut quick), fold_bytewise(path.as_bytes(), &mut slow));
        prop_assert_eq!(String::from_utf8_lossy(&quick), String::from_utf8_lossy(&slow));
        let mut room = Vec::new();
        prop_assert_eq!(template_of(path.as_bytes(), &mut room), &slow[1..]);
    }
}
