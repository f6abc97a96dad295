//! Entries of a tar archive, in GNU's form, which both GNU tar and busybox read.

use std::io::{Read, Write};

use tar::{EntryType, Header};

use super::manifest::Entry;

fn new_header() -> Header {
    let mut header = Header::new_gnu();
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Writes a file that is another name of the file `target`, which stands there already.
pub fn append_hard_link(to: &mut impl Write, name: &[u8], target: &[u8]) -> std::io::Result<()> {
    let mut header = new_header();
    header.set_entry_type(EntryType::Link);
    header.set_mode(0o644);
    header.set_size(0);
    fill(to, &mut header, target, EntryType::GNULongLink)?;
    fill(to, &mut header, name, EntryType::GNULongName)?;
    header.set_cksum();
    to.write_all(header.as_bytes())
}

/// Writes one entry with its bytes.
pub fn append(to: &mut impl Write, name: &[u8], entry: &Entry, bytes: &mut dyn Read) -> std::io::Result<()> {
    let mut header = new_header();
    match entry {
        Entry::Dir => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
        }
        Entry::Link { target } => {
            let target = target.bytes();
            header.set_entry_type(EntryType::Symlink);
            header.set_mode(0o777);
            header.set_size(0);
            fill(to, &mut header, &target, EntryType::GNULongLink)?;
        }
        Entry::File { executable, size, mtime, .. } => {
            header.set_entry_type(EntryType::Regular);
            header.set_mode(if *executable { 0o755 } else { 0o644 });
            header.set_size(*size);
            header.set_mtime(u64::try_from(*mtime).unwrap_or(0));
        }
    }
    fill(to, &mut header, name, EntryType::GNULongName)?;
    header.set_cksum();
    to.write_all(header.as_bytes())?;
    let size = std::io::copy(bytes, to)?;
    if let Entry::File { size: promised, .. } = entry
        && size != *promised
    {
        return Err(std::io::Error::other("a file became shorter while it was packed"));
    }
    pad(to, size)
}

/// Puts a name or a link's text into the header; what does not fit goes before it, as an entry of its own.
fn fill(to: &mut impl Write, header: &mut Header, text: &[u8], long: EntryType) -> std::io::Result<()> {
    let place = match (header.as_gnu_mut(), long) {
        (Some(gnu), EntryType::GNULongLink) => &mut gnu.linkname,
        (Some(gnu), _) => &mut gnu.name,
        (None, _) => return Err(std::io::Error::other("not a GNU header")),
    };
    for (place, byte) in place.iter_mut().zip(text) {
        *place = *byte;
    }
    if text.len() < place.len() {
        return Ok(());
    }
    let mut before = Header::new_gnu();
    if let Some(gnu) = before.as_gnu_mut() {
        for (place, byte) in gnu.name.iter_mut().zip(b"././@LongLink") {
            *place = *byte;
        }
    }
    let size = text.len() as u64 + 1;
    before.set_entry_type(long);
    before.set_mode(0o644);
    before.set_size(size);
    before.set_cksum();
    to.write_all(before.as_bytes())?;
    to.write_all(text)?;
    to.write_all(&[0])?;
    pad(to, size)
}

fn pad(to: &mut impl Write, size: u64) -> std::io::Result<()> {
    let over = usize::try_from(size % 512).unwrap_or(0);
    to.write_all([0; 512].get(over..).filter(|_| over > 0).unwrap_or_default())
}
