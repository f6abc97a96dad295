//! Ways through other servers: each leads somewhere, none in a circle, none too far.

use std::iter::once;

use model::{Address, MOST_JUMPS, Name, Server};

use crate::FieldErrors;
use crate::checked::{Checked, Whole};
use crate::closest::suggestion;

/// Tells every way that cannot be gone, where `input` has a part in it.
pub(crate) fn judge(input: &Checked, whole: &Whole<'_>, errors: &mut FieldErrors) {
    for (name, server) in &whole.servers {
        let Some(Wrong { message, way }) = wrong(server, whole) else { continue };
        match once(*name).chain(way).find(|name| input.servers.contains_key(*name)) {
            Some(blamed) if blamed == *name => errors.add(format!("servers.{name}.jump"), message),
            Some(blamed) => {
                let field = format!("servers.{blamed}");
                errors.add(field, format_args!("would spoil the way to {name}, whose jump {message}"));
            }
            None => {}
        }
    }
}

struct Wrong<'a> {
    message: String,
    /// The servers that the way leads through, the nearest first.
    way: Vec<&'a Name>,
}

/// What is wrong with the way to `server`; what is wrong with a server on it is told of that one.
fn wrong<'a>(server: &'a Server, whole: &Whole<'a>) -> Option<Wrong<'a>> {
    let mut way: Vec<&Name> = Vec::new();
    let mut next = server.jump();
    while let Some(name) = next {
        let is_first = way.is_empty();
        if *name == server.name {
            let message = if is_first { "is the server itself" } else { "leads back to the server itself" };
            return Some(Wrong { message: message.to_owned(), way });
        }
        if way.contains(&name) {
            return None;
        }
        way.push(name);
        let Some(jump) = whole.servers.get(name) else {
            let near = suggestion(name.as_str(), whole.servers.keys().map(|name| name.as_str()));
            let message = format!("names {name}, which is not a server{near}");
            return is_first.then_some(Wrong { message, way });
        };
        if jump.address == Address::Local {
            let message =
                format!("names {name}, the machine of Aweigh, where every way begins; leave it out");
            return is_first.then_some(Wrong { message, way });
        }
        next = jump.jump();
    }
    let too_far = way.len() > MOST_JUMPS;
    too_far.then(|| Wrong {
        message: format!("leads through {} servers; {MOST_JUMPS} is the most", way.len()),
        way,
    })
}
