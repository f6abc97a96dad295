//! Rows of `credential`; `secret` and `passphrase` are sealed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credential")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub kind: String,
    pub fingerprint: Option<String>,
    pub username: Option<String>,
    pub secret: Option<Vec<u8>>,
    pub passphrase: Option<Vec<u8>>,
    pub managed: bool,
    pub created_at: i64,
    pub updated_at: i64,
    pub public_key: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
