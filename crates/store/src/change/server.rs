//! The rows of servers.

use std::collections::BTreeSet;

use model::{Name, Scope, Server};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};

use crate::definitions::credential_of;
use crate::promises::found;
use crate::sql::to_json;
use crate::tables::server;
use crate::writer::Tx;
use crate::{Error, secrets};

pub(super) async fn put(tx: &Tx, server: &Server, managed: bool) -> Result<(), Error> {
    use server::Column::{Body, Credential, Name as Key, UpdatedAt};
    let row = server::Model {
        name: server.name.to_string(),
        credential: credential_of(server).map(Name::to_string),
        // Which groups it is in follows from what both say when it is read.
        body: to_json("server", &Server { groups: BTreeSet::new(), ..server.clone() })?,
        managed,
        created_at: tx.micros(),
        updated_at: tx.micros(),
    };
    let put = OnConflict::column(Key).update_columns([Body, Credential, UpdatedAt]).to_owned();
    let insert = server::Entity::insert(row.into_active_model()).on_conflict(put);
    insert.exec_without_returning(tx.db()).await?;
    Ok(())
}

pub(super) async fn delete(tx: &Tx, name: &Name) -> Result<(), Error> {
    let gone = server::Entity::delete_by_id(name.as_str()).exec(tx.db()).await?;
    found(gone.rows_affected, "server", name)?;
    secrets::delete_all(tx, &Scope::Server(name.clone())).await
}
