//! Rows of `release_server`: what one server ran before a release and runs now.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "release_server")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_id: i64,
    pub position: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub before_link: Option<String>,
    pub now_link: Option<String>,
    pub state: String,
    pub wish: Option<String>,
    pub folder: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
