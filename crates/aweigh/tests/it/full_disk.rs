//! The disk of Aweigh is full, or nearly: nothing new begins, what is under way says why it failed, and the way back is open.

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::repo::{Entry, file};

use crate::rig::{Rig, wait_until};

/// A small disk of its own; it goes when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount(at: &Path, megabytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(at).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

/// A rig whose data is on a disk of so many megabytes, of which `reserve` is kept free.
fn cramped(megabytes: u32, reserve: &str) -> Option<(Rig, SmallDisk)> {
    let mut rig = Rig::new(1);
    rig.kill();
    std::fs::remove_dir_all(rig.data()).unwrap();
    let Some(disk) = SmallDisk::mount(&rig.data(), megabytes) else {
        eprintln!("skipped: this user may not mount a tmpfs");
        return None;
    };
    let settings = rig.folder.path().join("server.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{text}[limits]\ndisk_reserve = \"{reserve}\"\n")).unwrap();
    rig.start();
    Some((rig, disk))
}

const RELEASE: [&str; 5] = ["release", "shop", "-e", "production", "main"];

#[test]
fn nothing_new_begins_under_the_reserve_and_the_way_back_is_open() {
    let Some((rig, _disk)) = cramped(96, "32MiB") else { return };
    let first = rig.repo.commit([("file", file("1\n"))]);
    rig.apply("lock_after_rollback = false");
    rig.release("main");
    let second = rig.repo.commit([("file", file("2\n"))]);
    rig.release("main");
    let ballast = rig.data().join("ballast");
    std::fs::write(&ballast, vec![1; 70 << 20]).unwrap();
    let packed = rig.folder.path().join("tree.tar");
    std::fs::write(&packed, [0; 1024]).unwrap();
    for words in [&RELEASE[..], &["artifacts", "push", "shop", packed.to_str().unwrap(), "--ref", "main"]] {
        let refused = rig.run(words.iter().copied());
        let is_told = refused.err.contains("MiB are free") && refused.err.contains("disk_reserve");
        assert!(refused.code == 4 && is_told, "{refused:?}");
    }
    assert_eq!(rig.revision(1), Some(second.clone()));
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(rig.revision(1), Some(first));
    std::fs::remove_file(ballast).unwrap();
    rig.release("main");
    assert_eq!(rig.revision(1), Some(second));
}

/// So many bytes that no codec makes smaller.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        // xorshift64: any stream without a pattern will do.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    std::iter::repeat_with(|| next().to_le_bytes()).flatten().take(bytes).collect()
}

/// A fetch is looked at now and then: one that is quick may be whole before anybody looks. Then nothing more is made of it.
#[test]
fn a_fetch_for_which_there_is_no_room_leaves_the_way_back_open() {
    let Some((rig, _disk)) = cramped(96, "32MiB") else { return };
    let first = rig.repo.commit([("file", file("1\n"))]);
    rig.apply("lock_after_rollback = false");
    rig.release("main");
    rig.repo.commit([("file", file("2\n"))]);
    rig.release("main");
    rig.repo.commit([("big", Entry::File(noise(80 << 20)))]);
    let refused = rig.run(RELEASE);
    let told = refused.out.clone() + &refused.err;
    assert!([1, 4].contains(&refused.code) && told.contains("disk_reserve"), "{refused:?}");
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(rig.revision(1), Some(first));
}

#[test]
fn a_disk_that_is_full_when_it_is_packed_is_told_as_such() {
    let Some((rig, _disk)) = cramped(96, "1MiB") else { return };
    let (first, _) = fill(&rig, "head -c 50000000 /dev/urandom > big");
    assert_eq!(rig.run(RELEASE).code, 1);
    let reason = reason(&rig, "pack");
    assert!(reason.contains("was full") || reason.contains("No space"), "{reason}");
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(rig.revision(1), Some(first));
}

/// Two good releases, and then one that builds so.
fn fill(rig: &Rig, build: &str) -> (String, String) {
    let first = rig.repo.commit([("file", file("1\n"))]);
    let second = rig.repo.commit([("file", file("2\n"))]);
    rig.apply("lock_after_rollback = false");
    rig.release(&first);
    rig.release(&second);
    let building = format!("lock_after_rollback = false\n[projects.shop.build]\nrun = \"{build}\"\n");
    let path = rig.fleet_file(&rig.shop(&building));
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
    rig.repo.commit([("file", file("3\n"))]);
    (first, second)
}

/// The work of a release is removed just after its end is told.
fn wait_until_gone(folder: &Path) {
    wait_until("the end of what filled the disk", || !folder.exists());
}

fn reason(rig: &Rig, key: &str) -> String {
    let node = rig.node(3, key);
    assert_eq!(node["status"], "failed", "{node}");
    node["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_build_that_eats_into_the_reserve_is_killed() {
    let Some((rig, _disk)) = cramped(160, "128MiB") else { return };
    let slowly = "while :; do head -c 1000000 /dev/zero >> big; sleep 0.02; done";
    let (first, _) = fill(&rig, slowly);
    assert_eq!(rig.run(RELEASE).code, 1);
    let reason = reason(&rig, "build");
    assert!(reason.contains("left only") && reason.contains("was killed"), "{reason}");
    wait_until_gone(&rig.data().join("work/3"));
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(rig.revision(1), Some(first));
}

/// Faster than anybody looks, and with hardly any reserve: the journal itself finds no room.
#[test]
fn a_build_that_fills_the_disk_at_once_fails_alone() {
    let Some((mut rig, _disk)) = cramped(96, "1MiB") else { return };
    let (first, second) = fill(&rig, "echo begun; head -c 300000000 /dev/zero > big; sleep 1");
    assert_eq!(rig.run(RELEASE).code, 1);
    let reason = reason(&rig, "build");
    assert!(reason.contains("disk") && reason.contains(rig.data().to_str().unwrap()), "{reason}");
    wait_until_gone(&rig.data().join("work/3"));
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(rig.revision(1), Some(first));
    rig.kill();
    rig.start();
    rig.ok(["rollback", "shop", "-e", "production", "--to", "2"]);
    assert_eq!(rig.revision(1), Some(second));
}
