//! Rows of `release`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "release")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub name: String,
    pub project: String,
    pub environment: String,
    pub kind: String,
    pub git_ref: String,
    pub commit_id: String,
    pub rollback_to: Option<i64>,
    pub status: String,
    pub reason: Option<String>,
    pub stopping: bool,
    pub stopped_by: Option<String>,
    pub note: String,
    pub author: String,
    pub epoch: i64,
    pub last_seq: i64,
    pub artifact: Option<String>,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub good_at: Option<i64>,
    pub pausing_by: Option<String>,
    pub promoted: i64,
    pub locks: bool,
    pub urgent: bool,
    pub log_removed_at: Option<i64>,
    pub facts_removed_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
