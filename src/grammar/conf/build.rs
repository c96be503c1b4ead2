//! What an nginx was built with, which its configuration does not say.

use std::path::{Path, PathBuf};

/// What was compiled into an nginx that its configuration depends on (`nginx -V`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NginxBuild {
    /// `--prefix`: what relative paths of logs are relative to.
    pub prefix: PathBuf,
    /// `--http-log-path`: the log where no `access_log` is given.
    pub access_log: PathBuf,
    /// The machine's name, for `server_name $hostname`.
    pub host_name: String,
}

impl NginxBuild {
    /// What an nginx whose main file is `main` was most likely built with: `PREFIX/conf/nginx.conf` as from source, else
    /// as Debian packages it.
    pub fn of_conf(main: &Path, host_name: &str) -> NginxBuild {
        let folder = main.parent().filter(|folder| folder.file_name().is_some_and(|name| name == "conf"));
        let (prefix, access_log) = match folder.and_then(Path::parent) {
            Some(prefix) => (prefix.to_owned(), "logs/access.log"),
            None => (PathBuf::from("/usr/share/nginx"), "/var/log/nginx/access.log"),
        };
        NginxBuild { prefix, access_log: access_log.into(), host_name: host_name.to_ascii_lowercase() }
    }
}
