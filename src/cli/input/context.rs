//! What the commands share: the configuration, the store's place, the grammars, now.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::formats::format_mistake;
use super::nginx::NginxSetup;
use super::rotated_elsewhere::rotated_elsewhere;
use crate::cli::config::{Config, Surroundings};
use crate::error::{Error, Result};
use crate::grammar::{Format, library};
use crate::source::read_whole;
use crate::store::View;
use crate::time::{Clock, SystemClock, Timestamp};

/// A journal that ends in half a record is looked at again after this.
const JUST_WRITING: std::time::Duration = std::time::Duration::from_millis(150);

/// Where the configuration is looked for if none is named.
const DEFAULT_CONFIG: &str = "/etc/spikeline/spikeline.toml";

/// What the commands share; the configuration is read when first asked for.
pub(in crate::cli) struct Context {
    config_path: Option<PathBuf>,
    store: Option<PathBuf>,
    config: OnceCell<Config>,
    nginx: OnceCell<Option<NginxSetup>>,
    /// The present, once for the whole command.
    pub(in crate::cli) now: Timestamp,
}

/// What the command line named.
pub(in crate::cli) struct NamedFiles {
    config: Option<PathBuf>,
    store: Option<PathBuf>,
}

impl NamedFiles {
    /// A context that knows nothing yet.
    pub(in crate::cli) fn again(&self) -> Context {
        Context::new(self.config.clone(), self.store.clone())
    }
}

impl Context {
    /// Nothing is read yet: a command that needs no configuration works also where that is wrong.
    pub(in crate::cli) fn new(config_path: Option<PathBuf>, store: Option<PathBuf>) -> Context {
        Context { config_path, store, config: OnceCell::new(), nginx: OnceCell::new(), now: SystemClock.now() }
    }

    /// What the command line named, from which everything can be read anew, in another thread too.
    pub(in crate::cli) fn named(&self) -> NamedFiles {
        NamedFiles { config: self.config_path.clone(), store: self.store.clone() }
    }

    /// The configuration named, else the machine's, else the defaults.
    pub(in crate::cli) fn config(&self) -> Result<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let config = match &self.config_path {
            Some(path) => Config::load(path)?,
            None if Path::new(DEFAULT_CONFIG).exists() => Config::load(Path::new(DEFAULT_CONFIG))?,
            None => Config::default(),
        };
        let mut config = config;
        let store = self.store.clone().unwrap_or_else(|| config.store_in(&Surroundings::of_process()));
        for log in &mut config.logs {
            log.place_in(&store);
        }
        Ok(self.config.get_or_init(|| config))
    }

    /// nginx's configuration: the one that the configuration names, else, if that names no log either, the machine's.
    pub(in crate::cli) fn nginx(&self) -> Result<Option<&NginxSetup>> {
        if self.nginx.get().is_none() {
            let conf = NginxSetup::find(self.config()?)?;
            return Ok(self.nginx.get_or_init(|| conf).as_ref());
        }
        Ok(self.nginx.get().and_then(Option::as_ref))
    }

    /// The configuration as it was named.
    pub(in crate::cli) fn config_path(&self) -> Option<&Path> {
        self.config_path.as_deref()
    }

    /// The store's folder as it was named.
    pub(in crate::cli) fn store_path(&self) -> Option<&Path> {
        self.store.as_deref()
    }

    /// Whether a configuration was named or is there.
    pub(in crate::cli) fn has_config(&self) -> bool {
        self.config_path.is_some() || Path::new(DEFAULT_CONFIG).exists()
    }

    /// The store's folder: flag or environment, else the configuration's, else the place for this user.
    pub(in crate::cli) fn store(&self) -> Result<PathBuf> {
        if let Some(store) = &self.store {
            return Ok(store.clone());
        }
        let config = self.config()?;
        Ok(config.store_in(&Surroundings::of_process()))
    }

    /// The store, to read.
    pub(in crate::cli) fn view(&self) -> Result<View> {
        let store = self.store()?;
        // A folder that was made for one, as a package does, is none yet; one whose manifest is lost is damaged.
        if !store.exists() || std::fs::read_dir(&store).is_ok_and(|mut files| files.next().is_none()) {
            return Err(Error::usage("there is no store here").at(store).remedy(
                "start `spikeline run`, name the store with --store or --config, or give log FILEs to read; - is stdin",
            ));
        }
        let mut view = View::open(&store)?;
        let mut torn = None;
        while view.torn_bytes() > 0 && torn != Some(view.torn_bytes()) {
            // A writer may be at it: then it is whole, or longer, in a moment.
            torn = Some(view.torn_bytes());
            std::thread::sleep(JUST_WRITING);
            view = View::open(&store)?;
        }
        // An answer that lacks a damaged block is better than none; it says so.
        view.skip_damaged(true);
        view.set_rotated(self.rotated_of(&view)?);
        view.expect_logs(self.named_logs()?);
        Ok(view)
    }

    /// The logs that the configuration itself names, not nginx.conf.
    pub(in crate::cli) fn named_logs(&self) -> Result<Vec<String>> {
        Ok(self.config()?.logs.iter().map(|section| section.path.value.clone()).collect())
    }

    /// Globs of where the rotated files of a store's logs are moved to, by the logs' keys.
    pub(in crate::cli) fn rotated_of(&self, view: &View) -> Result<HashMap<String, Vec<String>>> {
        let config = self.config()?;
        let known = view.generations().iter().map(|generation| generation.log.as_str());
        Ok(rotated_elsewhere(config, known.chain(config.logs.iter().map(|section| section.path.value.as_str()))))
    }

    /// All formats known by name: the user's own first, then the library's.
    pub(in crate::cli) fn grammars(&self) -> Result<Vec<Format>> {
        let mut formats = Vec::new();
        if let Some(folder) = &self.config()?.grammars {
            formats = own_grammars(&folder.value)?;
        }
        let known = library::library()
            .map_err(|error| Error::usage(format!("the grammars inside this program: {}", error.render())))?;
        for grammar in known {
            if formats.iter().all(|held: &Format| held.name() != grammar.format.name()) {
                formats.push(grammar.format);
            }
        }
        Ok(formats)
    }
}

/// The formats of all `.conf` files in a folder, in the order of their names.
fn own_grammars(folder: &Path) -> Result<Vec<Format>> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io("read the grammars", folder, &error))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
    paths.sort();
    let mut formats = Vec::new();
    for path in paths {
        let fail = |error: std::io::Error| Error::io("read the grammar", &path, &error);
        let text = read_whole(&path).map_err(fail)?;
        let text = String::from_utf8(text)
            .map_err(|error| fail(std::io::Error::new(std::io::ErrorKind::InvalidData, error)))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let grammars =
            library::parse([(name.as_str(), text.as_str())]).map_err(|error| format_mistake(error).at(&path))?;
        formats.extend(grammars.into_iter().map(|grammar| grammar.format));
    }
    Ok(formats)
}
