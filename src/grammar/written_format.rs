//! A format written down in one line of text, and read back: what a store keeps beside the lines that were read by it. By the text
//! alone they can be read again, whatever nginx and the configuration say by then.
//!
//! ```text
//! {"name":"timed","text":"$remote_addr [$time_local] ..","escape":"default","wrapper":"cri","fields":[["took","request_time","ms"]]}
//! {"name":"json","text":"json request_time=took:ms","keyed":{"more":[{"variable":"pod","key":"pod","unit":"s"}]}}
//! {"name":"timed","text":"..","earlier":{"format":{"name":"combined","text":".."},"until":1322661900000}}
//! ```

use serde::{Deserialize, Serialize};

use crate::grammar::format::{EarlierFormat, Format, NamedBy};
use crate::grammar::keyed::{Keyed, LearntKeys};
use crate::grammar::variables::{DurationUnit, Escape, FieldMeaning, MadeVariable};
use crate::grammar::wrapper::Wrapper;
use crate::time::Timestamp;

/// The words for who gave the name.
const NAMERS: [(&str, NamedBy); 3] =
    [("nginx", NamedBy::Nginx), ("author", NamedBy::Author), ("nobody", NamedBy::Nobody)];

/// The parts of a format, as they are written.
#[derive(Serialize, Deserialize)]
struct WrittenFormat {
    name: String,
    named_by: String,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    escape: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wrapper: Option<String>,
    /// Variable, what it stands for, unit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<(String, String, String)>,
    /// Variables that nginx.conf makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    made: Vec<WrittenMade>,
    /// Nobody said that it is the lines' format.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    found: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyed: Option<LearntKeys>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    earlier: Option<Box<WrittenEarlier>>,
}

/// The format that another followed.
#[derive(Serialize, Deserialize)]
struct WrittenEarlier {
    format: WrittenFormat,
    /// Milliseconds since the epoch: no request that began after this is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<i64>,
}

/// A variable that nginx.conf makes.
#[derive(Serialize, Deserialize)]
struct WrittenMade {
    name: String,
    /// What it stands for, in which unit, and what it says where there is none; nothing if it stands for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meaning: Option<(String, String, String)>,
    sources: Vec<String>,
}

impl WrittenMade {
    fn of_made(made: &MadeVariable) -> WrittenMade {
        let meaning = made.meaning.clone();
        let words = |meaning: FieldMeaning| (meaning.stands_for, meaning.unit.name().to_owned(), meaning.absent);
        WrittenMade { name: made.name.clone(), meaning: meaning.map(words), sources: made.sources.clone() }
    }

    fn read(self) -> Option<MadeVariable> {
        let meaning = match self.meaning {
            None => None,
            Some((stands_for, unit, absent)) => {
                let (variable, unit) = (self.name.clone(), DurationUnit::from_name(&unit)?);
                Some(FieldMeaning { variable, stands_for, unit, absent })
            }
        };
        Some(MadeVariable { name: self.name, meaning, sources: self.sources })
    }
}

/// The format in one line.
pub fn write_format(format: &Format) -> String {
    // Strings and lists of them alone: there is nothing that could fail.
    serde_json::to_string(&written(format)).unwrap_or_default()
}

/// The parts of a format, and of those that it followed.
fn written(format: &Format) -> WrittenFormat {
    let mut fields = Vec::new();
    for FieldMeaning { variable, stands_for, unit, .. } in format.meanings() {
        fields.push((variable.clone(), stands_for.clone(), unit.name().to_owned()));
    }
    let keyed = format.keys().map(Keyed::learnt_keys);
    let named_by = NAMERS.iter().find(|(_, by)| *by == format.named_by()).map_or("author", |(word, _)| word);
    let write_earlier = |of: &EarlierFormat| {
        Box::new(WrittenEarlier { format: written(&of.format), until: of.until.map(Timestamp::millis) })
    };
    WrittenFormat {
        name: format.name().to_owned(),
        named_by: named_by.to_owned(),
        text: format.text().to_owned(),
        escape: keyed.is_none().then(|| format.escape().name().to_owned()),
        wrapper: format.wrapper().map(|wrapper| wrapper.name().to_owned()),
        fields,
        made: format.made().iter().map(WrittenMade::of_made).collect(),
        found: format.is_found(),
        keyed,
        earlier: format.earlier().map(write_earlier),
    }
}

/// The format that was written so; nothing if a later version wrote what is not known here.
pub fn read_format(line: &str) -> Option<Format> {
    read_written(serde_json::from_str(line).ok()?)
}

fn read_written(written: WrittenFormat) -> Option<Format> {
    let format = match written.keyed {
        Some(learnt) => {
            let keyed = Keyed::compile(&written.text)?.ok()?.taught(learnt)?;
            Format::of_keyed(keyed, &written.text)
        }
        None => {
            let (_, named_by) = NAMERS.into_iter().find(|(word, _)| *word == written.named_by)?;
            let escape: Escape = written.escape?.parse().ok()?;
            Format::compile_text(&written.name, named_by, &written.text, escape).ok()?
        }
    };
    let mut meanings = Vec::new();
    for (variable, stands_for, unit) in written.fields {
        let unit = DurationUnit::from_name(&unit)?;
        meanings.push(FieldMeaning { variable, stands_for, unit, absent: String::new() });
    }
    let made: Option<Vec<MadeVariable>> = written.made.into_iter().map(WrittenMade::read).collect();
    let format = format.with_meanings(&meanings).with_made(&made?);
    let format = if written.found { format.as_found() } else { format };
    let format = match written.wrapper {
        Some(wrapper) => format.in_wrapper(wrapper.parse::<Wrapper>().ok()?),
        None => format,
    };
    let Some(earlier) = written.earlier else { return Some(format) };
    let WrittenEarlier { format: before, until } = *earlier;
    Some(format.following(&read_written(before)?, until.map(Timestamp)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What it reads of a line is what it does.
    fn same(one: &Format, other: &Format) -> bool {
        format!(
            "{:?} {:?} {:?}",
            one.variables(),
            one.roles(),
            (one.name(), one.text(), one.escape(), one.wrapper(), one.is_found())
        ) == format!(
            "{:?} {:?} {:?}",
            other.variables(),
            other.roles(),
            (other.name(), other.text(), other.escape(), other.wrapper(), other.is_found())
        )
    }

    #[test]
    fn a_format_comes_back_as_it_was_written() {
        let timed = "$remote_addr [$time_local] \"$request\" $status $took msec=$msec";
        let meaning = FieldMeaning {
            variable: "took".to_owned(),
            stands_for: "request_time".to_owned(),
            unit: DurationUnit::Millis,
            absent: String::new(),
        };
        let made = [
            MadeVariable {
                name: "took".to_owned(),
                meaning: Some(FieldMeaning { absent: "0".to_owned(), ..meaning.clone() }),
                sources: vec!["request_time".to_owned()],
            },
            MadeVariable { name: "kind".to_owned(), meaning: None, sources: vec!["request_uri".to_owned()] },
        ];
        let json = Format::keyed("json request_time=took:ms").unwrap().unwrap();
        let lines: [&[u8]; 2] = [
            br#"{"ts":"2011-11-30T14:05:33Z","took":12,"status":200,"uri":"/a?x=1","pod":"x","n":3}"#,
            br#"{"ts":"2011-11-30T14:05:34Z","took":14,"status":200,"uri":"/b","pod":"y","n":4,"duration":"1.234"}"#,
        ];
        let formats = [
            Format::combined(),
            Format::compile("timed", timed, Escape::Json).unwrap(),
            Format::compile_unnamed(timed, Escape::Default).unwrap().with_meanings(&[meaning]).in_wrapper(Wrapper::Cri),
            Format::compile("timed", timed, Escape::Default).unwrap().with_made(&made),
            json.with_keys_of(&["tenant".to_owned()]),
            Format::compile("with_time", timed, Escape::Default).unwrap().as_found(),
            json.learnt_from(&lines),
            Format::keyed("ltsv").unwrap().unwrap().learnt_from(&[b"time:x\tstatus:200\tduration:0.123\tfoo:7"]),
            json.learnt_from(&lines).in_wrapper(Wrapper::Docker),
            json.following(&Format::combined(), Some(Timestamp(1_322_661_900_000))),
            Format::compile("timed", timed, Escape::Json)
                .unwrap()
                .following(&json.following(&Format::combined(), None), None),
        ];
        for format in formats {
            let back = read_format(&write_format(&format)).unwrap();
            assert!(same(&format, &back), "{} became {}", write_format(&format), write_format(&back));
            assert_eq!(write_format(&back), write_format(&format));
        }
        assert!(read_format("{}").is_none() && read_format("").is_none());
    }
}
