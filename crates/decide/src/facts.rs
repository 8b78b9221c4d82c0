//! What a door knows of a request.

use schoolgate_base::{DeviceClass, Host};

use crate::snapshot::Member;

/// A fact that a door may or may not be able to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<T> {
    /// This door has not seen it (yet).
    Unseen,
    Seen(T),
}

/// Who is asking.
#[derive(Debug, Clone, Copy)]
pub enum Who<'a> {
    /// Not looked at yet; another fact may tell.
    Unseen,
    /// Looked at, and nobody has signed in.
    Nobody,
    Known(&'a Member),
}

#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub host: &'a Host,
    /// Path and query, starting with `/`; a tunnel has not seen it.
    pub url: Seen<&'a str>,
    pub who: Who<'a>,
    /// Name of the place, where the address is in one.
    pub place: Option<&'a str>,
    pub device_class: Option<&'a DeviceClass>,
}
