//! Any requests against any locations: an nginx.conf, a NUL, and lines `SCHEME PORT HOST STATUS TARGET`. What a worker
//! that has seen all the lines answers must be what a fresh one answers: nothing that is remembered may change it.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use spikeline::grammar::conf::{ConfFiles, NginxConf};
use spikeline::grammar::{Escape, Format};
use spikeline::pipeline::{Interpreter, Interpreting};
use spikeline::record::Needs;
use spikeline::route::{Locations, Router, Routes};

/// So many lines are asked of a fresh worker each.
const ALONE: usize = 24;

struct Text<'t>(&'t [u8]);

impl ConfFiles for Text<'_> {
    fn files(&self, pattern: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
        let main = pattern == "/etc/nginx/nginx.conf";
        Ok(if main { vec![(PathBuf::from(pattern), self.0.to_vec())] } else { Vec::new() })
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|&byte| byte == 0) else { return };
    let (conf, lines) = (&input[..end], &input[end + 1..]);
    let Ok(nginx) = NginxConf::read(Path::new("/etc/nginx/nginx.conf"), &Text(conf), "web1") else { return };
    let locations = Locations::new(&nginx);
    let router = Router::new(Vec::new()).expect("no rules are good rules").with_locations(locations, true);
    let with = Interpreting { router: Arc::new(router), routes: Arc::new(Routes::new(10_000)), threshold_ms: 1000, conditions: Arc::default() };
    let text = "$msec $scheme $server_port $host $status $request_uri";
    let format = Format::compile("asked", text, Escape::Default).expect("a format");
    let logs = nginx.logs.iter().filter_map(|log| log.target.pattern());
    for log in logs.take(2).chain(["/no/such.log".to_owned()]) {
        let with = with.for_log(&log);
        let worker = || Interpreter::new(&format, Needs::latency(), &with).expect("it has $msec");
        let names = |interpreter: &mut Interpreter, block: &[u8]| {
            let mut names = Vec::new();
            interpreter.read_block(block, |_, _, seen, _| {
                names.push(seen.ok().and_then(|seen| with.routes.name(seen.matched.id)));
            });
            names
        };
        let block: Vec<u8> = lines
            .split(|&byte| byte == b'\n')
            .flat_map(|line| [b"1700000000.000 ".as_slice(), line, b"\n"].concat())
            .collect();
        let mut seasoned = worker();
        let first = names(&mut seasoned, &block);
        assert_eq!(names(&mut seasoned, &block), first);
        for (line, name) in block.split_inclusive(|&byte| byte == b'\n').zip(&first).take(ALONE) {
            assert_eq!(names(&mut worker(), line).first(), Some(name));
        }
    }
});
