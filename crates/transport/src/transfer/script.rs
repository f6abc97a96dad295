//! What is run on the other machine: constant lines that sh, fish and tcsh take alike, so without quotes, backslashes,
//! exclamation marks and line breaks inside. All values come as lines on standard input.

/// Says `@bad` and why, and ends; the SHA-256 of its input; a name that nothing has any more, where a folder that forbids to be
/// removed is opened first, and no file, which may have other names; and a path with the home folder in place of `~`.
macro_rules! script {
    ($($line:literal)*) => {
        concat!(
            "sh -c '",
            "LC_ALL=C; export LC_ALL; CDPATH=; ",
            "bad() { echo \"@bad $1\"; exit 73; }; ",
            "sum() { { sha256sum || shasum -a 256 || sha256 || openssl dgst -sha256 -r; } 2>/dev/null | cut -d \" \" -f 1; }; ",
            "gone() { rm -rf \"$1\" 2>/dev/null || { find \"$1\" -type d -exec chmod u+rwx {} \";\" 2>/dev/null; rm -rf \"$1\"; }; }; ",
            "path() { IFS= read -r path || exit; case \"$path\" in \"~/\"*) path=$HOME/${path#??};; esac; }; ",
            $($line, " ",)*
            "'"
        )
    };
}

/// A file is written: where to, by which temporary name, with which mode. Says what an earlier try left (`@has SIZE
/// SUM`), reads whether to go on from there (`more`) and which sum the whole must have, then the bytes.
pub(super) const PUT_FILE: &str = script! {
    "path; to=$path; path; part=$path; IFS= read -r mode || exit;"
    "test -d \"$to\" && bad \"it is a folder\";"
    "test -n \"$(echo | sum)\" || bad \"there is no program for SHA-256, such as sha256sum\";"
    "size=0; has=; test -L \"$part\" || { test -f \"$part\" && test -O \"$part\" && size=$(wc -c < \"$part\") && has=$(sum < \"$part\"); };"
    "echo @has $size $has;"
    // The end of the input, perhaps long after the line was cut, is no answer: somebody else may be at work by then.
    "IFS= read -r how || exit; IFS= read -r want || exit; umask 077;"
    // A new one is made by us alone: whoever may write in that folder has no file of his under this name, and who was sending
    // over a line that was cut does not write into ours, however late that comes.
    "case \"$how\" in"
    "more) exec 3< \"$part\" && why=$(gone \"$part\" 2>&1) && set -C &&"
    "why=$( { { head -c $size <&3 && cat; } > \"$part\"; } 2>&1 );;"
    "*) why=$(gone \"$part\" 2>&1) && set -C && why=$( { cat > \"$part\"; } 2>&1 );;"
    "esac || bad \"$why\";"
    "test \"$(sum < \"$part\")\" = \"$want\" || bad sum;"
    "why=$( { chmod \"$mode\" \"$part\" && mv -f \"$part\" \"$to\"; } 2>&1 ) || bad \"$why\";"
    "echo @done"
};

/// A file is read: which, and how much of it is here. Says `@folder`, or `@file SIZE MODE SUM`, of which the sum is
/// that of the part that is here; reads how much to leave out; gives the rest and the sum of the whole.
pub(super) const GET_FILE: &str = script! {
    "path; from=$path; IFS= read -r have || exit;"
    "test -d \"$from\" && { echo @folder; exit; };"
    "test -e \"$from\" || bad \"it is not there\"; test -f \"$from\" || bad \"it is no file\";"
    "why=$( { : < \"$from\"; } 2>&1 ) || bad \"$why\";"
    "test -n \"$(echo | sum)\" || bad \"there is no program for SHA-256, such as sha256sum\";"
    "size=$(wc -c < \"$from\"); size=$((size)); mode=$(stat -L -c %a \"$from\" 2>/dev/null || stat -L -f %Lp \"$from\");"
    "has=; test \"$have\" -gt 0 && test \"$have\" -le $size && has=$(head -c \"$have\" \"$from\" | sum);"
    "echo @file $size $mode $has; IFS= read -r skip || exit;"
    "tail -c +$((skip + 1)) \"$from\" | head -c $((size - skip)); echo @sum $(sum < \"$from\")"
};

/// A folder is unpacked under a temporary name, from a tar stream; where to, by which name, and `new` where nothing may be
/// there yet. Says `@ready` before it begins.
pub(super) const PUT_FOLDER: &str = script! {
    "path; to=$path; path; part=$path; IFS= read -r how || exit;"
    "if test \"$how\" = new && { test -e \"$to\" || test -L \"$to\"; }; then bad \"there is something already\"; fi;"
    "echo @ready;"
    // Also what an earlier one was about to place.
    "for old in \"$part\".[0-9]*; do gone \"$old\"; done;"
    "why=$( { gone \"$part\" && mkdir -m 700 \"$part\" && cd \"$part\" && tar -xopf -; } 2>&1 ) || bad \"$why\";"
    "echo @done"
};

/// It is compared with a list of sums, which `sha256sum` and its like read, and takes its place.
pub(super) const PLACE_FOLDER: &str = script! {
    "path; to=$path; path; part=$path; IFS= read -r mode || exit; IFS= read -r any || exit;"
    // What is checked is what takes its place, and not what somebody unpacks meanwhile who comes over a later line.
    "made=$part.$$; why=$( { gone \"$made\" && mv \"$part\" \"$made\"; } 2>&1 ) || bad \"$why\";"
    "check() { if command -v sha256sum; then sha256sum -c; else shasum -a 256 -c; fi; };"
    "test \"$any\" = no || ( cd \"$made\" && check ) > /dev/null 2>&1 || bad sum;"
    // What was there goes aside, and what of an earlier time cannot be removed is left under its name.
    "old=$part.old; n=0;"
    "until why=$(gone \"$old\" 2>&1); do test $n -lt 9 || bad \"$why\"; n=$((n + 1)); old=$part.old.$n; done;"
    "why=$( { chmod \"$mode\" \"$made\" &&"
    "if test -e \"$to\" || test -L \"$to\"; then mv \"$to\" \"$old\"; fi &&"
    // What was there is there again when the new one does not take its place.
    "{ mv \"$made\" \"$to\" || { test -e \"$to\" || mv \"$old\" \"$to\"; false; }; }; } 2>&1 )"
    "|| bad \"$why\";"
    "gone \"$old\" > /dev/null 2>&1; echo @done"
};

/// A folder is read as a tar stream.
pub(super) const GET_FOLDER: &str = script! {
    "path; why=$( { cd \"$path\"; } 2>&1 ) || bad \"$why\"; cd \"$path\"; echo @tar; exec tar -cf - ."
};

/// The sums of its files, as `sha256sum` writes them.
pub(super) const SUMS: &str = script! {
    "path; cd \"$path\" || bad \"it is gone\"; echo @sums;"
    "if command -v sha256sum > /dev/null; then exec find . -type f -exec sha256sum {} +; fi;"
    "exec find . -type f -exec shasum -a 256 {} +"
};

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader, Write};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// The script that writes a file, as far as its first answer.
    fn putting(folder: &Path) -> (Child, BufReader<std::process::ChildStdout>) {
        let mut child = Command::new("sh")
            .args(["-c", PUT_FILE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, part) = (folder.join("file"), folder.join(".file.part"));
        writeln!(child.stdin.as_mut().unwrap(), "{}\n{}\n640", to.display(), part.display()).unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        said.read_line(&mut first).unwrap();
        assert!(first.starts_with("@has 5 "), "{first}");
        (child, said)
    }

    #[test]
    fn a_line_that_ends_before_it_is_told_what_to_do_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join(".file.part");
        fs::write(&part, "begun").unwrap();
        let (mut child, _said) = putting(folder.path());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(fs::read_to_string(&part).unwrap(), "begun");
    }

    #[test]
    fn what_comes_late_over_an_earlier_line_is_not_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join(".file.part");
        fs::write(&part, "begun").unwrap();
        let mut earlier = fs::File::options().append(true).open(&part).unwrap();
        let (mut child, mut said) = putting(folder.path());
        let mut stdin = child.stdin.take().unwrap();
        let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(b"begun, and ended"));
        write!(stdin, "more\n{sum}\n, and ended").unwrap();
        drop(stdin);
        let mut last = String::new();
        said.read_line(&mut last).unwrap();
        assert_eq!(last, "@done\n");
        earlier.write_all(b" late").unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "begun, and ended");
        child.wait().unwrap();
    }

    #[test]
    fn every_shell_takes_them_alike() {
        for script in [PUT_FILE, GET_FILE, PUT_FOLDER, PLACE_FOLDER, GET_FOLDER, SUMS] {
            let inner = script.strip_prefix("sh -c '").and_then(|rest| rest.strip_suffix('\'')).unwrap();
            assert!(!inner.contains(['\'', '\\', '!', '\n']), "{script}");
        }
    }
}
