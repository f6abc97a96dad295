//! INI inventories of Ansible: hosts with ranges, groups and groups of groups, which become the label `group`. Of variables
//! only those are taken that say how a host is reached.

use std::collections::{BTreeMap, BTreeSet};

use api::ServerSpec;
use model::{Name, Pattern};

use super::{Found, Wrong, add_label, name, port};

/// The label that says in which groups a host is.
const LABEL: &str = "group";

/// Groups that Ansible makes itself.
const BUILT_IN: [&str; 2] = ["all", "ungrouped"];

type Variables = Vec<(String, String)>;

/// What stands in a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Hosts,
    Children,
    Vars,
}

#[derive(Debug, Default)]
struct Inventory {
    /// Variables, and the line that names it first.
    hosts: BTreeMap<Name, (String, Variables, usize)>,
    members: BTreeMap<String, BTreeSet<Name>>,
    /// The groups that a group is part of.
    parents: BTreeMap<String, BTreeSet<String>>,
    variables: BTreeMap<String, Variables>,
}

/// Reads an inventory.
pub(super) fn read(text: &str) -> Result<Found, Wrong> {
    let (mut inventory, mut found, mut wrong) = (Inventory::default(), Found::default(), Wrong::new());
    let (mut group, mut part) = ("ungrouped".to_owned(), Part::Hosts);
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        let read = if text.starts_with('[') {
            section(text).map(|(new, kind)| (group, part) = (new, kind))
        } else {
            inventory.line(&group, part, text, line, &mut found)
        };
        if let Err(why) = read {
            wrong.push((line, why));
        }
    }
    for (name, (host, own, line)) in &inventory.hosts {
        match inventory.spec(name, host, own) {
            Ok(spec) => _ = found.servers.insert(name.clone(), (spec, *line)),
            Err(why) => wrong.push((*line, why)),
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

/// `[web]`, `[prod:children]`, `[web:vars]`. A range of hosts begins with a bracket nowhere, so this is a section.
fn section(text: &str) -> Result<(String, Part), String> {
    let form = || format!("{text:?} is no section: write [GROUP], [GROUP:children] or [GROUP:vars]");
    let end = text.find(']').ok_or_else(form)?;
    let (inside, rest) = text.split_at_checked(end).ok_or_else(form)?;
    let rest = rest.trim_start_matches(']').trim();
    if !(rest.is_empty() || rest.starts_with(['#', ';'])) {
        return Err(form());
    }
    let inside = inside.trim_start_matches('[').trim();
    let (group, part) = match inside.split_once(':') {
        None => (inside, Part::Hosts),
        Some((group, "children")) => (group, Part::Children),
        Some((group, "vars")) => (group, Part::Vars),
        Some(_) => return Err(form()),
    };
    if group.is_empty() { Err(form()) } else { Ok((group.to_owned(), part)) }
}

impl Inventory {
    fn line(
        &mut self,
        group: &str,
        part: Part,
        text: &str,
        line: usize,
        found: &mut Found,
    ) -> Result<(), String> {
        if part == Part::Vars {
            return self.variable(group, text, line, found);
        }
        let words = words(text)?;
        match words.split_first() {
            Some((first, _)) if part == Part::Children => {
                self.parents.entry(first.clone()).or_default().insert(group.to_owned());
                Ok(())
            }
            Some((first, rest)) => self.hosts(group, first, rest, line, found),
            None => Ok(()),
        }
    }

    /// `KEY=VALUE`. What a value is that is not taken is nobody's business here: it may be any text.
    fn variable(&mut self, group: &str, text: &str, line: usize, found: &mut Found) -> Result<(), String> {
        let (key, value) = text.split_once('=').ok_or("it is no KEY=VALUE")?;
        let key = key.trim();
        if is_taken(key) {
            let variable = (key.to_owned(), words(value)?.join(" "));
            self.variables.entry(group.to_owned()).or_default().push(variable);
        } else {
            found.leave(format!("the variable {key}"), line);
        }
        Ok(())
    }

    fn hosts(
        &mut self,
        group: &str,
        first: &str,
        rest: &[String],
        line: usize,
        found: &mut Found,
    ) -> Result<(), String> {
        let mut variables = Variables::new();
        for word in rest {
            let (key, value) = word.split_once('=').ok_or_else(|| format!("{word:?} is no KEY=VALUE"))?;
            if is_taken(key) {
                variables.push((key.to_owned(), value.to_owned()));
            } else {
                found.leave(format!("the variable {key}"), line);
            }
        }
        // A port may stand behind the host, where that is no address of IPv6.
        let (hosts, behind) = match first.rsplit_once(':') {
            Some((host, digits)) if !behind_ranges(host).contains(':') && is_number(digits) => {
                (host, Some(digits))
            }
            _ => (first, None),
        };
        variables.extend(behind.map(|digits| ("ansible_port".to_owned(), digits.to_owned())));
        for host in hosts.parse::<Pattern>().map_err(|error| error.to_string())?.all() {
            let name = name(&host)?;
            let (_, own, _) =
                self.hosts.entry(name.clone()).or_insert_with(|| (host, Variables::new(), line));
            own.extend(variables.iter().cloned());
            self.members.entry(group.to_owned()).or_default().insert(name);
        }
        Ok(())
    }

    fn spec(&self, name: &Name, host: &str, own: &Variables) -> Result<ServerSpec, String> {
        let groups = self.groups_of(name);
        let of_groups = groups.iter().filter_map(|group| self.variables.get(*group));
        let layers: Vec<&Variables> = [own].into_iter().chain(of_groups).collect();
        // The last word of the first layer that has one.
        let said = |keys: &[&str]| {
            let has = |(key, _): &&(String, String)| keys.contains(&key.as_str());
            layers.iter().find_map(|layer| layer.iter().rev().find(has)).map(|(_, value)| value.clone())
        };
        let mut spec = ServerSpec {
            host: said(&["ansible_host", "ansible_ssh_host"]).unwrap_or_else(|| host.to_owned()),
            user: said(&["ansible_user", "ansible_ssh_user"]),
            ..ServerSpec::default()
        };
        if let Some(text) = said(&["ansible_port", "ansible_ssh_port"]) {
            spec.port = Some(port(&text)?);
        }
        if said(&["ansible_connection"]).as_deref() == Some("local") {
            spec = ServerSpec { host: "local".to_owned(), ..ServerSpec::default() };
        }
        for group in groups.into_iter().filter(|group| !BUILT_IN.contains(group)) {
            add_label(&mut spec, LABEL, group);
        }
        Ok(spec)
    }

    /// The groups that a host is in, first those that count for more: of two the one that is deeper below `all`, and of two
    /// that are as deep the last in the alphabet, as for Ansible.
    fn groups_of(&self, name: &Name) -> Vec<&str> {
        let members = self.members.iter().filter(|(_, names)| names.contains(name));
        let mut groups: Vec<&str> = members.map(|(group, _)| group.as_str()).collect();
        let mut looked = 0;
        while let Some(group) = groups.get(looked).copied() {
            looked += 1;
            for parent in self.parents.get(group).into_iter().flatten() {
                if !groups.contains(&parent.as_str()) {
                    groups.push(parent);
                }
            }
        }
        // Every host is in `all`, and every group below it.
        let mut depths: BTreeMap<&str, usize> = groups.iter().map(|group| (*group, 1)).collect();
        depths.insert("all", 0);
        // A group is below the deepest of its parents. So many rounds are enough, and end where groups lead in a circle.
        for _ in 0..groups.len() {
            for group in groups.iter().filter(|group| **group != "all") {
                let parents = self.parents.get(*group).into_iter().flatten();
                let above = parents.filter_map(|parent| depths.get(parent.as_str())).max().copied();
                depths.insert(*group, above.map_or(1, |above| above + 1));
            }
        }
        let mut ordered: Vec<(usize, &str)> =
            depths.into_iter().map(|(group, depth)| (depth, group)).collect();
        ordered.sort_unstable_by(|one, other| other.cmp(one));
        ordered.into_iter().map(|(_, group)| group).collect()
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn behind_ranges(host: &str) -> &str {
    host.rsplit_once(']').map_or(host, |(_, after)| after)
}

/// The variables that say how a host is reached.
fn is_taken(key: &str) -> bool {
    let key = key.trim().strip_prefix("ansible_").unwrap_or_default();
    matches!(key, "host" | "port" | "user" | "ssh_host" | "ssh_port" | "ssh_user" | "connection")
}

/// The words of a line, as a shell parts them; a comment ends it.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(open), _) if char == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '#') if word.is_none() => break,
            (None, _) if char.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(char),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ranges_groups_and_how_they_are_reached_are_taken() {
        let text = "# the fleet\nlonely ansible_connection=local\n\n[web]\nweb[01:02].example.com http_port=80\n\
                    Web03.example.com:2222 ansible_host=10.0.0.3 ansible_user='deploy' # a comment\n\
                    [db]\ndb-a ansible_ssh_host=10.0.1.1\nweb01.example.com\n\
                    [production:children]\nweb\ndb\n[eu:children]\nproduction\n\
                    [web:vars]\nansible_user=www\nproxy = a b\n[production:vars]\nansible_port=2200\nansible_user=root\n[all:vars]\nansible_user=last\n";
        let found = read(text).unwrap();
        let told: Vec<String> = found
            .servers
            .iter()
            .map(|(name, (spec, line))| {
                let groups =
                    spec.labels.get(LABEL).map(|groups| groups.items().join(" ")).unwrap_or_default();
                format!(
                    "{line} {name} {}@{}:{:?} {groups}",
                    spec.user.as_deref().unwrap_or("-"),
                    spec.host,
                    spec.port
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "8 db-a root@10.0.1.1:Some(2200) db production eu",
                "2 lonely -@local:None ",
                "5 web01.example.com www@web01.example.com:Some(2200) web db production eu",
                "5 web02.example.com www@web02.example.com:Some(2200) web production eu",
                "6 web03.example.com deploy@10.0.0.3:Some(2222) web production eu",
            ]
        );
        assert_eq!(
            found.notes(),
            ["the variable http_port is not taken (line 5)", "the variable proxy is not taken (line 17)"]
        );
    }

    #[test]
    fn every_bad_line_is_told_by_its_number() {
        let check = |text: &str, expected: &[(usize, &str)]| {
            let wrong = read(text).unwrap_err();
            let fits = wrong.len() == expected.len()
                && wrong
                    .iter()
                    .zip(expected)
                    .all(|((line, why), (at, word))| line == at && why.contains(word));
            assert!(fits, "{text}: {wrong:?}");
        };
        check("[web\nweb-1\n", &[(1, "no section")]);
        check("[web:hosts]\n", &[(1, "no section")]);
        check("[]\n", &[(1, "no section")]);
        check("web[3:1]\nweb_1 x\nok-1\n", &[(1, "before its beginning"), (2, "no KEY=VALUE")]);
        check("web-1 ansible_user='x\n-web\n", &[(1, "not closed"), (2, "not a name")]);
        check("web-1 ansible_port=x\n", &[(1, "not a port")]);
        check("web[1:2]:99999\n", &[(1, "not a port"), (1, "not a port")]);
        check("::1\n", &[(1, "not a name")]);
        check("[web:vars]\nnonsense\n", &[(2, "no KEY=VALUE")]);
        check("[web:vars]\nansible_user='x\n", &[(2, "not closed")]);
    }

    #[test]
    fn the_deeper_group_wins_and_of_equals_the_last_in_the_alphabet() {
        let user = |text: &str| {
            let found = read(text).unwrap();
            found.servers.values().next().unwrap().0.user.clone().unwrap_or_default()
        };
        let said = |group: &str| format!("[{group}:vars]\nansible_user={group}\n");
        let of = |hosts: &str, groups: &[&str]| {
            user(&(hosts.to_owned() + &groups.iter().map(|group| said(group)).collect::<String>()))
        };
        assert_eq!(of("[a]\nx\n[b]\nx\n", &["all", "b", "a"]), "b");
        assert_eq!(of("[a]\nx\n[z]\nx\n[top:children]\na\n", &["z", "a"]), "a", "it is deeper");
        // Both are one step from a group of the host; what counts is how deep they are themselves.
        let hosts = "[a]\nx\n[b]\nx\n[near:children]\na\n[far:children]\nb\n[one:children]\nfar\n[two:children]\none\n";
        assert_eq!(of(hosts, &["near", "far"]), "far");
        assert_eq!(of("[all]\nx\n[all:children]\na\n[a]\nx\n", &["all", "a"]), "a");
        assert_eq!(of("x\n", &["all"]), "all");
    }

    #[test]
    fn a_variable_that_is_not_taken_may_be_any_text() {
        let found = read(
            "[web]\nx\n[web:vars]\nmotd=Don't panic = 42 \"\nansible_user = 'the one' # of all\nansible_host=a=b\n",
        )
        .unwrap();
        let spec = &found.servers.values().next().unwrap().0;
        assert_eq!((spec.user.as_deref(), spec.host.as_str()), (Some("the one"), "a=b"));
        assert_eq!(found.notes(), ["the variable motd is not taken (line 4)"]);
    }

    #[test]
    fn groups_in_a_circle_end() {
        let found = read("[a]\nx\n[a:children]\nb\n[b:children]\na\n").unwrap();
        let labels = &found.servers.values().next().unwrap().0.labels;
        let groups: BTreeSet<&str> = labels[LABEL].items().iter().map(String::as_str).collect();
        assert_eq!(groups, BTreeSet::from(["a", "b"]));
    }
}
