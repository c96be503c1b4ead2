//! Any text as an nginx.conf or an `nginx -T` dump: it is read, or refused at a place that lies in it. A file of it that is
//! included may be itself.
#![no_main]

use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use spikeline::grammar::conf::{ConfFiles, NginxConf, ConfPlace};
use spikeline::route::Locations;

/// One text, under whatever path.
struct Text<'t>(&'t [u8]);

impl ConfFiles for Text<'_> {
    fn files(&self, pattern: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
        match pattern {
            "/etc/nginx/absent" => Ok(Vec::new()),
            "/etc/nginx/denied" => Err("cannot read it".to_owned()),
            path => Ok(vec![(PathBuf::from(path.replace('*', "x")), self.0.to_vec())]),
        }
    }
}

fuzz_target!(|text: &[u8]| {
    let in_text = |place: &ConfPlace| {
        assert!(place.line >= 1 && place.line <= text.iter().filter(|&&byte| byte == b'\n').count() + 1, "{place}");
        assert!(place.column >= 1 && place.column <= text.len() + 1, "{place}");
    };
    match NginxConf::read(Path::new("/etc/nginx/nginx.conf"), &Text(text), "web1") {
        Ok(nginx) => {
            for format in &nginx.formats {
                format.place.iter().for_each(in_text);
                if let Err(error) = format.compile() {
                    let _ = (error.render(), error.to_string());
                }
            }
            for log in &nginx.logs {
                in_text(&log.place);
                assert!(nginx.formats.get(log.format).is_some());
                let _ = log.target.pattern();
            }
            for server in &nginx.servers {
                in_text(&server.place);
                assert!(server.all_logs.iter().all(|&log| log < nginx.logs.len()));
            }
            let locations = Locations::new(&nginx);
            nginx.notes.iter().chain(locations.notes()).for_each(|note| in_text(&note.place));
        }
        Err(error) => {
            let error = spikeline::error::Error::from(error);
            let _ = error.to_string();
        }
    }
});
