//! A tar stream as a folder: nothing that stands in it is believed.

use std::cell::Cell;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};
use tar::{Archive, EntryType};

use super::{Count, Sums, Trouble};
use crate::transfer::file::{Hashing, KEPT, new_file};

/// How many files, folders and links are taken from a stream: each holds memory here, and a place on the disk.
const MOST: usize = 2_000_000;

/// What may stand in front of one of them, in bytes: its name and the text of a link, which are read into memory.
const BEFORE: u64 = 256 * 1024;

/// How much of all of them is kept in memory to the end, in bytes.
const HELD: usize = 128 * 1024 * 1024;

/// What may stand behind the end of an archive, in bytes: writers fill up their last record.
const BEHIND: u64 = 16 * 1024 * 1024;

/// A stream of which no more is read than may come next.
struct Bounded<'l, R> {
    from: R,
    left: &'l Cell<u64>,
    /// It ended or broke.
    is_over: &'l Cell<bool>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left.get()).unwrap_or(usize::MAX).min(into.len());
        if most == 0 && !into.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a name in it is too long for one"));
        }
        let read = self.from.read(into.get_mut(..most).unwrap_or_default());
        self.is_over.set(most > 0 && matches!(read, Ok(0) | Err(_)));
        let read = read?;
        self.left.set(self.left.get() - u64::try_from(read).unwrap_or_default());
        Ok(read)
    }
}

/// Reads a tar stream to its end, into the empty folder `into`, of which nobody else knows. Links are made when all else is
/// there, so that nothing is written through one.
pub(in crate::transfer) fn unpack(
    mut from: impl Read,
    into: &Path,
    count: Count<'_>,
) -> Result<Sums, Trouble> {
    let (left, is_over) = (Cell::new(BEFORE), Cell::new(false));
    let bounded = Bounded { from: &mut from, left: &left, is_over: &is_over };
    let sums = unpack_entries(bounded, &left, into, count).map_err(|trouble| match trouble {
        // The stream itself is well: it is what came in it.
        Trouble::Stream(error) if !is_over.get() => Trouble::Unfit(error.to_string()),
        trouble => trouble,
    })?;
    // The end of an archive is padded.
    let behind = io::copy(&mut from.take(BEHIND + 1), &mut io::sink()).map_err(Trouble::Stream)?;
    if behind > BEHIND {
        return Err(Trouble::Unfit("there is more behind the end of the archive".to_owned()));
    }
    Ok(sums)
}

fn unpack_entries(from: impl Read, left: &Cell<u64>, into: &Path, count: Count<'_>) -> Result<Sums, Trouble> {
    let mut sums = Sums::new();
    let mut links = Vec::new();
    let mut modes = Vec::new();
    let mut held: usize = 0;
    let mut archive = Archive::new(from);
    for (number, entry) in archive.entries().map_err(Trouble::Stream)?.enumerate() {
        let mut entry = entry.map_err(Trouble::Stream)?;
        left.set(BEFORE);
        let name = below(&entry.path_bytes())?;
        let text = entry.link_name_bytes().unwrap_or_default().into_owned();
        held = held.saturating_add(name.as_os_str().len()).saturating_add(text.len());
        if number == MOST || held > HELD {
            let most = format!("{MOST} files, folders and links, or {} MiB of their names", HELD >> 20);
            return Err(Trouble::Unfit(format!("it has more than {most}")));
        }
        let here = into.join(&name);
        let told = |error| Trouble::Here(here.clone(), error);
        let mode = entry.header().mode().map_err(Trouble::Stream)? & KEPT;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::Directory => {
                folders(into, &name)?;
                modes.push((here, mode));
            }
            EntryType::Regular | EntryType::Continuous => {
                folders(into, name.parent().unwrap_or(Path::new("")))?;
                left.set(entry.size().saturating_add(BEFORE));
                let mut file = new_file(&here).map_err(told)?;
                let mut hasher = Sha256::new();
                let mut buffer = vec![0; 64 * 1024];
                loop {
                    let read = entry.read(&mut buffer).map_err(Trouble::Stream)?;
                    let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else { break };
                    io::copy(&mut &*chunk, &mut Hashing(&mut hasher)).map_err(told)?;
                    file.write_all(chunk).map_err(told)?;
                    count(u64::try_from(read).unwrap_or_default());
                }
                file.set_permissions(Permissions::from_mode(mode)).map_err(told)?;
                sums.insert(name, hex::encode(hasher.finalize()));
            }
            EntryType::Link => {
                let target = below(&text)?;
                let Some(sum) = sums.get(&target).cloned() else {
                    return Err(Trouble::Hostile(shown(target.as_os_str().as_bytes())));
                };
                folders(into, name.parent().unwrap_or(Path::new("")))?;
                fs::hard_link(into.join(&target), &here).map_err(told)?;
                sums.insert(name, sum);
            }
            EntryType::Symlink => {
                // Now, while there is no link: what is on the way to one is a folder, whose name no other link gets.
                folders(into, name.parent().unwrap_or(Path::new("")))?;
                links.push((here, PathBuf::from(std::ffi::OsString::from_vec(text))));
            }
            _ => return Err(Trouble::Hostile(shown(&entry.path_bytes()))),
        }
    }
    for (here, text) in links {
        symlink(text, &here).map_err(|error| Trouble::Here(here, error))?;
    }
    // The innermost first: a folder that nobody may write in is no obstacle then.
    for (here, mode) in modes.into_iter().rev() {
        fs::set_permissions(&here, Permissions::from_mode(mode))
            .map_err(|error| Trouble::Here(here, error))?;
    }
    Ok(sums)
}

/// A name of the stream as a path below the folder.
fn below(name: &[u8]) -> Result<PathBuf, Trouble> {
    let path = Path::new(std::ffi::OsStr::from_bytes(name));
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => clean.push(part),
            _ => return Err(Trouble::Hostile(shown(name))),
        }
    }
    Ok(clean)
}

/// Makes the folder `name`, and those on the way to it; each is one of ours. `into` itself is not made anew when somebody has
/// removed it.
fn folders(into: &Path, name: &Path) -> Result<(), Trouble> {
    if name.as_os_str().is_empty() {
        return Ok(());
    }
    let here = into.join(name);
    let make = || DirBuilder::new().mode(0o700).create(&here);
    let made = match (make(), name.parent()) {
        (Err(error), Some(above)) if error.kind() == io::ErrorKind::NotFound => {
            folders(into, above)?;
            make()
        }
        (made, _) => made,
    };
    let is_folder = || fs::symlink_metadata(&here).is_ok_and(|found| found.is_dir());
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !is_folder() => {
            Err(Trouble::Here(here, error))
        }
        _ => Ok(()),
    }
}

/// A name as it may be shown.
fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use tar::{Builder, Header};

    use super::*;

    fn stream(names: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut tar = Builder::new(Vec::new());
        for (name, kind, text) in names {
            let mut header = Header::new_gnu();
            header.set_mode(0o4755);
            header.set_entry_type(*kind);
            let is_file = *kind == EntryType::Regular;
            header.set_size(if is_file { text.len() as u64 } else { 0 });
            // The library refuses to write such names, so they are put into the header by hand.
            let field = &mut header.as_gnu_mut().unwrap().name;
            field[..name.len()].copy_from_slice(name.as_bytes());
            if !is_file {
                header.as_gnu_mut().unwrap().linkname[..text.len()].copy_from_slice(text.as_bytes());
            }
            header.set_cksum();
            tar.append(&header, if is_file { text.as_bytes() } else { &[] }).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn unpacked(names: &[(&str, EntryType, &str)]) -> (tempfile::TempDir, Result<Sums, Trouble>) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("into")).unwrap();
        let result = unpack(&*stream(names), &folder.path().join("into"), &mut |_| ());
        (folder, result)
    }

    #[test]
    fn no_name_leads_outside() {
        use EntryType::{Char, Fifo, Link, Regular, Symlink};
        for names in [
            vec![("../x", Regular, "")],
            vec![("/etc/x", Regular, "")],
            vec![("a/../../x", Regular, "")],
            vec![("a/..", EntryType::Directory, "")],
            vec![("x", Link, "/etc/passwd")],
            vec![("x", Link, "../../etc/passwd")],
            vec![("x", Link, "nothing")],
            vec![("x", Fifo, "")],
            vec![("x", Char, "")],
            vec![("x", Symlink, "/etc"), ("y", Link, "x")],
        ] {
            let (folder, result) = unpacked(&names);
            assert!(matches!(result, Err(Trouble::Hostile(_))), "{names:?}: {result:?}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{names:?}");
        }
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        use EntryType::{Regular, Symlink};
        let (folder, result) = unpacked(&[("x", Symlink, "/tmp"), ("x/evil", Regular, "text")]);
        assert!(matches!(result, Err(Trouble::Here(..))), "{result:?}");
        assert_eq!(
            fs::read_to_string(folder.path().join("into/x/evil")).unwrap(),
            "text",
            "in a folder of its own"
        );
        let (_folder, result) = unpacked(&[("x", Regular, "1"), ("x", Regular, "2")]);
        assert!(matches!(result, Err(Trouble::Here(..))), "{result:?}");
    }

    #[test]
    fn no_link_is_made_through_a_link() {
        use EntryType::Symlink;
        for names in [
            [("x", Symlink, ".."), ("x/y", Symlink, "t")],
            [("x/y", Symlink, "t"), ("x", Symlink, "..")],
            [("x", Symlink, ".."), ("x/a/b/y", Symlink, "t")],
            [("a/x", Symlink, "../.."), ("a/x/y", Symlink, "t")],
        ] {
            let (folder, result) = unpacked(&names);
            assert!(matches!(result, Err(Trouble::Here(..))), "{names:?}: {result:?}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{names:?}");
        }
    }

    #[test]
    fn many_links_and_empty_folders_stand_in_a_row() {
        use EntryType::{Directory, Symlink};
        let names: Vec<String> = (0..2000).map(|number| format!("{number:04}")).collect();
        let kind = |number| if number < 1000 { Symlink } else { Directory };
        let entries = names.iter().enumerate().map(|(number, name)| (name.as_str(), kind(number), "target"));
        let (folder, result) = unpacked(&entries.collect::<Vec<_>>());
        result.unwrap();
        assert_eq!(fs::read_dir(folder.path().join("into")).unwrap().count(), 2000);
    }

    #[test]
    fn links_without_end_do_not_fill_the_memory() {
        let mut tar = Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        tar.append_link(&mut header, "x", "x".repeat(200 * 1024)).unwrap();
        let mut link = tar.into_inner().unwrap();
        // Without the two empty blocks that end it.
        link.truncate(link.len() - 1024);
        let into = tempfile::tempdir().unwrap();
        let result = unpack(Again(link, 0), into.path(), &mut |_| ());
        assert!(
            matches!(&result, Err(Trouble::Unfit(why)) if why.contains("MiB of their names")),
            "{result:?}"
        );
        assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
    }

    /// The same bytes again and again.
    struct Again(Vec<u8>, usize);

    impl Read for Again {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Again(bytes, at) = self;
            let read = into.len().min(bytes.len() - *at);
            into[..read].copy_from_slice(&bytes[*at..*at + read]);
            *at = (*at + read) % bytes.len();
            Ok(read)
        }
    }

    /// A header alone, that tells of so many bytes.
    fn header(kind: EntryType, size: u64) -> Vec<u8> {
        let mut header = Header::new_gnu();
        header.set_path("x").unwrap();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        header.as_bytes().to_vec()
    }

    #[test]
    fn a_stream_without_an_end_is_left() {
        let hundred_gigabytes = 100 << 30;
        for begin in [
            header(EntryType::GNULongName, hundred_gigabytes),
            header(EntryType::GNULongLink, hundred_gigabytes),
            header(EntryType::XHeader, hundred_gigabytes),
            stream(&[("x", EntryType::Regular, "text")]),
        ] {
            let into = tempfile::tempdir().unwrap();
            let endless = begin.as_slice().chain(io::repeat(0));
            let result = unpack(endless, into.path(), &mut |_| ());
            assert!(matches!(result, Err(Trouble::Unfit(_))), "{result:?}");
        }
    }

    #[test]
    fn a_stream_that_ends_is_told_apart_from_one_that_is_none() {
        let whole = stream(&[("x", EntryType::Regular, "text")]);
        let mut spoilt = whole.clone();
        spoilt[0] ^= 1;
        for (come, is_cut) in [(&whole[..100], true), (&whole[..514], true), (&spoilt, false)] {
            let into = tempfile::tempdir().unwrap();
            let result = unpack(come, into.path(), &mut |_| ());
            let is_told = match &result {
                Err(Trouble::Stream(_)) => is_cut,
                Err(Trouble::Unfit(_)) => !is_cut,
                _ => false,
            };
            assert!(is_told, "{} bytes: {result:?}", come.len());
        }
    }

    #[test]
    fn nobody_gets_more_rights_than_read_write_and_run() {
        let (folder, result) = unpacked(&[("x", EntryType::Regular, "1")]);
        result.unwrap();
        let mode = fs::metadata(folder.path().join("into/x")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
    }
}
