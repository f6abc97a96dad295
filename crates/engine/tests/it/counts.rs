//! What a release costs the control host, in instructions: seconds would tell how busy the machine is.

use std::ffi::OsString;

use engine::artifact::stream::Codec;
use engine::masker::{Held, Masker};
use testkit::instructions::assert_instructions;
use testkit::repo::{Entry, file};

use crate::delta::Pair;
use crate::tree::{COMMIT_TIME, keep, write};

/// So many source files in folders of ten, of which the first few are of another version.
fn sources(count: usize, changed: usize) -> Vec<(OsString, Entry)> {
    let one = |n: usize| {
        let version = usize::from(n < changed);
        let text = format!("// {n}, version {version}\n") + &"let answer = 42;\n".repeat(60);
        (OsString::from(format!("src/part-{:03}/file-{n:05}.rs", n / 10)), file(&text))
    };
    (0..count).map(one).collect()
}

#[test]
fn packing_a_thousand_files() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, data) = (folder.path().join("tree"), folder.path().join("data"));
    write(&tree, sources(1000, 0));
    assert_instructions(module_path!(), "packing_a_thousand_files", 236_600_000, || {
        keep(&data, &tree, COMMIT_TIME, None);
    });
}

#[test]
fn a_stream_that_shares_two_thousand_files() {
    let pair = Pair::new(sources(2000, 0), sources(2000, 20));
    assert_instructions(module_path!(), "a_stream_that_shares_two_thousand_files", 228_900_000, || {
        assert_eq!(pair.stream(1, Codec::Zstd, true).files, 20);
    });
}

#[test]
fn masking_a_megabyte_of_lines() {
    let secrets =
        ["hunter2hunter", "s3cr3t/w0rd", "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\n-----END KEY-----\n"];
    let secrets: Vec<model::SecretString> = secrets.map(|secret| secret.to_owned().into()).into();
    let masker = Masker::new(&secrets);
    let line = "[12:00:01] Compiling crate-name v1.2.3 (/srv/build/crates/name), 12% of 345 steps: 0f3a9c\n";
    let text = line.repeat(1_000_000 / line.len());
    assert_instructions(module_path!(), "masking_a_megabyte_of_lines", 1_372_000_000, || {
        let mut held = Held::default();
        for part in text.as_bytes().chunks(16 * 1024) {
            masker.mask(&mut held, part);
        }
        assert_eq!(held.len(), 0);
    });
}
