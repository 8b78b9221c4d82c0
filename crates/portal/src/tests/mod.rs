//! The portal as a browser without scripts sees it: requests in, status and pages out, on real records.

mod agreement;
mod gateway;
mod kit;
mod manage;
mod records;
mod refusal;
mod report;
mod request;
mod rules;
mod security;
mod session;
