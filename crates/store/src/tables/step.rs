//! Rows of `step`: the plan's lines and where they stand.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "step")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub position: i64,
    pub parent: Option<String>,
    pub text: String,
    pub kind: String,
    pub server: Option<String>,
    pub batch: Option<i64>,
    pub status: String,
    pub attempt: i64,
    pub crashes: i64,
    pub epoch: i64,
    pub reason: Option<String>,
    pub result: Option<String>,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub log_read: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
