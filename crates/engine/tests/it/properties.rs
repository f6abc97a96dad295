//! Properties: whatever a tree holds arrives, and wherever a stream is cut no secret gets through.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use engine::masker::{Held, Masker};
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
}
