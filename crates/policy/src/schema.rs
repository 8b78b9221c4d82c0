//! JSON Schemas (draft 2020-12) of what is written in TOML, so that an editor completes it.
//!
//! Made from the tables of keys that the parser is tested against. A schema knows shapes and fixed words; whether a
//! group or a period exists, only the checker knows.

use schoolgate_base::ControlKind;
use serde_json::{Map, Value, json};

use crate::kinds::keys::{self, FIELD, HEAD, Key, NOTES, SCHOOL, Takes};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What there is a schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// A control block: the clause's notes, then controls.
    Control,
    /// The head of a document.
    Head,
    /// `school.toml`.
    School,
}

impl Schema {
    pub const ALL: [(&'static str, Self); 3] =
        [("control", Self::Control), ("head", Self::Head), ("school", Self::School)];
}

/// The schema, ready to be written to a file.
pub fn schema(of: Schema) -> Value {
    let (title, mut schema) = match of {
        Schema::Control => ("A control block of a policy", control()),
        Schema::Head => ("The head of a policy document", object(&HEAD)),
        Schema::School => ("What the policies of a school share", object(&SCHOOL)),
    };
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".to_owned(), json!(DRAFT));
        members.insert("title".to_owned(), json!(title));
    }
    schema
}

fn control() -> Value {
    let mut block = object(&NOTES);
    let mut defined = Map::new();
    let properties = block.get_mut("properties").and_then(Value::as_object_mut);
    let Some(properties) = properties else { return block };
    for kind in ControlKind::ALL {
        let name = kind.as_str();
        defined.insert(name.to_owned(), object(&keys::of(kind)));
        let reference = json!({ "$ref": format!("#/$defs/{name}") });
        properties.insert(name.to_owned(), json!({ "anyOf": [{ "type": "array", "items": reference }, reference] }));
    }
    if let Some(members) = block.as_object_mut() {
        members.insert("$defs".to_owned(), Value::Object(defined));
    }
    block
}

fn object(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| {
            let mut value = takes(key.takes);
            if let Some(members) = value.as_object_mut() {
                members.insert("description".to_owned(), json!(key.says));
            }
            (key.name.to_owned(), value)
        })
        .collect();
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let needed: Vec<&str> = keys.iter().filter(|key| key.is_needed).map(|key| key.name).collect();
    if let Some(members) = object.as_object_mut().filter(|_| !needed.is_empty()) {
        members.insert("required".to_owned(), json!(needed));
    }
    object
}

fn takes(takes_: Takes) -> Value {
    let text = || json!({ "type": "string" });
    let words = || several(text());
    match takes_ {
        Takes::Text | Takes::After | Takes::Turn => text(),
        Takes::Length => json!({ "type": "string", "examples": ["14 days", "3 school days", "same day"] }),
        Takes::Every => json!({ "type": "string", "pattern": "^every " }),
        Takes::Date => json!({ "type": "string", "format": "date" }),
        Takes::Truth => json!({ "type": "boolean" }),
        Takes::Number => json!({ "type": "integer", "minimum": 0 }),
        Takes::Words
        | Takes::Groups
        | Takes::Parties
        | Takes::Roles
        | Takes::Listeners
        | Takes::RolesAndThem
        | Takes::RolesAndGroups
        | Takes::Readers
        | Takes::Periods
        | Takes::Places
        | Takes::DeviceClasses
        | Takes::Clauses
        | Takes::Keepers
        | Takes::Content
        | Takes::Stores
        | Takes::Systems
        | Takes::Channels
        | Takes::Categories
        | Takes::Sites
        | Takes::Registers
        | Takes::Events => words(),
        Takes::One(_) => text(),
        Takes::OneAction(actions) => {
            json!({ "enum": actions.iter().map(|action| action.as_str()).collect::<Vec<_>>() })
        }
        Takes::OneOf(known) => one_of(known),
        Takes::AnyOf(known) => several(one_of(known)),
        Takes::Form => json!({ "type": "array", "items": { "anyOf": [text(), object(&FIELD)] } }),
        Takes::Table(keys) => object(keys),
        Takes::Tables(keys) => several(object(keys)),
        Takes::List(keys) => json!({ "type": "array", "items": object(keys) }),
        Takes::Map(_, values) => json!({ "type": "object", "additionalProperties": takes(*values) }),
        Takes::Or(one, other) => json!({ "anyOf": [takes(*one), takes(*other)] }),
    }
}

/// One, or a list of them.
fn several(one: Value) -> Value {
    json!({ "anyOf": [{ "type": "array", "items": one }, one] })
}

fn one_of(known: &[(&str, &str)]) -> Value {
    let each: Vec<Value> = known.iter().map(|(word, says)| json!({ "const": word, "description": says })).collect();
    json!({ "oneOf": each })
}
