//! Receive: a stream becomes a complete folder in `releases/`, or nothing does.

use std::fs;
use std::iter::repeat_n;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use engine::artifact::body::Body;
use engine::artifact::stream::Codec;
use engine::driver::{Broken, Stream};
use engine::ports::{Channel, Host};
use engine::remote::{self, status};
use testkit::repo::{Entry, file, hostile_tree, link};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::asks::{ask, command};
use crate::machine::Machine;
use crate::site::{ME, Site, wait_until};
use crate::tree::{Parcel, differences, noise, receive, stream_of, walk};

/// No answer takes this long.
const DEADLINE: Duration = Duration::from_secs(20);

/// Everything that breaks careless code, and whatever stands on a border of the archive's format.
fn hostile() -> Parcel {
    let mut tree = hostile_tree();
    tree.push(("empty folder".into(), Entry::Gone));
    tree.push(("-folder/below/empty".into(), Entry::Gone));
    tree.push(("ends with newline\n".into(), file("newline\n")));
    // A header has room for 100 bytes of `tree/NAME`, and for 100 of a link's text.
    for length in [94, 95, 96, 99, 100, 101, 255] {
        let long: String = repeat_n('x', length).collect();
        tree.push((long.clone().into(), file(&long)));
        tree.push((format!("link-{length}").into(), link(&long)));
    }
    // Blocks have 512 bytes, and files above 4 MiB are packed in another way.
    for size in [1, 511, 512, 513, 5 * 1024 * 1024] {
        let bytes = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        tree.push((format!("size-{size}").into(), Entry::File(bytes)));
    }
    Parcel::new(tree)
}

#[tokio::test]
async fn a_hostile_tree_arrives_as_it_is() {
    let parcel = hostile();
    for machine in Machine::ALL {
        let site = Site::new(machine);
        for codec in machine.codecs() {
            let mut driver = site.locked().await;
            let name = format!("release-{}", codec.word());
            let answer = parcel.send(&mut driver, &name, *codec).await;
            assert_eq!(answer.status, 0, "{answer:?}");
            let arrived = walk(&site.path(&format!("releases/{name}")));
            assert_eq!(differences(&arrived, &parcel.expected()), [""; 0]);
            assert_eq!(site.names(".aweigh/incoming"), [""; 0]);
            assert_eq!(ask(&mut driver, "activate", &[&name, &site.link("current")]).await.status, 0);
        }
        assert_eq!(site.names("").iter().filter(|name| name.contains("PWN")).count(), 0);
    }
}

#[tokio::test]
async fn settings_of_the_login_user_do_not_change_what_is_done() {
    let parcel = Parcel::of(&[("index", "one"), ("releases/one/index", "another")]);
    for machine in Machine::ALL {
        let mut site = Site::new(machine);
        site.host.set("CDPATH", &format!(".:{}", site.home().display()));
        site.host.set("TAR_OPTIONS", "--strip-components=1");
        site.host.set("POSIXLY_CORRECT", "1");
        site.host.set("LC_ALL", "C.UTF-8");
        site.host.set("IFS", "/");
        fs::create_dir_all(site.home().join("releases/one")).unwrap();
        let mut driver = site.locked().await;
        let answer = parcel.send(&mut driver, "one", machine.codecs()[0]).await;
        assert_eq!(answer.status, 0, "{answer:?}");
        assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, 0);
        assert_eq!(differences(&walk(&site.path("releases/one")), &parcel.expected()), [""; 0]);
    }
}

#[tokio::test]
async fn a_damaged_stream_leaves_nothing_in_releases() {
    let parcel = Parcel::new([("index".into(), file("one")), ("noise".into(), Entry::File(noise(200_000)))]);
    for machine in Machine::ALL {
        for codec in machine.codecs() {
            let site = Site::new(machine);
            let whole = parcel.bytes(*codec);
            let mut flipped = whole.clone();
            flipped[whole.len() / 2] ^= 0x10;
            let short = &whole[..whole.len() / 2];
            let garbage = b"this is no archive".repeat(100);
            for (what, bytes) in
                [("flipped", flipped.as_slice()), ("short", short), ("garbage", &garbage), ("empty", b"")]
            {
                let mut driver = site.locked().await;
                let stream = stream_of(bytes, &parcel.file("nothing"));
                let command = receive("one", *codec, &[], &[], stream.size());
                let answer = driver.upload(&command, &stream, false, |_| {}).await.unwrap();
                assert_ne!(answer.status, 0, "{what}: {answer:?}");
                assert_eq!(site.names("releases"), [""; 0], "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_size_leaves_nothing_in_releases() {
    let parcel = Parcel::of(&[("index", "one")]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        for codec in machine.codecs() {
            let mut driver = site.locked().await;
            let stream = parcel.stream(*codec, &[]);
            let cut = receive("one", *codec, &[], &[], stream.head.len() as u64 + stream.body.bytes() / 2);
            let answer = driver.upload(&cut, &stream, false, |_| {}).await.unwrap();
            assert_ne!(answer.status, 0, "{answer:?}");
            assert_eq!(site.names("releases"), [""; 0]);
        }
    }
}

/// A driver with this nonce that was told `command` and so many bytes of its stream, and waits for the rest.
async fn begun(site: &Site, nonce: &str, command: &remote::Command, bytes: &[u8]) -> Channel {
    let mut channel = site.host.exec(&remote::command_line(nonce)).await.unwrap();
    let said = [site.root.as_str(), "\n"].concat();
    channel.stdin.write_all(said.as_bytes()).await.unwrap();
    // The boot line may read ahead: nothing is sent before the greeting.
    let mut greeting = [0; 64];
    let n = channel.stdout.read(&mut greeting).await.unwrap();
    assert!(String::from_utf8_lossy(&greeting[..n]).contains("hello"));
    channel.stdin.write_all(&[ME.as_bytes(), b"\n", command.as_bytes(), bytes].concat()).await.unwrap();
    channel.stdin.flush().await.unwrap();
    channel
}

/// What it answers when these bytes follow, and then the end.
async fn ended(mut channel: Channel, bytes: &[u8]) -> String {
    channel.stdin.write_all(bytes).await.unwrap();
    channel.stdin.shutdown().await.unwrap();
    drop(channel.stdin);
    let mut said = String::new();
    channel.stdout.read_to_string(&mut said).await.unwrap();
    said
}

#[tokio::test]
async fn a_cut_line_leaves_nothing_in_releases() {
    let parcel = Parcel::of(&[("index", "one")]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        drop(site.locked().await);
        let stream = parcel.stream(Codec::Gzip, &[]);
        let whole = parcel.bytes(Codec::Gzip);
        let command = receive("one", Codec::Gzip, &[], &[], stream.size());
        let cut = begun(&site, "00112233aabbccdd", &command, &whole[..stream.head.len() + 3]).await;
        let said = ended(cut, &[]).await;
        assert!(said.contains("end 70"), "{said}");
        assert_eq!(site.names("releases"), [""; 0]);
    }
}

/// The server may notice much later than we do that a line was cut.
#[tokio::test]
async fn who_was_cut_off_takes_nothing_from_who_came_after() {
    let parcel = Parcel::new([("noise".into(), Entry::File(noise(200_000)))]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        drop(site.locked().await);
        let whole = parcel.bytes(Codec::Gzip);
        let (first, rest) = whole.split_at(whole.len() / 2);
        let command = receive("one", Codec::Gzip, &[], &[], whole.len() as u64);
        let one = begun(&site, "00112233aabbccdd", &command, first).await;
        wait_until("a folder", || site.names(".aweigh/incoming") == ["one.00112233aabbccdd"]).await;
        let another = begun(&site, "ffeeddcc99887766", &command, first).await;
        wait_until("its own", || site.names(".aweigh/incoming") == ["one.ffeeddcc99887766"]).await;
        let said = ended(one, &[]).await;
        assert!(said.contains("end 70"), "{said}");
        let said = ended(another, rest).await;
        assert!(said.contains("end 0"), "{said}");
        assert_eq!(differences(&walk(&site.path("releases/one")), &parcel.expected()), [""; 0]);
        assert_eq!(site.names(".aweigh/incoming"), [""; 0]);
    }
}

#[tokio::test]
async fn what_cannot_be_read_here_any_more_is_told_and_leaves_nothing_there() {
    let parcel = Parcel::new([("noise".into(), Entry::File(noise(400_000)))]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let whole = parcel.bytes(Codec::Gzip);
        let here = parcel.file("here");
        fs::write(&here, &whole).unwrap();
        let body = Body::open(&here).unwrap();
        fs::File::options().write(true).open(&here).unwrap().set_len(body.bytes() / 2).unwrap();
        let stream = Stream { body, ..stream_of(&[], &parcel.file("nothing")) };
        let mut driver = site.locked().await;
        let command = receive("one", Codec::Gzip, &[], &[], stream.size());
        let Err(Broken::Unfit(failure)) = driver.upload(&command, &stream, false, |_| {}).await else {
            panic!("it was sent");
        };
        assert!(failure.message.contains("cannot be read on the machine of Aweigh"), "{failure:?}");
        drop(driver);
        wait_until("the end of it", || site.names(".aweigh/incoming").is_empty()).await;
        assert_eq!(site.names("releases"), [""; 0]);
    }
}

#[tokio::test]
async fn a_long_stream_goes_to_the_end_of_the_input_and_ends_the_driver() {
    let parcel = hostile();
    for machine in Machine::ALL {
        for codec in machine.codecs() {
            let site = Site::new(machine);
            let mut driver = site.locked().await;
            let (command, stream) = (to_the_end("one", *codec), parcel.stream(*codec, &[]));
            assert_eq!(driver.upload(&command, &stream, true, |_| {}).await.unwrap().status, 0);
            assert_eq!(differences(&walk(&site.path("releases/one")), &parcel.expected()), [""; 0]);
            assert!(driver.ask(&remote::Command::new("unlock")).await.is_err(), "it reads beyond the end");
            let mut driver = site.driver(ME).await;
            assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, 0);
        }
    }
}

/// Cut anywhere, between its parts too, where each part is a whole stream of its own.
#[tokio::test]
async fn a_stream_that_ends_too_soon_becomes_no_release_or_the_whole_one() {
    let parcel = Parcel::new([("index".into(), file("one")), ("noise".into(), Entry::File(noise(50_000)))]);
    for machine in Machine::ALL {
        for codec in machine.codecs() {
            let whole = parcel.bytes(*codec);
            let head = parcel.stream(*codec, &[]).head.len();
            let tail = whole.len() - parcel.stream(*codec, &[]).tail.len();
            for cut in [0, 1, head - 1, head, head + 1, tail - 1, tail, tail + 1, whole.len() - 1] {
                let site = Site::new(machine);
                let mut driver = site.locked().await;
                let stream = stream_of(&whole[..cut], &parcel.file("nothing"));
                let answer = driver.upload(&to_the_end("one", *codec), &stream, true, |_| {}).await.unwrap();
                if answer.status == 0 {
                    assert!(cut >= tail, "{cut} of {}", whole.len());
                    assert_eq!(differences(&walk(&site.path("releases/one")), &parcel.expected()), [""; 0]);
                } else {
                    assert_eq!(site.names("releases"), [""; 0], "{cut} of {}", whole.len());
                }
            }
        }
    }
}

/// Without a size: whatever follows is the stream.
fn to_the_end(name: &str, codec: Codec) -> remote::Command {
    command("receive", &[name, codec.word(), "", "0", "1", "0", "0", ""])
}

#[tokio::test]
async fn a_tool_may_end_without_ending_its_line() {
    let parcel = Parcel::of(&[("index", "one")]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let tar = site.folder().join("bin/tar");
        let _ = fs::remove_file(&tar);
        fs::write(&tar, "#!/bin/sh\nprintf 'tar: out of luck'; exit 1\n").unwrap();
        fs::set_permissions(&tar, fs::Permissions::from_mode(0o755)).unwrap();
        let mut driver = site.locked().await;
        let sent = parcel.send(&mut driver, "one", Codec::Gzip);
        let answer = tokio::time::timeout(DEADLINE, sent).await.expect("an answer");
        assert_eq!((answer.status, answer.last_said()), (status::TOOL, "tar: out of luck"));
    }
}

#[tokio::test]
async fn receiving_twice_is_receiving_once() {
    let parcel = Parcel::of(&[("index", "one"), ("folder/page", "two")]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        for _ in 0..2 {
            assert_eq!(parcel.send(&mut driver, "one", machine.codecs()[0]).await.status, 0);
            assert_eq!(differences(&walk(&site.path("releases/one")), &parcel.expected()), [""; 0]);
            assert_eq!(site.names("releases"), ["one"]);
        }
        assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, 0);
    }
}

#[tokio::test]
async fn what_is_live_is_never_replaced() {
    let parcel = Parcel::of(&[("index", "one")]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        assert_eq!(parcel.send(&mut driver, "one", machine.codecs()[0]).await.status, 0);
        assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, 0);
        let answer = parcel.send(&mut driver, "one", machine.codecs()[0]).await;
        assert_eq!(answer.status, status::DRIFT, "{answer:?}");
        let mut driver = site.locked().await;
        let answer = ask(&mut driver, "probe", &["one", "one"]).await;
        assert_eq!(
            (answer.get("sealed"), answer.get("origin")),
            (Some("yes"), Some("yes")),
            "it lost its seal"
        );
        // A link by its whole path, as Capistrano writes it, is live too.
        fs::remove_file(site.path("current")).unwrap();
        std::os::unix::fs::symlink(site.path("releases/one"), site.path("current")).unwrap();
        assert_eq!(parcel.send(&mut driver, "one", machine.codecs()[0]).await.status, status::DRIFT);
        assert_eq!(fs::read_to_string(site.path("current/index")).unwrap(), "one");
    }
}

#[tokio::test]
async fn a_name_that_is_not_plain_is_refused() {
    let parcel = Parcel::of(&[("index", "one")]);
    for name in ["", ".", "..", "../outside", "a/b", "/tmp/x", "-rf", ".hidden"] {
        let site = Site::new(Machine::DEBIAN);
        let mut driver = site.locked().await;
        assert_ne!(parcel.send(&mut driver, name, Codec::Gzip).await.status, 0, "{name:?}");
        assert_eq!(site.names("releases"), [""; 0]);
        assert!(!site.path(".aweigh/outside").exists());
    }
}

#[tokio::test]
async fn what_did_not_become_a_release_is_not_left_there() {
    let parcel = Parcel::of(&[("index", "one")]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        let answer = parcel.send_linked(&mut driver, "one", &[], &["config.yml"]).await;
        assert_eq!(answer.status, status::MISSING, "{answer:?}");
        assert_eq!(site.names(".aweigh/incoming"), [""; 0]);
        // And what a driver left that was killed in the middle of it.
        fs::create_dir_all(site.path(".aweigh/incoming/other/tree")).unwrap();
        fs::write(site.path(".aweigh/incoming/env-0123"), "SECRET=x").unwrap();
        fs::create_dir(site.path(".aweigh/incoming/one.4567")).unwrap();
        ask(&mut driver, "acquire", &["", "one", "", "0"]).await;
        assert_eq!(site.names(".aweigh/incoming"), ["one.4567"], "what is being received is left alone");
        wait_until("an empty trash", || site.names(".aweigh/trash").is_empty()).await;
    }
}

#[tokio::test]
async fn a_stale_owner_receives_nothing() {
    let parcel = Parcel::of(&[("index", "one")]);
    for machine in Machine::ALL {
        let site = Site::new(machine);
        drop(site.locked().await);
        let mut stale = site.driver("here:42:0").await;
        assert_eq!(parcel.send(&mut stale, "one", Codec::Gzip).await.status, status::LOCKED);
        assert_eq!(site.names("releases"), [""; 0]);
    }
}
