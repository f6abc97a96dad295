//! The data folder and what must be closed in it.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use actions::{Health, MachineFinding};
use nix::unistd::geteuid;

use super::{found, ok};
use crate::config::Settings;
use crate::places::{Env, SECRET};

/// Looks at the folder and the master key.
pub(super) fn look(settings: &Settings) -> Vec<MachineFinding> {
    let data = &settings.data;
    let about = match fs::metadata(data) {
        Ok(about) => about,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let detail = format!("{} is not there yet", data.display());
            return vec![found(
                "data",
                Health::Warning,
                detail,
                "aweigh serve makes it; or name another one with --data",
            )];
        }
        Err(error) => {
            let detail = format!("{} cannot be read: {error}", data.display());
            return vec![found("data", Health::Failed, detail, "run this as the user of Aweigh")];
        }
    };
    vec![folder(data, &about, settings.build.user.is_some()), key(data, Env::process())]
}

/// The folder belongs to the user of Aweigh, and is closed to others but for the way to the folders of builds.
fn folder(data: &Path, about: &Metadata, has_builder: bool) -> MachineFinding {
    let shown = data.display();
    if about.uid() != geteuid().as_raw() {
        let detail = format!("{shown} belongs to user {}, and this is user {}", about.uid(), geteuid());
        return found(
            "data",
            Health::Failed,
            detail,
            "run aweigh serve, and this, as the owner of the folder",
        );
    }
    let mode = about.mode() & 0o777;
    let open = if has_builder { 0o066 } else { 0o077 };
    if mode & open != 0 {
        let right = if has_builder { "711" } else { "700" };
        let detail = format!("{shown} is open to other users (mode {mode:03o})");
        return found("data", Health::Failed, detail, format!("chmod {right} {shown}"));
    }
    // Behind a closed folder a file may have any mode; behind one that can be passed it may not.
    let is_passable = mode & 0o011 != 0;
    let is_open = |name: &&&str| fs::metadata(data.join(name)).is_ok_and(|about| about.mode() & 0o077 != 0);
    let counts = |name: &&&str| is_passable || name.starts_with("master.key");
    match SECRET.iter().filter(counts).find(is_open) {
        Some(name) => {
            let path = data.join(name);
            let detail = format!("other users can open {}", path.display());
            found("data", Health::Failed, detail, format!("chmod 600 {}", path.display()))
        }
        None => ok("data", format!("{shown} is closed to other users")),
    }
}

fn key(data: &Path, env: Env<'_>) -> MachineFinding {
    if env.get("AWEIGH_MASTER_KEY").is_some() {
        return ok("master key", "it is given by AWEIGH_MASTER_KEY");
    }
    let path = data.join("master.key");
    if path.exists() {
        return ok("master key", format!("it is in {}; keep a copy where the backup is not", path.display()));
    }
    let detail = format!("{} is not there, and AWEIGH_MASTER_KEY is not set", path.display());
    if data.join("aweigh.db").exists() {
        let hint = "put the copy back: without it no stored secret can be opened. A key that the server got from its environment is seen by the running server only";
        return found("master key", Health::Failed, detail, hint);
    }
    found("master key", Health::Warning, detail, "aweigh serve makes it at its first start")
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_that_is_open_is_told_with_the_command_that_closes_it() {
        let folder_ = tempfile::tempdir().unwrap();
        let data = folder_.path();
        fs::write(data.join("aweigh.db"), "").unwrap();
        fs::set_permissions(data.join("aweigh.db"), Permissions::from_mode(0o644)).unwrap();
        let at = |mode: u32, has_builder| {
            fs::set_permissions(data, Permissions::from_mode(mode)).unwrap();
            folder(data, &fs::metadata(data).unwrap(), has_builder)
        };
        assert_eq!(at(0o700, false).health, Health::Ok);
        for (mode, has_builder, hint) in
            [(0o755, false, "chmod 700 "), (0o711, false, "chmod 700 "), (0o755, true, "chmod 711 ")]
        {
            let found = at(mode, has_builder);
            assert_eq!(found.health, Health::Failed, "{mode:o}");
            assert_eq!(found.hint.unwrap(), format!("{hint}{}", data.display()));
        }
        let found = at(0o711, true);
        assert_eq!(found.hint.unwrap(), format!("chmod 600 {}", data.join("aweigh.db").display()));
        fs::set_permissions(data.join("aweigh.db"), Permissions::from_mode(0o600)).unwrap();
        assert_eq!(at(0o711, true).health, Health::Ok);
        // A key is told behind a closed folder, too: one that is about to take the place of the other as well.
        for name in ["master.key", "master.key.next"] {
            fs::set_permissions(data.join("aweigh.db"), Permissions::from_mode(0o644)).unwrap();
            fs::write(data.join(name), "").unwrap();
            fs::set_permissions(data.join(name), Permissions::from_mode(0o640)).unwrap();
            let found = at(0o700, false);
            assert_eq!(found.hint.unwrap(), format!("chmod 600 {}", data.join(name).display()));
            fs::remove_file(data.join(name)).unwrap();
        }
    }

    #[test]
    fn a_database_without_its_key_has_failed() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let none = |_: &str| None;
        let given = |_: &str| Some("00".repeat(32));
        assert_eq!(key(data, Env::new(&none)).health, Health::Warning);
        fs::write(data.join("aweigh.db"), "").unwrap();
        assert_eq!(key(data, Env::new(&none)).health, Health::Failed);
        assert_eq!(key(data, Env::new(&given)).health, Health::Ok);
        fs::write(data.join("master.key"), "").unwrap();
        assert_eq!(key(data, Env::new(&none)).health, Health::Ok);
    }
}
