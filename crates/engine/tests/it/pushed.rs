//! Archives that were built elsewhere: what a fair one becomes, and what is refused without leaving anything.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use engine::artifact::pack::{Order, Packed};
use engine::artifact::pushed::{self, Limits};
use proptest::collection::vec;
use proptest::prelude::*;
use tar::{EntryType, Header};
use testkit::repo::{Entry, file, link};

use crate::properties::{entry, path};
use crate::tree::{COMMIT_TIME, keep, write};

const LIMITS: Limits = Limits { bytes: 1_000_000, entries: 1000 };

fn order() -> Order {
    Order { exclude: Vec::new(), mtime: COMMIT_TIME, revision: "c0ffee".into(), previous: None, base: None }
}

/// Pushes an archive; the reason where it is refused, after which nothing may stay.
fn push(archive: &[u8]) -> Result<Packed, String> {
    let data = tempfile::tempdir().unwrap();
    let pushed = pushed::keep(data.path(), order(), archive, LIMITS).map_err(|refused| refused.to_string());
    let left = fs::read_dir(data.path().join("artifacts")).map_or(0, Iterator::count);
    assert_eq!(left, usize::from(pushed.is_ok()), "{pushed:?}");
    pushed
}

/// What `tar` of this machine makes of a folder.
fn tar(folder: &Path, options: &[&str]) -> Vec<u8> {
    let said =
        Command::new("tar").args(options).args(["-cf", "-", "-C"]).arg(folder).arg(".").output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    said.stdout
}

fn zipped(bytes: &[u8], zstd: bool) -> Vec<u8> {
    if zstd {
        return zstd::encode_all(bytes, 3).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn an_archive_is_what_its_folder_would_be() {
    let long = format!("{}/{}", "folder-".repeat(20), "name-".repeat(30));
    let entries = [
        ("plain", file("text")),
        ("bin/run", Entry::Executable(b"#!/bin/sh\n".to_vec())),
        ("bin/again", link("run")),
        ("up/and/down", link("../../bin/run")),
        (long.as_str(), file("far")),
        ("REVISION", file("mine\n")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let (tree, data) = (folder.path().join("tree"), folder.path().join("data"));
    write(&tree, entries.map(|(name, entry)| (OsString::from(name), entry)));
    let expected = keep(&data, &tree, COMMIT_TIME, None);
    for format in ["--format=gnu", "--format=pax"] {
        let archive = tar(&tree, &[format]);
        for bytes in [zipped(&archive, true), zipped(&archive, false), archive] {
            assert_eq!(push(&bytes).unwrap().hash, expected, "{format}");
        }
    }
}

#[test]
fn what_a_killed_process_left_is_swept_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    engine::artifact::sweep(data.path()).unwrap();
    let kept =
        pushed::keep(data.path(), order(), whole(&[plain("file", "text")]).as_slice(), LIMITS).unwrap();
    for left in [".new-42-1", ".new-pushed-0011", ".gone-abc"] {
        fs::create_dir_all(data.path().join("artifacts").join(left).join("folder")).unwrap();
    }
    engine::artifact::sweep(data.path()).unwrap();
    let names: Vec<_> = fs::read_dir(data.path().join("artifacts")).unwrap().flatten().collect();
    assert_eq!(names.iter().map(fs::DirEntry::file_name).collect::<Vec<_>>(), [kept.hash.as_str()]);
}

/// A block of an archive with this name, as hostile as it likes, and what follows it.
fn raw(name: &[u8], kind: EntryType, link: &[u8], size: u64, bytes: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    let fields = header.as_old_mut();
    fields.name[..name.len()].copy_from_slice(name);
    fields.linkname[..link.len()].copy_from_slice(link);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    let fill = vec![0; (512 - bytes.len() % 512) % 512];
    [header.as_bytes().as_slice(), bytes, &fill].concat()
}

fn plain(name: &str, text: &str) -> Vec<u8> {
    raw(name.as_bytes(), EntryType::Regular, b"", text.len() as u64, text.as_bytes())
}

fn to(name: &str, target: &str) -> Vec<u8> {
    raw(name.as_bytes(), EntryType::Symlink, target.as_bytes(), 0, b"")
}

fn special(kind: EntryType) -> Vec<u8> {
    raw(b"special", kind, b"plain", 0, b"")
}

fn extended(record: &str) -> Vec<u8> {
    let text = format!("{} {record}\n", record.len() + 4);
    assert_eq!(text.len(), record.len() + 4, "two digits are enough");
    [raw(b"pax", EntryType::XHeader, b"", text.len() as u64, text.as_bytes()), plain("fine", "x")].concat()
}

fn whole(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), vec![0; 1024]].concat()
}

#[test]
fn what_is_hostile_is_refused_with_a_reason_and_nothing_stays() {
    let fine = whole(&[plain("plain", "text")]);
    assert!(push(&fine).is_ok());
    assert!(push(&whole(&[extended("size=1")])).is_ok(), "some writers always say it");
    let gzip = zipped(&fine, false);
    let many: Vec<Vec<u8>> = (0..1001).map(|number| plain(&format!("{number}"), "")).collect();
    let refused: Vec<(&str, Vec<u8>)> = vec![
        ("is empty", Vec::new()),
        ("is no tar file", b"certainly not an archive, but long enough ".repeat(30)),
        ("is a zip file", b"PK\x03\x04 and more".to_vec()),
        ("bzip2 or xz", b"BZh91AY".to_vec()),
        ("cut off", fine[..700].to_vec()),
        ("cut off", fine[..1024].to_vec()),
        ("cannot be read", gzip[..gzip.len() - 9].to_vec()),
        ("cannot be read", [gzip[..20].to_vec(), vec![7; 40]].concat()),
        ("is damaged", whole(&[plain("plain", "text"), vec![1; 512]])),
        ("goes on behind its end", [fine.clone(), fine.clone()].concat()),
        ("goes on behind its end", [fine.clone(), vec![0; 17 << 20]].concat()),
        ("more headers than", whole(&vec![raw(b"again", EntryType::Directory, b"", 0, b""); 8100])),
        ("leads out of it", whole(&[plain("../evil", "x")])),
        ("leads out of it", whole(&[plain("/etc/evil", "x")])),
        ("leads out of it", whole(&[plain("a/../b", "x")])),
        ("leads out of it", whole(&[plain("a//b", "x")])),
        ("leads out of it", whole(&[extended("path=../evil")])),
        ("leads out of it", whole(&[plain(&"n".repeat(100), "x"), extended("path=a\0b")])),
        (".git", whole(&[plain("sub/.git/config", "x")])),
        ("link that leads out", whole(&[to("a", "/etc/passwd")])),
        ("link that leads out", whole(&[to("a", "../secret")])),
        ("link that leads out", whole(&[to("a/b", "x/../../../secret")])),
        ("link that leads out", whole(&[to("a", "")])),
        ("below what is no folder", whole(&[to("a", "b"), plain("a/x", "x")])),
        ("below what is no folder", whole(&[plain("a", "x"), plain("a/x", "x")])),
        ("twice", whole(&[plain("a", "1"), plain("a", "2")])),
        ("twice", whole(&[plain("a/x", "1"), to("a", "b")])),
        ("hard link", whole(&[plain("plain", "x"), special(EntryType::Link)])),
        ("device or a pipe", whole(&[special(EntryType::Char)])),
        ("device or a pipe", whole(&[special(EntryType::Block)])),
        ("device or a pipe", whole(&[special(EntryType::Fifo)])),
        ("sparse", whole(&[special(EntryType::GNUSparse)])),
        ("sparse", whole(&[extended("GNU.sparse.major=1")])),
        ("too large", whole(&[extended("size=9999999999")])),
        ("sparse", whole(&[raw(b"holes", EntryType::GNUSparse, b"", 512, &[7; 512])])),
        ("unknown kind", whole(&[special(EntryType::new(b'Z'))])),
        ("has bytes and is no file", whole(&[raw(b"a", EntryType::Symlink, b"b", 9, b"123456789")])),
        ("more than 64 KiB", whole(&[raw(b"long", EntryType::GNULongName, b"", 1 << 30, b"")])),
        ("more than 1000000 bytes", whole(&[raw(b"bomb", EntryType::Regular, b"", 1 << 40, b"")])),
        ("more than 1000 entries", whole(&many)),
    ];
    for (reason, archive) in refused {
        let said = push(&archive).map(|packed| packed.manifest).unwrap_err();
        assert!(said.starts_with("the archive ") && said.contains(reason), "{reason:?}: {said}");
        assert!(!said.contains('\0') && !said.contains('\n'), "{said:?}");
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    // A gigabyte of zeros in a megabyte.
    let archive = raw(b"zeros", EntryType::Regular, b"", 1 << 30, b"");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&archive).unwrap();
    for _ in 0..64 {
        gzip.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    let mut read = Counted { bytes: &bomb, read: 0 };
    let data = tempfile::tempdir().unwrap();
    let refused = pushed::keep(data.path(), order(), &mut read, LIMITS).unwrap_err();
    assert!(refused.to_string().contains("more than 1000000 bytes"), "{refused}");
    assert!(read.read < 100_000, "{} bytes were read", read.read);
}

struct Counted<'b> {
    bytes: &'b [u8],
    read: usize,
}

impl std::io::Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.read += read;
        Ok(read)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_folder_arrives_by_any_format(entries in vec((path(), entry()), 0..20), pax in any::<bool>(), zstd in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let (tree, data) = (folder.path().join("tree"), folder.path().join("data"));
        fs::create_dir(&tree).unwrap();
        write(&tree, entries.into_iter().map(|(path, entry)| (path.into(), entry)));
        let expected = keep(&data, &tree, COMMIT_TIME, None);
        let archive = tar(&tree, &[if pax { "--format=pax" } else { "--format=gnu" }]);
        prop_assert_eq!(push(&zipped(&archive, zstd)).unwrap().hash, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in vec(any::<u8>(), 0..3000), at in 0_usize..2048, byte in any::<u8>()) {
        // Whatever it says: nothing stays when it is refused.
        let _ = push(&bytes);
        bytes = whole(&[plain("folder/name", "text"), to("link", "folder"), plain("last", "x")]);
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = push(&bytes);
    }
}
