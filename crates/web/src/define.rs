//! The one door for everything that can be defined: a fleet of any size is checked, compared with what is stored,
//! and stored, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use actions::{Action, Actor, Change, Definitions, KeyTrouble, NewCredential, Object};
use api::{ApplyAnswer, ChangeAction, Checked, Credential, FieldError, FieldErrors, Fleet, What};
use model::Name;

use crate::AppState;
use crate::error::Refusal;
use crate::thing::{kind_stored, managed, stored};

/// How a fleet is to be defined.
pub(crate) struct Manner {
    /// Only tell what would change.
    pub(crate) plan: bool,
    /// Remove what `apply` made and the fleet does not name.
    pub(crate) prune: bool,
    /// `apply` does it: what is new may be removed by a later `--prune`.
    pub(crate) by_apply: bool,
}

/// Defines `fleet` and answers what changed. `allow` looks at what is stored first and may refuse.
pub(crate) async fn define(
    state: &AppState,
    actor: &Actor,
    (action, object): (Action, Object<'_>),
    fleet: &Fleet,
    manner: Manner,
    allow: impl FnOnce(&Definitions) -> Result<(), Refusal> + Send,
) -> Result<ApplyAnswer, Refusal> {
    let fingerprints = fingerprints(state, actor, fleet).await?;
    let secrets: Vec<NewCredential> = candidates(fleet).map(|credential| sealed(&credential, None)).collect();
    let judge = |defined: &Definitions| {
        allow(defined)?;
        let stored = stored(defined);
        let checked = fleet.check(Some(&stored))?;
        let mut changes = api::apply::changes(&checked, &stored, &defined.new_secrets);
        if manner.prune {
            changes.extend(api::apply::prunes(&checked, &managed(defined)));
        }
        let made = if manner.plan {
            Vec::new()
        } else {
            made(&changes, &checked, defined, &fingerprints, manner.by_apply)
        };
        Ok((made, ApplyAnswer { changes }))
    };
    state.actions.define(actor, action, &object, &secrets, judge).await
}

/// The credentials of a fleet that are right by themselves.
fn candidates(fleet: &Fleet) -> impl Iterator<Item = Credential> {
    fleet.credentials.iter().filter_map(|(name, spec)| spec.check(&name.parse().ok()?).ok())
}

/// The fingerprints of all private keys in the fleet, or which of them cannot be used.
async fn fingerprints(
    state: &AppState,
    actor: &Actor,
    fleet: &Fleet,
) -> Result<BTreeMap<Name, String>, Refusal> {
    let mut errors = FieldErrors::default();
    let mut found = BTreeMap::new();
    for Credential { name, kind, secret, passphrase, .. } in candidates(fleet) {
        let Some(secret) = secret.filter(|_| kind.is_key()) else { continue };
        match state.actions.fingerprint(actor, secret, passphrase).await? {
            Ok(fingerprint) => _ = found.insert(name, fingerprint),
            Err(KeyTrouble::NeedsPassphrase) => {
                errors.add(format!("credentials.{name}.passphrase"), "is missing: the key is encrypted");
            }
            Err(KeyTrouble::WrongPassphrase) => {
                errors.add(format!("credentials.{name}.passphrase"), "does not open the key");
            }
            Err(KeyTrouble::Unreadable(why)) => {
                errors.add(
                    format!("credentials.{name}.secret"),
                    format_args!("is not a private key that can be read: {why}"),
                );
            }
        }
    }
    Ok(errors.finish(Some(found))?)
}

/// The changes as they are stored, those that depend on others after them.
fn made(
    changes: &[api::Change],
    checked: &Checked,
    defined: &Definitions,
    fingerprints: &BTreeMap<Name, String>,
    managed: bool,
) -> Vec<Change> {
    let put: BTreeSet<(What, &str)> = changes
        .iter()
        .filter(|change| change.action != ChangeAction::Delete)
        .map(|change| (change.what, change.name.as_str()))
        .collect();
    let has = |what: What, name: &str| put.contains(&(what, name));
    let mut made = Vec::new();
    for (name, credential) in
        checked.credentials.iter().filter(|(name, _)| has(What::Credential, name.as_str()))
    {
        let kept = defined.credentials.iter().find(|record| record.name == *name);
        let kept =
            kept.filter(|record| credential.secret.is_none() && record.kind == kind_stored(credential.kind));
        let fingerprint =
            fingerprints.get(name).cloned().or_else(|| kept.and_then(|record| record.fingerprint.clone()));
        made.push(Change::PutCredential { credential: sealed(credential, fingerprint), managed });
    }
    for (_, template) in checked.templates.iter().filter(|(name, _)| has(What::Hook, name.as_str())) {
        made.push(Change::PutTemplate { template: template.clone(), managed });
    }
    for (_, server) in checked.servers.iter().filter(|(name, _)| has(What::Server, name.as_str())) {
        made.push(Change::PutServer { server: server.clone(), managed });
    }
    for (_, project) in checked.projects.iter().filter(|(name, _)| has(What::Project, name.as_str())) {
        made.push(Change::PutProject { project: project.clone(), managed });
    }
    for ((project, name), site) in &checked.sites {
        if has(What::Environment, &api::apply::site_name(project, name)) {
            made.push(Change::PutSite { project: project.clone(), site: site.clone(), managed });
        }
    }
    made.extend(changes.iter().filter(|change| change.action == ChangeAction::Delete).filter_map(deleted));
    made
}

fn sealed(credential: &Credential, fingerprint: Option<String>) -> NewCredential {
    NewCredential {
        name: credential.name.clone(),
        kind: kind_stored(credential.kind),
        fingerprint,
        username: credential.username.clone(),
        secret: credential.secret.clone(),
        passphrase: credential.passphrase.clone(),
    }
}

fn deleted(change: &api::Change) -> Option<Change> {
    Some(match change.what {
        What::Credential => Change::DeleteCredential(change.name.parse().ok()?),
        What::Hook => Change::DeleteTemplate(change.name.parse().ok()?),
        What::Server => Change::DeleteServer(change.name.parse().ok()?),
        What::Project => Change::DeleteProject(change.name.parse().ok()?),
        What::Environment => {
            let (project, site) = change.name.split_once('/')?;
            Change::DeleteSite { project: project.parse().ok()?, site: site.parse().ok()? }
        }
    })
}

/// `errors` as they are seen from inside the one thing that was sent.
pub(crate) fn inside(prefix: &str, errors: Vec<FieldError>) -> Vec<FieldError> {
    errors.into_iter().map(|error| error.inside(prefix)).collect()
}
