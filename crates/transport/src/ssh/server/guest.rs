//! One connection to the in-process server: who is let in, and which channels are opened.

use std::collections::HashMap;
use std::sync::Arc;

use russh::server::{
    Auth, ChannelOpenHandle, Handle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty, Sig};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::builder::Quirk;
use super::{House, command, intake};
use crate::local::{self, Surroundings};
use crate::{Error, Signal, Size, Terminal, Window};

/// Signals that may wait for one command.
const SIGNALS: usize = 8;

pub(super) struct Guest {
    house: Arc<House>,
    /// Session channels on which nothing runs yet.
    waiting: HashMap<ChannelId, Channel<Msg>>,
    /// The terminals that were asked for on them.
    terminals: HashMap<ChannelId, Terminal>,
    running: HashMap<ChannelId, Running>,
    /// The next round of questions, and whether the password has been given.
    round: usize,
    knows_password: bool,
}

struct Running {
    signals: mpsc::Sender<Signal>,
    ended: CancellationToken,
    window: Option<Window>,
}

impl Guest {
    pub(super) fn new(house: Arc<House>) -> Guest {
        Guest {
            house,
            waiting: HashMap::new(),
            terminals: HashMap::new(),
            running: HashMap::new(),
            round: 0,
            knows_password: false,
        }
    }

    fn is_full(&mut self) -> bool {
        self.running.retain(|_, running| !running.ended.is_cancelled());
        let open = self.running.len().saturating_add(self.waiting.len());
        self.house.settings.sessions.is_some_and(|limit| open >= limit)
    }

    fn surroundings(&self, user: &str) -> Surroundings {
        let settings = &self.house.settings;
        let path = settings.path.clone().or_else(|| std::env::var("PATH").ok()).unwrap_or_default();
        let mut environment = vec![
            ("PATH".to_owned(), path),
            ("USER".to_owned(), user.to_owned()),
            ("LOGNAME".to_owned(), user.to_owned()),
            ("SHELL".to_owned(), "/bin/sh".to_owned()),
        ];
        if let Some(home) = &settings.home {
            environment.push(("HOME".to_owned(), home.to_string_lossy().into_owned()));
        }
        let directory = settings.directory.clone().or_else(|| settings.home.clone());
        Surroundings { environment: Some(environment), directory }
    }

    fn reject(&self) -> Auth {
        Auth::Reject { proceed_with_methods: Some(self.house.settings.methods()), partial_success: false }
    }

    /// Starts a command, or the login shell, on the terminal that was asked for, or without one.
    fn begin(
        &mut self,
        id: ChannelId,
        command: Option<&str>,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let Some(channel) = self.waiting.remove(&id) else {
            return session.channel_failure(id);
        };
        let user = self.house.settings.user.clone().unwrap_or_else(|| "demo".to_owned());
        let surroundings = self.surroundings(&user);
        let started = match self.terminals.remove(&id) {
            Some(terminal) => local::shell(&terminal, command, &surroundings).map(|shell| {
                let (stdin, stdout, window, running) = shell.into_parts();
                (command::Work { stdin, stdout, stderr: None, running }, Some(window))
            }),
            None => local::exec(command.unwrap_or("exec sh"), &surroundings).map(|process| {
                let (stdin, stdout, stderr, running) = process.into_parts();
                (command::Work { stdin, stdout, stderr: Some(stderr), running }, None)
            }),
        };
        let (false, Ok((work, window))) = (self.house.settings.has(Quirk::RefusesCommands), started) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        let (signals, inbox) = mpsc::channel(SIGNALS);
        let ended = CancellationToken::new();
        self.running.insert(id, Running { signals, ended: ended.clone(), window });
        let run = command::Run { work, channel, handle: session.handle(), signals: inbox };
        let stop = self.house.stop.clone();
        self.house.tasks.spawn(async move {
            run.until_it_ends(stop).await;
            ended.cancel();
        });
        if self.house.settings.has(Quirk::Intrudes) {
            let (house, handle) = (Arc::clone(&self.house), session.handle());
            self.house.tasks.spawn(async move { intrude(&house, &handle).await });
        }
        Ok(())
    }

    /// The questions of the round that is next; accepts after the last one.
    fn ask(&mut self) -> Auth {
        let rounds = self.house.settings.questions.as_deref().unwrap_or_default();
        let Some(count) = rounds.get(self.round) else {
            return if self.knows_password { Auth::Accept } else { self.reject() };
        };
        self.round = self.round.saturating_add(1);
        let prompts = vec![("Password: ".into(), false); *count];
        Auth::Partial { name: "".into(), instructions: "".into(), prompts: prompts.into() }
    }
}

impl Handler for Guest {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, russh::Error> {
        self.house.note("none");
        Ok(self.reject())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        self.house.note("password");
        let settings = &self.house.settings;
        let is_open = settings.questions.is_none() && settings.knows_user(user);
        let is_known = is_open && settings.password.as_deref() == Some(password);
        Ok(if is_known { Auth::Accept } else { self.reject() })
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        self.house.note("offer");
        let settings = &self.house.settings;
        let is_known = settings.knows_user(user) && settings.knows_key(offer.public_key);
        Ok(if is_known { Auth::Accept } else { self.reject() })
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        self.house.note("publickey");
        let settings = &self.house.settings;
        let is_known = settings.knows_user(user) && settings.knows_key(key.public_key);
        Ok(if is_known { Auth::Accept } else { self.reject() })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        if self.house.settings.questions.is_none() || !self.house.settings.knows_user(user) {
            return Ok(self.reject());
        }
        match response {
            None => {
                self.house.note("keyboard-interactive");
                self.round = 0;
                self.knows_password = false;
            }
            Some(mut answers) => {
                let first = answers.next();
                self.house.note(if first.is_some() { "answer" } else { "no answer" });
                let password = self.house.settings.password.as_deref().map(str::as_bytes);
                self.knows_password |= first.is_some() && first.as_deref() == password;
            }
        }
        Ok(self.ask())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.is_full() {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
        } else {
            self.waiting.insert(channel.id(), channel);
            reply.accept().await;
        }
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        let is_loopback = ["127.0.0.1", "::1", "localhost"].contains(&host);
        let (true, Ok(port)) =
            (is_loopback && !self.house.settings.has(Quirk::RefusesForwarding), u16::try_from(port))
        else {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        };
        let host = host.to_owned();
        let stop = self.house.stop.clone();
        // The connection's loop must not wait for somebody else's port.
        self.house.tasks.spawn(async move {
            match TcpStream::connect((host, port)).await {
                Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
                Ok(socket) => {
                    reply.accept().await;
                    tokio::select! {
                        () = intake::join(socket, channel) => {}
                        () = stop.cancelled() => {}
                    }
                }
            }
        });
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let text = String::from_utf8_lossy(command);
        self.begin(id, Some(&text), session)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        self.begin(id, None, session)
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.house.settings.has(Quirk::RefusesTerminals) || !self.waiting.contains_key(&id) {
            return session.channel_failure(id);
        }
        self.terminals.insert(id, Terminal { kind: term.to_owned(), size: size(columns, rows) });
        session.channel_success(id)
    }

    async fn window_change_request(
        &mut self,
        id: ChannelId,
        columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        if let Some(Running { window: Some(window), .. }) = self.running.get(&id) {
            // A terminal that is gone has no size.
            let _: Result<(), Error> = window.resize(size(columns, rows)).await;
        }
        Ok(())
    }

    async fn signal(&mut self, id: ChannelId, signal: Sig, _: &mut Session) -> Result<(), russh::Error> {
        let signal = match signal {
            Sig::HUP => Signal::Hangup,
            Sig::INT => Signal::Interrupt,
            Sig::TERM => Signal::Terminate,
            Sig::KILL => Signal::Kill,
            _ => return Ok(()),
        };
        if let Some(running) = self.running.get(&id) {
            // Full means that as many signals are already on their way.
            let _ = running.signals.try_send(signal);
        }
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), russh::Error> {
        self.waiting.remove(&id);
        self.terminals.remove(&id);
        Ok(())
    }
}

/// Tries to open channels of every kind to the client.
async fn intrude(house: &House, handle: &Handle) {
    let note = |kind: &str, is_refused: bool| {
        house.note(&format!("{kind} {}", if is_refused { "refused" } else { "opened" }));
    };
    note("agent", handle.channel_open_agent().await.is_err());
    note("x11", handle.channel_open_x11("127.0.0.1", 6000).await.is_err());
    note("port", handle.channel_open_forwarded_tcpip("127.0.0.1", 80, "127.0.0.1", 80).await.is_err());
    note("session", handle.channel_open_session().await.is_err());
}

fn size(columns: u32, rows: u32) -> Size {
    let short = |length| u16::try_from(length).unwrap_or(u16::MAX);
    Size { columns: short(columns), rows: short(rows) }
}
