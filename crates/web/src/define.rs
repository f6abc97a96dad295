//! The one door for everything that can be defined: a fleet of any size is checked, compared with what is stored,
//! and stored, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use actions::{
    Action, Actor, Brought, Change, Definitions, KeyTrouble, NewCredential, NewSecret, Object, PublicHalf,
    is_masked,
};
use api::{
    ApplyAnswer, ChangeAction, Checked, Credential, CredentialKind, FieldError, FieldErrors, Fleet, What,
};
use model::{ExposeSecret, Name};

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
    let halves = public_halves(state, actor, fleet).await?;
    let brought = Brought {
        credentials: candidates(fleet).map(|credential| sealed(&credential, None)).collect(),
        secrets: fleet.check_parts().map(|checked| new_secrets(&checked)).unwrap_or_default(),
    };
    let judge = |defined: &Definitions| {
        allow(defined)?;
        let stored = stored(defined);
        let checked = fleet.check(Some(&stored))?;
        let mut changes = api::apply::changes(&checked, &stored, &defined.new_secrets, &defined.new_values);
        if manner.prune {
            changes.extend(api::apply::prunes(&checked, &managed(defined)));
        }
        let made = if manner.plan {
            Vec::new()
        } else {
            made(&changes, &checked, defined, &halves, manner.by_apply)
        };
        let notes = notes(&changes, &checked);
        Ok((made, ApplyAnswer { changes, notes }))
    };
    state.actions.define(actor, action, &object, &brought, judge).await
}

/// The credentials of a fleet that are right by themselves.
fn candidates(fleet: &Fleet) -> impl Iterator<Item = Credential> {
    fleet.credentials.iter().filter_map(|(name, spec)| spec.check(&name.parse().ok()?).ok())
}

/// The public halves of all private keys in the fleet, or which of them cannot be used.
async fn public_halves(
    state: &AppState,
    actor: &Actor,
    fleet: &Fleet,
) -> Result<BTreeMap<Name, PublicHalf>, Refusal> {
    let mut errors = FieldErrors::default();
    let mut found = BTreeMap::new();
    for Credential { name, kind, secret, passphrase, .. } in candidates(fleet) {
        let Some(secret) = secret.filter(|_| kind.is_key()) else { continue };
        match state.actions.public_half(actor, secret, passphrase).await? {
            Ok(half) => _ = found.insert(name, half),
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
    halves: &BTreeMap<Name, PublicHalf>,
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
        let kept = || {
            let record = kept?;
            Some((record.fingerprint.clone()?, record.public_key.clone()))
        };
        let half =
            halves.get(name).map(|half| (half.fingerprint.clone(), Some(half.line.clone()))).or_else(kept);
        made.push(Change::PutCredential { credential: sealed(credential, half), managed });
    }
    for (_, template) in checked.templates.iter().filter(|(name, _)| has(What::Hook, name.as_str())) {
        made.push(Change::PutTemplate { template: template.clone(), managed });
    }
    for (_, server) in checked.servers.iter().filter(|(name, _)| has(What::Server, name.as_str())) {
        made.push(Change::PutServer { server: server.clone(), managed });
    }
    for (name, selector) in checked.groups.iter().filter(|(name, _)| has(What::Group, name.as_str())) {
        made.push(Change::PutGroup { name: name.clone(), selector: selector.clone(), managed });
    }
    for (_, project) in checked.projects.iter().filter(|(name, _)| has(What::Project, name.as_str())) {
        made.push(Change::PutProject { project: project.clone(), managed });
    }
    for ((project, name), site) in &checked.sites {
        if has(What::Environment, &api::apply::site_name(project, name)) {
            made.push(Change::PutSite { project: project.clone(), site: site.clone(), managed });
        }
    }
    for (name, credential) in &checked.credentials {
        let is_typed = credential.kind == CredentialKind::SshPassword && credential.secret.is_some();
        if is_typed && !has(What::Credential, name.as_str()) {
            made.push(Change::ConfirmPassword(name.clone()));
        }
    }
    let put =
        |secret: &NewSecret| has(What::Secret, &api::variable::secret_name(&secret.scope, &secret.name));
    made.extend(new_secrets(checked).into_iter().filter(put).map(Change::PutSecret));
    made.extend(changes.iter().filter(|change| change.action == ChangeAction::Delete).filter_map(deleted));
    made
}

/// `half` is the fingerprint and the public half of a key.
fn sealed(credential: &Credential, half: Option<(String, Option<String>)>) -> NewCredential {
    let (fingerprint, public_key) = half.unzip();
    NewCredential {
        name: credential.name.clone(),
        kind: kind_stored(credential.kind),
        fingerprint,
        public_key: public_key.flatten(),
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
        What::Group => Change::DeleteGroup(change.name.parse().ok()?),
        What::Project => Change::DeleteProject(change.name.parse().ok()?),
        // Nobody takes a secret away but by name: no file has it.
        What::Secret => return None,
        What::Environment => {
            let (project, site) = change.name.split_once('/')?;
            Change::DeleteSite { project: project.parse().ok()?, site: site.parse().ok()? }
        }
    })
}

/// The secrets whose values were brought.
fn new_secrets(checked: &Checked) -> Vec<NewSecret> {
    let new =
        |((scope, name), value): (&(model::Scope, model::VariableName), &Option<model::SecretString>)| {
            let value = value.clone()?;
            let masked = is_masked(value.expose_secret());
            Some(NewSecret { scope: scope.clone(), name: name.clone(), value, masked })
        };
    checked.secrets.iter().filter_map(new).collect()
}

/// What has to be known about the secrets that change: some are not masked.
fn notes(changes: &[api::Change], checked: &Checked) -> Vec<String> {
    let short = |what: &str, name: &str| {
        format!("{what} {name} is too short to be masked: it stands in logs as it is written there")
    };
    let changed = |what: What, name: &str| changes.iter().any(|it| it.what == what && it.name == name);
    let mut notes = Vec::new();
    for secret in new_secrets(checked).iter().filter(|secret| !secret.masked) {
        let name = api::variable::secret_name(&secret.scope, &secret.name);
        notes.extend(changed(What::Secret, &name).then(|| short("secret", &name)));
    }
    for (name, credential) in &checked.credentials {
        let bare = credential.secret.as_ref().is_some_and(|secret| !is_masked(secret.expose_secret()));
        if bare && changed(What::Credential, name.as_str()) {
            notes.push(short("credential", name.as_str()));
        }
    }
    notes
}

/// `errors` as they are seen from inside the one thing that was sent.
pub(crate) fn inside(prefix: &str, errors: Vec<FieldError>) -> Vec<FieldError> {
    errors.into_iter().map(|error| error.inside(prefix)).collect()
}
