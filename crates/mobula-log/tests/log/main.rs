//! What was appended is there after any end; what cannot be used is said.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use mobula_log::{Log, LogError, Progress};

fn open(folder: &Path) -> (Log, Receiver<()>) {
    let (tell, told) = channel();
    let log = Log::open(folder, move || {
        // Nobody listens any more: the test is over.
        let _ = tell.send(());
    })
    .expect("the log opens");
    (log, told)
}

/// Waits until the progress is as `is` asks.
fn wait(log: &Log, told: &Receiver<()>, is: impl Fn(&Progress) -> bool) {
    while !is(&log.progress()) {
        told.recv().expect("the writer lives");
    }
}

fn batch(n: u64, length: usize) -> Vec<u8> {
    vec![n as u8; length]
}

fn all(log: &Log) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    loop {
        // Each batch of these tests has one seq.
        let more = log
            .read(found.len() as u64 + 1, 100)
            .expect("the log can be read");
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

#[test]
fn what_was_appended_is_read_in_order_after_the_log_was_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = open(folder.path());
    for n in 1..=300 {
        log.append(n, n, batch(n, n as usize), false);
    }
    let progress = log.close();
    assert_eq!(
        (progress.written, progress.synced, progress.failure),
        (300, 300, None)
    );
    let (log, _) = open(folder.path());
    assert!(log.is_clean());
    assert_eq!(log.epoch(), 2);
    assert_eq!(
        all(&log),
        (1..=300).map(|n| batch(n, n as usize)).collect::<Vec<_>>()
    );
}

#[test]
fn a_batch_that_decides_is_synced_and_a_fact_soon_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, told) = open(folder.path());
    log.append(1, 1, batch(1, 10), true);
    wait(&log, &told, |progress| progress.synced == 1);
    log.append(2, 2, batch(2, 10), false);
    wait(&log, &told, |progress| progress.written == 2);
    wait(&log, &told, |progress| progress.synced == 2);
}

#[test]
fn a_log_has_one_owner() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, _) = open(folder.path());
    assert_eq!(Log::open(folder.path(), || {}).err(), Some(LogError::Locked));
    drop(log);
    open(folder.path());
}

#[test]
fn a_folder_that_cannot_be_made_is_refused_in_words() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let Err(LogError::Refused(text)) = Log::open(&file.path().join("log"), || {}) else {
        panic!("it was not refused");
    };
    assert!(text.contains("Not a directory"), "{text}");
}

/// The newest journal of the log.
fn journal(folder: &Path) -> std::path::PathBuf {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "jnl"))
        .collect();
    found.sort();
    found.pop().expect("a journal")
}

#[test]
fn a_torn_tail_is_cut_off_and_what_stands_before_it_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = tempfile::tempdir().expect("a folder");
    let (log, told) = open(folder.path());
    for n in 1..=10 {
        log.append(n, n, batch(n, 1000), false);
    }
    wait(&log, &told, |progress| progress.synced == 10);
    // What a crash leaves: the files as they are now.
    copy_folder(folder.path(), copy.path());
    drop(log);
    let file = journal(copy.path());
    let bytes = std::fs::read(&file).expect("a journal");
    let end = bytes
        .iter()
        .rposition(|&byte| byte == 10)
        .expect("the last batch");
    std::fs::write(&file, &bytes[..end - 500]).expect("a shorter journal");
    let (log, _) = open(copy.path());
    assert_eq!(all(&log), (1..=9).map(|n| batch(n, 1000)).collect::<Vec<_>>());
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[test]
fn a_log_that_is_no_log_is_unreadable() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() && path.file_name().is_some_and(|name| name != "lock") {
            std::fs::write(path, b"something else").expect("a file");
        }
    }
    assert!(matches!(
        Log::open(folder.path(), || {}).err(),
        Some(LogError::Unreadable(_) | LogError::Refused(_))
    ));
}
