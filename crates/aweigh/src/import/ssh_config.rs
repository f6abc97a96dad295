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

/// Reads a configuration that stands in `path`, with what it includes.
pub(super) fn read(text: &str, path: &Path, env: Env<'_>) -> Result<Found, Wrong> {
    let mut reader = Reader {
        env,
        block: Block::Pattern,
        found: Found::default(),
        wrong: Wrong::new(),
        named: BTreeMap::new(),
    };
    reader.file(text, path, None, 0);
    if reader.wrong.is_empty() { Ok(reader.found) } else { Err(reader.wrong) }
}

impl Reader<'_> {
    /// Reads one file. What an included one says is told of the line that includes it.
    fn file(&mut self, text: &str, path: &Path, line: Option<usize>, depth: usize) {
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
            if let Err(why) = self.line(&keyword.to_ascii_lowercase(), values, keyword, path, at, depth) {
                self.wrong.push((at, why));
            }
        }
    }

    fn line(
        &mut self,
        keyword: &str,
        values: &[String],
        written: &str,
        path: &Path,
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
            "include" => return self.include(values, path, at, depth),
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
    fn include(&mut self, patterns: &[String], path: &Path, at: usize, depth: usize) -> Result<(), String> {
        if depth >= DEEPEST {
            return Err(format!("files are included {DEEPEST} deep; one of them may include itself"));
        }
        for pattern in patterns {
            for file in self.files(pattern, path) {
                let text =
                    fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                let block = self.block.clone();
                self.file(&text, &file, Some(at), depth + 1);
                self.block = block;
            }
        }
        Ok(())
    }

    /// The files that a pattern means, by name; a pattern that means none is no mistake. Only its last part may have `*`
    /// and `?`.
    fn files(&self, pattern: &str, path: &Path) -> Vec<PathBuf> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let whole = match (pattern.strip_prefix("~/"), self.env.get("HOME")) {
            (Some(rest), Some(home)) => Path::new(&home).join(rest),
            _ => folder.join(pattern),
        };
        let Some(last) = whole.file_name().and_then(|last| last.to_str()) else { return Vec::new() };
        if !last.contains(['*', '?']) {
            return if whole.is_file() { vec![whole] } else { Vec::new() };
        }
        let listed = whole.parent().and_then(|folder| fs::read_dir(folder).ok());
        let mut files: Vec<PathBuf> = listed
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|file| {
                file.is_file()
                    && file.file_name().and_then(|name| name.to_str()).is_some_and(|name| fits(last, name))
            })
            .collect();
        files.sort();
        files
    }
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
            (Some((one, after)), Some((other, left))) => one == other && rest(after, left),
            _ => false,
        }
    }
    let chars = |text: &str| text.chars().collect::<Vec<char>>();
    (pattern.starts_with('.') || !name.starts_with('.')) && rest(&chars(pattern), &chars(name))
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
        read(text, &folder.join("config"), Env::new(&env))
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
        fs::create_dir(folder.path().join("more.d")).unwrap();
        fs::write(folder.path().join("more.d/a.conf"), "Host db\n  HostName 10.0.1.1\n  User root\n")
            .unwrap();
        fs::write(folder.path().join("more.d/.b.conf"), "Host hidden\n").unwrap();
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
    fn every_bad_line_is_told_by_its_number() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config"), "Include config\n").unwrap();
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
