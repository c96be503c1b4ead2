//! What others do to a store: links in the place of its files, folders that all may write, a store that is moved away.

use crate::folder::{commit, seen};
use spikeline::error::ErrorClass;
use spikeline::store::{StoreAccess, StoreSettings, View, Writer};
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn open(dir: &Path) -> spikeline::error::Result<Writer> {
    Writer::open(dir, StoreSettings::default())
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A store with commits in a segment and in the journal.
fn store_in(dir: &Path) -> PathBuf {
    let store = dir.join("store");
    let mut writer = open(&store).unwrap();
    for number in 0..3 {
        writer.commit(&mut commit(number)).unwrap();
    }
    writer.seal().unwrap();
    writer.commit(&mut commit(3)).unwrap();
    store
}

/// All files below a folder, with its subfolders.
fn all_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(dir).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(all_below(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    for name in ["LOCK", "manifest", "manifest.tmp", "journal", "journal-1", "journal-2", "journal-3", "journal-4"] {
        for is_new in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let victim = dir.path().join("victim");
            std::fs::write(&victim, "precious").unwrap();
            set_mode(&victim, 0o604);
            let store = if is_new { dir.path().join("store") } else { store_in(dir.path()) };
            std::fs::create_dir_all(&store).unwrap();
            let _none = std::fs::remove_file(store.join(name));
            symlink(&victim, store.join(name)).unwrap();
            if let Ok(mut writer) = open(&store) {
                writer.commit(&mut commit(9)).unwrap();
                writer.seal().unwrap();
            } else {
                let error = open(&store).unwrap_err().to_string();
                assert!(error.contains("a link") && error.contains("see who put it there"), "{name}: {error}");
            }
            assert_eq!(std::fs::read(&victim).unwrap(), b"precious", "{name}");
            assert_eq!(mode(&victim), 0o604, "{name}");
        }
    }
}

#[test]
fn a_folder_that_a_link_leads_to_is_left_alone() {
    for name in ["points", "segments"] {
        let dir = tempfile::tempdir().unwrap();
        let foreign = dir.path().join("foreign");
        std::fs::create_dir(&foreign).unwrap();
        for file in ["7.pts", "1-1.tmp", "9.seg", "9.ranges"] {
            std::fs::write(foreign.join(file), "theirs").unwrap();
        }
        set_mode(&foreign, 0o777);
        let store = store_in(dir.path());
        std::fs::rename(store.join(name), store.join(format!("{name}.away"))).unwrap();
        symlink(&foreign, store.join(name)).unwrap();
        // Restart points are a cache, and the store does without; segments are not.
        assert_eq!(open(&store).is_ok(), name == "points");
        assert_eq!(all_below(&foreign).len(), 4, "{name}");
        assert_eq!(mode(&foreign), 0o777, "{name}");
    }
}

#[test]
fn a_store_is_readable_by_its_user_and_group() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_in(dir.path());
    let modes = |file: u32, folder: u32, lock: u32| {
        for path in all_below(&store) {
            let wanted = match path.file_name().unwrap().to_str().unwrap() {
                "LOCK" => lock,
                _ if path.is_dir() => folder,
                _ => file,
            };
            assert_eq!(mode(&path), wanted, "{}", path.display());
        }
        assert_eq!(mode(&store), folder);
    };
    modes(0o640, 0o750, 0o640);
    // One of old, and one whose modes somebody changed.
    all_below(&store).iter().for_each(|path| set_mode(path, if path.is_dir() { 0o755 } else { 0o644 }));
    set_mode(&store, 0o777);
    let writer = open(&store).unwrap();
    let said: Vec<String> = writer.warnings().iter().map(ToString::to_string).collect();
    assert!(said.len() == 1 && said[0].contains("it was open to more users"), "{said:?}");
    assert!(said[0].contains("0640") && said[0].contains("`mode` and `group` of [store]"), "{said:?}");
    drop(writer);
    modes(0o640, 0o750, 0o640);
    let writer = open(&store).unwrap();
    assert!(writer.warnings().is_empty(), "said once");
    drop(writer);
    let access = StoreAccess { mode: 0o644, group: None };
    let mut writer = Writer::open(&store, StoreSettings { access, ..StoreSettings::default() }).unwrap();
    writer.commit(&mut commit(8)).unwrap();
    writer.seal().unwrap();
    assert!(writer.warnings().is_empty(), "it was asked for");
    // Nobody else may lock it.
    modes(0o644, 0o755, 0o640);
    drop(writer);
    let access = StoreAccess { mode: 0o600, group: None };
    drop(Writer::open(&store, StoreSettings { access, ..StoreSettings::default() }).unwrap());
    modes(0o600, 0o700, 0o600);
}

#[test]
fn a_folder_of_other_things_keeps_its_mode() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    set_mode(dir.path(), 0o755);
    drop(open(dir.path()).unwrap());
    assert_eq!((mode(dir.path()), mode(&dir.path().join("manifest"))), (0o755, 0o640));
}

#[test]
fn a_folder_in_which_all_may_make_files_is_refused_and_one_above_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let open_to_all = dir.path().join("tmp");
    std::fs::create_dir(&open_to_all).unwrap();
    for (bits, held) in [(0o1777, None), (0o777, Some("theirs"))] {
        set_mode(&open_to_all, bits);
        if let Some(name) = held {
            std::fs::write(open_to_all.join(name), "").unwrap();
        }
        let error = open(&open_to_all).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Refused, "{error}");
        assert!(error.to_string().contains("all users may make files in the store's folder"), "{error}");
        assert_eq!(mode(&open_to_all), bits);
    }
    let below = open_to_all.join("store");
    let said = |writer: &Writer| writer.warnings().iter().map(ToString::to_string).collect::<Vec<_>>();
    let warned = said(&open(&below).unwrap());
    assert!(warned.len() == 1 && warned[0].contains("all users may write in"), "{warned:?}");
    assert!(warned[0].contains(&format!("chmod o-w {}", open_to_all.display())), "{warned:?}");
    // Where nobody can rename what is another's, it is safe once it is there; but then it must be this user's.
    set_mode(&open_to_all, 0o1777);
    assert!(said(&open(&below).unwrap()).is_empty());
    if std::os::unix::fs::chown(&below, Some(65_534), None).is_ok() {
        let error = open(&below).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Refused, "{error}");
        assert!(error.to_string().contains("belongs to another user (number 65534)"), "{error}");
        // In a folder of root's own it is a store of that user, and what root writes into it is that user's too.
        set_mode(&open_to_all, 0o755);
        let mut writer = open(&below).unwrap();
        writer.commit(&mut commit(1)).unwrap();
        writer.seal().unwrap();
        for path in all_below(&below) {
            assert_eq!(std::fs::metadata(&path).unwrap().uid(), 65_534, "{}", path.display());
        }
    }
}

/// The first writer would otherwise write its manifest over the other's: both would have lost what they committed.
#[test]
fn a_writer_whose_store_is_no_longer_at_its_path_writes_no_more() {
    let away: [fn(&Path); 3] = [
        |store| std::fs::rename(store, store.with_extension("away")).unwrap(),
        |store| std::fs::remove_dir_all(store).unwrap(),
        |store| std::fs::remove_file(store.join("LOCK")).unwrap(),
    ];
    for (case, take_away) in away.into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        let mut first = open(&store).unwrap();
        first.commit(&mut commit(0)).unwrap();
        take_away(&store);
        let mut second = open(&store).unwrap();
        second.commit(&mut commit(1)).unwrap();
        second.commit(&mut commit(2)).unwrap();
        let counted = seen(second.view());
        let mut late = commit(5);
        for _ in 0..3 {
            let error = first.commit(&mut late).unwrap_err();
            assert_eq!(error.class(), ErrorClass::Lost, "{error}");
            assert!(error.to_string().contains("it was removed while it was in use"), "{error}");
            assert_eq!(first.seal().unwrap_err().class(), ErrorClass::Lost);
        }
        drop(first);
        second.commit(&mut commit(3)).unwrap();
        second.seal().unwrap();
        assert_eq!(seen(second.view()), counted + 1, "case {case}");
        drop(second);
        assert_eq!(seen(&View::open(&store).unwrap()), counted + 1, "case {case}");
        assert_eq!(seen(open(&store).unwrap().view()), counted + 1, "case {case}");
    }
}
