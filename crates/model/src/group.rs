//! Groups: selectors that were given a name, `web = "role=web&env=production"`, and are meant by `@web`.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Name, Selector, Server};

/// How many groups there may be.
pub const MOST_GROUPS: usize = 500;

/// Selectors by the names of their groups.
pub type Groups = BTreeMap<Name, Selector>;

/// Notes in every server the groups that it is in. A group that does not exist has nobody in it.
pub fn assign<'s>(servers: impl IntoIterator<Item = &'s mut Server>, groups: &Groups) {
    let order = inner_first(groups);
    for server in servers {
        server.groups.clear();
        for (name, selector) in &order {
            if selector.matches(server) {
                server.groups.insert((*name).clone());
            }
        }
    }
}

/// The groups, each behind those that it is made of.
fn inner_first(groups: &Groups) -> Vec<(&Name, &Selector)> {
    fn visit<'g>(
        name: &'g Name,
        groups: &'g Groups,
        seen: &mut BTreeSet<&'g Name>,
        order: &mut Vec<(&'g Name, &'g Selector)>,
    ) {
        let Some(selector) = groups.get(name).filter(|_| seen.insert(name)) else { return };
        for inner in selector.groups() {
            visit(inner, groups, seen, order);
        }
        order.push((name, selector));
    }
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    for name in groups.keys().take(MOST_GROUPS) {
        visit(name, groups, &mut seen, &mut order);
    }
    order
}

/// The groups by which `name` leads back to itself, itself at both ends; `None` where it does not.
pub fn circle<'g>(name: &'g Name, groups: &'g Groups) -> Option<Vec<&'g Name>> {
    let mut came_from: BTreeMap<&Name, &Name> = BTreeMap::new();
    let mut open = vec![name];
    while let Some(outer) = open.pop() {
        for inner in groups.get(outer).into_iter().flat_map(Selector::groups) {
            if inner == name {
                let mut way = vec![name];
                let mut at = outer;
                while at != name {
                    way.push(at);
                    at = came_from.get(at)?;
                }
                way.push(name);
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(inner) {
                came_from.insert(inner, outer);
                open.push(inner);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Address, Labels};

    fn groups(all: &[(&str, &str)]) -> Groups {
        all.iter().map(|(name, text)| (name.parse().unwrap(), text.parse().unwrap())).collect()
    }

    fn server(name: &str) -> Server {
        Server {
            name: name.parse().unwrap(),
            address: Address::Local,
            labels: Labels::new(),
            variables: crate::Variables::new(),
            groups: BTreeSet::new(),
        }
    }

    #[test]
    fn a_server_is_in_a_group_and_in_those_that_are_made_of_it() {
        let groups = groups(&[
            ("all-web", "@web,@spare"),
            ("spare", "web-9"),
            ("web", "web-[1:2]"),
            ("none", "@gone"),
        ]);
        let mut servers = ["web-1", "web-3", "web-9"].map(server);
        assign(&mut servers, &groups);
        let of = |place: usize| servers[place].groups.iter().map(Name::as_str).collect::<Vec<_>>();
        assert_eq!([of(0), of(1), of(2)], [vec!["all-web", "web"], vec![], vec!["all-web", "spare"]]);
        let meant: Selector = "@all-web&web-1,web-3".parse().unwrap();
        assert_eq!(servers.each_ref().map(|server| meant.matches(server)), [true, true, false]);
        assign(&mut servers, &Groups::new());
        assert!(servers.iter().all(|server| server.groups.is_empty()), "what was before counts no more");
    }

    #[test]
    fn a_circle_is_found_from_each_of_its_groups_and_ends_nowhere_else() {
        let groups = groups(&[
            ("a", "@b"),
            ("b", "x,@c"),
            ("c", "@a&y"),
            ("d", "@a"),
            ("e", "@e"),
            ("f", "@g"),
            ("g", "z"),
        ]);
        let told = |name: &str| {
            let way = circle(groups.get_key_value(&name.parse::<Name>().unwrap()).unwrap().0, &groups);
            way.map(|way| way.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(told("a").as_deref(), Some("a b c a"));
        assert_eq!(told("b").as_deref(), Some("b c a b"));
        assert_eq!(told("d"), None, "it leads into a circle and is no part of it");
        assert_eq!(told("e").as_deref(), Some("e e"));
        assert_eq!(told("f"), None);
        // Even so nothing here runs for ever.
        assign(&mut [server("x")], &groups);
    }
}
