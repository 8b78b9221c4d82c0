//! Rows of policy editions and agreements.

pub(crate) mod policy_edition {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "policy_edition")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub school_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub policy: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub edition: i64,
        pub version: String,
        pub state: String,
        pub files: String,
        pub files_sha256: String,
        pub drafted_at: i64,
        pub drafted_by: String,
        pub adopted_at: Option<i64>,
        pub adopted_by: Option<String>,
        pub superseded_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod signature {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "signature")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub school_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub person: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub policy: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: String,
        pub clauses: String,
        pub rendering_sha256: String,
        pub difference: Option<String>,
        pub language: String,
        pub at: i64,
        pub address: String,
        pub browser: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
