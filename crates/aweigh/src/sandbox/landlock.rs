//! Landlock (landlock(7)): what a job can open, kept by the kernel for it and for everything it starts, for ever.
//!
//! It needs no privilege, so that it holds in containers and for every user. It does not keep anybody from changing the
//! mode or the times of a file that is theirs, nor, before its tenth version, from connecting to a socket that has a name.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use engine::sandbox::Walls;
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, Scope, path_beneath_rules,
};
use nix::unistd::geteuid;

use super::{devices, folders};

/// The newest version that we know. What a kernel does not know of it is left out.
const NEWEST: ABI = ABI::V10;

/// Devices that every program may use.
const DEVICES: [&str; 6] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// And where the terminals are its own.
const TERMINALS: [&str; 2] = ["/dev/ptmx", devices::TERMINALS];

/// What the kernel of this machine can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kernel {
    /// It has no Landlock, or it is switched off.
    Without,
    /// Files are closed.
    Files,
    /// And no signal reaches a process outside.
    FilesAndSignals,
}

/// Asks the kernel; nothing is restricted by that.
pub(super) fn kernel() -> Kernel {
    let knows = |ruleset: Result<Ruleset, landlock::RulesetError>| {
        ruleset.is_ok_and(|ruleset| ruleset.create().is_ok())
    };
    let hard = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    if knows(hard().scope(Scope::from_all(ABI::V6))) {
        Kernel::FilesAndSignals
    } else if knows(hard().handle_access(AccessFs::from_all(ABI::V1))) {
        Kernel::Files
    } else {
        Kernel::Without
    }
}

/// Closes everything to this process but what `walls` leaves open, its room, and the folders of the system.
///
/// # Errors
/// The kernel cannot do that: nothing must be run then.
pub(super) fn restrict(walls: &Walls, room: &super::room::Inside) -> anyhow::Result<()> {
    let read = AccessFs::from_read(NEWEST);
    // No device is made: what it stands for would be open.
    let change = AccessFs::from_all(NEWEST) & !(AccessFs::MakeBlock | AccessFs::MakeChar);
    let device: BitFlags<AccessFs> = read | AccessFs::WriteFile | AccessFs::IoctlDev;
    let terminals = TERMINALS.into_iter().filter(|_| walls.devices);
    let devices = DEVICES.into_iter().chain(terminals).map(|path| (PathBuf::from(path), device));
    // What root may open is no measure: it is what everybody may.
    let system = folders::of_system(&walls.hidden, walls.user.is_none() && geteuid().is_root());
    let listed = system.list.into_iter().map(|path| (path, AccessFs::ReadDir.into()));
    let system = system.read.into_iter().map(|path| (path, read)).chain(listed);
    let memory = (PathBuf::from(devices::MEMORY), change);
    let own = [(room.script.clone(), read), (room.temporary.clone(), change), memory];
    let told = walls.read.iter().map(|path| (path.clone(), read));
    let told = told.chain(walls.write.iter().chain(&walls.own).map(|path| (path.clone(), change)));
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()
        .context("cannot ask the kernel for Landlock")?;
    for (path, access) in system.chain(devices).chain(own).chain(told) {
        // What is not there is not opened.
        rules = rules.add_rules(path_beneath_rules([path], access))?;
    }
    let held = rules.restrict_self().context("the kernel does not close files")?;
    if held.ruleset == RulesetStatus::NotEnforced {
        bail!("the kernel does not close files any more, as it did when Aweigh started");
    }
    Ok(())
}
