//! Whole files read once.

use std::io::Write;
use std::path::Path;

use spikeline::error::ErrorClass;
use spikeline::source::{Input, LogPiece};

use crate::rig::{expect, gzip, numbered};

/// Lines, too long ones as (offset, length), and the error, if any.
fn read(mut input: Input) -> (Vec<String>, Vec<(u64, u64)>, Option<spikeline::error::Error>) {
    let (mut text, mut too_long, mut position) = (Vec::new(), Vec::new(), 0);
    let mut into = Vec::new();
    let error = loop {
        match input.next_block(&mut into) {
            Ok(Some(LogPiece::Lines { offset })) => {
                assert_eq!(offset, position);
                position += into.len() as u64;
                text.extend_from_slice(&into);
            }
            Ok(Some(LogPiece::TooLong { offset, length })) => {
                assert_eq!(offset, position);
                position += length;
                too_long.push((offset, length));
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(matches!(input.next_block(&mut into), Ok(None)), "the end stays the end");
    (String::from_utf8(text).unwrap().lines().map(str::to_owned).collect(), too_long, error)
}

fn file(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("access.log");
    std::fs::write(&path, bytes).unwrap();
    (directory, path)
}

#[test]
fn plain_gz_and_zst_are_told_by_their_first_bytes() {
    let text = numbered(0, 50_000);
    let frames = [
        zstd::encode_all(&text.as_bytes()[..1000], 1).unwrap(),
        zstd::encode_all(&text.as_bytes()[1000..], 1).unwrap(),
    ];
    for bytes in [text.clone().into_bytes(), gzip(text.as_bytes()), frames.concat()] {
        let (_directory, path) = file(&bytes);
        let input = Input::open(&path).unwrap();
        assert_eq!(input.size_hint(), Some(bytes.len() as u64));
        let (lines, too_long, error) = read(input);
        assert_eq!(lines, expect(0, 50_000));
        assert!(too_long.is_empty() && error.is_none());
        let mut input = Input::open(&path).unwrap();
        let mut into = Vec::new();
        while input.next_block(&mut into).unwrap().is_some() {}
        assert_eq!(input.consumed(), bytes.len() as u64, "progress ends at the end");
    }
}

#[test]
fn fault_06_all_members_of_a_gz_are_read() {
    let mut bytes = Vec::new();
    for from in (0..1000).step_by(100) {
        bytes.extend(gzip(numbered(from, 100).as_bytes()));
    }
    bytes.extend([0; 512]);
    let (_directory, path) = file(&bytes);
    let (lines, _, error) = read(Input::open(&path).unwrap());
    assert_eq!(lines, expect(0, 1000));
    assert!(error.is_none());
}

#[test]
fn a_gz_header_with_every_field() {
    let mut bytes = Vec::new();
    let mut encoder = flate2::GzBuilder::new()
        .filename("access.log")
        .comment("c")
        .extra(vec![1, 2, 3])
        .write(&mut bytes, flate2::Compression::default());
    encoder.write_all(b"one\n").unwrap();
    encoder.finish().unwrap();
    let (_directory, path) = file(&bytes);
    assert_eq!(read(Input::open(&path).unwrap()).0, ["one"]);
}

#[test]
fn fault_05_what_was_decoded_before_the_fault_is_delivered() {
    let text = numbered(0, 50_000);
    let packed = gzip(text.as_bytes());
    // Truncated.
    let (_directory, path) = file(&packed[..packed.len() / 2]);
    let (lines, _, error) = read(Input::open(&path).unwrap());
    assert!(lines.len() > 20_000 && lines.len() < 30_000, "{}", lines.len());
    assert_eq!(lines, expect(0, lines.len()), "and nothing torn");
    let error = error.unwrap();
    assert_eq!(error.class(), ErrorClass::Io);
    assert_eq!(error.place().unwrap().path, path);
    assert!(error.what().contains("too early, at uncompressed offset"), "{error}");
    // Corrupt.
    let mut corrupt = packed.clone();
    let middle = corrupt.len() / 2;
    corrupt[middle..middle + 64].fill(0xff);
    let (_directory, path) = file(&corrupt);
    let (lines, _, error) = read(Input::open(&path).unwrap());
    assert!(lines.len() > 20_000, "{}", lines.len());
    assert!(error.unwrap().what().contains("corrupt at uncompressed offset"));
    // A wrong checksum, and something else behind the end.
    let mut wrong = packed.clone();
    let at = wrong.len() - 6;
    wrong[at] ^= 1;
    let (_directory, path) = file(&wrong);
    let (lines, _, error) = read(Input::open(&path).unwrap());
    assert_eq!(lines.len(), 50_000);
    assert!(error.unwrap().what().contains("checksum"));
    let (_directory, path) = file(&[&packed, b"tail".as_slice()].concat());
    let (lines, _, error) = read(Input::open(&path).unwrap());
    assert_eq!(lines.len(), 50_000);
    assert!(error.is_some());
    // zstd.
    let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let (_directory, path) = file(&packed[..packed.len() / 2]);
    let (lines, _, error) = read(Input::open(&path).unwrap());
    assert_eq!(lines, expect(0, lines.len()));
    assert!(error.unwrap().what().contains("uncompressed offset"));
}

#[test]
fn a_last_line_without_newline_is_a_line() {
    let (_directory, path) = file(b"one\ntwo");
    assert_eq!(read(Input::open(&path).unwrap()).0, ["one", "two"]);
    let (_directory, path) = file(b"");
    let (lines, _, error) = read(Input::open(&path).unwrap());
    assert!(lines.is_empty() && error.is_none());
}

#[test]
fn fault_19_long_lines_are_passed_over() {
    let mut text = numbered(0, 10).into_bytes();
    let offset = text.len() as u64;
    text.extend(std::iter::repeat_n(b'x', (1 << 20) + 1));
    text.push(b'\n');
    text.extend(numbered(10, 10).into_bytes());
    text.extend(std::iter::repeat_n(b'y', 1 << 20));
    text.push(b'\n');
    for bytes in [text.clone(), gzip(&text)] {
        let (_directory, path) = file(&bytes);
        let (lines, too_long, _) = read(Input::open(&path).unwrap());
        assert_eq!(lines.len(), 21, "a line of exactly the limit is read");
        assert_eq!(too_long, [(offset, (1 << 20) + 2)]);
    }
    let (_directory, path) = file(&text);
    let (lines, too_long, _) = read(Input::open(&path).unwrap().max_line(100));
    assert_eq!(lines, expect(0, 20));
    assert_eq!(too_long.len(), 2);
}

#[test]
fn a_pipe_is_read_as_a_stream() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let writer = {
        let path = path.clone();
        std::thread::spawn(move || std::fs::write(path, gzip(numbered(0, 1000).as_bytes())).unwrap())
    };
    let input = Input::open_named(&path).unwrap();
    assert_eq!(input.size_hint(), None);
    assert_eq!(read(input).0, expect(0, 1000));
    writer.join().unwrap();
}

#[test]
fn errors_name_the_path() {
    let error = Input::open(Path::new("/nonexistent/access.log")).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/access.log"), "{error}");
    let directory = tempfile::tempdir().unwrap();
    let error = Input::open(directory.path()).unwrap_err();
    assert!(error.to_string().contains("directory"), "{error}");
}

#[test]
fn all_may_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Input>();
    is_send::<spikeline::source::Follower>();
    is_send::<spikeline::source::LineReader>();
    is_send::<spikeline::source::LogEvent>();
}

/// A pipe whose writer never comes.
fn pipe_at(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn what_is_no_file_is_not_opened_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    pipe_at(&at("pipe"));
    std::os::unix::fs::symlink("/dev/zero", at("device")).unwrap();
    for (path, kind) in [(at("pipe"), "a pipe"), (at("device"), "a device"), (folder.path().into(), "a directory")] {
        let said = Input::open(&path).unwrap_err().to_string();
        assert!(said.contains(&format!("is {kind}, not a log")) && said.contains("help: "), "{said}");
    }
    assert!(spikeline::source::read_whole(&at("pipe")).is_err());
    assert!(spikeline::source::read_whole(&at("device")).is_err());
}

#[test]
fn xz_and_bzip2_are_read_as_they_are() {
    for packer in ["xz", "bzip2"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let text: String = (0..50_000).map(|number| format!("line {number}\n")).collect();
        // Two streams, one behind the other.
        let (one, other) = text.split_at(100_000);
        let packed: Vec<u8> = [one, other].iter().flat_map(|part| pack(packer, part)).collect();
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(read_all(&path).unwrap(), text, "{packer}");
        std::fs::write(&path, &packed[..packed.len() - 20]).unwrap();
        let said = read_all(&path).unwrap_err();
        assert!(said.contains("ends too early"), "{packer}: {said}");
        let mut damaged = packed.clone();
        damaged[packed.len() / 2] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        let said = read_all(&path).unwrap_err();
        assert!(said.contains("corrupt"), "{packer}: {said}");
    }
}

fn pack(packer: &str, text: &str) -> Vec<u8> {
    let mut process = std::process::Command::new(packer)
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    let text = text.to_owned();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut input, text.as_bytes()).unwrap());
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap();
    output.stdout
}

/// All lines, or the fault.
fn read_all(path: &std::path::Path) -> Result<String, String> {
    let mut input = Input::open(path).map_err(|error| error.to_string())?;
    let (mut all, mut block) = (Vec::new(), Vec::new());
    while input.next_block(&mut block).map_err(|error| error.to_string())?.is_some() {
        all.extend_from_slice(&block);
    }
    Ok(String::from_utf8(all).unwrap())
}
