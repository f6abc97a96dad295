//! Packets of SFTP, version 3 (draft-ietf-secsh-filexfer-02): what we ask, and what is answered.
//!
//! Names and handles are bytes here: they go back to a server as they came from it, whatever it writes them in.

/// What is asked.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    Init = 1,
    Open = 3,
    Close = 4,
    Read = 5,
    Write = 6,
    LookAtLink = 7,
    LookAtOpen = 8,
    Change = 9,
    ChangeOpen = 10,
    OpenFolder = 11,
    ReadFolder = 12,
    Remove = 13,
    MakeFolder = 14,
    RemoveFolder = 15,
    Look = 17,
    Rename = 18,
    ReadLink = 19,
    Link = 20,
    Extended = 200,
}

/// Flags of [`Kind::Open`].
pub(super) const READ: u32 = 0x01;
/// A new file of ours, and nothing where there is one.
pub(super) const WRITE_NEW: u32 = 0x02 | 0x08 | 0x20;

/// The version that we speak, and that each server speaks.
const VERSION: u32 = 3;

const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRIBUTES: u8 = 105;

const HAS_SIZE: u32 = 0x01;
const HAS_OWNER: u32 = 0x02;
const HAS_MODE: u32 = 0x04;
const HAS_TIMES: u32 = 0x08;
const HAS_MORE: u32 = 0x8000_0000;

/// A packet to a server, field by field.
pub(super) struct Request(Vec<u8>);

impl Request {
    /// The first packet, which alone has no number.
    pub(super) fn hello() -> Request {
        Request(vec![0, 0, 0, 0, Kind::Init as u8]).number(VERSION)
    }

    /// A question by this number.
    pub(super) fn new(kind: Kind, id: u32) -> Request {
        Request(vec![0, 0, 0, 0, kind as u8]).number(id)
    }

    pub(super) fn number(mut self, number: u32) -> Request {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(super) fn offset(mut self, offset: u64) -> Request {
        self.0.extend(offset.to_be_bytes());
        self
    }

    pub(super) fn string(mut self, bytes: &[u8]) -> Request {
        self.0.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend(bytes);
        self
    }

    /// Attributes of which only the mode is said.
    pub(super) fn mode(self, mode: u32) -> Request {
        self.number(HAS_MODE).number(mode)
    }

    /// The bytes as they are sent.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let length = self.0.len().saturating_sub(4);
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        self.0.splice(..4, length);
        self.0
    }
}

/// What a server says of a file, as far as it says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) size: Option<u64>,
    pub(super) mode: Option<u32>,
    /// When it was written last, in seconds.
    pub(super) written: Option<u32>,
}

/// What kind of thing has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    File,
    Folder,
    Link,
    Other,
}

impl Attributes {
    /// What it is. Where the server does not say it, it is a file: whoever opens it finds out.
    pub(super) fn thing(self) -> Thing {
        match self.mode.map_or(0, |mode| mode & 0o170_000) {
            0o100_000 | 0 => Thing::File,
            0o040_000 => Thing::Folder,
            0o120_000 => Thing::Link,
            _ => Thing::Other,
        }
    }
}

/// One name of a listing, and what has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) found: Attributes,
}

/// What a server answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Status { code: u32, text: Vec<u8> },
    Handle(Vec<u8>),
    Data(Vec<u8>),
    Names(Vec<Entry>),
    Attributes(Attributes),
}

/// The answer in a packet, and to which question; nothing where it is none.
pub(super) fn reply(packet: &[u8]) -> Option<(u32, Reply)> {
    let mut fields = Fields(packet);
    let (kind, id) = (fields.byte()?, fields.number()?);
    let reply = match kind {
        // Old servers say no text.
        STATUS => {
            Reply::Status { code: fields.number()?, text: fields.string().unwrap_or_default().to_vec() }
        }
        HANDLE => Reply::Handle(fields.string()?.to_vec()),
        DATA => Reply::Data(fields.string()?.to_vec()),
        NAME => {
            let mut entries = Vec::new();
            for _ in 0..fields.number()? {
                let name = fields.string()?.to_vec();
                // How `ls -l` would print it.
                fields.string()?;
                entries.push(Entry { name, found: fields.attributes()? });
            }
            Reply::Names(entries)
        }
        ATTRIBUTES => Reply::Attributes(fields.attributes()?),
        _ => return None,
    };
    Some((id, reply))
}

/// The answer to [`Request::hello`]: the extensions that the server has. Nothing where it is none.
pub(super) fn extensions(packet: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut fields = Fields(packet);
    if fields.byte()? != 2 || fields.number()? != VERSION {
        return None;
    }
    let mut extensions = Vec::new();
    while !fields.0.is_empty() {
        extensions.push((fields.string()?.to_vec(), fields.string()?.to_vec()));
    }
    Some(extensions)
}

/// What is left of a packet. Whatever stands in it, no more is taken than there is.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn offset(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn attributes(&mut self) -> Option<Attributes> {
        let flags = self.number()?;
        let has = |flag| flags & flag != 0;
        let size = if has(HAS_SIZE) { Some(self.offset()?) } else { None };
        if has(HAS_OWNER) {
            self.offset()?;
        }
        let mode = if has(HAS_MODE) { Some(self.number()?) } else { None };
        let mut written = None;
        if has(HAS_TIMES) {
            self.number()?;
            written = Some(self.number()?);
        }
        if has(HAS_MORE) {
            for _ in 0..self.number()? {
                self.string()?;
                self.string()?;
            }
        }
        Some(Attributes { size, mode, written })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, id: u32, rest: &[&[u8]]) -> Vec<u8> {
        [&[kind][..], &id.to_be_bytes(), &rest.concat()].concat()
    }

    fn string(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
    }

    #[test]
    fn a_request_says_its_length_and_keeps_every_byte() {
        let sent = Request::new(Kind::Write, 7).string(b"\xff\0").offset(1 << 40).string(b"ab").finish();
        assert_eq!(sent, b"\0\0\0\x19\x06\0\0\0\x07\0\0\0\x02\xff\0\0\0\x01\0\0\0\0\0\0\0\0\x02ab");
        assert_eq!(Request::hello().finish(), [0, 0, 0, 5, 1, 0, 0, 0, 3]);
    }

    #[test]
    fn attributes_are_read_in_whatever_number_they_come() {
        let all = [HAS_SIZE | HAS_OWNER | HAS_MODE | HAS_TIMES | HAS_MORE].map(u32::to_be_bytes).concat();
        let rest =
            [&5_u64.to_be_bytes()[..], &[0; 8], &0o100_644_u32.to_be_bytes(), &[0, 0, 0, 1, 0, 0, 0, 2]];
        let more = [&1_u32.to_be_bytes()[..], &string(b"x@y"), &string(b"z")].concat();
        let entry = |name: &[u8]| [&string(name)[..], &string(b"long"), &all, &rest.concat(), &more].concat();
        let found = Attributes { size: Some(5), mode: Some(0o100_644), written: Some(2) };
        let expected = [&b"a\xff"[..], b"b"].map(|name| Entry { name: name.to_vec(), found });
        let names = packet(NAME, 3, &[&2_u32.to_be_bytes(), &entry(b"a\xff"), &entry(b"b")]);
        assert_eq!(reply(&names), Some((3, Reply::Names(expected.into()))));
        assert_eq!(
            reply(&packet(ATTRIBUTES, 3, &[&[0; 4]])).unwrap().1,
            Reply::Attributes(Attributes::default())
        );
        assert_eq!(Attributes::default().thing(), Thing::File);
    }

    #[test]
    fn what_is_shorter_than_it_says_is_no_answer() {
        let whole = packet(NAME, 3, &[&u32::MAX.to_be_bytes(), &string(b"a"), &string(b"a"), &[0; 4]]);
        for packet in [
            &whole[..],
            &packet(HANDLE, 1, &[&u32::MAX.to_be_bytes(), b"abc"]),
            &packet(ATTRIBUTES, 1, &[&HAS_MORE.to_be_bytes(), &u32::MAX.to_be_bytes()]),
            &packet(DATA, 1, &[b"\0\0"]),
            &packet(99, 1, &[]),
            b"",
        ] {
            assert_eq!(reply(packet), None, "{packet:?}");
        }
        assert_eq!(extensions(b"\x02\0\0\0\x03"), Some(Vec::new()));
        for hello in [&b"\x02\0\0\0\x02"[..], b"\x02\0\0\0\x03\0\0\0\x09x", b"SSH-", b"\x03\0\0\0\x03"] {
            assert_eq!(extensions(hello), None, "{hello:?}");
        }
    }
}
