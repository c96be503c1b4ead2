//! Every grammar of the library reads its own samples, and detection finds it from them or says that it cannot tell.

use spikeline::grammar::{DetectionOutcome, Format, detect, library};
use spikeline::record::{Needs, RecordParser};

#[test]
fn samples_fit_their_grammar() {
    let grammars = library().unwrap_or_else(|error| panic!("{}", error.render()));
    assert!(grammars.len() >= 40, "{} grammars", grammars.len());
    for grammar in &grammars {
        let name = grammar.format.name();
        assert!(!grammar.source.is_empty(), "{name} has no source");
        assert!(!grammar.samples.is_empty(), "{name} has no samples");
        let mut parser = RecordParser::new(&grammar.format, &Needs::all()).unwrap();
        for sample in &grammar.samples {
            let record = parser.parse(sample.as_bytes()).unwrap_or_else(|reject| {
                panic!("{name}: {reject}: {:?}\n{sample}", grammar.format.explain(sample.as_bytes()))
            });
            assert!(record.end.millis() > 1_000_000_000_000, "{name}: {record:?}");
            assert!(record.status.is_some(), "{name}: {record:?}");
        }
    }
}

#[test]
fn names_are_unique_and_those_of_the_files() {
    let grammars = library().unwrap();
    for (grammar, (file, _)) in grammars.iter().zip(spikeline::grammar::library::FILES) {
        assert_eq!(grammar.format.name(), *file, "one format a file, of the file's name");
    }
}

#[test]
fn every_file_of_the_folder_is_known_to_the_program() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("grammars");
    let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<String> = names.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    let mut known: Vec<&str> = spikeline::grammar::library::FILES.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(names, known);
}

/// Never a wrong answer: the winner reads the same from the samples as the grammar that they belong to, and a tie names it.
#[test]
fn detection_finds_each_grammar_or_a_tie() {
    let grammars = library().unwrap();
    let formats: Vec<Format> = grammars.iter().map(|grammar| grammar.format.clone()).collect();
    let (mut ties, mut doubts) = (Vec::new(), Vec::new());
    for (index, grammar) in grammars.iter().enumerate() {
        let lines: Vec<&[u8]> = grammar.samples.iter().map(|sample| sample.as_bytes()).collect();
        match detect(&lines, &formats).outcome {
            DetectionOutcome::Found { format, margin } => {
                // What reads something else does not come near.
                assert!(margin >= 0.3, "{}: {margin}", grammar.format.name());
                if format == index {
                    continue;
                }
                for line in &lines {
                    let mut right = RecordParser::new(&formats[index], &Needs::all()).unwrap();
                    let mut found = RecordParser::new(&formats[format], &Needs::all()).unwrap();
                    assert_eq!(
                        right.parse(line),
                        found.parse(line),
                        "{} for {}",
                        formats[format].name(),
                        formats[index].name()
                    );
                }
            }
            DetectionOutcome::Tie { formats: tied } => {
                assert!(tied.contains(&index), "{}", grammar.format.name());
                ties.push((grammar.format.name(), tied.iter().map(|&i| formats[i].name()).collect::<Vec<_>>()));
            }
            DetectionOutcome::Doubt(doubt) => {
                assert_eq!(doubt.format, index, "{}", grammar.format.name());
                doubts.push((
                    grammar.format.name(),
                    doubt.readings.first().map(|names| names.join(" ")).unwrap_or_default(),
                ));
            }
            other => panic!("{}: {other:?}", grammar.format.name()),
        }
    }
    // These cannot be told apart by anyone who sees the lines alone: the same shape under another name.
    let alike = [
        ("admins_level_0", vec!["with_time", "admins_level_0"]),
        ("combined_upstream", vec!["combined_upstream", "main_time"]),
        ("main_time", vec!["combined_upstream", "main_time"]),
    ];
    assert_eq!(ties, alike);
    // The mirrors of these would write such lines too.
    let doubtful = [
        ("combined_upstream_connect", "upstream_response_time upstream_connect_time"),
        ("gonx_thumbs", "request_length body_bytes_sent"),
        ("tsv_geoip", "request_time upstream_response_time"),
    ];
    assert_eq!(doubts, doubtful.map(|(name, columns)| (name, columns.to_owned())));
}
