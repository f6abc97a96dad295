//! The `sshd_config` of one server.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::{Server, Shell, create, require};

/// The whole file. sshd takes the first value of each keyword, so the extra lines come first.
pub(super) fn text(server: &Server) -> String {
    let folder = server.folder.display();
    let spec = &server.spec;
    let mut text = format!("{}\n", spec.extra_config);
    let mut line = |args: std::fmt::Arguments<'_>| {
        // Writing into a string cannot fail.
        let _ = text.write_fmt(args);
        text.push('\n');
    };
    line(format_args!("Port {}", server.port));
    line(format_args!("ListenAddress 127.0.0.1"));
    line(format_args!("PidFile none"));
    line(format_args!("LogLevel VERBOSE"));
    line(format_args!("UsePAM no"));
    line(format_args!("UseDNS no"));
    line(format_args!("StrictModes no"));
    // The one keyword of which sshd takes the last value.
    if !spec.extra_config.contains("MaxStartups") {
        line(format_args!("MaxStartups 1000"));
    }
    line(format_args!("AuthorizedKeysFile {folder}/authorized_keys"));
    let types = if spec.host_key_types.is_empty() { &["ed25519"][..] } else { &spec.host_key_types };
    for kind in types {
        line(format_args!("HostKey {folder}/host-{kind}"));
    }
    let by_password = spec.password.is_some();
    line(format_args!("PermitRootLogin {}", if by_password { "yes" } else { "prohibit-password" }));
    line(format_args!("PasswordAuthentication {}", if by_password { "yes" } else { "no" }));
    line(format_args!("KbdInteractiveAuthentication no"));
    let path = match (&spec.path, spec.shell) {
        (Some(path), _) => format!(" PATH=\"{path}\""),
        (None, Shell::Busybox) => format!(" PATH=\"{folder}/applets\""),
        (None, _) => String::new(),
    };
    // One line: sshd reads the first SetEnv only.
    line(format_args!("SetEnv HOME=\"{}\"{path}", server.home.display()));
    match spec.shell {
        Shell::Login => {}
        Shell::Busybox => {
            let busybox = require("busybox", "busybox");
            line(format_args!("ForceCommand exec {} sh -c \"$SSH_ORIGINAL_COMMAND\"", busybox.display()));
        }
        Shell::Fish | Shell::Tcsh => {
            let name = if spec.shell == Shell::Fish { "fish" } else { "tcsh" };
            let shell = require(name, name);
            line(format_args!("ForceCommand exec {} -c \"$SSH_ORIGINAL_COMMAND\"", shell.display()));
        }
    }
    text
}

/// A folder with one link per applet, and nothing else.
pub(super) fn link_busybox(folder: &Path) {
    let busybox = require("busybox", "busybox");
    create(folder);
    let list = Command::new(&busybox).arg("--list").output();
    let list = list.unwrap_or_else(|error| panic!("busybox --list: {error}"));
    for applet in String::from_utf8_lossy(&list.stdout).lines().filter(|name| !name.contains('/')) {
        symlink(&busybox, folder.join(applet)).unwrap_or_else(|error| panic!("link to {applet}: {error}"));
    }
}
