//! The secrets that a fleet file names: read from their files and variables here, so that only texts are sent.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use api::{CredentialKind, CredentialSpec, FieldError, Fleet, Passphrase, Secret, SecretSpec, SecretSpecs};
use secrecy::SecretString;

use super::{Found, beside, key, read_text};
use crate::places::Env;
use crate::render::note;

/// The longest secret that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// Puts the secrets into `fleet`. Answers which credentials have none here, and what is wrong with the others.
pub(super) fn fill(
    fleet: &mut Fleet,
    folder: &Path,
    env: Env<'_>,
) -> (Vec<(String, FieldError)>, Vec<FieldError>) {
    let (mut absent, mut errors) = (Vec::new(), Vec::new());
    for (name, spec) in &mut fleet.credentials {
        let table = format!("credentials.{name}");
        let passphrase = spec.passphrase.take();
        match secret_of(spec, passphrase, folder, env) {
            Ok(None) => {}
            Ok(Some(found)) => {
                spec.secret = Some(Secret(found.secret));
                spec.passphrase = found.passphrase.map(|text| Passphrase::Text(Secret(text)));
            }
            Err(Trouble::Absent(error)) => absent.push((name.clone(), error.under(&table))),
            Err(Trouble::Bad(error)) => errors.push(error.under(&table)),
        }
        (spec.file, spec.env, spec.certificate) = (None, None, None);
    }
    for (table, secrets) in tables(fleet) {
        for (name, spec) in secrets {
            match value_of(spec, folder, env) {
                Ok(value) => *spec = SecretSpec { value, ..SecretSpec::default() },
                Err(Trouble::Absent(error)) => {
                    note(&format!("note: {}; what is stored stays", error.under(&format!("{table}.{name}"))));
                    *spec = SecretSpec::default();
                }
                Err(Trouble::Bad(error)) => errors.push(error.under(&format!("{table}.{name}"))),
            }
        }
    }
    (absent, errors)
}

/// Every table of secrets in `fleet`, and where it stands.
fn tables(fleet: &mut Fleet) -> Vec<(String, &mut SecretSpecs)> {
    let mut tables = Vec::new();
    for (name, server) in &mut fleet.servers {
        tables.push((format!("servers.{name}.secrets"), &mut server.secrets));
    }
    for (name, project) in &mut fleet.projects {
        tables.push((format!("projects.{name}.secrets"), &mut project.secrets));
        for (site, environment) in &mut project.environments {
            let table = format!("projects.{name}.environments.{site}.secrets");
            tables.push((table, &mut environment.secrets));
        }
    }
    tables
}

/// The value that `spec` names. It is read as a token is: without the line end behind it.
fn value_of(spec: &SecretSpec, folder: &Path, env: Env<'_>) -> Result<Option<Secret>, Trouble> {
    if spec.value.is_some() && (spec.file.is_some() || spec.env.is_some()) {
        return Err(bad("", "has more than one of file, env and value; keep one"));
    }
    let token = CredentialSpec {
        kind: Some(CredentialKind::GitToken),
        file: spec.file.clone(),
        env: spec.env.clone(),
        secret: spec.value.clone(),
        ..CredentialSpec::default()
    };
    Ok(secret_of(&token, None, folder, env)?.map(|found| Secret(found.secret)))
}

/// Why there is no secret.
#[derive(Debug)]
pub enum Trouble {
    /// The file or the variable is not there.
    Absent(FieldError),
    /// It is there, and of no use.
    Bad(FieldError),
}

impl Trouble {
    /// What is wrong.
    pub fn error(self) -> FieldError {
        match self {
            Self::Absent(error) | Self::Bad(error) => error,
        }
    }
}

/// The secret that `spec` names by `file`, `env` or `secret`, if it names one.
///
/// # Errors
/// It cannot be read, or is a key that needs a passphrase and has none.
pub fn secret_of(
    spec: &CredentialSpec,
    passphrase: Option<Passphrase>,
    folder: &Path,
    env: Env<'_>,
) -> Result<Option<Found>, Trouble> {
    let (field, place, text) = match (&spec.file, &spec.env, &spec.secret) {
        (None, None, None) if spec.certificate.is_some() => {
            return Err(bad("certificate", "goes with a key: name that too, by file, env or secret"));
        }
        (None, None, None) => return Ok(None),
        (Some(file), None, None) => ("file", format!("the file {file:?}"), from_file(file, folder, env)?),
        (None, Some(name), None) => ("env", format!("the variable {name}"), variable("env", name, env)?),
        (None, None, Some(secret)) => ("secret", "the secret".to_owned(), secret.0.clone()),
        _ => return Err(bad("", "has more than one of file, env and secret; keep one")),
    };
    let passphrase = match passphrase {
        None => None,
        Some(Passphrase::Text(text)) => Some(text.0),
        Some(Passphrase::Env { env: name }) => Some(variable("passphrase.env", &name, env)?),
    };
    let is_key = spec.kind.is_some_and(CredentialKind::is_key);
    let plain = secrecy::ExposeSecret::expose_secret(&text);
    if is_key && passphrase.is_none() && key::needs_passphrase(plain) {
        let why = format!(
            "is an encrypted key ({place}) and there is no passphrase; add passphrase = {{ env = \"NAME\" }}"
        );
        return Err(bad(field, &why));
    }
    let secret = match &spec.certificate {
        Some(name) => with_certificate(spec, &text, &beside(folder, name, env))?,
        None if is_key => text,
        None => without_line_end(&text),
    };
    Ok(Some(Found { secret, passphrase }))
}

/// The key, and behind it its certificate, as they are stored.
fn with_certificate(spec: &CredentialSpec, key: &SecretString, path: &Path) -> Result<SecretString, Trouble> {
    if spec.kind != Some(CredentialKind::SshKey) {
        return Err(bad("certificate", "goes with ssh-key only"));
    }
    let told = |why: &str| bad("certificate", &format!("names {}, and {why}", path.display()));
    let line = read_text(path, LONGEST).map_err(|why| told(&why))?;
    let line = line.trim();
    if line.lines().count() != 1 || !line.contains("-cert-v01@openssh.com ") {
        return Err(told("it is not one OpenSSH certificate, which ends in -cert.pub"));
    }
    Ok(format!("{}\n{line}\n", secrecy::ExposeSecret::expose_secret(key).trim_end()).into())
}

fn from_file(name: &str, folder: &Path, env: Env<'_>) -> Result<SecretString, Trouble> {
    let path = beside(folder, name, env);
    let told = |why: String| format!("names {}, and {why}", path.display());
    match read_text(&path, LONGEST) {
        Ok(text) => {
            warn_of_readers(&path);
            Ok(text.into())
        }
        Err(why) if !path.exists() => Err(Trouble::Absent(FieldError::new("file", told(why)))),
        Err(why) => Err(bad("file", &told(why))),
    }
}

fn variable(field: &str, name: &str, env: Env<'_>) -> Result<SecretString, Trouble> {
    let absent = || FieldError::new(field, format!("names the variable {name}, which is not set"));
    env.get(name).map(SecretString::from).ok_or_else(|| Trouble::Absent(absent()))
}

fn bad(field: &str, why: &str) -> Trouble {
    Trouble::Bad(FieldError::new(field, why))
}

/// Editors end files with a line end; no password means one.
fn without_line_end(text: &SecretString) -> SecretString {
    secrecy::ExposeSecret::expose_secret(text).trim_end_matches(['\n', '\r']).into()
}

fn warn_of_readers(path: &Path) {
    if let Ok(about) = path.metadata()
        && about.mode() & 0o004 != 0
    {
        let mode = about.mode() & 0o7777;
        note(&format!("warning: every user can read {} (mode {mode:04o}): chmod 600", path.display()));
    }
}
