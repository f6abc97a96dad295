//! Fuzzing: what comes from outside is made from its own grammar, then spoilt, and met by what reads it. A selection in
//! `make test`, a hundred times as much in `make soak`.
//!
//! Made by proptest, which works with a stable compiler, and answers with the smallest input that fails. Addresses and refs
//! are fuzzed in `git attacks`, control sequences in `aweigh render::clean` and on the page, archives below.

use std::io::Write;

use engine::artifact::manifest::{Entry, Manifest, Text};
use engine::artifact::pushed::{self, Limits};
use engine::driver::Driver;
use engine::masker::{Held, MASK, Masker};
use engine::remote::{Answer, Command};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::asks::{hook, outcome, tell};
use crate::machine::Machine;
use crate::properties::machine;
use crate::site::Site;

/// So many cases, or a hundred times as many where there is time.
fn cases(few: u32) -> ProptestConfig {
    let soak = std::env::var_os("AWEIGH_SOAK").is_some();
    ProptestConfig {
        cases: if soak { few * 100 } else { few },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Any text, rich in what shells, lines and answers are made of.
fn hostile() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("'".to_owned()),
        Just("\"; exit 1; '".to_owned()),
        Just("$(touch PWN)".to_owned()),
        Just("`id`".to_owned()),
        Just("\\".to_owned()),
        Just("@".to_owned()),
        Just(" end 0".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\0".to_owned()),
        Just("-rf".to_owned()),
        Just("*".to_owned()),
        "[ -~é✓\t\u{1}]{0,8}",
    ];
    vec(word, 0..8).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(cases(24))]

    /// Quoting: there is none, and so nothing can get out of it. A value is a variable, a folder and a text at once.
    #[test]
    fn any_value_arrives_as_it_is_or_is_refused(value in hostile(), machine in machine()) {
        let is_line = !value.contains(['\n', '\r', '\0']);
        prop_assert_eq!(Command::new("hook").value("value", &value).is_ok(), is_line);
        if !is_line {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = runtime.block_on(async {
            let site = Site::new(machine);
            let mut driver = site.locked().await;
            let variable = format!("VALUE={value}");
            let start = hook("42/a-1", ".", &[&variable], "printf %s \"$VALUE\"");
            assert_eq!(tell(&mut driver, &start).await.status, 0);
            let said = outcome(&mut driver, "42/a-1").await.0;
            assert!(!site.path("PWN").exists() && !site.home().join("PWN").exists());
            said
        });
        prop_assert_eq!(said, value);
    }
}

/// One line of an answer, or of what is not quite one.
fn answer_line() -> impl Strategy<Value = String> {
    let mark =
        prop_oneof![6 => Just("@abc"), 1 => Just("@abd"), 1 => Just("@"), 1 => Just(""), 1 => Just("x@abc")];
    let key = prop_oneof![
        Just("current"),
        Just("release"),
        Just("end"),
        Just("lock"),
        Just("log"),
        Just("alive yes"),
        Just("exit"),
        Just("")
    ];
    let value = prop_oneof![
        hostile(),
        Just("0".to_owned()),
        Just("-1".to_owned()),
        Just("18446744073709551615".to_owned()),
        Just("99999999999999999999999".to_owned()),
        Just("../../etc/cron.d/x".to_owned()),
    ];
    (mark, key, value).prop_map(|(mark, key, value)| format!("{mark} {key} {value}"))
}

proptest! {
    #![proptest_config(cases(500))]

    /// Remote answers: only what bears the mark counts, an end is the only end, and a status without sense is a failure.
    #[test]
    fn whatever_a_server_says_only_what_is_marked_is_an_answer(lines in vec(answer_line(), 0..40)) {
        let (mut answer, mut ended) = (Answer::default(), false);
        let lines: Vec<&str> = lines.iter().flat_map(|line| line.split('\n')).collect();
        for line in &lines {
            let is_end = line.strip_prefix("@abc").is_some_and(|rest| {
                let rest = rest.strip_prefix(' ').unwrap_or(rest);
                rest == "end" || rest.starts_with("end ")
            });
            ended = answer.line("abc", line);
            prop_assert_eq!(ended, is_end, "{:?}", line);
            if ended {
                break;
            }
        }
        let marked = lines.iter().filter(|line| line.starts_with("@abc")).count();
        let kept = answer.all("release").count() + answer.all("current").count();
        prop_assert!(kept <= marked && answer.said.chars().count() <= engine::remote::LONGEST_SAID + lines.len());
        let says_zero = |line: &&str| line.strip_prefix("@abc").is_some_and(|rest| {
            rest.trim_start_matches(' ').strip_prefix("end ").is_some_and(|status| status.parse() == Ok(0_u32))
        });
        prop_assert!(!ended || answer.status != 0 || lines.iter().any(says_zero));
    }
}

proptest! {
    #![proptest_config(cases(16))]

    /// The same over a whole line of talk, cut and spoilt anywhere: it ends, with an answer or a reason.
    #[test]
    fn whatever_is_said_in_the_place_of_a_driver_the_talk_ends(lines in vec(answer_line(), 0..12), greets in any::<bool>()) {
        let mut site = Site::new(Machine::DEBIAN);
        // Everything it says lies in a file: the nonce alone is put in.
        let script = lines.join("\n").replace("@abc", "@NONCE");
        std::fs::write(site.home().join("said"), script).unwrap();
        let greeting = if greets { "echo \"@$nonce hello\";" } else { "" };
        let says = format!("nonce=${{1##* }}; {greeting} sed \"s/@NONCE/@$nonce/\" \"$HOME/said\"; cat >/dev/null & sleep 0.05");
        site.host.login = ["sh", "-c", &says, "login"].map(Into::into).into();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let asking = async { Driver::start(&site.host, &site.root, "here:42:1").await?.ask(&Command::new("unlock")).await };
            let ended = tokio::time::timeout(std::time::Duration::from_secs(30), asking).await;
            assert!(ended.is_ok(), "it goes on for ever");
        });
        site.host.kill_sessions();
    }
}

/// A manifest of a few paths.
fn manifest() -> impl Strategy<Value = Manifest> {
    let entry = prop_oneof![
        Just(Entry::Dir),
        (any::<bool>(), any::<u64>(), "[0-9a-f]{64}", any::<i64>())
            .prop_map(|(executable, size, sha256, mtime)| Entry::File { executable, size, sha256, mtime }),
        vec(any::<u8>(), 0..20).prop_map(|target| Entry::Link { target: Text::new(&target) }),
    ];
    btree_map(vec(1_u8.., 1..20), entry, 0..8).prop_map(|entries| Manifest { entries })
}

proptest! {
    #![proptest_config(cases(300))]

    /// Manifests: what is written is read; what is spoilt is an error or another manifest, never a panic, and what was read
    /// can be written again.
    #[test]
    fn a_manifest_comes_back_and_a_spoilt_one_does_no_harm(
        manifest in manifest(), at in any::<Index>(), byte in any::<u8>(), cut in any::<Index>(),
    ) {
        let mut bytes = Vec::new();
        manifest.write(&mut bytes).unwrap();
        prop_assert_eq!(&Manifest::read(bytes.as_slice()).unwrap(), &manifest);
        if bytes.is_empty() {
            return Ok(());
        }
        let mut spoilt = bytes.clone();
        spoilt[at.index(bytes.len())] = byte;
        for bytes in [&spoilt[..], &bytes[..cut.index(bytes.len())]] {
            if let Ok(read) = Manifest::read(bytes) {
                let mut again = Vec::new();
                read.write(&mut again).unwrap();
                prop_assert_eq!(&Manifest::read(again.as_slice()).unwrap(), &read);
                let _ = (read.hash(), read.expected(&[]));
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    /// The masker: secrets of several lines, that overlap, and are cut anywhere.
    #[test]
    fn no_secret_passes_the_masker_however_it_arrives(
        secrets in vec("[ab]{6,9}(\n[ab]{6,9})?", 1..4),
        around in vec("[abc \n]{0,10}", 1..6),
        order in vec(any::<Index>(), 1..6),
        cuts in vec(any::<Index>(), 0..8),
    ) {
        let text = around.iter().zip(&order).fold(String::new(), |text, (around, which)| {
            text + around + &secrets[which.index(secrets.len())]
        });
        let hidden: Vec<model::SecretString> = secrets.iter().map(|secret| secret.clone().into()).collect();
        let masker = Masker::new(&hidden);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let (mut held, mut out, mut from) = (Held::default(), Vec::new(), 0);
        for to in cuts.into_iter().chain([text.len()]) {
            out.extend(masker.mask(&mut held, &text.as_bytes()[from..to]));
            from = to;
        }
        out.extend(masker.end(&mut held));
        let out = String::from_utf8(out).unwrap();
        prop_assert!(out.contains(MASK));
        for line in secrets.iter().flat_map(|secret| secret.lines()) {
            prop_assert!(!out.contains(line), "{line:?} of {text:?} in {out:?}");
        }
    }
}

proptest! {
    #![proptest_config(cases(150))]

    /// Archives: a fair one in any of its forms, with a few bytes of its headers or of its compression spoilt, is kept or
    /// refused; of what is refused nothing stays, and nothing is ever written outside.
    #[test]
    fn a_spoilt_archive_is_kept_or_refused_and_writes_nowhere_else(
        names in vec("[a-c./]{1,8}|\\.\\./[a-c]{1,3}|/[a-c]{1,3}", 1..6),
        kinds in vec(0_u8..8, 6),
        spoils in vec((any::<Index>(), any::<u8>()), 0..4),
        form in 0_u8..3,
    ) {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, kind) in names.iter().zip(kinds) {
            let mut header = tar::Header::new_gnu();
            // As it is: the library refuses to write what leads out.
            let field = &mut header.as_old_mut().name;
            field[..name.len()].copy_from_slice(name.as_bytes());
            let kind = [b'0', b'1', b'2', b'3', b'5', b'6', b'x', b'L'][usize::from(kind)];
            header.set_entry_type(tar::EntryType::new(kind));
            let text: &[u8] = if matches!(kind, b'0' | b'x' | b'L') { b"15 path=../up\n\n" } else { b"" };
            header.set_size(text.len() as u64);
            header.set_mode(0o6777);
            header.set_cksum();
            archive.append(&header, text).unwrap();
        }
        let mut bytes = archive.into_inner().unwrap();
        let spoil = |bytes: &mut Vec<u8>| {
            for (at, byte) in &spoils {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
        };
        match form {
            0 => spoil(&mut bytes),
            1 => {
                bytes = zstd::encode_all(bytes.as_slice(), 1).unwrap();
                spoil(&mut bytes);
            }
            _ => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                gzip.write_all(&bytes).unwrap();
                bytes = gzip.finish().unwrap();
                spoil(&mut bytes);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let kept = pushed::keep(&data, crate::attacks::order(), bytes.as_slice(), Limits { bytes: 100_000, entries: 50 });
        let left = std::fs::read_dir(data.join("artifacts")).map_or(0, Iterator::count);
        prop_assert_eq!(left, usize::from(kept.is_ok()), "{:?}", kept);
        prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something lies outside");
        if let Ok(kept) = kept {
            for path in kept.manifest.entries.keys() {
                let text = String::from_utf8_lossy(path);
                prop_assert!(!text.starts_with('/') && !text.split('/').any(|part| part == ".." || part == ".git"), "{text}");
            }
        }
    }
}
