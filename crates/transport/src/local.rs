//! Commands, terminals and connections on this machine.

use std::path::PathBuf;
use std::process::Stdio;

use nix::unistd::{User, geteuid};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::process::Control;
use crate::shell::{Frame, Window};
use crate::target::address;
use crate::{Error, OutputReader, Process, Shell, Stdin, Stream, Terminal, pty};

/// The shell of a user who has none.
const SH: &str = "/bin/sh";

/// What a command finds around itself; the default is what this process has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The whole environment, or `None` to inherit it.
    pub(crate) environment: Option<Vec<(String, String)>>,
    /// The working directory.
    pub(crate) directory: Option<PathBuf>,
}

impl Surroundings {
    /// What the user of this process finds after logging in: nothing that this process was given but its path.
    pub(crate) fn of_login() -> Surroundings {
        let user = User::from_uid(geteuid()).ok().flatten();
        let name = user.as_ref().map(|user| user.name.clone()).unwrap_or_default();
        let home = user.as_ref().map(|user| user.dir.clone()).filter(|home| home.is_dir());
        let home = home.unwrap_or_else(|| PathBuf::from("/"));
        let shell = user.map(|user| user.shell).filter(|shell| shell.is_file());
        let shell = shell.unwrap_or_else(|| PathBuf::from(SH));
        let mut environment = vec![
            ("HOME".to_owned(), home.to_string_lossy().into_owned()),
            ("USER".to_owned(), name.clone()),
            ("LOGNAME".to_owned(), name),
            ("SHELL".to_owned(), shell.to_string_lossy().into_owned()),
        ];
        let kept = ["PATH", "LANG"].into_iter();
        environment.extend(kept.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))));
        Surroundings { environment: Some(environment), directory: Some(home) }
    }

    fn variable(&self, wanted: &str) -> Option<&str> {
        let mut variables = self.environment.iter().flatten();
        variables.find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    fn surround(&self, program: &mut Command) {
        if let Some(environment) = &self.environment {
            program.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        }
        if let Some(directory) = &self.directory {
            program.current_dir(directory);
        }
    }
}

/// Starts `sh -c command` as the leader of a new process group, so that a signal reaches all of
/// it. The command outlives a dropped [`Process`], as on a server.
pub(crate) fn exec(command: &str, surroundings: &Surroundings) -> Result<Process, Error> {
    let mut sh = Command::new(SH);
    sh.arg("-c").arg(command).process_group(0).kill_on_drop(false);
    sh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    surroundings.surround(&mut sh);
    let mut child = sh.spawn().map_err(|source| Error::Spawn { source })?;
    match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
        (Some(stdin), Some(stdout), Some(stderr)) => Ok(Process::of_child(stdin, stdout, stderr, child)),
        _ => Err(Error::Spawn { source: std::io::ErrorKind::BrokenPipe.into() }),
    }
}

/// Starts a login shell on a terminal, or `command` by that shell: `SHELL` of the surroundings. Needs a runtime.
pub(crate) fn shell(
    terminal: &Terminal,
    command: Option<&str>,
    surroundings: &Surroundings,
) -> Result<Shell, Error> {
    let failed = |source| Error::Terminal { source };
    let (line, theirs) = pty::open(terminal.size).map_err(failed)?;
    // It leads a session of its own, whose terminal this is: so Ctrl-C and the end of the line reach it.
    let mut program = Command::new("setsid");
    program.arg("-c").arg(surroundings.variable("SHELL").unwrap_or(SH));
    match command {
        Some(command) => program.arg("-c").arg(command),
        None => program.arg("-l"),
    };
    surroundings.surround(&mut program);
    program.env("TERM", &terminal.kind).kill_on_drop(false);
    program.stdin(Stdio::from(theirs.try_clone().map_err(failed)?));
    program.stdout(Stdio::from(theirs.try_clone().map_err(failed)?));
    program.stderr(Stdio::from(theirs));
    let child = program.spawn().map_err(failed)?;
    Ok(Shell {
        input: Stdin::of_terminal(line.clone()),
        window: Window(Frame::Local(line.frame())),
        output: OutputReader::of_terminal(line),
        control: Control::Local(child),
    })
}

/// Connects from this machine.
pub(crate) async fn forward(host: &str, port: u16) -> Result<Stream, Error> {
    let failed = |_| Error::ForwardFailed { address: "this machine".to_owned(), to: address(host, port) };
    let socket = TcpStream::connect((host, port)).await.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?;
    Ok(Stream::of_socket(socket))
}
