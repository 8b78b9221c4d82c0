//! Handlers, one file for each verb of a resource. Each reads, decides in the core, acts through `control`, shows.

pub(crate) mod agreement;
pub(crate) mod device;
pub(crate) mod grant;
pub(crate) mod help;
pub(crate) mod home;
pub(crate) mod limits;
pub(crate) mod manage;
pub(crate) mod policy;
pub(crate) mod refusal;
pub(crate) mod report;
pub(crate) mod request;
pub(crate) mod session;
