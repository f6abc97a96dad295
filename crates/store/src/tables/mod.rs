//! Rows as the database knows them, one file per table. The journal and the log text are plain SQL.

pub(crate) mod artifact;
pub(crate) mod credential;
pub(crate) mod project;
pub(crate) mod release;
pub(crate) mod release_server;
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod step;
