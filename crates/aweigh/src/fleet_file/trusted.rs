//! The host keys and authorities of a fleet file's `known_hosts`: looked up here and sent as `host_key`.

use std::path::Path;

use api::{FieldError, Fleet, OneOrMany};
use transport::{Authority, HostKey};

use super::{beside, read_text};
use crate::places::Env;

/// The largest `known_hosts` file that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// Puts the keys of `known_hosts` files into the servers that name no key. Answers what is wrong.
pub(super) fn fill(fleet: &mut Fleet, folder: &Path, env: Env<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let defaults = &mut fleet.defaults.server;
    let common = defaults.known_hosts.take().and_then(|name| {
        let text = read(&name, folder, env);
        text.map_err(|error| errors.push(error.under("defaults.server"))).ok()
    });
    for (name, spec) in &mut fleet.servers {
        let own = match spec.known_hosts.take().map(|name| read(&name, folder, env)).transpose() {
            Ok(own) => own,
            Err(error) => {
                errors.push(error.under(&format!("servers.{name}")));
                continue;
            }
        };
        let Some(text) = own.as_ref().or(common.as_ref()) else { continue };
        if spec.host_key.is_some() || spec.host == "local" {
            continue;
        }
        // A port that is none is refused by the check that follows.
        let port = spec.port.or(defaults.port).map_or(Ok(22), u16::try_from).unwrap_or(22);
        let mut keys: Vec<String> =
            HostKey::in_known_hosts(text, &spec.host, port).iter().map(ToString::to_string).collect();
        let authorities = Authority::in_known_hosts(text, &spec.host, port);
        keys.extend(authorities.iter().map(ToString::to_string));
        if !keys.is_empty() {
            spec.host_key = Some(OneOrMany::from(keys));
        } else if own.is_some() {
            let why = format!("has no key for {} on port {port}", spec.host);
            errors.push(FieldError::new(format!("servers.{name}.known_hosts"), why));
        }
    }
    errors
}

fn read(name: &str, folder: &Path, env: Env<'_>) -> Result<String, FieldError> {
    let path = beside(folder, name, env);
    read_text(&path, LARGEST)
        .map_err(|why| FieldError::new("known_hosts", format!("names {}, and {why}", path.display())))
}
