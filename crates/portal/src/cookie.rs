//! The one cookie: a random secret of 256 bits. Who holds it is in the records, under its hash.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use schoolgate_base::SessionId;
use schoolgate_keys::{KeyError, hex, random_bytes, sha256_hex};

/// `__Host-`: only over TLS, only from this very host (RFC 6265bis §4.1.3.2).
const NAME: &str = "__Host-schoolgate";
/// The demonstration answers on plain loopback too, where browsers refuse the name above.
const DEMO_NAME: &str = "schoolgate-demo";
const SECRET_CHARS: usize = 64;

/// What the browser keeps.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    pub(crate) fn random() -> Result<Self, KeyError> {
        Ok(Self(hex(&random_bytes::<32>()?)))
    }

    /// What the browser sent, if it has the right form. With the same name twice the first counts.
    pub(crate) fn read(headers: &HeaderMap, is_plain_demo: bool) -> Option<Self> {
        let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let value = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == name_of(is_plain_demo))
            .map(|(_, value)| value)?;
        let is_ours = value.len() == SECRET_CHARS && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_ours.then(|| Self(value.to_owned()))
    }

    /// Without `Max-Age`: forgotten when the browser closes.
    pub(crate) fn set_cookie(&self, is_plain_demo: bool) -> Option<HeaderValue> {
        let secure = if is_plain_demo { "" } else { " Secure;" };
        let text = format!("{}={}; Path=/;{secure} HttpOnly; SameSite=Lax", name_of(is_plain_demo), self.0);
        HeaderValue::try_from(text).ok()
    }

    /// What the records keep in place of the secret.
    pub(crate) fn session(&self) -> Option<SessionId> {
        SessionId::new(&sha256_hex(format!("session {}", self.0).as_bytes())).ok()
    }

    /// What every form of this browser carries: another site can neither read nor guess it.
    pub(crate) fn form_token(&self) -> String {
        let mut token = sha256_hex(format!("form {}", self.0).as_bytes());
        token.truncate(32);
        token
    }
}

fn name_of(is_plain_demo: bool) -> &'static str {
    if is_plain_demo { DEMO_NAME } else { NAME }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookie: &str) -> Option<Secret> {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(cookie).unwrap());
        Secret::read(&headers, false)
    }

    #[test]
    fn a_secret_comes_back_and_nothing_else_does() {
        let secret = Secret::random().unwrap();
        let set = secret.set_cookie(false).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.ends_with("Path=/; Secure; HttpOnly; SameSite=Lax"), "{set}");
        let pair = set.split(';').next().unwrap();
        assert_eq!(sent(&format!("other=1; {pair}")), Some(secret.clone()));
        assert_eq!(sent("__Host-schoolgate=short"), None);
        assert_eq!(sent(&pair.replace("__Host-", "")), None);
        assert_ne!(secret.form_token(), secret.session().unwrap().to_string());
    }
}
