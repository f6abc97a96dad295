//! Kinds of machines: which shell is `sh`, and whose tools are on the search path.

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::artifact::stream::Codec;

/// Which program is `sh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    Dash,
    /// Called `sh`, bash keeps to POSIX.
    Bash,
    Busybox,
}

/// Whose tools there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tools {
    Gnu,
    Busybox,
}

/// A kind of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) shell: Shell,
    pub(crate) tools: Tools,
}

impl Machine {
    /// A usual server.
    pub(crate) const DEBIAN: Self = Self { shell: Shell::Dash, tools: Tools::Gnu };
    /// A server on which everything is busybox.
    pub(crate) const ALPINE: Self = Self { shell: Shell::Busybox, tools: Tools::Busybox };
    /// Every shell with GNU tools, and nothing but busybox.
    pub(crate) const ALL: [Self; 4] = [
        Self::DEBIAN,
        Self { shell: Shell::Bash, tools: Tools::Gnu },
        Self { shell: Shell::Busybox, tools: Tools::Gnu },
        Self::ALPINE,
    ];

    /// The codecs that this machine can read.
    pub(crate) fn codecs(self) -> &'static [Codec] {
        match self.tools {
            Tools::Gnu => &[Codec::Zstd, Codec::Gzip],
            Tools::Busybox => &[Codec::Gzip],
        }
    }

    /// Fills the new folder `bin`; answers the search path of this machine.
    pub(crate) fn install(self, bin: &Path) -> OsString {
        std::fs::create_dir(bin).unwrap();
        let mut path = OsString::from(bin);
        match self.tools {
            Tools::Gnu => path.push(":/usr/bin:/bin"),
            Tools::Busybox => {
                let busybox = program("busybox");
                let listed = Command::new(&busybox).arg("--list").output().unwrap().stdout;
                for applet in String::from_utf8(listed).unwrap().lines().filter(|applet| *applet != "sh") {
                    symlink(&busybox, bin.join(applet)).unwrap();
                }
            }
        }
        let shell = match self.shell {
            Shell::Dash => "dash",
            Shell::Bash => "bash",
            Shell::Busybox => "busybox",
        };
        symlink(program(shell), bin.join("sh")).unwrap();
        path
    }
}

/// Where a program of the machine that runs the tests is.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a search path");
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("{name} is not installed; the tests need dash, bash, busybox, fish, tcsh and zstd")
    })
}
