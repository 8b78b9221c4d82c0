//! Pages as plain data: what a handler fills in, and the template that shows it. No store, no decisions.

pub(crate) mod agreement;
pub(crate) mod certificate;
pub(crate) mod frame;
pub(crate) mod gateway;
pub(crate) mod help;
pub(crate) mod home;
pub(crate) mod input;
pub(crate) mod manage;
pub(crate) mod message;
pub(crate) mod policy;
pub(crate) mod refusal;
pub(crate) mod report;
pub(crate) mod request;
pub(crate) mod session;

#[cfg(test)]
mod samples;

/// A question and its answer, read only.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) label: String,
    pub(crate) value: String,
}

impl Pair {
    pub(crate) fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into() }
    }
}

/// Something that happened, in words.
#[derive(Debug, Clone)]
pub(crate) struct Happened {
    pub(crate) when: String,
    pub(crate) words: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) label: String,
}

impl Link {
    pub(crate) fn new(href: impl Into<String>, label: impl Into<String>) -> Self {
        Self { href: href.into(), label: label.into() }
    }
}
