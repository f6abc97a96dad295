//! Properties: whatever a tree holds arrives, and wherever a stream is cut no secret gets through.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use engine::dotenv;
use engine::masker::{Held, MASK, Masker};
use proptest::collection::vec;
use proptest::prelude::*;
use testkit::repo::Entry;

use crate::machine::Machine;
use crate::site::Site;
use crate::tree::{Parcel, differences, walk};

/// One part of a path: any bytes that a file system takes, short or about as long as a header's field.
fn part() -> impl Strategy<Value = OsString> {
    let bytes = prop_oneof![vec(1_u8.., 1..12), vec(1_u8.., 80..120)];
    bytes.prop_map(|mut bytes| {
        bytes.iter_mut().filter(|byte| **byte == b'/').for_each(|byte| *byte = b'\n');
        if bytes.iter().all(|byte| *byte == b'.') {
            bytes.push(b'-');
        }
        OsString::from_vec(bytes)
    })
}

pub(crate) fn path() -> impl Strategy<Value = PathBuf> {
    vec(part(), 1..4).prop_map(|parts| parts.into_iter().collect())
}

pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        vec(any::<u8>(), 0..1500).prop_map(Entry::File),
        vec(any::<u8>(), 0..20).prop_map(Entry::Executable),
        path().prop_map(|target| Entry::Link(target.into())),
        Just(Entry::Gone),
    ]
}

pub(crate) fn machine() -> impl Strategy<Value = Machine> {
    (0..Machine::ALL.len()).prop_map(|at| Machine::ALL[at])
}

/// Text of few letters, so that secrets repeat, overlap and begin at its end.
fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(prop_oneof![Just('a'), Just('b'), Just('\n')], length).prop_map(String::from_iter)
}

/// How a program may write a secret that it does not want to say.
fn form(which: usize, secret: &str) -> String {
    let bytes = secret.as_bytes();
    let each = |write: &dyn Fn(u8) -> String| bytes.iter().map(|byte| write(*byte)).collect::<String>();
    match which {
        0 => secret.to_owned(),
        1 => base64(bytes, *b"+/"),
        2 => base64(bytes, *b"-_"),
        3 => each(&|byte| format!("{byte:02x}")),
        4 => each(&|byte| format!("{byte:02X}")),
        5 => each(&|byte| format!("%{byte:02x}")),
        6 => each(&|byte| {
            if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { format!("%{byte:02X}") }
        }),
        7 => serde_json::to_string(secret).unwrap(),
        8 => each(&|byte| format!("\\u{byte:04x}")),
        9 => secret.replace('\'', r"'\''"),
        _ => each(&|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).into()
            } else {
                format!("\\{}", char::from(byte))
            }
        }),
    }
}

fn base64(bytes: &[u8], last: [u8; 2]) -> String {
    let letters: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(last).collect();
    let threes = bytes.chunks(3).flat_map(|three| {
        let all =
            three.iter().chain(&[0; 2]).take(3).fold(0_usize, |all, byte| (all << 8) | usize::from(*byte));
        (0..=three.len()).map(move |n| (all >> (18 - 6 * n)) & 63)
    });
    threes.map(|letter| char::from(letters[letter])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_arrives_as_it_is(tree in vec((path(), entry()), 0..25), machine in machine()) {
        let parcel = Parcel::new(tree.into_iter().map(|(path, entry)| (path.into_os_string(), entry)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let site = Site::new(machine);
            for codec in machine.codecs() {
                let mut driver = site.locked().await;
                let answer = parcel.send(&mut driver, codec.word(), *codec).await;
                assert_eq!(answer.status, 0, "{answer:?}");
                let arrived = walk(&site.path("releases").join(codec.word()));
                assert_eq!(differences(&arrived, &parcel.expected()), [""; 0]);
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_masked_stream_does_not_depend_on_where_it_is_cut(
        secrets in vec(text(6..12), 1..4),
        said in text(0..80),
        cuts in vec(0_usize..80, 0..6),
    ) {
        let secrets: Vec<model::SecretString> = secrets.into_iter().map(Into::into).collect();
        let masker = Masker::new(&secrets);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(said.len())).collect();
        cuts.sort_unstable();
        let (mut held, mut out, mut from) = (Held::default(), Vec::new(), 0);
        for to in cuts.into_iter().chain([said.len()]) {
            out.extend(masker.mask(&mut held, &said.as_bytes()[from..to]));
            from = to;
        }
        out.extend(masker.end(&mut held));
        prop_assert_eq!(String::from_utf8(out).unwrap(), masker.text(&said));
    }

    #[test]
    fn a_secret_is_masked_in_whatever_form_it_is_written(
        secret in "[!-~][ -~]{4,20}[!-~]",
        before in "[.a]{0,4}",
        after in "[.a]{0,4}",
        which in 0_usize..11,
        cut in 0_usize..200,
    ) {
        let masker = Masker::new(&[secret.clone().into()]);
        let said = form(which, &format!("{before}{secret}{after}"));
        let (first, rest) = said.as_bytes().split_at(cut.min(said.len()));
        let mut held = Held::default();
        let mut out = masker.mask(&mut held, first);
        out.extend(masker.mask(&mut held, rest));
        out.extend(masker.end(&mut held));
        let out = String::from_utf8(out).unwrap();
        prop_assert!(out.contains(MASK), "{out:?}");
        // What is left stands for what was before and after; at most a letter of base64 is more.
        let left = form(which, &before).len() + form(which, &after).len() + 2;
        prop_assert!(out.len() <= left + MASK.len(), "{said:?} became {out:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every shell of every machine reads what was written, whatever it is.
    #[test]
    fn any_value_of_a_file_of_variables_is_what_a_shell_reads(
        values in vec(vec(prop_oneof![any::<char>(), proptest::sample::select("'\"$`\\\n #=~!(){}*&;|<>".chars().collect::<Vec<_>>())], 0..12), 1..4),
    ) {
        let wanted: Vec<String> = values.into_iter()
            .map(|chars| chars.into_iter().filter(|char| !matches!(char, '\0' | '\r')).collect())
            .collect();
        let names: Vec<model::VariableName> = (0..wanted.len()).map(|n| format!("V{n}").parse().unwrap()).collect();
        let text = dotenv::text(&names.iter().zip(wanted.iter().map(String::as_str)).collect());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env"), text).unwrap();
        for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
            for (name, value) in names.iter().zip(&wanted) {
                let mut command = std::process::Command::new(shell[0]);
                command.args(&shell[1..]).args(["-c", &format!(". ./.env; printf '%s' \"${name}\"; printf x")]);
                let said = command.current_dir(folder.path()).output().unwrap();
                prop_assert_eq!(String::from_utf8_lossy(&said.stdout), format!("{value}x"), "{:?}", shell);
            }
        }
    }
}
