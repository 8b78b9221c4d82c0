//! People, offices, policies, agreements, cases, what is open now, journal.
//!
//! Every table begins with `school_id`, in its key and in every reference: a row of one school cannot refer to a row
//! of another. Times are microseconds since 1970 UTC, ids are text, lists are JSON text.

use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::schema::{big_integer, big_integer_null, blob, blob_null, boolean, text, text_null};
use sea_orm_migration::sea_orm::DeriveMigrationName;
use sea_orm_migration::sea_query::{ForeignKey, Index, Table, TableCreateStatement};
use sea_orm_migration::{DbErr, MigrationTrait, SchemaManager};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A table of the school's, with its key columns after `school_id`.
fn owned(name: &'static str, key: &[&'static str]) -> TableCreateStatement {
    let mut primary = Index::create();
    primary.col("school_id");
    for column in key {
        primary.col(*column);
    }
    let mut school = ForeignKey::create();
    school.from(name, "school_id").to("school", "id");
    let mut table = Table::create();
    table.table(name).col(text("school_id")).primary_key(&mut primary).foreign_key(&mut school);
    table
}

/// Refers to a person of the same school.
fn person(table: &mut TableCreateStatement, name: &'static str, column: &'static str) {
    let mut key = ForeignKey::create();
    key.from(name, ("school_id", column)).to("person", ("school_id", "id"));
    table.foreign_key(&mut key);
}

fn people() -> Vec<TableCreateStatement> {
    let mut school = Table::create();
    school.table("school").col(text("id").primary_key()).col(text("name")).col(big_integer("made_at"));
    let mut people = owned("person", &["id"]);
    people
        .col(text("id"))
        .col(text("name"))
        .col(text("name_folded"))
        .col(text_null("login"))
        .col(text_null("login_folded"))
        .col(text_null("email"))
        .col(text("capacities"))
        .col(text("groups"))
        .col(text("classes"))
        .col(text_null("mis_id"))
        .col(text_null("upn"))
        .col(big_integer("active_from"))
        .col(big_integer_null("active_until"))
        .col(text_null("password_hash"))
        .col(big_integer_null("erased_at"));
    let mut role = owned("role_holding", &["id"]);
    role.col(text("id"))
        .col(text("role"))
        .col(text("person"))
        .col(boolean("is_deputy"))
        .col(big_integer("from_at"))
        .col(big_integer_null("until_at"));
    person(&mut role, "role_holding", "person");
    let mut tie = owned("person_tie", &["id"]);
    tie.col(text("id"))
        .col(text("kind"))
        .col(text("from_person"))
        .col(text("to_person"))
        .col(big_integer("declared_at"))
        .col(big_integer_null("ended_at"));
    person(&mut tie, "person_tie", "from_person");
    person(&mut tie, "person_tie", "to_person");
    vec![school, people, role, tie]
}

fn presence() -> Vec<TableCreateStatement> {
    let mut session = owned("portal_session", &["id_hash"]);
    session
        .col(text("id_hash"))
        .col(text("person"))
        .col(text("capacity"))
        .col(text("source_address"))
        .col(big_integer("created_at"))
        .col(big_integer("last_seen_at"))
        .col(big_integer_null("ended_at"));
    person(&mut session, "portal_session", "person");
    let mut claim = owned("address_claim", &["session"]);
    claim
        .col(text("session"))
        .col(text("address"))
        .col(text("person"))
        .col(text("capacity"))
        .col(big_integer("since_at"))
        .col(big_integer("until_at"));
    person(&mut claim, "address_claim", "person");
    let mut device = owned("device", &["id"]);
    device
        .col(text("id"))
        .col(text("secret_sha256"))
        .col(text("label"))
        .col(text("class"))
        .col(boolean("is_managed"))
        .col(text_null("person"))
        .col(text_null("capacity"))
        .col(big_integer("created_at"))
        .col(big_integer_null("revoked_at"));
    person(&mut device, "device", "person");
    vec![session, claim, device]
}

fn policies() -> Vec<TableCreateStatement> {
    let mut edition = owned("policy_edition", &["policy", "edition"]);
    edition
        .col(text("policy"))
        .col(big_integer("edition"))
        .col(text("version"))
        .col(text("state"))
        .col(text("files"))
        .col(text("files_sha256"))
        .col(big_integer("drafted_at"))
        .col(text("drafted_by"))
        .col(big_integer_null("adopted_at"))
        .col(text_null("adopted_by"))
        .col(big_integer_null("superseded_at"));
    let mut signature = owned("signature", &["person", "policy", "version"]);
    signature
        .col(text("person"))
        .col(text("policy"))
        .col(text("version"))
        .col(text("clauses"))
        .col(text("rendering_sha256"))
        .col(text_null("difference"))
        .col(text("language"))
        .col(big_integer("at"))
        .col(text("address"))
        .col(text("browser"));
    person(&mut signature, "signature", "person");
    vec![edition, signature]
}

fn cases() -> Vec<TableCreateStatement> {
    let mut case = owned("case_file", &["id"]);
    case.col(text("id"))
        .col(boolean("is_sealed"))
        .col(text_null("control"))
        .col(text_null("version"))
        .col(text_null("state"))
        .col(text_null("by_person"))
        .col(big_integer_null("due_at"))
        .col(big_integer("opened_at"))
        .col(big_integer("revision"))
        .col(text_null("body"))
        .col(blob_null("sealed"));
    let mut party = owned("case_party", &["case_id", "party"]);
    let mut of_case = ForeignKey::create();
    of_case.from("case_party", ("school_id", "case_id")).to("case_file", ("school_id", "id"));
    party.col(text("case_id")).col(text("party")).foreign_key(&mut of_case);
    vec![case, party]
}

fn live() -> Vec<TableCreateStatement> {
    let mut grant = owned("case_grant", &["id"]);
    grant
        .col(text("id"))
        .col(text("control"))
        .col(text("case_id"))
        .col(text("target"))
        .col(text("audience"))
        .col(big_integer("from_at"))
        .col(big_integer("until_at"))
        .col(big_integer_null("ended_at"))
        .col(text_null("ended_by"));
    let mut urgent = owned("urgent_block", &["id"]);
    urgent
        .col(text("id"))
        .col(text("target"))
        .col(text("by_person"))
        .col(big_integer("from_at"))
        .col(big_integer("until_at"))
        .col(text_null("confirmed_by"))
        .col(big_integer_null("ended_at"))
        .col(text_null("ended_by"));
    let mut own = owned("own_entry", &["id"]);
    own.col(text("id"))
        .col(text("host"))
        .col(text_null("path"))
        .col(text("category"))
        .col(boolean("is_in"))
        .col(text("by_person"))
        .col(big_integer("at"))
        .col(text("note"))
        .col(big_integer_null("removed_at"))
        .col(text_null("removed_by"));
    let mut statement = owned("statement", &["id"]);
    statement
        .col(text("id"))
        .col(text("subject"))
        .col(text("by_person"))
        .col(big_integer("at"))
        .col(text("says"))
        .col(big_integer("until_at"));
    vec![grant, urgent, own, statement]
}

fn journal() -> Vec<TableCreateStatement> {
    let mut head = owned("journal_head", &["chain"]);
    head.col(text("chain")).col(big_integer("seq")).col(blob("hash"));
    let mut journal = owned("journal", &["chain", "seq"]);
    journal
        .col(text("chain"))
        .col(big_integer("seq"))
        .col(big_integer("at"))
        .col(text("actor"))
        .col(text("kind"))
        .col(big_integer("schema"))
        .col(blob("commitment"))
        .col(blob("prev"))
        .col(blob("hash"));
    let mut body = owned("journal_body", &["chain", "seq"]);
    let mut of_note = ForeignKey::create();
    of_note.from("journal_body", ("school_id", "chain", "seq")).to("journal", ("school_id", "chain", "seq"));
    body.col(text("chain"))
        .col(big_integer("seq"))
        .col(text_null("about"))
        .col(blob_null("salt"))
        .col(blob_null("bytes"))
        .col(text_null("erased_by_rule"))
        .col(big_integer_null("erased_at"))
        .foreign_key(&mut of_note);
    let mut erasure = owned("erasure", &["person"]);
    erasure.col(text("person")).col(text("rule")).col(big_integer("at"));
    vec![head, journal, body, erasure]
}

/// (table, columns after `school_id`, unique)
const INDEXES: [(&str, &[&str], bool); 13] = [
    ("person", &["login_folded"], true),
    ("person", &["mis_id"], true),
    ("person", &["upn"], true),
    ("person", &["name_folded", "id"], false),
    ("role_holding", &["role"], false),
    ("role_holding", &["person"], false),
    ("portal_session", &["person"], false),
    ("device", &["secret_sha256"], true),
    ("policy_edition", &["policy", "state"], false),
    ("signature", &["policy", "version", "person"], false),
    ("case_party", &["party"], false),
    ("case_grant", &["until_at"], false),
    ("journal_body", &["about"], false),
];

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [people(), presence(), policies(), cases(), live(), journal()];
        for table in tables.into_iter().flatten() {
            manager.create_table(table).await?;
        }
        for (table, columns, is_unique) in INDEXES {
            let mut index = Index::create();
            index.name(format!("{table}_{}", columns.join("_"))).table(table).col("school_id");
            for column in columns {
                index.col(*column);
            }
            if is_unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
