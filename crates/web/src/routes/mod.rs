//! The routes: each reads its input, asks one action and shows the answer. One file per resource.

pub(crate) mod adopt;
pub(crate) mod apply;
pub(crate) mod archive;
pub(crate) mod artifacts;
pub(crate) mod audit;
pub(crate) mod board;
pub(crate) mod chat;
pub(crate) mod credentials;
pub(crate) mod drift;
pub(crate) mod environments;
pub(crate) mod events;
pub(crate) mod git;
pub(crate) mod hooks;
pub(crate) mod locks;
pub(crate) mod page;
pub(crate) mod projects;
pub(crate) mod push;
pub(crate) mod recordings;
pub(crate) mod releases;
pub(crate) mod servers;
pub(crate) mod session;
pub(crate) mod shell;
pub(crate) mod steer;
pub(crate) mod tokens;
pub(crate) mod users;
