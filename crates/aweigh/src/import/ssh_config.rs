//! The client configuration of OpenSSH (`ssh_config(5)`): every host with a name of its own. The first value that is said
//! counts, as for `ssh`; what is said for patterns or behind `Match` is not taken.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use api::ServerSpec;
use model::Name;

use super::{Found, Wrong, name, port};
use crate::places::Env;

/// How deep files may include files; `ssh` has the same limit.
const DEEPEST: usize = 16;

/// For whom the lines count that are read now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Block {
    /// For every host: lines before the first `Host`, or for a pattern.
    Pattern,
    Hosts(Vec<Name>),
}

struct Reader<'e> {
    env: Env<'e>,
    block: Block,
    found: Found,
    wrong: Wrong,
    /// `HostName` is told apart from a host that says none.
    named: BTreeMap<Name, bool>,
}

/// Reads a configuration, with what it includes.
pub(super) fn read(text: &str, env: Env<'_>) -> Result<Found, Wrong> {
    let mut reader = Reader {
        env,
        block: Block::Pattern,
        found: Found::default(),
        wrong: Wrong::new(),
        named: BTreeMap::new(),
    };
    reader.file(text, None, 0);
    if reader.wrong.is_empty() { Ok(reader.found) } else { Err(reader.wrong) }
}

impl Reader<'_> {
    /// Reads one file. What an included one says is told of the line that includes it.
    fn file(&mut self, text: &str, line: Option<usize>, depth: usize) {
        for (number, text) in (1..).zip(text.lines()) {
            let at = line.unwrap_or(number);
            let words = match words(text) {
                Ok(words) => words,
                Err(why) => {
                    self.wrong.push((at, why.to_owned()));
                    continue;
                }
            };
            let Some((keyword, values)) = words.split_first() else { continue };
            if let Err(why) = self.line(&keyword.to_ascii_lowercase(), values, keyword, at, depth) {
                self.wrong.push((at, why));
            }
        }
    }

    fn line(
        &mut self,
        keyword: &str,
        values: &[String],
        written: &str,
        at: usize,
        depth: usize,
    ) -> Result<(), String> {
        let Some(first) = values.first() else { return Err(format!("{written} has no value")) };
        match keyword {
            "host" => return self.host(values, at),
            "match" => {
                self.block = Block::Pattern;
                self.found.leave("Match", at);
                return Ok(());
            }
            "include" => return self.include(values, at, depth),
            _ => {}
        }
        let Block::Hosts(hosts) = self.block.clone() else {
            self.found.leave(format!("{written} for more than one host"), at);
            return Ok(());
        };
        for host in hosts {
            let Some((spec, _)) = self.found.servers.get_mut(&host) else { continue };
            match keyword {
                "hostname" if self.named.insert(host.clone(), true).is_none() => {
                    let real = first.replace("%%", "%").replace("%h", host.as_str());
                    if real.contains('%') {
                        return Err(format!("{first:?} has a % that is not %h"));
                    }
                    spec.host = real;
                }
                "port" if spec.port.is_none() => spec.port = Some(port(first)?),
                "user" if spec.user.is_none() => spec.user = Some(first.clone()),
                "proxyjump" if spec.jump.is_none() => match jump(first) {
                    Some(jump) => spec.jump = Some(jump),
                    None => self.found.leave(format!("ProxyJump {first}"), at),
                },
                "hostname" | "port" | "user" | "proxyjump" => {}
                _ => self.found.leave(written, at),
            }
        }
        Ok(())
    }

    fn host(&mut self, patterns: &[String], at: usize) -> Result<(), String> {
        let is_pattern = |text: &&String| text.contains(['*', '?', '!']);
        let mut hosts = Vec::new();
        for pattern in patterns.iter().filter(is_pattern) {
            self.found.leave(format!("Host {pattern}"), at);
        }
        for alias in patterns.iter().filter(|text| !is_pattern(text)) {
            let own = name(alias)?;
            let spec = ServerSpec { host: alias.clone(), ..ServerSpec::default() };
            self.found.servers.entry(own.clone()).or_insert((spec, at));
            hosts.push(own);
        }
        self.block = if hosts.is_empty() { Block::Pattern } else { Block::Hosts(hosts) };
        Ok(())
    }

    /// What an included file says counts where it is included; a `Host` in it ends with it.
    fn include(&mut self, patterns: &[String], at: usize, depth: usize) -> Result<(), String> {
        if depth >= DEEPEST {
            return Err(format!("files are included {DEEPEST} deep; one of them may include itself"));
        }
        for pattern in patterns {
            let Some(files) = self.files(pattern) else {
                self.found.leave(format!("Include {pattern}"), at);
                continue;
            };
            for file in files {
                let text =
                    fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                let block = self.block.clone();
                self.file(&text, Some(at), depth + 1);
                self.block = block;
            }
        }
        Ok(())
    }

    /// The files that a pattern means, by name; a pattern that means none is no mistake. A relative one begins at `~/.ssh`,
    /// wherever it stands. `None` for what only `ssh` knows: other people's homes, its tokens, its variables.
    fn files(&self, pattern: &str) -> Option<Vec<PathBuf>> {
        let home = || self.env.get("HOME").map(PathBuf::from);
        let (folder, rest) = match pattern.strip_prefix("~/") {
            _ if pattern.contains('%') || pattern.contains("${") => return None,
            Some(rest) => (home()?, rest),
            None if pattern.starts_with('~') => return None,
            None if pattern.starts_with('/') => (PathBuf::from("/"), pattern),
            None => (home()?.join(".ssh"), pattern),
        };
        let mut found = vec![folder];
        for part in rest.split('/').filter(|part| !part.is_empty()) {
            found = found.iter().flat_map(|folder| inside(folder, part)).collect();
        }
        found.retain(|path| path.is_file());
        found.sort();
        Some(found)
    }
}

/// What a part of a pattern means in a folder; it need not be there.
fn inside(folder: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        return vec![folder.join(part)];
    }
    let listed = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let meant = listed.filter(|entry| entry.file_name().to_str().is_some_and(|name| fits(part, name)));
    meant.map(|entry| entry.path()).collect()
}

/// Whether a name fits a pattern; a file that is hidden is not meant by `*`.
fn fits(pattern: &str, name: &str) -> bool {
    fn rest(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', after)), _) => {
                (0..=name.len()).any(|skip| rest(after, name.get(skip..).unwrap_or_default()))
            }
            (Some(('?', after)), Some((_, left))) => rest(after, left),
            (Some(('[', after)), Some((one, left))) if let Some((is_in, after)) = set(after, *one) => {
                is_in && rest(after, left)
            }
            (Some((one, after)), Some((other, left))) => one == other && rest(after, left),
            _ => false,
        }
    }
    let chars = |text: &str| text.chars().collect::<Vec<char>>();
    (pattern.starts_with('.') || !name.starts_with('.')) && rest(&chars(pattern), &chars(name))
}

/// Whether `one` is in the set at the beginning of `pattern`, such as `a-z]` or `!0-9]`, and what follows the set; `None`
/// where it has no end.
fn set(pattern: &[char], one: char) -> Option<(bool, &[char])> {
    let is_not = matches!(pattern.first(), Some('!' | '^'));
    let pattern = pattern.get(usize::from(is_not)..)?;
    // The first member may be a bracket itself.
    let end = pattern.iter().skip(1).position(|char| *char == ']')? + 1;
    let (mut members, rest) = pattern.split_at_checked(end)?;
    let mut is_in = false;
    while let [first, after @ ..] = members {
        let (last, after) = match after {
            ['-', last, after @ ..] => (last, after),
            _ => (first, after),
        };
        is_in |= (*first..=*last).contains(&one);
        members = after;
    }
    Some((is_in != is_not, rest.get(1..)?))
}

/// The server to go through: one that has a name. `none` means none.
fn jump(text: &str) -> Option<String> {
    if text.eq_ignore_ascii_case("none") {
        return Some(String::new());
    }
    name(text).ok().map(|name| name.to_string())
}

/// Keyword and values: parted by blanks or one `=`, a value in quotes may hold blanks, `#` begins a comment.
fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let line = line.trim();
    if line.starts_with('#') {
        return Ok(Vec::new());
    }
    let end = line.find(|char: char| char.is_whitespace() || char == '=').unwrap_or(line.len());
    let (keyword, rest) = line.split_at_checked(end).unwrap_or((line, ""));
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let mut words: Vec<String> =
        Some(keyword.to_owned()).filter(|word| !word.is_empty()).into_iter().collect();
    let (mut word, mut in_quotes) = (None::<String>, false);
    for char in rest.chars() {
        match char {
            '"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default();
            }
            '#' if !in_quotes && word.is_none() => break,
            _ if char.is_whitespace() && !in_quotes => words.extend(word.take()),
            _ => word.get_or_insert_default().push(char),
        }
    }
    if in_quotes {
        return Err("a quote is not closed");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_here(text: &str, folder: &Path) -> Result<Found, Wrong> {
        let home = folder.to_str().unwrap().to_owned();
        let env = move |name: &str| (name == "HOME").then(|| home.clone());
        read(text, Env::new(&env))
    }

    fn told(found: &Found) -> Vec<String> {
        let one = |(name, (spec, line)): (&Name, &(ServerSpec, usize))| {
            let jump = spec.jump.as_ref().map(|jump| format!(" via {jump:?}")).unwrap_or_default();
            format!(
                "{line} {name} {}@{}:{:?}{jump}",
                spec.user.as_deref().unwrap_or("-"),
                spec.host,
                spec.port
            )
        };
        found.servers.iter().map(one).collect()
    }

    #[test]
    fn hosts_are_taken_and_the_first_value_counts() {
        let folder = tempfile::tempdir().unwrap();
        let more = folder.path().join(".ssh/more.d");
        fs::create_dir_all(&more).unwrap();
        fs::write(more.join("a.conf"), "Host db\n  HostName 10.0.1.1\n  User root\n").unwrap();
        fs::write(more.join(".b.conf"), "Host hidden\n").unwrap();
        fs::write(folder.path().join("user"), "User included\n").unwrap();
        let text = "ServerAliveInterval 30\nInclude more.d/*.conf ~/none\n\
                    Host bastion\n  HostName=bastion.example.com\n  User \"jump user\"\n\
                    Host Web-1 web-2 !web-3\n  HostName %h.example.com # a comment\n  Port = 2222\n  ProxyJump bastion\n  ForwardAgent yes\n  Include ~/user\n\
                    Host web-1\n  Port 22\n  User late\n  IdentityFile ~/.ssh/x\n\
                    Host *\n  User everybody\nMatch exec \"true\"\n  Port 1\n\
                    Host far\n  ProxyJump a,b\nHost near\n  proxyjump none\n";
        let found = read_here(text, folder.path()).unwrap();
        assert_eq!(
            told(&found),
            [
                "3 bastion jump user@bastion.example.com:None",
                "2 db root@10.0.1.1:None",
                "20 far -@far:None",
                "22 near -@near:None via \"\"",
                "6 web-1 included@web-1.example.com:Some(2222) via \"bastion\"",
                "6 web-2 included@web-2.example.com:Some(2222) via \"bastion\"",
            ]
        );
        assert_eq!(
            found.notes(),
            [
                "ForwardAgent is not taken (line 10)",
                "Host !web-3 is not taken (line 6)",
                "Host * is not taken (line 16)",
                "IdentityFile is not taken (line 15)",
                "Match is not taken (line 18)",
                "Port for more than one host is not taken (line 19)",
                "ProxyJump a,b is not taken (line 21)",
                "ServerAliveInterval for more than one host is not taken (line 1)",
                "User for more than one host is not taken (line 17)",
            ]
        );
    }

    #[test]
    fn files_are_included_by_patterns_in_every_part_from_the_folder_of_ssh() {
        let folder = tempfile::tempdir().unwrap();
        let ssh = folder.path().join(".ssh");
        for (path, text) in [
            ("a/hosts", "Host a\nInclude more\n"),
            ("b/hosts", "Host b\n"),
            ("c/x/hosts", "Host deep\n"),
            (".d/hosts", "Host hidden\n"),
            ("a/more", "Host beside\n"),
            ("more", "Host more\n"),
        ] {
            let path = ssh.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let names = |pattern: &str| {
            let found = read_here(&format!("Include {pattern}\n"), folder.path()).unwrap();
            (found.servers.keys().map(ToString::to_string).collect::<Vec<_>>().join(" "), found.notes())
        };
        let check = |pattern: &str, expected: &str| {
            assert_eq!(names(pattern), (expected.to_owned(), Vec::new()), "{pattern}");
        };
        check("*/hosts", "a b more");
        check("~/.ssh/?/ho*", "a b more");
        check(&format!("{}/*/*/hosts", ssh.display()), "deep");
        check("[a-b]/hosts", "a b more");
        check("[!a]/hosts", "b");
        check("[]b]/hosts [", "b");
        check("none/* ../nothing", "");
        for pattern in ["~other/hosts", "%d/hosts", "${HOSTS}/*"] {
            let note = format!("Include {pattern} is not taken (line 1)");
            assert_eq!(names(pattern), (String::new(), vec![note]));
        }
    }

    #[test]
    fn every_bad_line_is_told_by_its_number() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".ssh")).unwrap();
        fs::write(folder.path().join(".ssh/config"), "Include config\n").unwrap();
        let check = |text: &str, expected: &[(usize, &str)]| {
            let wrong = read_here(text, folder.path()).unwrap_err();
            let fits = wrong.len() == expected.len()
                && wrong
                    .iter()
                    .zip(expected)
                    .all(|((line, why), (at, word))| line == at && why.contains(word));
            assert!(fits, "{text}: {wrong:?}");
        };
        check(
            "Host web_1;id\nHost a\n Port http\n Port 22\n User\n",
            &[(1, "not a name"), (3, "not a port"), (5, "no value")],
        );
        check("Host a\n  HostName %k.example.com\n", &[(2, "% that is not %h")]);
        check("Host \"a\n", &[(1, "not closed")]);
        check("\nInclude config\n", &[(2, "16 deep")]);
    }
}
