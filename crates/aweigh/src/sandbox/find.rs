//! Finds out what can be built around jobs on this machine, once, when the server starts.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use engine::sandbox::{Sandbox, Walls};
use nix::unistd::{User, geteuid};

use super::landlock::{self, Kernel};
use super::{cgroup, devices, folders};
use crate::advice::Advised;
use crate::places;

/// What `server.toml` says of builds and hooks on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildSettings {
    /// The user they run as; `None` for the one of Aweigh.
    pub user: Option<String>,
    /// The lowest level at which they run.
    pub min_sandbox: u8,
    /// What they may read besides their own and the system's.
    pub read: Vec<PathBuf>,
    /// What they may change besides their own.
    pub write: Vec<PathBuf>,
}

/// Folders that every user has to get through, and no more.
const WAYS: [&str; 3] = ["", "work", "homes"];

/// Folders that are nobody else's.
const CLOSED: [&str; 5] = ["mirrors", "artifacts", "caches", "recordings", "spool"];

/// What holds on this machine. Prepares the data folder for another user, and a cgroup, where there are such.
///
/// # Errors
/// The user is not there or cannot be used, or an open folder holds the data folder.
pub fn find(settings: &BuildSettings, data: &Path) -> anyhow::Result<Sandbox> {
    check(settings, data)?;
    if settings.user.is_some() {
        open_the_way(data).map_err(|error| anyhow::anyhow!("cannot prepare {}: {error}", data.display()))?;
    }
    here(settings, data, cgroup::base())
}

/// The same without preparing anything: what would hold if a server started here.
///
/// # Errors
/// As [`find`].
pub fn look(settings: &BuildSettings, data: &Path) -> anyhow::Result<Sandbox> {
    check(settings, data)?;
    here(settings, data, cgroup::look())
}

/// What holds on this machine, with that cgroup.
fn here(
    settings: &BuildSettings,
    data: &Path,
    cgroup: Result<cgroup::Base, String>,
) -> anyhow::Result<Sandbox> {
    let (program, devices) = (std::env::current_exe()?, own_devices(settings, data));
    Ok(assess(settings, data, program, landlock::kernel(), devices, cgroup))
}

/// Whether the settings can be used here.
fn check(settings: &BuildSettings, data: &Path) -> anyhow::Result<()> {
    for open in settings.read.iter().chain(&settings.write) {
        for (closed, what) in [(data, "the data folder"), (Path::new(folders::SETTINGS), folders::SETTINGS)] {
            if real(closed).starts_with(real(open)) || real(open).starts_with(real(closed)) {
                let what = format!("build.read and build.write would open {what}: {}", open.display());
                return Err(Advised::new(what, "name folders beside it").into());
            }
        }
    }
    let Some(name) = &settings.user else { return Ok(()) };
    let hint = format!("useradd --system --shell /usr/sbin/nologin {name}; or leave build.user out");
    let found = User::from_name(name)?
        .ok_or_else(|| Advised::new(format!("build.user names {name}, and there is no such user"), &hint))?;
    if found.uid.is_root() {
        return Err(Advised::new("build.user must not be root", "name a user that owns nothing").into());
    }
    if !geteuid().is_root() {
        let what = format!("only root can run builds as another user, such as {name}");
        return Err(Advised::new(what, "run aweigh serve as root, or leave build.user out").into());
    }
    for above in real(data).ancestors().skip(1) {
        let is_passable =
            |about: fs::Metadata| about.mode() & 0o001 != 0 || about.uid() == found.uid.as_raw();
        if !fs::metadata(above).is_ok_and(is_passable) {
            let what = format!("the user {name} of build.user cannot pass {}", above.display());
            let hint = format!("chmod o+x {}, or choose another place with --data", above.display());
            return Err(Advised::new(what, hint).into());
        }
    }
    Ok(())
}

/// Where `path` leads; itself, when it is not there yet.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether jobs can have terminals and shared memory of their own; else why not.
fn own_devices(settings: &BuildSettings, data: &Path) -> Result<(), String> {
    let memory = real(Path::new(devices::MEMORY));
    let mut theirs = settings.read.iter().chain(&settings.write).map(PathBuf::as_path).chain([data]);
    // It would be hidden from them.
    match theirs.find(|path| real(path).starts_with(&memory)) {
        Some(inside) => Err(format!("{} lies in {}", inside.display(), devices::MEMORY)),
        None => devices::tried(),
    }
}

/// The data folder is closed to others, and the folders of builds lie in it: what is on the way can be passed, and nothing
/// beside it can be opened.
fn open_the_way(data: &Path) -> io::Result<()> {
    for name in WAYS {
        fs::create_dir_all(data.join(name))?;
        fs::set_permissions(data.join(name), Permissions::from_mode(0o711))?;
    }
    for name in CLOSED {
        fs::create_dir_all(data.join(name))?;
        fs::set_permissions(data.join(name), Permissions::from_mode(0o700))?;
    }
    for name in places::SECRET {
        match fs::set_permissions(data.join(name), Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// What that makes together.
fn assess(
    settings: &BuildSettings,
    data: &Path,
    program: PathBuf,
    kernel: Kernel,
    devices: Result<(), String>,
    cgroup: Result<cgroup::Base, String>,
) -> Sandbox {
    let (mut parts, mut missing) = (Vec::new(), Vec::new());
    match kernel {
        Kernel::FilesAndSignals => parts.push("Landlock closes files and signals".to_owned()),
        Kernel::Files => {
            parts.push("Landlock closes files".to_owned());
            missing.push("this kernel does not close signals to processes outside: Linux 6.12 does".to_owned());
        }
        Kernel::Without => missing.push(
            "this kernel has no Landlock, so builds can read what their user can: Linux 5.13 with CONFIG_SECURITY_LANDLOCK \
             and lsm=landlock has it"
                .to_owned(),
        ),
    }
    match &settings.user {
        Some(user) => parts.push(format!("user {user}")),
        None if geteuid().is_root() => {
            parts.push("as root without its powers".to_owned());
            missing
                .push("builds have no user of their own: name one as build.user in server.toml".to_owned());
        }
        None => {
            parts.push("as the user of Aweigh".to_owned());
            missing.push(
                "builds have no user of their own: run aweigh serve as root, and name one as build.user in server.toml"
                    .to_owned(),
            );
        }
    }
    let has_devices = devices.is_ok();
    match devices {
        Ok(()) => parts.push("terminals and shared memory of its own".to_owned()),
        Err(why) => missing.push(format!(
            "builds have no terminals and no shared memory of their own ({why}): root gives them both, in a container with \
             CAP_SYS_ADMIN"
        )),
    }
    let delegate =
        "under systemd, Delegate=yes and DelegateSubgroup=aweigh-server in the unit of Aweigh give it";
    let base = match cgroup {
        Ok(base) if base.controllers.is_empty() => {
            parts.push("a cgroup that ends it at once".to_owned());
            missing.push(format!(
                "the cgroup sets no limits, for its controllers are not given to Aweigh: {delegate}"
            ));
            Some(base.folder)
        }
        Ok(base) => {
            parts.push(format!("a cgroup for {}", base.controllers.join(", ")));
            Some(base.folder)
        }
        Err(why) => {
            missing.push(format!("there is no cgroup for builds ({why}): {delegate}"));
            None
        }
    };
    let files = kernel != Kernel::Without;
    let level = if files { 2 } else { u8::from(settings.user.is_some()) };
    let words = format!("sandbox level {level}: {}", parts.join(", "));
    let walls = Walls {
        files,
        devices: has_devices,
        user: settings.user.clone(),
        cgroup: base,
        read: settings.read.clone(),
        write: settings.write.clone(),
        hidden: data.to_owned(),
        ..Walls::default()
    };
    Sandbox { level, least: settings.min_sandbox, words, missing, program, walls }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_what_to_do() {
        let settings =
            BuildSettings { user: Some("builder".to_owned()), min_sandbox: 2, ..BuildSettings::default() };
        let none = || Err("version 2 is not mounted".to_owned());
        let found = assess(&settings, Path::new("/d"), "/aweigh".into(), Kernel::Without, Ok(()), none());
        assert_eq!(
            (found.level, found.words.as_str()),
            (1, "sandbox level 1: user builder, terminals and shared memory of its own")
        );
        insta::assert_snapshot!(found.refusal().unwrap().reason(), @"builds and hooks on this machine need sandbox level 2, and only level 1 holds: this kernel has no Landlock, so builds can read what their user can: Linux 5.13 with CONFIG_SECURITY_LANDLOCK and lsm=landlock has it; there is no cgroup for builds (version 2 is not mounted): under systemd, Delegate=yes and DelegateSubgroup=aweigh-server in the unit of Aweigh give it; or lower build.min_sandbox in server.toml");
        let (nothing, shared) = (BuildSettings::default(), Err("EPERM".to_owned()));
        let found = assess(&nothing, Path::new("/d"), "/aweigh".into(), Kernel::Without, shared, none());
        assert_eq!((found.level, found.missing.len(), found.refusal()), (0, 4, None));
        insta::assert_snapshot!(found.missing[2], @"builds have no terminals and no shared memory of their own (EPERM): root gives them both, in a container with CAP_SYS_ADMIN");
        assert!(!found.walls.devices);
        let base = cgroup::Base { folder: "/c".into(), controllers: vec!["memory", "pids"] };
        let found =
            assess(&settings, Path::new("/d"), "/aweigh".into(), Kernel::FilesAndSignals, Ok(()), Ok(base));
        insta::assert_snapshot!(found.words, @"sandbox level 2: Landlock closes files and signals, user builder, terminals and shared memory of its own, a cgroup for memory, pids");
        assert_eq!((found.missing, found.walls.files, found.walls.devices), (Vec::new(), true, true));
    }

    #[test]
    fn memory_in_which_a_build_has_folders_is_not_hidden_from_it() {
        let inside = Path::new("/dev/shm/aweigh");
        let said = Err("/dev/shm/aweigh lies in /dev/shm".to_owned());
        assert_eq!(own_devices(&BuildSettings::default(), inside), said);
        let write = BuildSettings { write: vec![inside.to_owned()], ..BuildSettings::default() };
        assert_eq!(own_devices(&write, Path::new("/var/lib/aweigh")), said);
    }

    #[test]
    fn settings_that_open_the_data_folder_or_name_no_builder_are_refused() {
        let data = tempfile::tempdir().unwrap();
        let with = |settings: BuildSettings| find(&settings, data.path()).unwrap_err().to_string();
        for open in
            [data.path().to_owned(), data.path().join("homes"), PathBuf::from("/"), std::env::temp_dir()]
        {
            let told = with(BuildSettings { write: vec![open], ..BuildSettings::default() });
            assert!(told.contains("would open the data folder"), "{told}");
        }
        // It need not be there yet.
        for open in ["/etc", "/etc/aweigh", "/etc/aweigh/keys"] {
            let told = with(BuildSettings { read: vec![open.into()], ..BuildSettings::default() });
            assert!(told.contains("would open /etc/aweigh"), "{told}");
        }
        for (user, says) in [("nobody-has-this-name", "there is no such user"), ("root", "must not be root")]
        {
            let told = with(BuildSettings { user: Some(user.to_owned()), ..BuildSettings::default() });
            assert!(told.contains(says), "{told}");
        }
    }
}
