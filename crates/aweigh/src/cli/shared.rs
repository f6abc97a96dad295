//! The words of `shared`: the linked files and folders of an environment.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::{Selector, TreePath};

use super::{Listing, MovingArgs, Place};

/// What can be done with linked files and folders.
#[derive(Debug, Subcommand)]
pub enum Shared {
    /// Ask the servers what they have under each name of linked_files and linked_dirs
    List(SharedList),
    /// Bring a file or a folder into shared/ of the servers
    Put(SharedPut),
    /// Bring a linked file or folder from the servers
    Get(SharedGet),
}

/// An environment, and which of its servers.
#[derive(Debug, Args)]
pub struct Sharing {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Only these servers of the environment, such as web-3
    #[arg(long, value_name = "SELECTOR")]
    pub servers: Option<Selector>,
}

/// The words of `shared list`.
#[derive(Debug, Args)]
#[command(after_long_help = "Nothing is changed there. Exit code 1 when a server cannot be asked.")]
pub struct SharedList {
    /// Where.
    #[command(flatten)]
    pub sharing: Sharing,
    /// How it is printed.
    #[command(flatten)]
    pub listing: Listing,
}

/// The words of `shared put`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  aweigh shared put shop -e production .env production.env\n  \
aweigh shared put shop -e production storage/fonts fonts --replace\n\n\
Folders on the way to it are made. Releases that are linked to it have it at once: programs that read it only when they \
start have to be restarted. Exit code 1 when a server failed; the others have it.")]
pub struct SharedPut {
    /// Where.
    #[command(flatten)]
    pub sharing: Sharing,
    /// Its name in a release: one of linked_files, or in one of linked_dirs
    #[arg(value_name = "NAME")]
    pub name: TreePath,
    /// The file or folder here
    #[arg(value_name = "FROM")]
    pub from: PathBuf,
    /// Let a folder take the place of what is there; a file always does
    #[arg(long)]
    pub replace: bool,
    /// How it is done and told.
    #[command(flatten)]
    pub moving: MovingArgs,
}

/// The words of `shared get`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  aweigh shared get shop -e production .env env --servers web-1\n  \
aweigh shared get shop -e production .env envs      envs/web-1/.env, envs/web-2/.env\n\n\
From one server TO is the name of the result itself. From several it is a folder with one folder for each server. \
Exit code 1 when a server failed; what came from the others is there.")]
pub struct SharedGet {
    /// Where.
    #[command(flatten)]
    pub sharing: Sharing,
    /// Its name in a release: one of linked_files, or in one of linked_dirs
    #[arg(value_name = "NAME")]
    pub name: TreePath,
    /// Its name here
    #[arg(value_name = "TO")]
    pub to: PathBuf,
    /// Let it take the place of what is here
    #[arg(long)]
    pub replace: bool,
    /// How it is done and told.
    #[command(flatten)]
    pub moving: MovingArgs,
}
