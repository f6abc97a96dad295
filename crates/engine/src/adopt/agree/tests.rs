//! What servers agree on, and what they do not.

use super::super::found::Runs;
use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn folder(text: &str) -> ReleaseName {
    text.parse().unwrap()
}

/// `12a` is folder 12 of the commit aaa…; without a letter the commit is unknown. The one that runs has a `*`.
fn found(words: &str) -> Found {
    let mut runs = "none";
    let mut folders = Vec::new();
    for word in words.split_whitespace() {
        let bare = word.trim_end_matches('*');
        let digits = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let letter = &bare[digits.len()..];
        if word.ends_with('*') {
            runs = digits;
        }
        folders.push(Folder {
            name: folder(digits),
            commit: letter.repeat(40).parse().ok(),
            at: digits.parse().unwrap(),
            is_sealed: false,
        });
    }
    let runs = Runs { name: folder(runs), text: format!("releases/{runs}") };
    let current = runs.text.clone();
    Found { tool: Some(Tool::Deployer), folders, left_out: Vec::new(), runs, current, library: None }
}

/// What the servers `web-1`, `web-2`, … agree about: each release as `NAME:COMMIT`, with the names on other servers, the
/// live one with a `*`; who is behind; what is left out.
fn told(servers: &[&str], known: &[Known]) -> (Vec<String>, Vec<String>, Vec<String>) {
    let servers: Vec<_> =
        (1..).zip(servers).map(|(number, words)| (name(&format!("web-{number}")), found(words))).collect();
    let agreed = agree(&servers, known).unwrap();
    let release = |(place, one): (usize, &Agreement)| {
        let elsewhere = one.elsewhere.iter().map(|(server, folder)| format!(" {server}={folder}"));
        let elsewhere = elsewhere.collect::<Vec<_>>().concat();
        let live = if agreed.live == Some(Live::New(place)) { "*" } else { "" };
        let commit = one.commit.known().map_or("?", |commit| &commit.as_str()[..1]);
        format!("{}:{commit}{elsewhere}{live}", one.name)
    };
    let releases = agreed.releases.iter().enumerate().map(release).collect();
    let behind = agreed.behind.iter().map(ToString::to_string).collect();
    let left = agreed.left_out.iter().map(|left| format!("{}/{}: {}", left.server, left.folder, left.why));
    (releases, behind, left.collect())
}

fn check(servers: &[&str], releases: &[&str], behind: &[&str], left: &[&str]) {
    let (found, late, out) = told(servers, &[]);
    assert_eq!(found, releases, "{servers:?}");
    assert_eq!(late, behind, "{servers:?}");
    assert_eq!(out.len(), left.len(), "{servers:?}: {out:?}");
    for (out, left) in out.iter().zip(left) {
        assert!(out.starts_with(left), "{servers:?}: {out}");
    }
}

#[test]
fn the_same_name_is_one_release_unless_the_commits_say_no() {
    check(&["1a 2b 3c*"], &["1:a", "2:b", "3:c*"], &[], &[]);
    check(&["1a 2b*", "1a 2b*"], &["1:a", "2:b*"], &[], &[]);
    check(&["1a 2*", "1 2b*"], &["1:a", "2:b*"], &[], &[]);
    check(&["1a 2b*", "2b*"], &["2:b*"], &[], &["web-1/1: it is not on web-2"]);
}

#[test]
fn who_counts_for_itself_is_matched_by_commit() {
    check(
        &["1a 2b 3c*", "1b 2c*"],
        &["2:b web-2=1", "3:c web-2=2*"],
        &[],
        &["web-1/1: on web-2 that name is"],
    );
    // The same commit twice: the newest go together.
    check(&["1a 2b 3b*", "7b 8b*"], &["2:b web-2=7", "3:b web-2=8*"], &[], &["web-1/1: it is not on web-2"]);
}

#[test]
fn what_all_run_is_one_release_where_nothing_says_otherwise() {
    check(&["3 4*", "7*"], &["4:? web-2=7*"], &[], &["web-1/3: it is not on web-2"]);
    check(&["3 4a*", "7*"], &["4:a web-2=7*"], &[], &["web-1/3: "]);
}

#[test]
fn servers_that_run_something_else_are_told() {
    check(&["1a 2b*", "1a* 2b", "1a 2b*"], &["1:a", "2:b*"], &["web-2"], &[]);
    check(&["1a* 2b", "1a 2b*"], &["1:a", "2:b*"], &["web-1"], &[]);
    // Nobody runs what all have: nothing is live.
    let (releases, behind, left) = told(&["1a 2b*", "1a 3c*"], &[]);
    assert_eq!((releases, behind.len(), left.len()), (vec!["1:a".to_owned()], 0, 2));
}

#[test]
fn what_is_known_stays_and_only_newer_ones_come() {
    let known = |id: i64, text: &str| Known {
        id: ReleaseId(id),
        name: folder(text),
        elsewhere: Elsewhere::new(),
        commit: "b".repeat(40).parse().unwrap(),
        at: text.parse().unwrap(),
    };
    let servers = [(name("web-1"), found("1a 2b 3c*"))];
    let agreed = agree(&servers, &[known(5, "2")]).unwrap();
    assert_eq!(agreed.releases.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["3"]);
    assert_eq!((agreed.live, agreed.unsealed.len()), (Some(Live::New(0)), 1));
    assert!(agreed.left_out[0].why.contains("older than release 5"), "{agreed:?}");
    let servers = [(name("web-1"), found("2b* 3c"))];
    assert_eq!(agree(&servers, &[known(5, "2")]).unwrap().live, Some(Live::Known(ReleaseId(5))));
    // What has its seal is left alone, unless it runs from a library again.
    let mut sealed = found("2b* 3c");
    for folder in &mut sealed.folders {
        folder.is_sealed = true;
    }
    for (library, again) in [(None, 0), (Some("/data/library".to_owned()), 1)] {
        let servers = [(name("web-1"), Found { library, ..sealed.clone() })];
        assert_eq!(agree(&servers, &[known(5, "2")]).unwrap().unsealed.len(), again);
    }
    let servers = [(name("web-1"), found("2c*"))];
    assert!(agree(&servers, &[known(5, "2")]).unwrap().left_out[0].why.contains("another commit"));
}

#[test]
fn folders_of_one_second_keep_their_order() {
    let mut one = found("1a 2b*");
    for folder in &mut one.folders {
        folder.at = 7;
    }
    let agreed = agree(&[(name("web-1"), one)], &[]).unwrap();
    assert_eq!(agreed.releases.iter().map(|release| release.at).collect::<Vec<_>>(), [7, 8]);
}
