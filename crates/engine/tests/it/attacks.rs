//! Servers that are against us: what they list, answer and put in the way is looked at, and neither believed nor followed.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use engine::artifact::manifest::Entry;
use engine::artifact::pack::{Order, pack};
use engine::driver::{Broken, Driver};
use engine::remote::{Command, DRIVER_HASH};
use sha2::{Digest, Sha256};

use crate::asks::{ask, command, hook, outcome};
use crate::machine::Machine;
use crate::site::{ME, Site};
use crate::tree::{COMMIT_TIME, Parcel};

/// No attack may hold a test up.
const DEADLINE: Duration = Duration::from_mins(1);

/// A site whose login says what `script` makes of the nonce of the driver, in `$nonce`, instead of being a driver.
fn liar(script: &str) -> Site {
    let mut site = Site::new(Machine::DEBIAN);
    let liar = format!("nonce=${{1##* }}; echo \"@$nonce hello\"; {script}");
    site.host.login = ["sh", "-c", &liar, "login"].map(Into::into).into();
    site
}

/// What becomes of a question to a liar.
async fn asked(site: &Site, question: &Command) -> Result<engine::remote::Answer, Broken> {
    let asking = async { Driver::start(&site.host, &site.root, ME).await?.ask(question).await };
    let answer = tokio::time::timeout(DEADLINE, asking).await.expect("it does not go on for ever");
    site.host.kill_sessions();
    answer
}

#[tokio::test]
async fn names_that_no_release_can_have_are_passed_over_and_never_touched() {
    let odd = [
        "..%2f..%2fetc",
        "a b",
        "-rf",
        "x\n20261120T104512Z-7",
        "20261120T104512Z-7\nx",
        "$(touch PWN)",
        "*",
    ];
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        for name in odd {
            fs::create_dir(site.path("releases").join(name)).unwrap();
            fs::write(site.path("releases").join(name).join("kept"), "").unwrap();
        }
        symlink("/etc", site.path("releases/20261120T104512Z-8")).unwrap();
        let answer = ask(&mut driver, "probe", &["", ""]).await;
        let names: Vec<&str> = answer.all("release").collect();
        for name in names.iter().filter_map(|name| name.parse::<model::ReleaseName>().ok()) {
            // What is listed is what may be named for removal: nothing outside goes, and no other folder of ours.
            ask(&mut driver, "prune", &["", "", "1", name.as_str()]).await;
        }
        for hostile in ["../shared", "/etc", "..", ".", "", "-rf", "a/b"] {
            assert_eq!(
                ask(&mut driver, "prune", &["", "", "1", hostile]).await.get("removed"),
                None,
                "{hostile}"
            );
        }
        for name in odd {
            assert!(site.path("releases").join(name).join("kept").exists(), "{name:?} was touched");
        }
        assert!(fs::exists("/etc/passwd").unwrap() && !site.path("PWN").exists());
    }
}

#[tokio::test]
async fn a_listing_of_paths_that_lead_out_is_no_list_of_releases() {
    let site = liar(
        "for name in ../../etc/cron.d/x a/b .. /etc/passwd 20261120T104512Z-7/../../x; do echo \"@$nonce release $name\"; done; \
         echo \"@$nonce end 0\"; sleep 60",
    );
    let answer = asked(&site, &command("probe", &["", ""])).await.unwrap();
    let listed: Vec<&str> = answer.all("release").collect();
    assert_eq!(listed.len(), 5);
    assert!(listed.iter().all(|name| name.parse::<model::ReleaseName>().is_err()), "{listed:?}");
}

#[tokio::test]
async fn an_answer_without_end_is_refused_before_it_fills_the_memory() {
    for (script, what) in [
        ("while echo \"@$nonce release 20261120T104512Z-7\"; do :; done", "many fields"),
        ("exec tr '\\0' x </dev/zero", "one line without an end"),
        ("while echo tick; do :; done", "many lines that are no answer"),
    ] {
        let mut site = liar(script);
        // A gigabyte is more than any answer, and a liar that says no more.
        let capped = format!("({}) | head -c 1000000000; sleep 60", site.host.login[2].to_str().unwrap());
        site.host.login[2] = capped.into();
        let before = peak();
        let asking = async {
            Driver::start(&site.host, &site.root, ME).await?.ask(&command("probe", &["", ""])).await
        };
        // Only what answers is cut off; what is said besides is passed over, and is waited for like any slow server.
        let patience = if what == "many fields" { DEADLINE } else { Duration::from_secs(3) };
        let ended = tokio::time::timeout(patience, asking).await;
        site.host.kill_sessions();
        if what == "many fields" {
            let Ok(Err(Broken::Unfit(failure))) = ended else { panic!("{what}: it was believed") };
            assert!(failure.message.contains("more than 8 MiB"), "{}", failure.message);
        } else {
            assert!(!matches!(ended, Ok(Ok(_))), "{what}: it was believed");
        }
        let grown = peak().saturating_sub(before);
        assert!(grown < 64 << 20, "{what}: {grown} bytes more");
    }
}

/// The most memory that this process had so far, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_status_that_makes_no_sense_is_a_failure() {
    for said in ["end", "end zero", "end -1", "end 99999999999", "end 0x0", "end 0 0"] {
        let site = liar(&format!("echo \"@$nonce {said}\"; sleep 60"));
        let answer = asked(&site, &command("activate", &["one", ""])).await.unwrap();
        assert_ne!(answer.status, 0, "{said}");
    }
}

#[tokio::test]
async fn a_release_that_was_replaced_by_a_link_is_never_switched_to_nor_sealed() {
    for machine in Machine::ALL {
        let site = Site::new(machine);
        let mut driver = site.locked().await;
        let parcel = Parcel::of(&[("index", "one")]);
        assert_eq!(parcel.send(&mut driver, "one", machine.codecs()[0]).await.status, 0);
        assert_eq!(ask(&mut driver, "activate", &["one", ""]).await.status, 0);
        assert_eq!(parcel.send(&mut driver, "two", machine.codecs()[0]).await.status, 0);
        // Everything in it is as it was, and it is not where it should be.
        fs::rename(site.path("releases/two"), site.path("elsewhere")).unwrap();
        symlink(site.path("elsewhere"), site.path("releases/two")).unwrap();
        assert_eq!(ask(&mut driver, "seal", &["two"]).await.status, 76, "sealed");
        assert_eq!(ask(&mut driver, "activate", &["two", "releases/one"]).await.status, 76);
        assert_eq!(site.link("current"), "releases/one");
        // Staged anew it is a folder again, and what the link led to is left alone.
        assert_eq!(parcel.send(&mut driver, "two", machine.codecs()[0]).await.status, 0);
        assert!(!site.path("releases/two").is_symlink() && site.path("elsewhere/index").exists());
    }
}

#[tokio::test]
async fn a_folder_of_ours_that_is_a_link_is_refused() {
    for machine in Machine::ALL {
        for name in [".aweigh", ".aweigh/incoming", ".aweigh/manifests", ".aweigh/runs", ".aweigh/trash"] {
            let site = Site::new(machine);
            drop(site.driver(ME).await);
            let elsewhere = site.path("").parent().unwrap().join("of-somebody-else");
            fs::create_dir(&elsewhere).unwrap();
            // As whoever may write in the folder above could do.
            fs::rename(site.path(name), site.path("moved")).unwrap();
            symlink(&elsewhere, site.path(name)).unwrap();
            let failure = crate::contact::unfit(&site).await;
            assert!(failure.message.contains("is a link"), "{name}: {}", failure.message);
            assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "{name}: something was written there");
        }
    }
}

#[tokio::test]
async fn a_folder_into_which_others_may_write_is_refused() {
    let is_root = nix::unistd::geteuid().is_root();
    for machine in Machine::ALL {
        let site = Site::new(machine);
        drop(site.driver(ME).await);
        let (root, inner) = (site.path(""), site.path(".aweigh"));
        // Whoever was there first left a file of the name and the length of ours.
        let driver = inner.join(format!("driver-{}", *DRIVER_HASH));
        let genuine = fs::read(&driver).unwrap();
        let mut hostile = b"touch PWN\nexit\n".to_vec();
        hostile.resize(genuine.len(), b'#');
        fs::write(&driver, hostile).unwrap();
        for mode in [0o777, 0o757, 0o772, 0o2777, 0o1777] {
            fs::set_permissions(&root, fs::Permissions::from_mode(mode)).unwrap();
            let failure = crate::contact::unfit(&site).await;
            assert!(failure.message.contains("every user: chmod o-w"), "{mode:o}: {}", failure.message);
        }
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        // Only root can give a folder away.
        if is_root {
            std::os::unix::fs::chown(&inner, Some(12345), None).unwrap();
            let failure = crate::contact::unfit(&site).await;
            assert!(failure.message.contains("belongs to another user"), "{}", failure.message);
            std::os::unix::fs::chown(&inner, Some(0), None).unwrap();
        }
        assert!(!site.path("PWN").exists(), "it was run");
        fs::write(&driver, genuine).unwrap();
        for mode in [0o755, 0o775, 0o700, 0o2775] {
            fs::set_permissions(&root, fs::Permissions::from_mode(mode)).unwrap();
            drop(site.driver(ME).await);
        }
    }
}

#[tokio::test]
async fn ten_megabytes_without_a_line_end_arrive_and_are_no_answer() {
    let site = Site::new(Machine::DEBIAN);
    let mut driver = site.locked().await;
    let text = "head -c 10000000 /dev/zero | tr '\\0' x";
    assert_eq!(crate::asks::tell(&mut driver, &hook("42/flood-1", ".", &[], text)).await.status, 0);
    let (log, exit) = outcome(&mut driver, "42/flood-1").await;
    assert_eq!((log.len(), exit.as_deref()), (10_000_000, Some("0")));
}

#[test]
fn what_a_build_hides_in_its_tree_is_packed_as_plain_files_or_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, into) = (folder.path().join("tree"), folder.path().join("into"));
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(tree.join("run"), fs::Permissions::from_mode(0o6755)).unwrap();
    fs::hard_link(tree.join("run"), tree.join("twin")).unwrap();
    symlink("/etc/passwd", tree.join("link")).unwrap();
    let packed = pack(&order(), &tree, &into).unwrap();
    let plain = |name: &[u8]| match packed.manifest.entries.get(name) {
        Some(Entry::File { executable, size, .. }) => Some((*executable, *size)),
        _ => None,
    };
    assert_eq!(
        (plain(b"run"), plain(b"twin")),
        (Some((true, 10)), Some((true, 10))),
        "two files, of which none has more rights"
    );
    assert!(
        matches!(packed.manifest.entries.get(&b"link"[..]), Some(Entry::Link { .. })),
        "a link is not followed"
    );
    let odd = tree.join("odd");
    let refused = |what: &str| {
        let refused = pack(&order(), &tree, &folder.path().join("refused")).unwrap_err();
        assert!(
            refused.message.contains("odd is a device, a pipe or a socket"),
            "{what}: {}",
            refused.message
        );
        fs::remove_file(&odd).unwrap();
    };
    nix::unistd::mkfifo(&odd, nix::sys::stat::Mode::S_IRWXU).unwrap();
    refused("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(&odd).unwrap();
    refused("a socket");
}

pub(crate) fn order() -> Order {
    Order { exclude: Vec::new(), mtime: COMMIT_TIME, revision: "c0ffee".into(), previous: None, base: None }
}

/// The hash of the file `name` in what was packed into the folder `into`.
fn packed_hash(into: &Path, name: &str) -> String {
    let files = zstd::Decoder::new(fs::File::open(into.join("files.tar.zst")).unwrap()).unwrap();
    let mut archive = tar::Archive::new(files);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap() == Path::new("tree").join(name) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            return hex::encode(Sha256::digest(bytes));
        }
    }
    panic!("{name} was not packed");
}

#[test]
fn a_file_that_changes_while_it_is_packed_is_packed_as_it_was_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for (name, size) in [("small", 1000), ("large", 3 << 20)] {
        let path = tree.join(name);
        fs::write(&path, vec![b'a'; size]).unwrap();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for byte in (b'a'..=b'z').cycle() {
                    if stop.load(std::sync::atomic::Ordering::Relaxed) {
                        return;
                    }
                    fs::write(&path, vec![byte; size]).unwrap();
                }
            });
            for turn in 0..8 {
                let into = folder.path().join(format!("{name}-{turn}"));
                match pack(&order(), &tree, &into) {
                    Ok(packed) => {
                        let Some(Entry::File { sha256, .. }) = packed.manifest.entries.get(name.as_bytes())
                        else {
                            panic!("{name} is no file");
                        };
                        assert_eq!(&packed_hash(&into, name), sha256, "{name}");
                    }
                    Err(refused) => {
                        assert!(refused.message.contains("while it was packed"), "{}", refused.message);
                    }
                }
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        fs::remove_file(&path).unwrap();
    }
}
