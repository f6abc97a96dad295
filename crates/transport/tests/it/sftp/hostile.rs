//! SFTP servers that are against us: they say what they like, whatever they are asked.

use super::*;

/// A packet of a server.
fn packet(kind: u8, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    [&u32::try_from(body.len() + 1).unwrap().to_be_bytes()[..], &[kind], &body].concat()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

const HELLO: &[u8] = b"\0\0\0\x05\x02\0\0\0\x03";
const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

/// What a server answers to our first, second, third question, whatever they are: we number them from 1.
#[derive(Default)]
struct Answers(Vec<u8>, u32);

impl Answers {
    fn add(mut self, kind: u8, body: &[&[u8]]) -> Answers {
        self.1 += 1;
        let body = [&self.1.to_be_bytes()[..], &body.concat()].concat();
        self.0.extend(packet(kind, &[&body]));
        self
    }

    fn status(self, code: u32) -> Answers {
        self.add(101, &[&code.to_be_bytes(), &string(b""), &string(b"")])
    }

    fn handle(self) -> Answers {
        self.add(102, &[&string(b"\xff\0h")])
    }

    fn data(self, bytes: &[u8]) -> Answers {
        self.add(103, &[&string(bytes)])
    }

    fn names(self, names: &[(&[u8], u32)]) -> Answers {
        let mut body = u32::try_from(names.len()).unwrap().to_be_bytes().to_vec();
        for (name, mode) in names {
            body.extend([&string(name)[..], &string(b""), &[0, 0, 0, 4], &mode.to_be_bytes()].concat());
        }
        self.add(104, &[&body])
    }

    fn found(self, mode: u32, size: u64) -> Answers {
        self.add(105, &[&[0, 0, 0, 5], &size.to_be_bytes(), &mode.to_be_bytes()])
    }

    /// A folder that is looked at, and what a first listing of it says.
    fn folder(self, names: &[(&[u8], u32)]) -> Answers {
        self.found(FOLDER, 0).handle().names(names)
    }
}

/// A server that says this, whatever it is asked.
async fn saying(answers: &Answers, here: &Path) -> (Fleet, Session) {
    let said = here.join("said");
    fs::write(&said, [HELLO, &answers.0].concat()).unwrap();
    let lines = format!(
        "Subsystem sftp /bin/sftp\nForceCommand test \"$SSH_ORIGINAL_COMMAND\" = /bin/sftp || exit 1; cat {}; exec cat >/dev/null",
        said.display()
    );
    sshd(&lines).await
}

/// What came of fetching something from such a server.
async fn fetched(answers: &Answers, here: &Path) -> Result<Transferred, Error> {
    let (_fleet, session) = saying(answers, here).await;
    session.get("tree", here.join("into/tree")).await
}

#[tokio::test]
async fn a_hostile_listing_writes_nowhere_else() {
    let new = Answers::default;
    let outside = tempfile::tempdir().unwrap();
    let elsewhere = outside.path().as_os_str().as_bytes();
    for name in [&b"../x"[..], b"a/b", b"/etc/x", b"", b"x\0y", b"./x"] {
        let here = tempfile::tempdir().unwrap();
        fs::create_dir(here.path().join("into")).unwrap();
        let got = fetched(&new().folder(&[(name, FILE)]), here.path()).await;
        assert!(matches!(got, Err(Error::HostileName { .. })), "{name:?}: {got:?}");
        assert!(!here.path().join("into/tree").exists(), "{name:?}");
    }
    // The folder itself and the one above are in each listing, and are never used.
    let here = tempfile::tempdir().unwrap();
    fs::create_dir(here.path().join("into")).unwrap();
    let answers = new().folder(&[(b".", FOLDER), (b"..", FOLDER)]).status(1).status(0);
    let got = fetched(&answers, here.path()).await.unwrap();
    assert_eq!((got.files, fs::read_dir(here.path().join("into/tree")).unwrap().count()), (0, 0));
    // One name for a link and for a folder: what is in the folder does not go through the link.
    let answers = new().folder(&[(b"x", LINK), (b"x", FOLDER)]).status(1).status(0);
    let answers = answers.names(&[(elsewhere, 0)]);
    let answers = answers.handle().names(&[(b"evil", FILE)]).status(1).status(0);
    let answers = answers.handle().found(FILE, 0).found(FILE, 0).status(0);
    let got = fetched(&answers, here.path()).await;
    assert!(matches!(got, Err(Error::LocalFile { .. })), "{got:?}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    // A folder that turns out to be none.
    let answers = new().folder(&[(b"pipe", FILE)]).status(1).status(0).handle().found(0o010_644, 0);
    check(fetched(&answers, here.path()).await, "it is no file");
}

#[tokio::test]
async fn a_folder_is_replaced_where_the_old_one_cannot_be_removed() {
    let (denied, nothing) = (3, 2);
    let here = tempfile::tempdir().unwrap();
    // What an earlier try left goes; the folder is made, and has its mode.
    let answers = Answers::default().status(nothing).status(0).status(0);
    // What once went aside is still there, and what is there now gets another name.
    let answers = answers.found(FOLDER, 0).found(FOLDER, 0).status(denied).status(denied).status(nothing);
    let answers = answers.found(FOLDER, 0).status(0).status(0);
    // It cannot be removed either.
    let answers = answers.found(FOLDER, 0).status(denied).status(denied);
    let (_fleet, session) = saying(&answers, here.path()).await;
    let from = here.path().join("from");
    fs::create_dir(&from).unwrap();
    session.put(from.as_path(), "tree").await.unwrap();
}

#[tokio::test]
async fn a_listing_without_end_is_left() {
    let here = tempfile::tempdir().unwrap();
    fs::create_dir(here.path().join("into")).unwrap();
    let mut answers = Answers::default().found(FOLDER, 0).handle();
    let names: Vec<(&[u8], u32)> = vec![(&b"name"[..], FILE); 12_000];
    for _ in 0..45 {
        answers = answers.names(&names);
    }
    check(fetched(&answers, here.path()).await, "more files than can be brought by SFTP");
    // And one that never says a name.
    let mut answers = Answers::default().found(FOLDER, 0).handle();
    for _ in 0..33_000 {
        answers = answers.names(&[]);
    }
    check(fetched(&answers, here.path()).await, "more files than can be brought by SFTP");
}

#[tokio::test]
async fn answers_that_make_no_sense_end_the_transfer() {
    let new = || Answers::default().found(FILE, 4).handle().found(FILE, 4);
    let skipped = Answers(new().0, 17);
    for (label, answers) in [
        ("less than was said", new().status(1)),
        ("nothing", new().data(b"")),
        ("more than was asked for", new().data(b"12345")),
        ("to nobody's question", skipped.data(b"1234")),
        ("a name for data", new().names(&[(b"x", FILE)])),
        ("an empty packet", Answers([new().0, vec![0; 4]].concat(), 0)),
        ("a packet of 4 GiB", Answers([new().0, vec![0xff; 4]].concat(), 0)),
        ("another size at last", new().data(b"1234").found(FILE, 5).status(0)),
    ] {
        let here = tempfile::tempdir().unwrap();
        fs::create_dir(here.path().join("into")).unwrap();
        let got = fetched(&answers, here.path()).await;
        assert!(matches!(got, Err(Error::Transfer { .. })), "{label}: {got:?}");
        assert!(!here.path().join("into/tree").exists(), "{label}");
    }
    // And one that does.
    let here = tempfile::tempdir().unwrap();
    fs::create_dir(here.path().join("into")).unwrap();
    let got = fetched(&new().data(b"12").data(b"34").found(FILE, 4).status(0), here.path()).await.unwrap();
    assert_eq!((got.bytes, fs::read(here.path().join("into/tree")).unwrap()), (4, b"1234".to_vec()));
}
